use serde::Serialize;
use serde_json::{Value, json};

use super::*;

/// Fails the test that looks into it.
struct Untouchable;

impl Serialize for Untouchable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("the result is nobody's business")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    result: Untouchable,
    status: Option<&'static str>,
    error: Failure,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    error_type: &'static str,
    error_message: String,
    stack_trace: Untouchable,
}

#[derive(Serialize)]
struct Wrapper<T>(T);

fn failed(error_type: Option<&str>, message: Option<&str>) -> InvocationStatus {
    InvocationStatus {
        status: ResponseStatus::Failed,
        error_type: error_type.map(str::to_owned),
        error_message: message.map(str::to_owned),
    }
}

#[test]
fn a_struct_is_peeked_into_without_touching_the_rest() {
    let response = Response {
        result: Untouchable,
        status: Some("FAILED"),
        error: Failure {
            error_type: "T",
            error_message: "m".into(),
            stack_trace: Untouchable,
        },
    };
    assert_eq!(
        response_status(&Wrapper(response)),
        Some(failed(Some("T"), Some("m")))
    );
}

#[test]
fn the_three_words_are_statuses_and_no_others() {
    for (response, want, why) in [
        (
            json!({"Status": "SUCCEEDED"}),
            Some(ResponseStatus::Succeeded),
            "succeeded",
        ),
        (
            json!({"Status": "FAILED"}),
            Some(ResponseStatus::Failed),
            "failed",
        ),
        (
            json!({"Status": "PENDING", "Result": {"Status": "FAILED"}}),
            Some(ResponseStatus::Pending),
            "pending",
        ),
        (json!({"Status": "succeeded"}), None, "lower case"),
        (json!({"Status": "RETRY"}), None, "another word"),
        (json!({"Status": 1}), None, "a number"),
        (json!({"Status": {"Status": "FAILED"}}), None, "an object"),
        (json!({"status": "PENDING"}), None, "another name"),
        (
            json!({"Result": {"Status": "FAILED"}}),
            None,
            "within the result",
        ),
        (
            json!({"Error": {"Status": "FAILED"}}),
            None,
            "within the error",
        ),
        (json!([{"Status": "FAILED"}]), None, "within an array"),
        (json!("FAILED"), None, "a text"),
        (json!(null), None, "null"),
        (json!({}), None, "empty"),
    ] {
        assert_eq!(
            response_status(&response).map(|seen| seen.status),
            want,
            "{why}"
        );
    }
}

#[test]
fn the_error_is_that_of_a_failure() {
    for (response, want, why) in [
        (
            json!({"Error": {"ErrorType": "T", "ErrorMessage": "m"}, "Status": "FAILED"}),
            failed(Some("T"), Some("m")),
            "both",
        ),
        (
            json!({"Error": {"ErrorType": "T"}, "Status": "FAILED"}),
            failed(Some("T"), None),
            "a type alone",
        ),
        (
            json!({"Error": {"ErrorMessage": 1}, "Status": "FAILED"}),
            failed(None, None),
            "another type",
        ),
        (
            json!({"Error": "x", "Status": "FAILED"}),
            failed(None, None),
            "no object",
        ),
        (
            json!({"ErrorType": "T", "Status": "FAILED"}),
            failed(None, None),
            "not within the error",
        ),
        (
            json!({"Error": {"Error": {"ErrorType": "T"}}, "Status": "FAILED"}),
            failed(None, None),
            "too deep",
        ),
    ] {
        assert_eq!(response_status(&response), Some(want), "{why}");
    }
    let pending = json!({"Error": {"ErrorType": "T"}, "Status": "PENDING"});
    assert_eq!(
        response_status(&pending).unwrap().error_type,
        None,
        "no failure, no error"
    );
}

#[test]
fn every_kind_of_value_can_stand_anywhere() {
    let values = [
        json!(true),
        json!(-1),
        json!(1.5),
        json!(null),
        json!([1, [2]]),
        json!({"a": {}}),
    ];
    for value in &values {
        let response = json!({"A": value, "Error": value, "Status": "PENDING", "Result": value});
        assert_eq!(
            response_status(&response).map(|seen| seen.status),
            Some(ResponseStatus::Pending),
            "{value}"
        );
        assert_eq!(response_status::<Value>(value), None);
    }
    assert_eq!(response_status(&(1, 'c')), None);
    assert_eq!(response_status(&Some(Wrapper(1_u8))), None);
}
