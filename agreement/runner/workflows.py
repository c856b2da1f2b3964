"""Every workflow of the demo, on AWS's runner and on this project's service: the same end, and one trace."""

import collections
import concurrent.futures
import json
import subprocess

from intake import Intake
from machines import ENVIRONMENT, Functions, Runner, until

# Functions that workflows call, and whether they are durable.
TARGETS = {"billing": True, "plain-target": False}

# Sleeps for an hour in all; the rest of the workflows take seconds.
LONG = {"caller"}

# How long an execution may take: the longest sleeps are of 4 s in all.
SECONDS = 60

# Workflows that AWS's Rust SDK may not finish on this runner, traced or not. When a branch or an item ends, the SDK does not tell
# its name again, and the runner (checkpoint/processors/base.py) takes the name from the last update: none. If the function is
# invoked again after that, because others still sleep, the SDK finds another name than its own.
FORGETFUL = {"parallel-waits", "map-items"}
FORGOTTEN = "the runner forgets the name of a context that has ended, and AWS's Rust SDK does not go on; untraced neither"

# Workflows with sleeps that end within milliseconds of each other, some while the function runs for the first of them. Of those the
# SDK takes no notice, traced or not.
CLOSE = {"map-items"}
MISSED = "sleeps end while the function runs for others, and the SDK takes no notice; untraced neither"

# Scenarios of AWS's requirements for traces: one is to run out of its time, others call or answer in ways that the demo alone arranges.
SCENARIOS = "otel-"

# One an invocation. How many invocations there are is the service's affair: timers that end together wake once or more often.
PER_INVOCATION = ("aws.lambda", "aws.durable.execute")


def program_says(program, *arguments):
    command = [program, *arguments]
    return subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True, timeout=120).stdout


def demo(program, workflow):
    return json.loads(program_says(program, "demo", workflow, "--format", "json"))


def check(checks, program, folder, stack):
    listed = [line.split()[0] for line in program_says(program, "demo", "--list").splitlines()]
    names = [name for name in listed if not name.startswith(SCENARIOS)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        demos = dict(zip(names, pool.map(lambda name: demo(program, name), names)))

    intake = Intake(stack)
    commands = {name: [program, "function", name] for name in [*names, *TARGETS]}
    runners = {}
    for is_long, options in ((False, ()), (True, ("--skip-time",))):
        runner = Runner(stack, folder)
        functions = Functions(stack, program, commands, runner, {"DD_TRACE_AGENT_URL": intake.url})
        runner.start(functions, TARGETS, *options)
        runners[is_long] = runner

    # All at once: what takes long is that they sleep.
    short = runners[False]
    untraced = Functions(stack, program, commands, short, {"DD_TRACE_ENABLED": "false"})
    untraced_arn = short.begin("parallel-waits", "untraced", demos["parallel-waits"]["input"], untraced)
    arns = {name: runners[name in LONG].begin(name, f"{name}-1", demos[name]["input"]) for name in names}
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        ends = dict(zip(names, pool.map(lambda name: end(runners[name in LONG], arns[name]), names)))

    # Its branches sleep for 1, 2 and 3 s, so that this does not hang on chance.
    checks.equal("parallel-waits, untraced: the runner forgets a name", is_forgotten(end(short, untraced_arn)), True)
    for name in names:
        runner, want = runners[name in LONG], demos[name]
        has_ended = not (name in FORGETFUL and is_forgotten(ends[name]))
        if has_ended:
            checks.equal(f"{name}: ends as on our own service", ends[name], outcome_of_demo(want))
        else:
            checks.skip(f"{name}: ends as on our own service, its operations are told of as there", FORGOTTEN)
        invocations = [(arn, invocations_of(runner, arn)) for arn in [arns[name], *called_by(runner, name)]]
        if name in CLOSE:
            checks.skip(f"{name}: no PENDING is refused", MISSED)
        else:
            checks.equal(f"{name}: no PENDING is refused", sum(runner.refusals(arn) for arn, _ in invocations), 0)
        trace(checks, name, intake, sum(count for _, count in invocations), want, has_ended)


def called_by(runner, name):
    """The ARNs of the durable executions that the workflow started."""
    if name != "caller":
        return []
    listed = runner.client.list_durable_executions_by_function(FunctionName="billing")
    return [execution["DurableExecutionArn"] for execution in listed["DurableExecutions"]]


def invocations_of(runner, arn):
    return sum(event["EventType"] == "InvocationCompleted" for event in runner.history(arn))


def end(runner, arn):
    """How the execution ended; its callbacks are completed as the demo does."""
    done, execution = set(), None

    def look():
        nonlocal execution
        for callback in slept_on(runner.history(arn)) - done:
            done.add(callback)
            runner.complete(callback, "approved")
        execution = runner.client.get_durable_execution(DurableExecutionArn=arn)
        return execution["Status"] != "RUNNING"

    until(f"the end of {arn}", SECONDS, look)
    error = execution.get("Error")
    return {
        "status": execution["Status"],
        "result": execution.get("Result"),
        "error": error and {"type": error.get("ErrorType"), "message": error.get("ErrorMessage")},
    }


def slept_on(history):
    """The callbacks that began before an invocation ended: the function sleeps. Earlier, the SDK itself can miss a completion."""
    began, asleep = set(), set()
    for event in history:
        if event["EventType"] == "CallbackStarted":
            began.add(event["CallbackStartedDetails"]["CallbackId"])
        elif event["EventType"] == "InvocationCompleted":
            asleep |= began
    return asleep


def outcome_of_demo(report):
    return {key: report[key] for key in ("status", "result", "error")}


def is_forgotten(ended):
    """Whether the SDK found an operation without the name that it had given it."""
    error = ended["error"] or {}
    return error.get("type") == "NonDeterministicExecutionError" and "does not match checkpoint: expected CONTEXT/" in error["message"]


def trace(checks, name, intake, invocations, report, has_ended):
    """The spans that the workflow's functions sent."""
    services = {name, "billing"} if name == "caller" else {name}

    def own():
        return {
            trace_id: [span for span in spans if span["service"] in services]
            for trace_id, spans in intake.traces().items()
            if any(span["service"] in services for span in spans)
        }

    def came():
        return sum(span["name"] == "aws.lambda" for spans in own().values() for span in spans) >= invocations

    until(f"a span for each of the {invocations} invocations of {name}", 10, came)
    traces = own()
    checks.equal(f"{name}: {invocations} invocations, one trace", len(traces), 1)
    spans = [span for spans in traces.values() for span in spans]
    # The demo's root hangs under what its caller sent, or under nothing; the ids of a caller's trace are given.
    ids = {span["span_id"] for span in spans}
    above = sorted({span.get("parent_id") or 0 for span in spans} - ids)
    root = next(span for span in report["spans"] if span["parent_id"] not in {other["span_id"] for other in report["spans"]})
    checks.equal(f"{name}: no span is an orphan", above, [int(root["parent_id"])])
    if int(root["parent_id"]):
        checks.equal(f"{name}: in its caller's trace", [*traces], [root["trace_id"]])
    checks.equal(f"{name}: a span for each invocation", sum(span["name"] == "aws.lambda" for span in spans), invocations)
    if has_ended:
        checks.equal(f"{name}: its operations are told of as on our own service", told(spans), told(report["spans"]))


def told(spans):
    """How often each name, resource and error comes, but for the spans that stand for an invocation."""
    keys = ("name", "resource", "error")
    counts = collections.Counter(
        tuple(str(span.get(key, 0)) for key in keys) for span in spans if span["name"] not in PER_INVOCATION
    )
    return sorted([*key, count] for key, count in counts.items())
