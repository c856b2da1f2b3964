//! `doctor`: its lines, its exit codes, and that it says what the library says.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use durable_trace::Warning;
use serde_json::{Value, json};

use crate::program::{Ran, command, finish};

/// Somebody who gives the same answer to every request: the URL, and how many have connected.
fn listener(reply: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut reader = BufReader::new(connection);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let _ = reader.get_mut().write_all(reply.as_bytes());
        }
    });
    (url, connections)
}

const AGENT: &str = "HTTP/1.1 200 OK\r\n\r\n{\"endpoints\":[]}";
const LAMBDA: &str = "HTTP/1.1 404 Not Found\r\n\r\n{}";
/// A port that is reserved, and at which nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

/// Runs `doctor` with an agent and a Lambda endpoint that are well, unless `set` says otherwise.
fn doctor(args: &[&str], set: &[(&str, &str)]) -> Ran {
    let mut doctor = command(&[&["doctor"], args].concat());
    doctor
        .env("DD_TRACE_AGENT_URL", listener(AGENT).0)
        .env("AWS_ENDPOINT_URL_LAMBDA", listener(LAMBDA).0)
        .envs(set.iter().copied());
    finish(doctor, b"")
}

/// The warnings in a result: check, kind, message.
fn warnings(ran: &Ran) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = ran.json()["checks"].as_array().unwrap().clone();
    checks
        .iter()
        .filter(|check| check["result"] == "warning")
        .map(|check| {
            (
                text(&check["check"]),
                text(&check["kind"]),
                text(&check["message"]),
            )
        })
        .collect()
}

#[test]
fn a_sound_environment_exits_0_with_a_line_for_each_check() {
    let ran = doctor(&[], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<_> = ran
        .stdout
        .lines()
        .map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        lines,
        [
            "ok variable-values",
            "ok variable-names",
            "ok variable-pairs",
            "ok agent",
            "ok lambda-api",
            "ok attempts",
            "ok sdk-version",
            "skipped clock",
            "skipped function",
        ]
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn what_is_wrong_exits_1_and_says_what_the_library_says() {
    let agent = "DD_TRACE_AGENT_URL";
    let stranger = listener(LAMBDA).0;
    for (set, check, warning) in [
        (
            vec![(agent, NOBODY)],
            "agent",
            Warning::AgentAbsent {
                url: NOBODY.to_owned(),
            },
        ),
        (
            vec![(agent, stranger.as_str())],
            "agent",
            Warning::AgentStrange {
                url: stranger.clone(),
                answer: "GET /info: 404".to_owned(),
            },
        ),
        (
            vec![(agent, "localhost:8126")],
            "agent",
            Warning::AgentUrl {
                url: "localhost:8126".to_owned(),
            },
        ),
        (
            vec![("AWS_ENDPOINT_URL_LAMBDA", NOBODY)],
            "lambda-api",
            Warning::ApiUnreachable {
                endpoint: Some(NOBODY.to_owned()),
            },
        ),
        (
            vec![("AWS_MAX_ATTEMPTS", "1")],
            "attempts",
            Warning::OneAttempt,
        ),
        (
            vec![("DURABLE_TRACE_REPLAYED_SPANS", "some")],
            "variable-values",
            Warning::UnusableVariable(vec![("DURABLE_TRACE_REPLAYED_SPANS", "omit or emit")]),
        ),
        (
            vec![("DURABLE_TRACE_REPLAY_SPANS", "emit")],
            "variable-names",
            Warning::UnknownVariable(vec![(
                "DURABLE_TRACE_REPLAY_SPANS".to_owned(),
                Some("DURABLE_TRACE_REPLAYED_SPANS"),
            )]),
        ),
    ] {
        let ran = doctor(&["--format", "json"], &set);
        assert_eq!(ran.code, Some(1), "{set:?}: {ran:?}");
        let want = (
            check.to_owned(),
            warning.name().to_owned(),
            warning.to_string(),
        );
        assert_eq!(warnings(&ran), [want], "{set:?}");
        let text = doctor(&[], &set);
        assert!(text.stdout.contains(&warning.to_string()), "{set:?}");
    }
}

#[test]
fn contradictions_say_which_variable_wins() {
    let set = [
        ("DURABLE_TRACE_CONTINUITY", "link"),
        ("DURABLE_TRACE_MAX_AGE", "1d"),
    ];
    let ran = doctor(&["--format", "json"], &set);
    let [(_, kind, message)] = &warnings(&ran)[..] else {
        panic!("{ran:?}")
    };
    assert_eq!(kind, "contradiction");
    let part = "DURABLE_TRACE_CONTINUITY=link wins over DURABLE_TRACE_MAX_AGE";
    assert!(message.contains(part), "{message}");
}

#[test]
fn the_clock_is_held_against_the_date_of_an_answer() {
    let past = "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:01:40 GMT\r\n\r\n{}";
    let (url, _) = listener(past);
    let ran = doctor(&["--format", "json"], &[("AWS_ENDPOINT_URL_LAMBDA", &url)]);
    let [(check, kind, message)] = &warnings(&ran)[..] else {
        panic!("{ran:?}")
    };
    assert_eq!((check.as_str(), kind.as_str()), ("clock", "clock-skew"));
    assert!(message.contains("s behind this one"), "{message}");
}

#[test]
fn offline_connects_to_nobody() {
    let (agent, asked) = listener(AGENT);
    let (lambda, called) = listener(LAMBDA);
    let set = [
        ("DD_TRACE_AGENT_URL", agent.as_str()),
        ("AWS_ENDPOINT_URL_LAMBDA", lambda.as_str()),
    ];
    assert_eq!(doctor(&["--offline"], &set).code, Some(0));
    let connections = || asked.load(Ordering::SeqCst) + called.load(Ordering::SeqCst);
    assert_eq!(connections(), 0);
    assert_eq!(doctor(&[], &set).code, Some(0));
    assert_eq!(connections(), 2);
}

#[test]
fn the_json_has_the_same_members_always() {
    for (args, set, sound) in [
        (&["--format", "json"][..], &[][..], true),
        (&["--format", "json", "--offline"], &[], true),
        (&["--format", "json"], &[("AWS_MAX_ATTEMPTS", "1")], false),
    ] {
        let report = doctor(args, set).json();
        assert_eq!(report["sound"], json!(sound));
        assert_eq!(report.as_object().unwrap().len(), 2);
        for check in report["checks"].as_array().unwrap() {
            let members: Vec<_> = check.as_object().unwrap().keys().collect();
            assert_eq!(members, ["check", "kind", "message", "result"]);
            assert_eq!(check["kind"].is_string(), check["result"] == "warning");
        }
    }
}

#[test]
fn no_value_of_a_variable_is_shown() {
    let set = [
        ("DD_API_KEY", "s3cret"),
        ("DD_TRACE_AGENT_URL", "http://me:s3cret@127.0.0.1:1"),
        ("DD_TRACE_SAMPLE_RATE", "s3cret"),
        ("DURABLE_TRACE_INVOKE_TARGETS", "s3cret"),
        ("DURABLE_TRACE_NO_SUCH", "s3cret"),
        ("AWS_MAX_ATTEMPTS", "s3cret"),
        ("AWS_ENDPOINT_URL_LAMBDA", "http://me:s3cret@127.0.0.1:1"),
    ];
    let ran = doctor(&[], &set);
    assert_eq!(ran.code, Some(1));
    assert!(
        !ran.stdout.contains("s3cret") && !ran.stderr.contains("s3cret"),
        "{ran:?}"
    );
}

#[test]
fn the_sdks_version_is_that_of_the_nearest_lock_file() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("doctor");
    let inner = folder.join("src");
    std::fs::create_dir_all(&inner).unwrap();
    let lock = "[[package]]\nname = \"aws-durable-execution-sdk\"\nversion = \"0.9.0\"\n";
    std::fs::write(folder.join("Cargo.lock"), lock).unwrap();
    let mut doctor: Command = command(&["doctor", "--offline", "--format", "json"]);
    doctor.current_dir(&inner);
    let ran = finish(doctor, b"");
    let warning = Warning::SdkUntested {
        version: "0.9.0".to_owned(),
    };
    let want = (
        "sdk-version".to_owned(),
        warning.name().to_owned(),
        warning.to_string(),
    );
    assert_eq!(warnings(&ran), [want]);
}
