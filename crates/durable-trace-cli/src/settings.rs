//! What `extract`, `explain` and `inject` take from the environment, so that they answer as the library in a function would.

use durable_trace_wire::{CarrierRules, CheckpointStyles, HeaderStyle, WriteRules};

use crate::caller::CallerRules;

/// The writer's rules as the environment sets them; what does not parse counts as not set.
pub(crate) fn write_rules() -> WriteRules {
    write_rules_from(|name| std::env::var(name).ok())
}

/// How the caller's context is looked for, as the environment sets it; what does not parse counts as not set.
pub(crate) fn caller_rules() -> CallerRules {
    caller_rules_from(|name| std::env::var(name).ok())
}

const CROSS_INVOCATION: &str = "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED";

fn flag(value: Option<String>) -> Option<bool> {
    match value?.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn caller_rules_from(variable: impl Fn(&str) -> Option<String>) -> CallerRules {
    let default = CarrierRules::default();
    let styles = variable("DD_TRACE_PROPAGATION_STYLE_EXTRACT")
        .or_else(|| variable("DD_TRACE_PROPAGATION_STYLE"))
        .filter(|list| !list.trim().is_empty());
    CallerRules {
        carriers: CarrierRules {
            styles: styles.map_or(default.styles, |list| HeaderStyle::parse_list(&list)),
            decode_authorizer: flag(variable("DD_DECODE_AUTHORIZER_CONTEXT"))
                .unwrap_or(default.decode_authorizer),
            ..default
        },
        when_resumed: flag(variable(CROSS_INVOCATION)).unwrap_or(true),
    }
}

fn write_rules_from(variable: impl Fn(&str) -> Option<String>) -> WriteRules {
    let flag = |name: &str| flag(variable(name));
    let default = WriteRules::default();
    let styles = variable("DURABLE_TRACE_CHECKPOINT_STYLE");
    let styles = styles.and_then(|list| CheckpointStyles::parse(&list));
    WriteRules {
        enabled: flag(CROSS_INVOCATION).unwrap_or(true) && flag("DD_TRACE_ENABLED").unwrap_or(true),
        styles: styles.unwrap_or(default.styles),
        tags_max_length: variable("DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH")
            .and_then(|v| v.trim().parse().ok())
            .unwrap_or(default.tags_max_length),
        ..default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_sets_the_rules() {
        let rules = |name: &'static str, value: &'static str| {
            write_rules_from(move |n| (n == name).then(|| value.to_owned()))
        };
        assert!(rules("", "").enabled, "on by default");
        for (value, enabled, why) in [
            ("false", false, "off"),
            ("0", false, "off, as the tracer reads it"),
            (" False ", false, "any case, blanks around"),
            ("true", true, "on"),
            ("maybe", true, "no value counts as not set"),
        ] {
            for name in [
                "DD_DURABLE_CROSS_INVOCATION_TRACING_ENABLED",
                "DD_TRACE_ENABLED",
            ] {
                assert_eq!(
                    rules(name, value).enabled,
                    enabled,
                    "{why}: {name}={value:?}"
                );
            }
        }
        for (value, want, why) in [
            ("64", 64, "a length"),
            ("0", 0, "no tags"),
            ("-1", 512, "no length"),
            ("much", 512, "no number"),
        ] {
            let got = rules("DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH", value).tags_max_length;
            assert_eq!(got, want, "{why}: {value:?}");
        }
        let both = rules("DURABLE_TRACE_CHECKPOINT_STYLE", "datadog, tracecontext").styles;
        assert!(matches!(both, CheckpointStyles::DatadogAndTraceContext));
    }

    #[test]
    fn the_environment_says_how_an_event_is_read() {
        let rules = |name: &'static str, value: &'static str| {
            caller_rules_from(move |n| (n == name).then(|| value.to_owned()))
        };
        assert_eq!(rules("", "").carriers, CarrierRules::default());
        let w3c = [HeaderStyle::TraceContext];
        for (name, value, want, why) in [
            (
                "DD_TRACE_PROPAGATION_STYLE_EXTRACT",
                "tracecontext",
                &w3c[..],
                "a list",
            ),
            (
                "DD_TRACE_PROPAGATION_STYLE",
                "tracecontext,b3",
                &w3c,
                "for both directions",
            ),
            ("DD_TRACE_PROPAGATION_STYLE_EXTRACT", "none", &[], "none"),
        ] {
            assert_eq!(rules(name, value).carriers.styles, want, "{why}");
        }
        let authorizers = |value| rules("DD_DECODE_AUTHORIZER_CONTEXT", value);
        assert!(!authorizers("false").carriers.decode_authorizer);
        assert!(rules("", "").when_resumed && !rules(CROSS_INVOCATION, "0").when_resumed);
    }
}
