"""Datadog's Python packages, asked over lines of JSON.

{"read": EVENT} answers the context that datadog-lambda extracts, or null.
{"write": {"event": EVENT, "headers": HEADERS or null}} suspends an execution under the context of HEADERS (null: a new trace) and
answers {"trace_id", "span_id", "updates"}: the execute span's ids, and what ddtrace's writer hands to AWS's SDK.
"""

import json
import sys
from types import SimpleNamespace

from aws_durable_execution_sdk_python.lambda_service import Operation
from aws_durable_execution_sdk_python.state import ExecutionState
from datadog_lambda.tracing import extract_dd_trace_context
from ddtrace.contrib.internal.aws_durable_execution_sdk_python.trace_checkpoint import (
    maybe_save_trace_context_checkpoint,
)
from ddtrace.propagation.http import HTTPPropagator
from ddtrace.trace import tracer


class Log(ExecutionState):
    """The SDK's state of an execution, which keeps the updates instead of sending them."""

    def __init__(self, event):
        operations = [Operation.from_dict(op) for op in event["InitialExecutionState"]["Operations"]]
        super().__init__(
            event["DurableExecutionArn"],
            event["CheckpointToken"],
            {operation.operation_id: operation for operation in operations},
            service_client=None,
        )
        self.updates = []

    def create_checkpoint(self, operation_update=None, is_sync=True):
        self.updates.append(operation_update.to_dict())


def read(event):
    context, source, _ = extract_dd_trace_context(event, None)
    if context is None or not context.trace_id:
        return None
    tags = {key: value for key, value in context._meta.items() if key.startswith("_dd.p.")}
    tags.pop("_dd.p.tid", None)
    return {
        "trace_id": f"{context.trace_id:032x}",
        "parent_id": str(context.span_id),
        "sampling_priority": context.sampling_priority,
        "origin": context.dd_origin,
        "tags": tags,
    }


def write(event, headers):
    upstream = HTTPPropagator.extract(headers) if headers else None
    span = tracer.start_span("aws.durable.execute", child_of=upstream, activate=False)
    state = Log(event)
    # The root context of an execution has no parent operation.
    maybe_save_trace_context_checkpoint(SimpleNamespace(state=state, _parent_id=None), span)
    return {"trace_id": f"{span.trace_id:032x}", "span_id": str(span.span_id), "updates": state.updates}


for line in sys.stdin:
    request = json.loads(line)
    answer = read(request["read"]) if "read" in request else write(**request["write"])
    print(json.dumps(answer), flush=True)
