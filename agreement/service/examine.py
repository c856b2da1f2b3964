"""Examines `durable-trace serve` with functions on AWS's Python SDK, through boto3; `run` lays what it needs."""

import json
import pathlib
import signal
import sys

import api
import histories
import recordings
from checks import Checks
from executions import run
from expected import EXPECTED
from service import HERE, Service

PROGRAM, SHARED = sys.argv[1], pathlib.Path(sys.argv[2])


def workflows(checks, service, ended):
    """Every workflow ends as it must, and its history tells so."""
    for name, want in EXPECTED.items():
        execution, events = ended[name]
        if want.status == "SUCCEEDED":
            outcome = json.loads(execution.get("Result", "null"))
        else:
            error = execution.get("Error", {})
            outcome = (error.get("ErrorType"), error.get("ErrorMessage"))
        checks.equal(f"{name}: it ends as it must", (execution["Status"], outcome), (want.status, want.outcome))
        got, expected = histories.lines(events), [line.strip() for line in want.history.strip().splitlines()]
        if want.at_once:
            got, expected = histories.sorted_by_operation(got), histories.sorted_by_operation(expected)
        checks.equal(f"{name}: its history", got, expected)
        checks.equal(f"{name}: its events fit together", histories.faults(execution, events), [])
        if want.lasts is not None:
            lasted = (execution["EndTimestamp"] - execution["StartTimestamp"]).total_seconds()
            checks.equal(f"{name}: it lasts {want.lasts} s of the service's time", round(lasted, 3), want.lasts)


def ours(checks):
    names = {name: want.function or name for name, want in EXPECTED.items()}
    functions = {names[name]: (HERE, f"{want.module}.{names[name]}") for name, want in EXPECTED.items()}
    with Service(PROGRAM, functions, {"echo": (HERE, "workflows.echo")}) as service:
        ended = run(service, {name: (names[name], want.input, want.answer) for name, want in EXPECTED.items()})
        workflows(checks, service, ended)
        api.examine(checks, service, ended)
        finish(checks, service, "")


def recorded(checks):
    if not recordings.are_in(SHARED):
        print("note: no recordings of AWS's own runner are here, skipped")
        return
    functions = {"recorded": (SHARED / "oracle", "recorded.handler")}
    with Service(PROGRAM, functions, {"plain-target": (HERE, "workflows.echo")}) as service:
        ended = {}
        # One after the other, for the one process that they share.
        for name in recordings.workflows(SHARED):
            ended |= run(service, {name: ("recorded", {"wf": name}, b'"yes"' if "callback" in name else None)})
        recordings.examine(checks, SHARED, ended)
        finish(checks, service, "recorded workflows: ")


def finish(checks, service, of):
    held = service.answers.held
    checks.equal(f"{of}{held} answers are as boto3's model says", service.answers.take_faults(), [])
    code, outlived = service.end()
    checks.equal(f"{of}serve ends with 0 at Ctrl-C, and its functions with it", (code, outlived), (0, False))
    if checks.failed:
        print(service.logged(), file=sys.stderr)


def main():
    # So that what was started is ended too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    checks = Checks()
    ours(checks)
    recorded(checks)
    checks.end()


if __name__ == "__main__":
    main()
