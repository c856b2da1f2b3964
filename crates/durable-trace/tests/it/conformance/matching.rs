//! Whether a history is the one that a requirement asks for, by the rules of AWS's files.
//!
//! `*` is anything that is there, `${NAME}` is the same wherever it stands, `${/…/}` is a regular
//! expression, and a member that is not asked for does not matter. Beyond AWS's rules, no event may be
//! there that was not asked for, but for the ends of invocations and of the execution.

use std::collections::HashMap;

use regex_lite::Regex;
use serde_json::Value;

/// Compares all events; the first difference is an error that says where.
pub(super) fn history(expected: &[Value], actual: &[Value], complete: bool) -> Result<(), String> {
    let mut bound = HashMap::new();
    for want in expected {
        let id = &want["EventId"];
        let at = format!("event {id}");
        let found = actual.iter().find(|event| event["EventId"] == *id);
        matches(want, found, &mut bound, &at)?;
    }
    let unasked = actual.iter().find(|event| {
        let kind = event["EventType"].as_str().unwrap_or_default();
        !kind.starts_with("Execution")
            && kind != "InvocationCompleted"
            && !expected
                .iter()
                .any(|want| want["EventId"] == event["EventId"])
    });
    match unasked {
        Some(event) if complete => Err(format!(
            "event {}: {} was not asked for",
            event["EventId"], event["EventType"]
        )),
        _ => Ok(()),
    }
}

/// Compares a result: as JSON, or as the text that it is.
pub(super) fn result(expected: &Value, actual: Option<&str>) -> Result<(), String> {
    let parsed = actual.map_or(Ok(Value::Null), serde_json::from_str::<Value>);
    let same = parsed.is_ok_and(|parsed| parsed == *expected) || expected.as_str() == actual;
    same.then_some(())
        .ok_or_else(|| format!("result {actual:?} instead of {expected}"))
}

fn matches(
    want: &Value,
    found: Option<&Value>,
    bound: &mut HashMap<String, Value>,
    at: &str,
) -> Result<(), String> {
    let Some(found) = found else {
        return Err(format!("{at} is not there"));
    };
    let differs = || Err(format!("{at} is {found} instead of {want}"));
    match want {
        Value::Object(members) => {
            for (key, want) in members {
                matches(want, found.get(key), bound, &format!("{at}, {key}"))?;
            }
            Ok(())
        }
        Value::String(text) => match placeholder(text) {
            Placeholder::Anything => Ok(()),
            Placeholder::Bound(name) => {
                let first = bound
                    .entry(name.to_owned())
                    .or_insert_with(|| found.clone());
                if first == found { Ok(()) } else { differs() }
            }
            Placeholder::Pattern(pattern) => {
                let text = found
                    .as_str()
                    .map_or_else(|| found.to_string(), str::to_owned);
                if pattern.is_match(&text) {
                    Ok(())
                } else {
                    differs()
                }
            }
            Placeholder::None if want == found => Ok(()),
            Placeholder::None => differs(),
        },
        _ if want == found => Ok(()),
        _ => differs(),
    }
}

enum Placeholder<'a> {
    Anything,
    Bound(&'a str),
    None,
    Pattern(Regex),
}

fn placeholder(text: &str) -> Placeholder<'_> {
    if text == "*" {
        return Placeholder::Anything;
    }
    let Some(inner) = text
        .strip_prefix("${")
        .and_then(|text| text.strip_suffix('}'))
    else {
        return Placeholder::None;
    };
    match pattern(inner) {
        Some(pattern) => Placeholder::Pattern(pattern),
        None => Placeholder::Bound(inner),
    }
}

/// The regular expression between slashes.
pub(super) fn pattern(text: &str) -> Option<Regex> {
    let inner = text.strip_prefix('/')?.strip_suffix('/')?;
    Some(Regex::new(inner).expect("a regular expression"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_bound_at_first_sight_and_a_star_needs_something() {
        let event = |id: u32, own: &str| json!({"EventId": id, "EventType": "StepStarted", "Id": own, "StepStartedDetails": {}});
        let want = |id: u32| json!({"EventId": id, "Id": "${A}", "StepStartedDetails": "*"});
        let twice = [want(2), want(3)];
        assert_eq!(
            history(&twice, &[event(2, "x"), event(3, "x")], true),
            Ok(())
        );
        assert!(history(&twice, &[event(2, "x"), event(3, "y")], true).is_err());
        let named = [json!({"EventId": 2, "Name": "*"})];
        assert_eq!(
            history(&named, &[event(2, "x")], true),
            Err("event 2, Name is not there".to_owned())
        );
    }

    #[test]
    fn an_event_that_nobody_asked_for_is_a_difference() {
        let actual = [
            json!({"EventId": 2, "EventType": "StepStarted"}),
            json!({"EventId": 3, "EventType": "InvocationCompleted"}),
        ];
        assert!(history(&[], &actual, true).is_err());
        assert_eq!(history(&[], &actual, false), Ok(()));
        assert_eq!(history(&[json!({"EventId": 2})], &actual, true), Ok(()));
    }

    #[test]
    fn patterns_and_results() {
        let actual = [json!({"EventId": 2, "EventType": "ExecutionStarted", "Delay": 10})];
        let want = |pattern: &str| [json!({"EventId": 2, "Delay": pattern})];
        assert_eq!(history(&want("${/^([0-9]|10)$/}"), &actual, true), Ok(()));
        assert!(history(&want("${/^[0-5]$/}"), &actual, true).is_err());
        assert_eq!(result(&json!("HELLO"), Some("\"HELLO\"")), Ok(()));
        assert_eq!(result(&json!("\"HELLO\""), Some("\"HELLO\"")), Ok(()));
        assert!(result(&json!("HELLO"), Some("\"hello\"")).is_err());
        assert_eq!(result(&Value::Null, None), Ok(()));
    }
}
