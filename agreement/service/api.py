"""The API beside the workflows: starting, stopping, answering, listing, paging and refusing, through boto3."""

import json
from itertools import chain

from botocore.exceptions import ClientError
from executions import end, sleeping_on_callback, start
from service import until

LATEST = "$LATEST"


def refusal(call, **arguments):
    """The class and the status of the exception that a call raises."""
    try:
        call(**arguments)
    except ClientError as error:
        return type(error).__name__, error.response["ResponseMetadata"]["HTTPStatusCode"]
    return "none"


def examine(checks, service, ended):
    aws = service.aws
    starting(checks, aws)
    callbacks(checks, aws, ended)
    stopping(checks, aws)
    paging(checks, aws, ended)
    listing(checks, aws)
    leaving_data_out(checks, aws, ended)
    refusing(checks, aws, ended)


def starting(checks, aws):
    def invoke(payload, function="sum_at_once", **more):
        answer = aws.invoke(FunctionName=function, Qualifier=LATEST, Payload=json.dumps(payload).encode(), **more)
        body = answer["Payload"].read()
        return answer | {"Payload": json.loads(body) if body else None}

    first = invoke([2, 3, 4], DurableExecutionName="once")
    got = first["StatusCode"], first["ExecutedVersion"], first.get("FunctionError"), first["Payload"]
    checks.equal("invoke waits for the result", got, (200, LATEST, None, 9))
    again = invoke([2, 3, 4], DurableExecutionName="once")
    checks.equal("a name with the same payload is the same execution", again["DurableExecutionArn"], first["DurableExecutionArn"])
    other = refusal(invoke, payload=[9, 9, 9], DurableExecutionName="once")
    checks.equal("a name with another payload is refused", other, ("DurableExecutionAlreadyStartedException", 409))
    failed = invoke({}, function="broken_promise")
    got = failed["StatusCode"], failed.get("FunctionError"), failed["Payload"]["errorType"], failed["Payload"]["errorMessage"]
    checks.equal("a failed execution is a function error", got, (200, "Unhandled", "workflows.OutOfStockError", "nothing came"))
    plain = invoke("you", function="echo")
    checks.equal("a plain function answers without an execution", (plain["Payload"], plain.get("DurableExecutionArn")), ({"echo": "you"}, None))
    checks.equal("a dry run starts nothing", invoke([1, 1, 1], InvocationType="DryRun")["StatusCode"], 204)
    checks.equal("an event is accepted", invoke([1, 1, 1], InvocationType="Event", DurableExecutionName="later")["StatusCode"], 202)


def asleep(aws, name):
    """A new `parcel`, and the callback that it sleeps on."""
    arn = start(aws, "parcel", name, name)
    return arn, until(f"{name} sleeps", lambda: sleeping_on_callback(aws, arn))


def callbacks(checks, aws, ended):
    arn, callback = asleep(aws, "lost parcel")
    aws.send_durable_execution_callback_heartbeat(CallbackId=callback)
    checks.equal("a heartbeat leaves a callback open", aws.get_durable_execution(DurableExecutionArn=arn)["Status"], "RUNNING")
    error = {"ErrorType": "Lost", "ErrorMessage": "at sea", "ErrorData": "41 N 50 W", "StackTrace": ["a wave"]}
    aws.send_durable_execution_callback_failure(CallbackId=callback, Error=error)
    execution, events = end(aws, arn)
    failed = next(event for event in events if event["EventType"] == "CallbackFailed")
    checks.equal("a callback that failed brings its error", failed["CallbackFailedDetails"]["Error"]["Payload"], error)
    checks.equal("and fails the function that asks for it", (execution["Status"], execution["Error"]["ErrorMessage"]), ("FAILED", "at sea"))

    arn, callback = asleep(aws, "empty parcel")
    aws.send_durable_execution_callback_success(CallbackId=callback)
    checks.equal("a callback may be answered without a result", end(aws, arn)[0].get("Result"), "null")

    _, late = ended["lonely_watch"]
    timed_out = next(event for event in late if event["EventType"] == "CallbackStarted")["CallbackStartedDetails"]["CallbackId"]
    for why, answered, want in (
        ("is answered", callback, ("InvalidParameterValueException", 400)),
        ("has timed out", timed_out, ("CallbackTimeoutException", 400)),
        ("never was", "bm9ib2R5", ("ResourceNotFoundException", 404)),
    ):
        for send in ("success", "failure", "heartbeat"):
            call = getattr(aws, f"send_durable_execution_callback_{send}")
            checks.equal(f"a {send} is refused by a callback that {why}", refusal(call, CallbackId=answered), want)


def stopping(checks, aws):
    for name, error in (("stopped parcel", {"ErrorType": "Recall", "ErrorMessage": "wrong address"}), ("parcel stopped for no reason", None)):
        arn, callback = asleep(aws, name)
        at = aws.stop_durable_execution(DurableExecutionArn=arn, **({"Error": error} if error else {}))["StopTimestamp"]
        execution, events = end(aws, arn)
        got = execution["Status"], execution.get("Error") or None, execution["EndTimestamp"], events[-1]["EventType"]
        checks.equal(f"{name}: it is stopped", got, ("STOPPED", error, at, "ExecutionStopped"))
        late = refusal(aws.send_durable_execution_callback_success, CallbackId=callback)
        checks.equal(f"{name}: its callback takes no answer", late, ("InvalidParameterValueException", 400))


def pages(call, key, **arguments):
    """The items of each page."""
    answer = call(**arguments)
    found = [answer[key]]
    while marker := answer.get("NextMarker"):
        answer = call(**arguments, Marker=marker)
        found.append(answer[key])
    return found


def paging(checks, aws, ended):
    execution, events = ended["quotation"]
    arn = execution["DurableExecutionArn"]
    found = pages(aws.get_durable_execution_history, "Events", DurableExecutionArn=arn, MaxItems=4)
    checks.equal("a history of 10 in pages of 4", ([len(page) for page in found], list(chain(*found))), ([4, 4, 2], events))
    found = pages(aws.get_durable_execution_history, "Events", DurableExecutionArn=arn, MaxItems=5, ReverseOrder=True)
    checks.equal("a history from its end in pages of 5", ([len(page) for page in found], list(chain(*found))), ([5, 5], events[::-1]))
    found = pages(aws.get_durable_execution_history, "Events", DurableExecutionArn=arn, MaxItems=0)
    checks.equal("no number of items is the default", found, [events])
    paginator = aws.get_paginator("get_durable_execution_history")
    found = paginator.paginate(DurableExecutionArn=arn, PaginationConfig={"PageSize": 3}).build_full_result()
    checks.equal("boto3's own paginator comes to the end", found["Events"], events)


def listing(checks, aws):
    def names(function="parcel", **filters):
        rows = pages(aws.list_durable_executions_by_function, "DurableExecutions", FunctionName=function, **filters)
        return [[row["DurableExecutionName"] for row in page] for page in rows]

    stopped = ["stopped-parcel", "parcel-stopped-for-no-reason"]
    everything = [*reversed(stopped), "empty-parcel", "lost-parcel", "parcel"]
    for why, filters, want in (
        ("of a function", {}, [everything]),
        ("in pages", {"MaxItems": 2}, [everything[:2], everything[2:4], everything[4:]]),
        ("from the oldest", {"ReverseOrder": True}, [everything[::-1]]),
        ("of a status", {"Statuses": ["STOPPED"]}, [stopped[::-1]]),
        ("of either status", {"Statuses": ["FAILED", "SUCCEEDED"]}, [everything[2:]]),
        ("of a name", {"DurableExecutionName": "lost-parcel"}, [["lost-parcel"]]),
        ("of a name that is none", {"DurableExecutionName": "nobody"}, [[]]),
        ("of a qualified function", {"Qualifier": LATEST}, [everything]),
    ):
        checks.equal(f"executions are listed {why}", names(**filters), want)
    found = aws.get_paginator("list_durable_executions_by_function").paginate(FunctionName="parcel", PaginationConfig={"PageSize": 2})
    checks.equal("boto3's own paginator lists them all", len(found.build_full_result()["DurableExecutions"]), len(everything))


def leaving_data_out(checks, aws, ended):
    execution, events = ended["quotation"]
    arn = execution["DurableExecutionArn"]
    bare = aws.get_durable_execution(DurableExecutionArn=arn, IncludeExecutionData=False)
    data = ("InputPayload", "Result", "ExecutionDataIncluded")
    checks.equal("an execution without its data", [bare.get(key) for key in data], [None, None, False])
    checks.equal("an execution with its data", [execution.get(key) is not None for key in data], [True, True, True])
    bare = aws.get_durable_execution_history(DurableExecutionArn=arn, IncludeExecutionData=False)["Events"]
    checks.equal("a history without its data has the same events", [row["EventId"] for row in bare], [row["EventId"] for row in events])
    checks.equal("and no payload", "Payload" in json.dumps(bare, default=str), False)


def refusing(checks, aws, ended):
    arn, no_token = ended["quotation"][0]["DurableExecutionArn"], {"CheckpointToken": "bm8="}
    unknown = arn.rsplit("/", 1)[0] + "/00000000-0000-0000-0000-000000000000"
    invalid, missing = ("InvalidParameterValueException", 400), ("ResourceNotFoundException", 404)
    for why, call, arguments, want in (
        ("an unknown execution", aws.get_durable_execution, {"DurableExecutionArn": unknown}, missing),
        ("the history of an unknown execution", aws.get_durable_execution_history, {"DurableExecutionArn": unknown}, missing),
        ("to stop an unknown execution", aws.stop_durable_execution, {"DurableExecutionArn": unknown}, missing),
        ("an unknown function", aws.invoke, {"FunctionName": "nobody:$LATEST"}, missing),
        ("the executions of an unknown function", aws.list_durable_executions_by_function, {"FunctionName": "nobody"}, missing),
        ("a marker that it did not give", aws.get_durable_execution_history, {"DurableExecutionArn": arn, "Marker": "no"}, invalid),
        ("a token that it did not give", aws.get_durable_execution_state, {"DurableExecutionArn": arn} | no_token, invalid),
        ("a checkpoint without its token", aws.checkpoint_durable_execution, {"DurableExecutionArn": arn} | no_token, invalid),
        ("the state of an unknown execution", aws.get_durable_execution_state, {"DurableExecutionArn": unknown} | no_token, invalid),
        ("a checkpoint of an unknown execution", aws.checkpoint_durable_execution, {"DurableExecutionArn": unknown} | no_token, invalid),
        ("a payload that is no JSON", aws.invoke, {"FunctionName": "parcel:$LATEST", "Payload": b"{"}, ("InvalidRequestContentException", 400)),
        ("a name that is none", aws.invoke, {"FunctionName": "parcel:$LATEST", "DurableExecutionName": "a b"}, invalid),
        ("two qualifiers", aws.invoke, {"FunctionName": "parcel:$LATEST", "Qualifier": "7"}, invalid),
    ):
        checks.equal(f"it refuses {why}", refusal(call, **arguments), want)
