"""The function `race` in Python, under Datadog's packages, served through the Lambda Runtime API.

`DD_TRACE_ENABLED=false` leaves Datadog's packages out.
"""

import json
import os
import sys
import urllib.request
from types import SimpleNamespace

IS_TRACED = os.environ.get("DD_TRACE_ENABLED") != "false"
if IS_TRACED:
    import ddtrace

    # Before the SDK is imported from, as ddtrace asks.
    ddtrace.patch(aws_durable_execution_sdk_python=True)

from aws_durable_execution_sdk_python import durable_execution


def tell(url, callback_id, after_ms):
    body = json.dumps({"callback_id": callback_id, "after_ms": after_ms}).encode()
    urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=10).close()


@durable_execution
def race(event, context):
    answers = []
    for sleep in event["sleeps"]:
        ((kind, after_ms),) = sleep.items()
        if kind == "invoke":
            answers.append(context.invoke("plain-target", {"after_ms": after_ms}, name="call"))
        elif kind == "callback":
            callback = context.create_callback(name="callback")
            tell(event["tell"], callback.callback_id, after_ms)
            answers.append(callback.result())
        else:
            answers.append(
                context.wait_for_callback(lambda id, _, after_ms=after_ms: tell(event["tell"], id, after_ms), name="approval")
            )
    return answers


def served():
    handler = race
    if IS_TRACED:
        from datadog_lambda.wrapper import datadog_lambda_wrapper

        handler = datadog_lambda_wrapper(race)
    api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"
    while True:
        with urllib.request.urlopen(f"{api}/invocation/next") as asked:
            headers, event = asked.headers, json.load(asked)
        request_id = headers["lambda-runtime-aws-request-id"]
        context = SimpleNamespace(
            aws_request_id=request_id,
            client_context=None,
            function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            function_version=os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            get_remaining_time_in_millis=lambda: 60_000,
            identity=None,
            invoked_function_arn=headers["lambda-runtime-invoked-function-arn"],
            log_group_name=os.environ["AWS_LAMBDA_LOG_GROUP_NAME"],
            log_stream_name=os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
            memory_limit_in_mb=os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
            tenant_id=None,
        )
        try:
            verb, answer = "response", handler(event, context)
        except Exception as error:
            print(f"race_function: {error!r}", file=sys.stderr)
            verb, answer = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
        said = urllib.request.Request(f"{api}/invocation/{request_id}/{verb}", json.dumps(answer).encode(), method="POST")
        urllib.request.urlopen(said, timeout=10).close()


served()
