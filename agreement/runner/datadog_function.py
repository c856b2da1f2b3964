"""A function in Python under AWS's SDK and Datadog's packages, served through the Lambda Runtime API.

To be imported before the SDK, as ddtrace asks. `DD_TRACE_ENABLED=false` leaves Datadog's packages out.
"""

import json
import os
import sys
import urllib.request
from types import SimpleNamespace

IS_TRACED = os.environ.get("DD_TRACE_ENABLED") != "false"
if IS_TRACED:
    import ddtrace

    ddtrace.patch(aws_durable_execution_sdk_python=True)


def serve(handler):
    """Answers invocations with a durable `handler`, for as long as the process is let."""
    name = handler.__name__
    if IS_TRACED:
        from datadog_lambda.wrapper import datadog_lambda_wrapper

        handler = datadog_lambda_wrapper(handler)
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
            print(f"{name}: {error!r}", file=sys.stderr)
            verb, answer = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
        said = urllib.request.Request(f"{api}/invocation/{request_id}/{verb}", json.dumps(answer).encode(), method="POST")
        urllib.request.urlopen(said, timeout=10).close()
