"""What is exported of an execution of so many waits, by this library and by Datadog's Python packages: one line of JSON.

    waits.py DURABLE_TRACE WAITS_PROGRAM TRACED_PROGRAM COUNT

The suspensions' own costs come from WAITS_PROGRAM (src/bin/waits.rs); spans and bytes from functions that run as processes under
`durable-trace serve`. Everything is on loopback.
"""

import contextlib
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "agreement" / "runner"))
from intake import Intake  # noqa: E402: lies beside this folder

MODES = ("untraced", "ride", "call", "none")
TRACER = {
    "AWS_LAMBDA_LOG_LEVEL": "ERROR",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_TRACE_STATS_COMPUTATION_ENABLED": "false",
    # What the intake understands.
    "DD_TRACE_API_VERSION": "v0.4",
    "DURABLE_TRACE_FLUSH_BUDGET_MS": "5000",
    "PYTHONPATH": str(HERE.parent / "agreement" / "runner"),
}


def suspended(program, mode, count):
    """What src/bin/waits.rs says, the durations as their median."""
    with contextlib.ExitStack() as stack:
        intake = Intake(stack)
        environment = os.environ | TRACER | {"DD_TRACE_AGENT_URL": intake.url}
        said = subprocess.run([program, mode, str(count)], env=environment, stdout=subprocess.PIPE, check=True, text=True)
        report = json.loads(said.stdout)
        # The last invocation does not suspend.
        report["microseconds"] = statistics.median(report["microseconds"][:-1])
        return report


def exported(durable_trace, command, settings, count):
    """Spans and bytes that reach the agent from one execution."""
    with contextlib.ExitStack() as stack:
        intake = Intake(stack)
        environment = os.environ | TRACER | {"DD_TRACE_AGENT_URL": intake.url} | settings
        serve = [durable_trace, "serve", "--port", "0", "--clock", "skip", "--function", f"waits={shlex.join(command)}"]
        service = subprocess.Popen(serve, env=environment, stdout=subprocess.PIPE, text=True)
        stack.callback(service.wait)
        stack.callback(service.terminate)
        prefix = "export AWS_ENDPOINT_URL_LAMBDA="
        url = next(line.strip().removeprefix(prefix) for line in service.stdout if line.startswith(prefix))
        request = urllib.request.Request(f"{url}/2015-03-31/functions/waits/invocations", str(count).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=600) as answer:
            if json.load(answer) != count:
                sys.exit(f"{command}: not the answer that was to be expected")
        # What is still on its way after the last answer.
        settled, sent = None, -1
        while settled != sent:
            settled, sent = sent, sum(map(len, intake.bodies))
            time.sleep(1)
        return {"bytes": sent, "spans": sum(map(len, intake.traces().values())), "traces": len(intake.traces())}


def main():
    durable_trace, waits, traced, count = sys.argv[1:4] + [int(sys.argv[4])]
    python = [sys.executable, "-B", str(HERE / "waits_function.py")]
    report = {
        "suspended": {mode: suspended(waits, mode, count) for mode in MODES},
        "exported": {
            "omit": exported(durable_trace, [traced], {}, count),
            "emit": exported(durable_trace, [traced], {"DURABLE_TRACE_REPLAYED_SPANS": "emit"}, count),
            "python": exported(durable_trace, python, {}, count),
        },
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
