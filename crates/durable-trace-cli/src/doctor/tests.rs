use std::time::Duration;

use super::*;

/// Everybody answers, now, and is who they should be.
fn healthy() -> Asked {
    at(SystemTime::UNIX_EPOCH + Duration::from_secs(100))
}

/// Everybody answers `now`, with a date of a hundred seconds after the epoch.
fn at(now: SystemTime) -> Asked {
    Asked::Answered {
        answer: b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:01:40 GMT\r\n\r\n{}".to_vec(),
        asked: now,
        heard: now,
    }
}

fn locked(version: &str) -> LockedSdk {
    LockedSdk::Versions(vec![version.to_owned()])
}

/// The lines for these variables, where agent and API answer so.
fn lines(set: &[(&str, &str)], sdk: &LockedSdk, agent: &Asked, api: &Asked) -> Vec<Check> {
    let variables: Vec<_> = set
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let network = Network {
        agent: &|_| agent.clone(),
        api: &|_| api.clone(),
    };
    examine(&variables, sdk, Some(&network))
}

/// Those that are not well: check, kind.
fn ill(checks: &[Check]) -> Vec<(&'static str, &'static str)> {
    checks
        .iter()
        .filter_map(|check| Some((check.name, check.kind?)))
        .collect()
}

const REGION: (&str, &str) = ("AWS_REGION", "eu-west-1");

#[test]
fn a_sound_environment_has_no_warning() {
    let checks = lines(&[REGION], &locked("0.1.0"), &healthy(), &healthy());
    assert_eq!(ill(&checks), []);
    let results: Vec<_> = checks
        .iter()
        .map(|check| (check.name, check.result))
        .collect();
    assert_eq!(
        results,
        [
            ("variable-values", "ok"),
            ("variable-names", "ok"),
            ("variable-pairs", "ok"),
            ("agent", "ok"),
            ("lambda-api", "ok"),
            ("attempts", "ok"),
            ("sdk-version", "ok"),
            ("clock", "ok"),
            ("function", "skipped"),
        ]
    );
}

#[test]
fn each_thing_that_is_wrong_has_its_line() {
    let sdk = locked("0.1.0");
    for (set, want, why) in [
        (
            &[REGION, ("DURABLE_TRACE_CHECKPOINT_MODE", "swim")][..],
            ("variable-values", "unusable-variable"),
            "a value",
        ),
        (
            &[REGION, ("DD_TRACE_SAMPLE_RATE", "50")],
            ("variable-values", "unusable-variable"),
            "a value of the tracer's",
        ),
        (
            &[REGION, ("DURABLE_TRACE_MODE", "call")],
            ("variable-names", "unknown-variable"),
            "a name",
        ),
        (
            &[REGION, ("DD_SERVICE", "a"), ("OTEL_SERVICE_NAME", "b")],
            ("variable-pairs", "contradiction"),
            "a pair",
        ),
        (
            &[REGION, ("DD_TRACE_AGENT_URL", "agent:8126")],
            ("agent", "agent-url"),
            "no URL",
        ),
        (
            &[REGION, ("AWS_MAX_ATTEMPTS", "1")],
            ("attempts", "one-attempt"),
            "one attempt",
        ),
        (
            &[REGION, ("AWS_MAX_ATTEMPTS", "few")],
            ("attempts", "unusable-variable"),
            "no number",
        ),
    ] {
        let checks = lines(set, &sdk, &healthy(), &healthy());
        assert_eq!(ill(&checks), [want], "{why}: {set:?}");
    }
    let stranger = Asked::Answered {
        answer: b"HTTP/1.1 404 Not Found\r\n\r\n".to_vec(),
        asked: SystemTime::UNIX_EPOCH,
        heard: SystemTime::UNIX_EPOCH,
    };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(200);
    for (sdk, agent, api, want, why) in [
        (
            &sdk,
            Asked::Unreached,
            healthy(),
            ("agent", "agent-absent"),
            "nobody",
        ),
        (
            &sdk,
            stranger,
            healthy(),
            ("agent", "agent-strange"),
            "somebody else",
        ),
        (
            &sdk,
            healthy(),
            Asked::Unreached,
            ("lambda-api", "api-unreachable"),
            "no way",
        ),
        (
            &sdk,
            healthy(),
            at(now),
            ("clock", "clock-skew"),
            "another time",
        ),
        (
            &locked("0.2.0"),
            healthy(),
            healthy(),
            ("sdk-version", "sdk-untested"),
            "another version",
        ),
    ] {
        assert_eq!(ill(&lines(&[REGION], sdk, &agent, &api)), [want], "{why}");
    }
}

#[test]
fn what_was_not_looked_at_is_skipped_with_the_reason() {
    let variables = [("AWS_REGION".to_owned(), "eu-west-1".to_owned())];
    let offline = examine(&variables, &LockedSdk::NoFile, None);
    let online = lines(
        &[("DD_TRACE_ENABLED", "false")],
        &LockedSdk::NotInIt,
        &healthy(),
        &healthy(),
    );
    for (checks, check, part) in [
        (&offline, "agent", "--offline"),
        (&offline, "lambda-api", "--offline"),
        (&offline, "sdk-version", "no Cargo.lock"),
        (&offline, "clock", "answered with a date"),
        (&online, "agent", "DD_TRACE_ENABLED=false"),
        (&online, "lambda-api", "AWS_REGION"),
        (&online, "sdk-version", "does not name"),
    ] {
        let found = checks.iter().find(|own| own.name == check).unwrap();
        assert_eq!(found.result, "skipped", "{found:?}");
        assert!(found.message.contains(part), "{found:?}");
        assert!(found.is_sound());
    }
}

#[test]
fn the_clock_of_an_agent_on_this_machine_says_nothing() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(200);
    for (url, want) in [
        ("http://localhost:8126", "skipped"),
        ("http://agent:8126", "warning"),
    ] {
        let set = [("DD_TRACE_AGENT_URL", url), REGION];
        let checks = lines(&set, &locked("0.1.0"), &at(now), &Asked::Connected);
        let clock = checks.iter().find(|check| check.name == "clock").unwrap();
        assert_eq!(clock.result, want, "{url}");
    }
}

#[test]
fn the_api_is_where_the_aws_client_looks_for_it() {
    let region = ("AWS_REGION", "eu-west-1");
    for (set, want, why) in [
        (
            &[region][..],
            Some("https://lambda.eu-west-1.amazonaws.com:443"),
            "a region",
        ),
        (
            &[("AWS_DEFAULT_REGION", "cn-north-1")],
            Some("https://lambda.cn-north-1.amazonaws.com.cn:443"),
            "the older name, another partition",
        ),
        (
            &[
                region,
                ("AWS_ENDPOINT_URL", "http://h:1"),
                ("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:9001"),
            ],
            Some("http://127.0.0.1:9001"),
            "the nearest endpoint",
        ),
        (
            &[region, ("AWS_ENDPOINT_URL", "https://h/p")],
            Some("https://h:443"),
            "any endpoint",
        ),
        (&[], None, "nothing"),
    ] {
        let api = Api::find(&|name| {
            let found = set.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        assert_eq!(api.map(|api| api.url()).as_deref(), want, "{why}");
    }
}
