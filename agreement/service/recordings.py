"""Compares with executions that AWS's own local runner was recorded with, where such recordings are at hand."""

import importlib.util
import json

import histories

# Branches of these run at once.
AT_ONCE = ("parallel", "map")
# What a tracing library added to the recorded executions.
ADDED = "_datadog_"


def are_in(shared):
    return (shared / "oracle" / "workflows.py").is_file()


def workflows(shared):
    """The names of the recorded workflows, and of others that stand beside them."""
    spec = importlib.util.spec_from_file_location("recorded_workflows", shared / "oracle" / "workflows.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.WORKFLOWS)


def examine(checks, shared, ended):
    for name, (execution, events) in ended.items():
        checks.equal(f"recorded {name}: its events fit together", histories.faults(execution, events), [])
        path = shared / "oracle" / "runs" / f"{name}.json"
        if not path.is_file():
            failed = "fail" in name
            checks.equal(f"recorded {name}: it ends as its name says", execution["Status"], "FAILED" if failed else "SUCCEEDED")
            continue
        run = json.loads(path.read_text())
        checks.equal(f"recorded {name}: it ends as it did", outcome(execution), outcome(run["final"]))
        want = [event for event in run["history"]["Events"] if not event.get("Name", "").startswith(ADDED)]
        got, want = histories.lines(events), histories.lines(want)
        if any(word in name for word in AT_ONCE):
            got, want = histories.sorted_by_operation(got), histories.sorted_by_operation(want)
        checks.equal(f"recorded {name}: its history is as it was", got, want)
    # The service keeps a function's process for its next invocation, as Lambda may and need not.
    print("note: recorded c_step_retry counts its attempts in its process's memory, which one process kept")


def outcome(execution):
    """Status, result, and the error without its module, which the SDK's later versions add."""
    error = execution.get("Error", {})
    result = json.loads(execution["Result"]) if "Result" in execution else None
    return execution["Status"], result, error.get("ErrorType", "").split(".")[-1], error.get("ErrorMessage")
