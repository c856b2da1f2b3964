//! Exit codes and help.

use crate::program::{command, run};

#[test]
fn wrong_usage_exits_2_and_says_what_was_expected() {
    for (args, part, why) in [
        (&["nonsense"][..], "nonsense", "no such command"),
        (&[], "Usage", "no command"),
        (
            &["demo", "nonsense"],
            "three-waits",
            "no such workflow: the message lists them",
        ),
        (&["demo", "--format", "yaml"], "json", "no such format"),
        (&["demo", "--agent", "localhost"], "http://", "no URL"),
        (
            &["extract", "--from", "nowhere"],
            "headers",
            "no such source",
        ),
        (&["explain", "--headers", "{"], "JSON object", "no JSON"),
        (&["explain", "--headers", "[]"], "JSON object", "no object"),
        (&["doctor", "--format", "yaml"], "json", "no such format"),
        (&["explain", "--span-id", "0"], "--span-id", "zero is no id"),
        (
            &["explain", "--span-id", "0x7"],
            "--span-id",
            "hex is no id",
        ),
        (
            &["serve", "--clock", "fast"],
            "real, skip, or a factor",
            "no such clock",
        ),
        (&["serve", "--function", "f"], "NAME=COMMAND", "no command"),
        (&["serve", "--function", "f='"], "split", "an open quote"),
        (&["serve", "--port", "70000"], "--port", "no port"),
        (
            &["serve", "--port", "0", "--invoke-only"],
            "--invoke-only needs AWS_ENDPOINT_URL_LAMBDA in the environment",
            "nowhere to checkpoint",
        ),
        (
            &["serve", "--invoke-only", "--clock", "skip"],
            "--clock",
            "no clock of ours counts there",
        ),
        (
            &["serve", "--invoke-only", "--execution-timeout", "5m"],
            "--execution-timeout",
            "no execution is kept",
        ),
        (&["serve", "--timeout", "soon"], "30s", "no time"),
        (
            &[
                "serve",
                "--port",
                "0",
                "--function",
                "f=a",
                "--plain-function",
                "f=b",
            ],
            "twice",
            "one name, two functions",
        ),
    ] {
        let ran = run(args, "");
        assert_eq!(ran.code, Some(2), "{why}: {args:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{why}: nothing on stdout");
        assert!(ran.stderr.contains(part), "{why}: {args:?}: {}", ran.stderr);
    }
}

#[test]
fn every_command_has_an_example_in_its_help() {
    for name in ["demo", "serve", "extract", "inject", "explain", "doctor"] {
        let ran = run(&[name, "--help"], "");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let (_, examples) = ran.stdout.split_once("Example").unwrap();
        assert!(
            examples.contains(&format!("durable-trace {name}")),
            "{name}"
        );
    }
}

#[test]
fn the_three_tools_say_what_they_are_for() {
    for name in ["extract", "inject", "explain"] {
        let help = run(&[name, "--help"], "").stdout;
        assert!(help.starts_with("Why did my trace break?"), "{help}");
    }
    let help = run(&["--help"], "").stdout;
    assert!(
        !help.contains("function  "),
        "the demo's own command is hidden: {help}"
    );
}

#[test]
fn a_closed_stdout_ends_quietly() {
    for (args, input) in [
        (&["extract"][..], "{}\n".repeat(100_000)),
        (&["inject"], "null\n".repeat(100_000)),
        (&["explain"], "{}".to_owned()),
        (&["demo", "--list"], String::new()),
        (&["doctor", "--offline"], String::new()),
    ] {
        let mut command = command(args);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdin(std::process::Stdio::piped()).stdout(writer);
        command.stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(command);
        let mut stdin = child.stdin.take().unwrap();
        let feed = std::thread::spawn(move || {
            let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        feed.join().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert_eq!(output.stderr, b"", "{args:?}");
    }
}

#[test]
fn workflows_are_listed_a_line_each() {
    let ran = run(&["demo", "--list"], "");
    assert_eq!(ran.code, Some(0));
    let names: Vec<_> = ran
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    // AWS's scenarios come last; `otel.rs` runs each of them.
    let (scenarios, names): (Vec<&str>, Vec<&str>) = names
        .into_iter()
        .partition(|name| name.starts_with("otel-"));
    assert!(
        ran.stdout
            .trim_end()
            .lines()
            .rev()
            .take(scenarios.len())
            .all(|line| line.starts_with("otel-"))
    );
    let want = [
        "order",
        "step-wait-step",
        "three-waits",
        "step-retry",
        "callback",
        "create-callback",
        "invoke",
        "caller",
        "parallel-waits",
        "map-items",
        "child-wait",
        "condition",
        "no-suspend",
        "suspend-then-fail",
        "step-fail-after-wait",
        "resampled",
    ];
    assert_eq!(names, want);
}

#[test]
fn a_full_stdout_is_a_failure() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("skipped: no /dev/full here");
        return;
    };
    let mut command = command(&["demo", "--list"]);
    command.stdout(full).stderr(std::process::Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("writing to stdout"), "{stderr}");
}
