use super::*;
use crate::invocation::Invocation;

fn parse(operation: &str) -> Operation<'static> {
    let event = format!(
        r#"{{"DurableExecutionArn":"a","InitialExecutionState":{{"Operations":[{operation}]}}}}"#
    );
    let mut operations = Invocation::parse(&event).unwrap().unwrap().operations;
    operations.remove(0).into_owned()
}

#[test]
fn every_field_is_read() {
    let got = parse(
        r#"{"Id":"1","Type":"Step","Status":"pending","SubType":"Step","Name":"_datadog_0","ParentId":"c",
        "StartTimestamp":1763800000000,"EndTimestamp":"2025-11-22T08:26:41Z",
        "StepDetails":{"Attempt":2,"NextAttemptTimestamp":1763800002.5,"Result":"{}","Error":{"ErrorType":"T","ErrorMessage":"m"}},
        "WaitDetails":{"ScheduledEndTimestamp":1763800003},"CallbackDetails":{"CallbackId":"cb"},"Else":[{}]}"#,
    );
    let want = Operation {
        id: "1".into(),
        kind: OperationType::Step,
        status: OperationStatus::Pending,
        sub_type: Some("Step".into()),
        name: Some("_datadog_0".into()),
        parent_id: Some("c".into()),
        started_at: Some(UnixMillis(1_763_800_000_000)),
        ended_at: Some(UnixMillis(1_763_800_001_000)),
        attempt: Some(2),
        next_attempt_at: Some(UnixMillis(1_763_800_002_500)),
        scheduled_end_at: Some(UnixMillis(1_763_800_003_000)),
        callback_id: Some("cb".into()),
        callback_result: None,
        error: Some(ErrorObject {
            error_type: Some("T".into()),
            message: Some("m".into()),
        }),
        result: Some(Payload::Json(r#""{}""#.into())),
    };
    assert_eq!(got, want);
}

#[test]
fn fields_of_another_type_are_absent() {
    let odd = r#"{"Id":1,"Type":[],"Status":{},"SubType":1,"Name":null,"ParentId":true,"StartTimestamp":{},"EndTimestamp":"x",
        "StepDetails":[],"WaitDetails":1,"CallbackDetails":"x","ContextDetails":null,"ChainedInvokeDetails":1.5,"ExecutionDetails":-1}"#;
    assert_eq!(parse(odd), Operation::default());
    let odd = r#"{"StepDetails":{"Attempt":-1,"NextAttemptTimestamp":true,"Result":null,"Error":"x"},
        "WaitDetails":{"ScheduledEndTimestamp":"x"},"CallbackDetails":{"CallbackId":1,"Error":[]}}"#;
    assert_eq!(parse(odd), Operation::default());
    assert_eq!(
        parse(r#"{"StepDetails":{"Attempt":4294967296}}"#),
        Operation::default()
    );
    assert_eq!(
        parse(r#"{"StepDetails":{"Error":{"ErrorType":1}}}"#).error,
        Some(ErrorObject::default())
    );
}

#[test]
fn the_error_of_any_details_is_read() {
    for details in [
        "StepDetails",
        "CallbackDetails",
        "ChainedInvokeDetails",
        "ContextDetails",
    ] {
        let got = parse(&format!(
            r#"{{"{details}":{{"Error":{{"ErrorMessage":"m"}}}}}}"#
        ))
        .error;
        assert_eq!(
            got,
            Some(ErrorObject {
                error_type: None,
                message: Some("m".into())
            }),
            "{details}"
        );
    }
}

#[test]
fn only_in_our_name_space_is_the_result_kept() {
    for (operation, want, why) in [
        (
            r#"{"Name":"_datadog_0","StepDetails":{"Result":"{}"}}"#,
            Some(r#""{}""#),
            "a step's result",
        ),
        (
            r#"{"StepDetails":{"Result":"{}"},"Name":"_datadog_0"}"#,
            Some(r#""{}""#),
            "the name comes later",
        ),
        (
            r#"{"Name":"_datadog_0","StepDetails":{"Result":{"a":1}}}"#,
            Some(r#"{"a":1}"#),
            "an object",
        ),
        (
            r#"{"Name":"_datadog_0","Payload":"p"}"#,
            Some(r#""p""#),
            "a payload",
        ),
        (
            r#"{"Name":"_datadog_0","Payload":"p","StepDetails":{"Result":null}}"#,
            Some(r#""p""#),
            "the result is null",
        ),
        (
            r#"{"Name":"_datadog_0","Payload":"p","StepDetails":{"Result":false}}"#,
            Some("false"),
            "the result is there",
        ),
        (
            r#"{"Name":"_datadog_0","StepDetails":{"Result":"1"},"StepDetails":{}}"#,
            None,
            "the last details count",
        ),
        (
            r#"{"Name":"_datadog_x","StepDetails":{"Result":"1"}}"#,
            Some(r#""1""#),
            "a name that is not canonical",
        ),
        (
            r#"{"Name":"step","StepDetails":{"Result":"{}"},"Payload":"p"}"#,
            None,
            "a user's",
        ),
        (r#"{"StepDetails":{"Result":"{}"}}"#, None, "no name"),
    ] {
        let want = want.map(|json| Payload::Json(json.into()));
        assert_eq!(parse(operation).result, want, "{why}");
    }
}

#[test]
fn words_are_read_in_any_case() {
    for (word, want) in [
        ("CALLBACK", OperationType::Callback),
        ("chained_invoke", OperationType::ChainedInvoke),
        ("Context", OperationType::Context),
        ("EXECUTION", OperationType::Execution),
        ("sTeP", OperationType::Step),
        ("WAIT", OperationType::Wait),
        ("CHAINEDINVOKE", OperationType::Other),
        ("", OperationType::Other),
    ] {
        assert_eq!(OperationType::parse(word), want, "{word}");
    }
    for (word, want, ended) in [
        ("CANCELLED", OperationStatus::Cancelled, true),
        ("failed", OperationStatus::Failed, true),
        ("PENDING", OperationStatus::Pending, false),
        ("Ready", OperationStatus::Ready, false),
        ("STARTED", OperationStatus::Started, false),
        ("STOPPED", OperationStatus::Stopped, true),
        ("SUCCEEDED", OperationStatus::Succeeded, true),
        ("timed_out", OperationStatus::TimedOut, true),
        ("", OperationStatus::Other, false),
    ] {
        let status = OperationStatus::parse(word);
        assert_eq!((status, status.is_ended()), (want, ended), "{word}");
    }
    assert_eq!(
        parse("{}").status,
        OperationStatus::Started,
        "what is not said has begun"
    );
}

#[test]
fn who_completed_a_callback_is_found_in_its_result() {
    let headers =
        r#"{"x-datadog-trace-id":"7","x-datadog-parent-id":"8","x-datadog-sampling-priority":"1"}"#;
    let with = format!(r#"{{"ok":true,"_datadog":{headers}}}"#);
    for (result, want, why) in [
        (with.as_str(), Some(8), "its headers"),
        (r#"{"ok":true}"#, None, "no headers"),
        (r#"{"_datadog":1}"#, None, "no headers"),
        (
            r#"{"_datadog":{"x-datadog-trace-id":"0"}}"#,
            None,
            "no context",
        ),
        ("[1]", None, "no object"),
        ("approved", None, "no JSON"),
        ("", None, "nothing"),
    ] {
        let json = serde_json::to_string(result).unwrap();
        for payload in [
            Payload::Text(result.into()),
            Payload::Json(json.as_str().into()),
        ] {
            let operation = Operation {
                callback_result: Some(payload),
                ..Operation::default()
            };
            let parent = operation.completer().map(|context| context.parent_id.get());
            assert_eq!(parent, want, "{why}: {result}");
        }
    }
}
