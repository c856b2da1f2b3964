"""Compares what this project and Datadog's packages make of the same checkpoints; `run` lays what it needs."""

import json
import os
import pathlib
import subprocess
import sys

from checks import Checks

PROGRAM, NODE_MODULES = sys.argv[1:3]
HERE = pathlib.Path(__file__).parent

# What is set in the caller's shell must not decide what the libraries do; nothing may leave this machine.
ENVIRONMENT = {
    key: value
    for key, value in os.environ.items()
    if not key.startswith(("AWS_", "DD_", "DURABLE_TRACE", "OTEL_", "_DD_", "_X_AMZN"))
}
TRACERS = ENVIRONMENT | {
    "DD_CRASHTRACKING_ENABLED": "false",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_TRACE_AGENT_URL": "http://127.0.0.1:9",
    "DD_TRACE_STARTUP_LOGS": "false",
}

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST/durable-execution/order-7/0c8f4a52"
MAX = 2**64 - 1

# (why, context) of every hand-over.
CONTEXTS = [
    ("kept by default", {"trace_id": f"{0x6B02AC84 << 96 | 7:032x}", "sampling_priority": 1, "tags": {"_dd.p.dm": "-0"}}),
    ("dropped by the sampler", {"trace_id": f"{1 << 127 | 1:032x}", "sampling_priority": 0}),
    ("rejected by the user", {"trace_id": f"{1 << 100 | MAX:032x}", "sampling_priority": -1, "tags": {"_dd.p.dm": "-3"}}),
    ("kept by the user", {"trace_id": f"{0xF << 64 | 1 << 63:032x}", "sampling_priority": 2, "tags": {"_dd.p.dm": "-4"}}),
    ("a 64-bit trace", {"trace_id": f"{77:032x}", "sampling_priority": 1}),
    ("the largest ids", {"trace_id": f"{2**128 - 1:032x}", "span_id": str(MAX), "sampling_priority": 1}),
    ("an origin", {"trace_id": f"{5 << 64 | 6:032x}", "sampling_priority": 1, "origin": "synthetics-browser"}),
    ("an origin and a decision", {"trace_id": f"{5 << 64 | 9:032x}", "sampling_priority": 2, "origin": "rum", "tags": {"_dd.p.dm": "-8"}}),
    ("odd values", {"trace_id": f"{3 << 64 | 2:032x}", "sampling_priority": 1, "tags": {"_dd.p.usr.id": "YWxpY2U=", "_dd.p.note": "a b;c:d"}}),
    ("many tags", {"trace_id": f"{3 << 64 | 4:032x}", "sampling_priority": 1, "tags": {f"_dd.p.t{n}": "x" * 20 for n in range(15)}}),
]


def context(row):
    """`row` with the keys that it leaves out."""
    return {"span_id": "4611686018427387905", "origin": None, "tags": {}} | row


def as_read(row, parent_id):
    """What a reader must find of `row`, saved with this anchor."""
    kept = {key: row[key] for key in ("trace_id", "sampling_priority", "origin", "tags")}
    return kept | {"parent_id": parent_id}


def without_source(found):
    """A context as every side of the comparison gives it."""
    return found and {key: found[key] for key in ("trace_id", "parent_id", "sampling_priority", "origin", "tags")}


class Ours:
    """The program under test."""

    name = "durable-trace"

    def __init__(self, **variables):
        self.environment = ENVIRONMENT | variables

    def run(self, *arguments, document=None):
        command = [PROGRAM, *arguments]
        text = None if document is None else json.dumps(document)
        done = subprocess.run(command, input=text, env=self.environment, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def extract(self, event):
        return json.loads(self.run("extract", "--from", "event", document=event))

    def explain(self, event, *arguments):
        return json.loads(self.run("explain", *arguments, document=event))

    def inject(self, row):
        return json.loads(self.run("inject", document=row))

    def demos(self):
        for line in self.run("demo", "--list").splitlines():
            workflow = line.split()[0]
            yield workflow, json.loads(self.run("demo", workflow, "--format", "json"))


class Theirs:
    """One language's packages, in a process of their own."""

    def __init__(self, name, *command):
        self.name = name
        self.process = subprocess.Popen(
            command, env=TRACERS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.name}: the packages did not answer {json.dumps(request)}")
        return json.loads(answer)

    def read(self, event):
        return self.ask({"read": event})

    def write(self, event, headers):
        return self.ask({"write": {"event": event, "headers": headers}})

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


def event(operations, arn=ARN):
    """The invocation event of an execution with this log."""
    began = {
        "Id": "0c8f4a52",
        "Type": "EXECUTION",
        "Status": "STARTED",
        "StartTimestamp": 1767225600000,
        "ExecutionDetails": {"InputPayload": "{}"},
    }
    return {"DurableExecutionArn": arn, "CheckpointToken": "token", "InitialExecutionState": {"Operations": [began, *operations]}}


def logged(operation):
    """An operation of `demo --format json` as an event has it."""
    found = {
        "Id": operation["id"],
        "Name": operation["name"],
        "Type": operation["type"],
        "SubType": operation["subtype"],
        "Status": operation["status"],
        "ParentId": operation["parent_id"],
        "StartTimestamp": 1767225600000,
    }
    if operation["type"] == "STEP":
        found["StepDetails"] = {"Attempt": 1, "Result": operation["result"]}
    return {key: value for key, value in found.items() if value is not None}


def saved(updates):
    """What the service makes of a writer's updates: one finished step, or none."""
    operations = {}
    for update in updates:
        operation = operations.setdefault(update["Id"], {"Attempt": 1})
        operation |= update
    return [
        {
            "Id": operation["Id"],
            "Name": operation["Name"],
            "Type": operation["Type"],
            "SubType": operation["SubType"],
            "Status": {"SUCCEED": "SUCCEEDED"}.get(operation["Action"], operation["Action"]),
            "StartTimestamp": 1767225600000,
            "StepDetails": {"Attempt": 1, "Result": operation.get("Payload")},
        }
        for operation in operations.values()
    ]


def ours_saved(ours, log, headers):
    """The log after a suspension of ours under these headers, and the decision."""
    told = ours.explain(event(log), "--headers", json.dumps(headers))
    write = told["write"]
    step = write and {"Id": write["id"], "Name": write["name"], "Type": "STEP", "SubType": "Step", "Action": "SUCCEED", "Payload": write["payload"]}
    return log + saved([step] if step else []), told["decision"]


def resumed_from(invocation):
    """The checkpoint that the invocation went on from; None for one that began a trace or went on from its caller's."""
    context = invocation["context"]
    return context if context and context["source"].startswith("_datadog_") else None


def others_read_the_demos(checks, ours, others):
    """Every resumption of every workflow: what our library went on with is what the others would go on with."""
    for workflow, demo in ours.demos():
        wrote = any(invocation["checkpoint_written"] for invocation in demo["invocations"])
        read = any(resumed_from(invocation) for invocation in demo["invocations"])
        # One that is out of its time sleeps on and is not invoked again: what it wrote nobody reads.
        resumes = demo["status"] != "TIMED_OUT"
        checks.equal(f"{workflow}: a checkpoint is read if and only if one was written", read, wrote and resumes)
        for invocation in demo["invocations"]:
            arn, went_on = invocation["execution_arn"], resumed_from(invocation)
            log = [op for op in demo["operations"] if op["execution_arn"] == arn]
            # Up to the checkpoint that this invocation read; a later one was not there yet.
            names = [op["name"] for op in log]
            upto = names.index(went_on["source"]) + 1 if went_on else 0
            seen = event([logged(op) for op in log[:upto]], arn)
            want = ours.extract(seen)
            place = f"{workflow}, invocation {invocation['index']}"
            if went_on:
                span = next(s for s in demo["spans"] if s["invocation"] == invocation["index"] and s["name"] == "aws.lambda")
                joined = (went_on["source"], span["trace_id"], span["parent_id"])
                checks.equal(f"{place}: its spans joined what it read", joined, tuple(map((want or {}).get, ("source", "trace_id", "parent_id"))))
            for other in others:
                checks.equal(f"{place}: {other.name} reads it", other.read(seen), without_source(want))


def others_read(checks, ours, others):
    for why, row in CONTEXTS:
        row = context(row)
        log, decision = ours_saved(ours, [], ours.inject(row))
        checks.equal(f"{why}: we save it", decision, "write")
        for other in others:
            checks.equal(f"{why}: {other.name} reads ours", other.read(event(log)), as_read(row, row["span_id"]))
    # Longer than x-datadog-tags may be: ours keeps what holds the trace together.
    row = context({"trace_id": f"{9 << 64 | 8:032x}", "sampling_priority": 1, "tags": {"_dd.p.dm": "-4", "_dd.p.long": "x" * 600}})
    log, _ = ours_saved(ours, [], ours.inject(row))
    want = as_read(row | {"tags": {"_dd.p.dm": "-4"}}, row["span_id"])
    for other in others:
        checks.equal(f"too many tags: {other.name} reads ours in the same trace", other.read(event(log)), want)


def others_read_all_styles(checks, others):
    """W3C's headers behind Datadog's, with another vendor's member and baggage: the same context, and nothing to save again."""
    ours = Ours(DURABLE_TRACE_CHECKPOINT_STYLE="datadog,tracecontext,baggage")
    for why, row in CONTEXTS:
        row = context(row)
        headers = ours.inject(row) | {"tracestate": "es=s:0.5", "baggage": "tenant=7"}
        log, _ = ours_saved(ours, [], headers)
        written = json.loads(log[0]["StepDetails"]["Result"])
        passed = written["tracestate"].endswith(",es=s:0.5"), written["baggage"]
        checks.equal(f"{why}: what is passed on is saved", passed, (True, "tenant=7"))
        for other in others:
            checks.equal(f"{why}: {other.name} reads ours in all styles", other.read(event(log)), as_read(row, row["span_id"]))
        _, decision = ours_saved(ours, log, headers)
        checks.equal(f"{why}: we have nothing to add to ours in all styles", decision, "unchanged")


def ours_reads(checks, ours, other):
    """The first suspension of an execution, theirs."""
    for why, row in CONTEXTS:
        row = context(row)
        wrote = other.write(event([]), ours.inject(row))
        log = saved(wrote["updates"])
        want = as_read(row, wrote["span_id"]) | {"source": "_datadog_0"}
        checks.equal(f"{why}: we read {other.name}'s", ours.extract(event(log)), want)
        # A step with a higher number that no library wrote: it would win, were the operation id of theirs unknown to us.
        decoy = {**log[0], "Id": "f" * 64, "Name": "_datadog_9"}
        told = ours.explain(event([*log, decoy]))
        checks.equal(f"{why}: we know {other.name}'s operation id", told["skipped"], [{"name": "_datadog_9", "reason": "unknown-id"}])
        checks.equal(f"{why}: and read it before a stranger's", without_source(told["read"]), without_source(want))


def a_trace_of_their_own(checks, ours, other):
    """No upstream: their ids, their sampler."""
    wrote = other.write(event([]), None)
    found = ours.extract(event(saved(wrote["updates"])))
    checks.equal(f"a new trace: we read {other.name}'s", (found["trace_id"], found["parent_id"]), (wrote["trace_id"], wrote["span_id"]))
    checks.equal(f"a new trace: {other.name} reads its own alike", other.read(event(saved(wrote["updates"]))), without_source(found))


def hand_over(checks, ours, other):
    """One suspends, the other resumes and suspends again."""
    for why, row in CONTEXTS:
        row = context(row)
        first, _ = ours_saved(ours, [], ours.inject(row))
        again = other.write(event(first), ours.inject(row))
        checks.equal(f"{why}: {other.name} has nothing to add to ours", again["updates"], [])
        changed = row | {"sampling_priority": 2 if row["sampling_priority"] < 2 else -1}
        again = other.write(event(first), ours.inject(changed))
        second = first + saved(again["updates"])
        checks.equal(
            f"{why}: {other.name} saves a change on our anchor",
            ours.extract(event(second)),
            as_read(changed, row["span_id"]) | {"source": "_datadog_1"},
        )

        wrote = other.write(event([]), ours.inject(row))
        first = saved(wrote["updates"])
        _, decision = ours_saved(ours, first, ours.inject(row))
        checks.equal(f"{why}: we have nothing to add to {other.name}'s", decision, "unchanged")
        second, _ = ours_saved(ours, first, ours.inject(changed))
        checks.equal(
            f"{why}: we save a change on {other.name}'s anchor",
            other.read(event(second)),
            as_read(changed, wrote["span_id"]),
        )


def main():
    checks, ours = Checks(), Ours()
    others = [
        Theirs("Python", sys.executable, "-B", str(HERE / "python_side.py")),
        Theirs("JavaScript", "node", str(HERE / "javascript_side.js"), NODE_MODULES),
    ]
    others_read_the_demos(checks, ours, others)
    others_read(checks, ours, others)
    others_read_all_styles(checks, others)
    for other in others:
        ours_reads(checks, ours, other)
        a_trace_of_their_own(checks, ours, other)
        hand_over(checks, ours, other)
        other.end()
    checks.end()


if __name__ == "__main__":
    main()
