"""What Datadog's Python packages take for the same inputs: one line of JSON, nanoseconds a call by row.

    reference.py INPUTS STYLE     STYLE as DD_TRACE_PROPAGATION_STYLE, which must be set to it
"""

import copy
import json
import pathlib
import sys
import time
from types import SimpleNamespace

from aws_durable_execution_sdk_python.lambda_service import Operation
from aws_durable_execution_sdk_python.state import ExecutionState
from datadog_lambda.durable import extract_context_from_durable_execution
from ddtrace.contrib.internal.aws_durable_execution_sdk_python.trace_checkpoint import (
    maybe_save_trace_context_checkpoint,
)
from ddtrace.propagation.http import HTTPPropagator
from ddtrace.trace import tracer

# Seconds that one row is given, and how often it begins anew: the fastest of these counts.
SHARE = 0.05
TIMES = 4


def measure(work):
    """Nanoseconds that one call takes."""
    work()
    began = time.perf_counter_ns()
    work()
    calls = max(1, int(SHARE * 1e9 / TIMES / max(1, time.perf_counter_ns() - began)))
    best = None
    for _ in range(TIMES):
        began = time.perf_counter_ns()
        for _ in range(calls):
            work()
        took = (time.perf_counter_ns() - began) / calls
        best = took if best is None else min(best, took)
    return best


class Log(ExecutionState):
    """The SDK's state of a resumed execution, which sends nothing."""

    def __init__(self, event):
        operations = [Operation.from_dict(operation) for operation in event["InitialExecutionState"]["Operations"]]
        super().__init__(
            event["DurableExecutionArn"],
            event["CheckpointToken"],
            {operation.operation_id: operation for operation in operations},
            service_client=None,
        )

    def create_checkpoint(self, operation_update=None, is_sync=True):
        raise SystemExit("the checkpoint in the log should have been enough")


def writer(event):
    """A suspension after which nothing has to be written: the headers are those in the log."""
    state = Log(event)
    span = tracer.start_span(
        "aws.durable.execute", child_of=extract_context_from_durable_execution(event), activate=False
    )
    return lambda: maybe_save_trace_context_checkpoint(SimpleNamespace(state=state, _parent_id=None), span)


def main():
    inputs, style = pathlib.Path(sys.argv[1]), sys.argv[2]
    headers = json.loads((inputs / f"{style}.json").read_text(encoding="utf-8"))
    context = HTTPPropagator.extract(headers)
    if not context.trace_id:
        sys.exit(f"{style} was not read")
    rows = {
        f"extract/{style}": measure(lambda: HTTPPropagator.extract(headers)),
        f"inject/{style}": measure(lambda: HTTPPropagator.inject(context, {})),
    }
    if style == "datadog":
        for file in sorted(inputs.glob("event-*.json")):
            operations = file.stem.removeprefix("event-")
            text = file.read_text(encoding="utf-8")
            event = json.loads(text)
            if not extract_context_from_durable_execution(event):
                sys.exit(f"no checkpoint was found in {file.name}")
            rows[f"parse/{operations}"] = measure(lambda: json.loads(text))
            rows[f"find/{operations}"] = measure(lambda: extract_context_from_durable_execution(event))
            rows[f"decide/{operations}"] = measure(writer(copy.deepcopy(event)))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
