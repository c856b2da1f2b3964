"""The function of src/bin/traced.rs in Python, under Datadog's packages unless `DD_TRACE_ENABLED=false`."""

import os.path

# Where Datadog's extension is found, ddtrace sends its spans as on Lambda; it looks for this file.
EXTENSION = "/opt/extensions/datadog-agent"
exists = os.path.exists
os.path.exists = lambda path: path == EXTENSION or exists(path)

from datadog_function import serve
from aws_durable_execution_sdk_python import durable_execution  # ddtrace has to come first
from aws_durable_execution_sdk_python.config import Duration


@durable_execution
def waits(event, context):
    for _ in range(event):
        context.wait(Duration.from_seconds(1))
    return event


serve(waits)
