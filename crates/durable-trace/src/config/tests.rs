//! What comes of the environment.

use durable_trace_wire::HeaderStyle;

use super::*;

fn read(variables: &[(&str, &str)]) -> Environment {
    let find = |name: &str| {
        variables
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Environment::read(find, Vec::new())
}

#[test]
fn defaults_are_in_force_where_nothing_is_set() {
    let environment = read(&[]);
    assert_eq!(environment.checkpoint_budget, Duration::from_millis(250));
    assert_eq!(environment.checkpoint_mode, CheckpointMode::Ride);
    assert_eq!(environment.checkpoint_styles, CheckpointStyles::Datadog);
    assert_eq!(environment.flush_budget, Duration::from_millis(500));
    assert_eq!(environment.tags_max_length, 512);
    assert_eq!(environment.continuity, Continuity::Parent);
    assert_eq!(environment.carriers, CarrierRules::default());
    assert!(!environment.other_styles);
    assert_eq!(environment.replayed_spans, ReplayedSpans::Omit);
    assert_eq!(environment.replayed_logs, ReplayedLogs::Emit);
    assert!(environment.logs_injection && environment.env.is_none());
    assert!(environment.max_age.is_none() && !environment.suspended_spans);
    assert_eq!(environment.concurrency, 1);
    assert!(environment.cross_invocation && environment.enabled && environment.warnings);
    assert!(environment.bad.is_empty() && environment.error_messages);
}

#[test]
fn each_variable_changes_what_it_says() {
    let environment = read(&[
        (variables::CHECKPOINT_BUDGET_MS, "7"),
        (variables::CHECKPOINT_MODE, "call"),
        (variables::CHECKPOINT_STYLE, "datadog, tracecontext"),
        (variables::CROSS_INVOCATION_TRACING, "False"),
        (variables::TRACE_ENABLED, "0"),
        (variables::FLUSH_BUDGET_MS, "9"),
        (variables::TAGS_MAX_LENGTH, "64"),
        (variables::WARNINGS, "false"),
        (variables::CONTINUITY, "link"),
        (variables::DECODE_AUTHORIZER, "false"),
        (variables::MERGE_XRAY, "true"),
        (variables::EXTRACT_STYLES, "b3, tracecontext"),
        (variables::MAX_AGE, "2d"),
        (variables::REPLAYED_SPANS, "emit"),
        (variables::REPLAYED_LOGS, "omit"),
        (variables::LOGS_INJECTION, "false"),
        ("DD_ENV", "test"),
        ("DD_VERSION", "1"),
        (variables::SUSPENDED_SPANS, "true"),
        (variables::ERROR_MESSAGES, "false"),
        ("AWS_LAMBDA_MAX_CONCURRENCY", "4"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ]);
    assert_eq!(environment.checkpoint_budget, Duration::from_millis(7));
    assert_eq!(environment.checkpoint_mode, CheckpointMode::Call);
    assert_eq!(environment.continuity, Continuity::Link);
    assert_eq!(environment.carriers.styles, [HeaderStyle::TraceContext]);
    assert!(environment.other_styles && environment.carriers.merge_xray);
    assert!(!environment.carriers.decode_authorizer);
    assert_eq!(environment.max_age, Some(Duration::from_hours(48)));
    assert_eq!(environment.replayed_spans, ReplayedSpans::Emit);
    assert_eq!(environment.replayed_logs, ReplayedLogs::Omit);
    assert!(!environment.logs_injection);
    assert_eq!(
        (environment.env.as_deref(), environment.version.as_deref()),
        (Some("test"), Some("1"))
    );
    assert!(environment.suspended_spans && !environment.error_messages);
    assert_eq!(
        environment.checkpoint_styles,
        CheckpointStyles::DatadogAndTraceContext
    );
    assert!(!environment.cross_invocation && !environment.enabled && !environment.warnings);
    assert_eq!(
        (environment.flush_budget, environment.tags_max_length),
        (Duration::from_millis(9), 64)
    );
    assert!(environment.concurrency == 4 && environment.json_logs);
}

#[test]
fn what_is_wrong_with_variables_is_told_by_kind() {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let variables = [
        set(variables::CHECKPOINT_MODE, "swim"),
        set("DURABLE_TRACE_CONTINUTY", "link"),
        set("DD_SERVICE", "a"),
        set("OTEL_SERVICE_NAME", "b"),
    ];
    let names = |own_tracer| {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.clone())
        };
        let set = variables.iter().map(|(name, _)| name.clone()).collect();
        let findings = Environment::read(lookup, set).findings(own_tracer, false);
        findings.iter().map(Warning::name).collect::<Vec<_>>()
    };
    assert_eq!(
        names(true),
        ["unusable-variable", "unknown-variable", "contradiction"]
    );
    assert_eq!(
        names(false),
        ["unusable-variable", "unknown-variable"],
        "a tracer of the user's reads what it likes"
    );
    assert_eq!(findings_in(&variables).len(), 3);
}

/// Each as `guide/configuration.md` has it: that it is there, and that its default is what is in force where it is not set.
#[test]
fn the_guide_has_each_variable_with_its_default() {
    let table = include_str!("../../guide/configuration.md");
    let (_, names) = include_str!("../contract.rs")
        .split_once("pub mod variables {")
        .unwrap();
    let names = names.lines().filter_map(|line| {
        let (_, name) = line.split_once("&str = \"")?;
        name.strip_suffix("\";")
    });
    let mut seen = 0;
    for name in names {
        let row = table
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")))
            .unwrap_or_else(|| panic!("guide/configuration.md lacks {name}"));
        let default = row.split(" | ").nth(2).unwrap();
        let environment = match default.strip_prefix('`') {
            Some(value) => read(&[(name, value.trim_end_matches('`'))]),
            None => read(&[]),
        };
        let has_none = [variables::INVOKE_TARGETS, variables::MAX_AGE].contains(&name);
        assert_eq!(default == "none", has_none, "{name}: {default}");
        assert_eq!(environment, read(&[]), "{name}: {default}");
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn a_filter_that_is_not_understood_is_told_of_where_it_is_ours() {
    let environment = read(&[("RUST_LOG", "warn,[payment]=debug")]);
    let names = |own_subscriber| {
        let findings = environment.findings(true, own_subscriber);
        findings.iter().map(Warning::name).collect::<Vec<_>>()
    };
    assert_eq!(names(true), ["unusable-variable"]);
    assert_eq!(
        names(false),
        [""; 0],
        "the user's own subscriber reads what it likes"
    );
}

#[test]
fn an_age_is_seconds_or_has_a_unit() {
    for (text, want) in [
        ("90", Some(90)),
        ("90s", Some(90)),
        ("2m", Some(120)),
        ("1h", Some(3_600)),
        ("3d", Some(259_200)),
        ("", None),
        ("h", None),
        ("-1h", None),
        ("1 h", None),
        ("99999999999999999999d", None),
        ("213503982334602d", None),
        ("1é", None),
    ] {
        assert_eq!(parse_age(text), want.map(Duration::from_secs), "{text}");
    }
}

#[test]
fn an_unusable_value_leaves_the_default_and_is_named() {
    for (name, value) in [
        (variables::CHECKPOINT_BUDGET_MS, "-1"),
        (variables::CHECKPOINT_MODE, "swim"),
        (variables::CHECKPOINT_STYLE, "b3"),
        (variables::TRACE_ENABLED, "maybe"),
        (variables::CONTINUITY, "both"),
        (variables::MAX_AGE, "soon"),
        (variables::REPLAYED_SPANS, "some"),
        (variables::REPLAYED_LOGS, "true"),
        (variables::LOGS_INJECTION, "yes please"),
        (variables::TAGS_MAX_LENGTH, "long"),
        (variables::ERROR_MESSAGES, "no"),
        (variables::VIEW, "aws"),
    ] {
        let environment = read(&[(name, value)]);
        let names: Vec<_> = environment.bad.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, [name], "{value}");
        assert_eq!(
            Environment {
                bad: Vec::new(),
                ..environment
            },
            read(&[]),
            "{name}"
        );
    }
}
