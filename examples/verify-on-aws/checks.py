"""What must be true of an execution, decided over what was seen of it. Nothing here asks anybody anything."""

import dataclasses
import hashlib
import json

FAILED, NOTED, OK = "FAILED", "noted", "ok"

CHECKPOINT = "_datadog_0"
LOG_KEYS = ("executionArn", "requestId", "dd.trace_id")
# The extension takes a function for durable whose runtime's version holds this.
DURABLE_RUNTIME = "DurableFunction"


@dataclasses.dataclass(frozen=True)
class Seen:
    """An execution that has ended."""

    task: str
    mode: str
    arn: str
    status: str
    result: object
    events: list
    # Spans and log lines of the function, of all executions.
    spans: list
    lines: list


@dataclasses.dataclass(frozen=True)
class Result:
    check: str
    verdict: str
    detail: str


def check(name, holds, detail):
    return Result(name, OK if holds else FAILED, detail)


def parse(lines):
    """The spans that the function printed, and the other lines that are JSON objects."""
    spans, others = [], []
    for line in lines:
        start = line.find("{")
        try:
            value = json.loads(line[start:]) if start >= 0 else None
        except ValueError:
            continue
        if isinstance(value, dict):
            spans.append(value["span"]) if isinstance(value.get("span"), dict) and "span_id" in value["span"] else others.append(value)
    return spans, others


def of_execution(spans, arn):
    """The traces that the execution is in, and all of their spans. Only execute spans hold the ARN."""
    traces = {span["trace_id"] for span in spans if span["meta"].get("aws.durable.execution_arn") == arn}
    return traces, [span for span in spans if span["trace_id"] in traces]


def moment(event):
    stamp = event["EventTimestamp"]
    return stamp.timestamp() if hasattr(stamp, "timestamp") else float(stamp)


def judge(seen, want):
    """All checks of one execution."""
    yield check("the execution succeeds", (seen.status, seen.result) == ("SUCCEEDED", want), f"{seen.status}, {seen.result!r}")
    yield from judge_history(seen)
    yield from judge_spans(seen)
    yield judge_log(seen)


def judge_history(seen):
    ours = [event for event in seen.events if event.get("Name") == CHECKPOINT]
    kinds = [event["EventType"] for event in ours]
    yield check("a STEP succeeds without a START", "StepSucceeded" in kinds, f"{CHECKPOINT}: {', '.join(kinds) or 'absent'}")
    if not ours:
        return
    want = hashlib.blake2b(f"{CHECKPOINT}:{seen.arn}".encode(), digest_size=16).hexdigest()
    got = ours[-1].get("Id")
    yield check("its Id is the one that was sent", got == want, f"{got}, sent {want}")
    yield check("it has no parent", not ours[-1].get("ParentId"), f"ParentId {ours[-1].get('ParentId')}")
    if seen.mode == "ride":
        stamps = [moment(event) for event in seen.events if event["EventType"].endswith("Started") and event.get("Name") == seen.task]
        apart = min((abs(moment(ours[-1]) - stamp) for stamp in stamps), default=None)
        # In one request all have the same time. The history's own resolution is not known, so it is told, not judged.
        detail = "no START is in the history" if apart is None else f"{apart * 1000:.0f} ms from the START of {seen.task}"
        yield Result("it rode beside a START", NOTED, detail)


def judge_spans(seen):
    traces, spans = of_execution(seen.spans, seen.arn)
    yield check("all invocations are one trace", len(traces) == 1, f"{len(traces)} traces, {len(spans)} spans")
    if not spans:
        return
    uppers = {span["meta"]["_dd.p.tid"] for span in spans if "_dd.p.tid" in span["meta"]}
    yield check("its 128-bit id is one", len(uppers) == 1, f"upper halves {', '.join(sorted(uppers)) or 'absent'}")
    # The chained invoke's execution is in the same trace.
    executes = [span for span in spans if span["meta"].get("aws.durable.execution_arn") == seen.arn]
    identity = seen.arn.rpartition("/")[2]
    lambdas = [span for span in spans if span["name"] == "aws.lambda" and span["meta"].get("aws.durable.execution_id") == identity]
    lambdas.sort(key=lambda span: span["start"])
    yield check("there are two invocations at least", len(lambdas) >= 2, f"{len(lambdas)} aws.lambda, {len(executes)} aws.durable.execute")
    if lambdas:
        anchors = {span["span_id"] for span in executes if span["parent_id"] == lambdas[0]["span_id"]}
        hang = all(span["parent_id"] in anchors for span in lambdas[1:])
        yield check("the later ones hang on the first execute span", bool(anchors) and hang, f"{len(lambdas) - 1} later")
    errors = [location for span in spans if (location := span["meta"].get("aws.durable.integration_error_locations"))]
    yield check("nothing was refused or went wrong", not errors, ", ".join(errors) or "no integration error")
    slept = [span["metrics"]["aws.durable.suspended_ms"] for span in lambdas[1:] if "aws.durable.suspended_ms" in span["metrics"]]
    yield check("times in the event are understood", bool(slept), f"slept {', '.join(f'{ms:.0f} ms' for ms in slept) or 'unknown'}")


def keys_of(value):
    """All keys of an object and of what is in it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def judge_log(seen):
    """Presence alone, and no failure where there is none: a subscriber of the user's own may leave them out."""
    own = [line for line in seen.lines if "verify.line" in json.dumps(line)]
    keys = set(keys_of(own))
    told = [f"{key} {'present' if key in keys else 'absent'}" for key in LOG_KEYS]
    return Result("attributes of a line in a step", NOTED, f"{len(own)} lines: {', '.join(told)}")


def judge_runtime(lines):
    """What Lambda says of the runtime, where the log holds it."""
    found = sorted({text for line in lines if (text := runtime_version(line))})
    if not found:
        return Result("the runtime's version", NOTED, "not in the log")
    holds = any(DURABLE_RUNTIME in version for version in found)
    return Result("the runtime's version", NOTED, f"{', '.join(found)}: {'holds' if holds else 'does not hold'} {DURABLE_RUNTIME}")


def runtime_version(line):
    record = line.get("record")
    return record.get("runtimeVersion") if isinstance(record, dict) else None
