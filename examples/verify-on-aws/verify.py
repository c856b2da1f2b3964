"""Deploys a durable function into your AWS account, looks whether what durable-trace relies on is so there, and removes it again.

Made are one IAM role, two functions and their two log groups, all named durable-trace-verify-SUFFIX...; they are removed at the end, after
a failure and after Ctrl-C as well. It takes some minutes and costs a few cents at most. Credentials and region are those that boto3 finds.
`run` installs boto3 and builds the function.
"""

import argparse
import datetime
import json
import pathlib
import secrets
import sys
import time

import checks
from places import MODES, Aws, Local

# Seconds.
WAIT, RUN_LIMIT, POLL_INTERVAL = 5, 300, 1

TASKS = ("wait", "callback", "invoke")


def until(what, found):
    deadline = time.monotonic() + RUN_LIMIT
    while not (result := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {RUN_LIMIT} s")
        time.sleep(POLL_INTERVAL)
    return result


def event_of(place, mode, task):
    """What the function is to do, and what must come of it."""
    match task:
        case "wait":
            return {"do": "wait", "seconds": WAIT}, "woken"
        case "callback":
            return {"do": "callback"}, "called"
        case "invoke":
            return {"do": "invoke", "target": place.qualified(mode)}, "answered"


def history(place, arn):
    """All pages, oldest event first."""
    pages = place.lambda_.get_paginator("get_durable_execution_history").paginate(DurableExecutionArn=arn)
    return [event for page in pages for event in page["Events"]]


def sleeping_on_callback(place, arn):
    events = history(place, arn)
    begun = [event["CallbackStartedDetails"]["CallbackId"] for event in events if event["EventType"] == "CallbackStarted"]
    return begun[-1] if begun and events[-1]["EventType"] == "InvocationCompleted" else None


def execute(place, mode, task):
    """Runs an execution to its end: its ARN, the execution, what must come of it."""
    event, want = event_of(place, mode, task)
    name = f"{task}-{secrets.token_hex(4)}"
    answer = place.lambda_.invoke(
        FunctionName=place.qualified(mode), InvocationType="Event", DurableExecutionName=name, Payload=json.dumps(event).encode()
    )
    arn = answer["DurableExecutionArn"]
    if task == "callback":
        callback = until("the callback", lambda: sleeping_on_callback(place, arn))
        place.lambda_.send_durable_execution_callback_success(CallbackId=callback, Result=json.dumps("called").encode())

    def ended():
        execution = place.lambda_.get_durable_execution(DurableExecutionArn=arn)
        return execution if execution["Status"] != "RUNNING" else None

    return arn, until(f"{task} in {mode}", ended), want


def told_of(arns):
    """Whether a log holds the last execute span of each execution."""

    def enough(lines):
        spans, _ = checks.parse(lines)
        ended = {span["meta"].get("aws.durable.execution_arn") for span in spans if span["meta"].get("aws.durable.invocation_status") == "succeeded"}
        return ended >= set(arns)

    return enough


def examine(place):
    """(mode, task, result) for each check."""
    for mode in MODES:
        ran = {}
        for task in TASKS:
            print(f"running {task} in {mode}", flush=True)
            ran[task] = execute(place, mode, task)
        lines = place.lines(mode, told_of([arn for arn, _, _ in ran.values()]))
        spans, others = checks.parse(lines)
        for task, (arn, execution, want) in ran.items():
            result = json.loads(execution.get("Result") or "null")
            seen = checks.Seen(task, mode, arn, execution["Status"], result, history(place, arn), spans, others)
            for judged in checks.judge(seen, want):
                yield mode, task, judged
        yield mode, "all", checks.judge_runtime(others)


def table(rows):
    width = max(len(result.check) for _, _, result in rows)
    lines = [f"{'mode':5} {'task':9} {'check':{width}}  verdict  detail"]
    lines += [f"{mode:5} {task:9} {result.check:{width}}  {result.verdict:7}  {result.detail}" for mode, task, result in rows]
    return "\n".join(lines)


def verdict(rows):
    counts = {word: sum(result.verdict == word for _, _, result in rows) for word in (checks.OK, checks.FAILED, checks.NOTED)}
    return f"{counts[checks.OK]} ok, {counts[checks.FAILED]} failed, {counts[checks.NOTED]} noted"


def report(path, place, rows, cut_short):
    """The table, with when and where. Account and suffix are no part of the verdict; the ARNs in it do not leave this machine."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    where = f"{place.name}{', ' + place.region if hasattr(place, 'region') else ''}"
    ended = f"\ncut short: {cut_short}" if cut_short else ""
    path.write_text(f"verify-on-aws, {now.isoformat()}, on {where}\n\n{table(rows)}\n\n{verdict(rows)}{ended}\n", encoding="utf-8")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="verify-on-aws/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="say what would be made, run and removed; ask nobody, touch nothing")
    what.add_argument("--local", action="store_true", help="the same checks against `durable-trace serve` on this machine; no AWS account")
    what.add_argument("--remove", metavar="SUFFIX", help="remove what an earlier run could not")
    parser.add_argument("--region", help="AWS region, else that of your configuration")
    parser.add_argument("--architecture", choices=("x86_64", "arm64"), default="x86_64")
    parser.add_argument("--artifact", metavar="FILE", help="the function: bootstrap.zip, or with --local a program (`run` builds it)")
    parser.add_argument("--program", metavar="FILE", help="durable-trace, for --local (`run` builds it)")
    parser.add_argument("--report", type=pathlib.Path, help="where the verdict is written (verify-on-aws.txt; with --local nowhere)")
    arguments = parser.parse_args()
    if not arguments.local and not arguments.report:
        arguments.report = pathlib.Path("verify-on-aws.txt")
    return arguments


def tell_plan(arguments):
    place = Aws("SUFFIX", arguments.artifact, arguments.architecture)
    for what, _, _ in place.steps():
        print(f"would make {what}")
    for mode in MODES:
        for task in TASKS:
            print(f"would run {task} in {mode}: a durable execution of {place.function(mode)}:1, its history and its log")
    for what, _, _ in reversed(list(place.steps())):
        print(f"would remove {what}")
    print(f"would write {arguments.report}")


def session(arguments):
    import boto3

    made = boto3.Session(region_name=arguments.region)
    if not made.region_name:
        sys.exit("no region: give --region, or set AWS_REGION")
    return made


def main():
    arguments = parse_arguments()
    if arguments.dry_run:
        tell_plan(arguments)
        return 0
    if arguments.remove:
        left = Aws(arguments.remove, None, arguments.architecture, session(arguments)).remove()
        print("\n".join(f"NOT REMOVED: {line}" for line in left) or "removed")
        return 1 if left else 0
    if not arguments.artifact or (arguments.local and not arguments.program):
        sys.exit("--artifact is missing (and --program for --local): start `run`, which builds it")
    if arguments.local:
        place = Local(arguments.program, arguments.artifact)
    else:
        place = Aws(secrets.token_hex(4), arguments.artifact, arguments.architecture, session(arguments))
    rows, cut_short = [], None
    try:
        with place:
            rows.extend(examine(place))
    except KeyboardInterrupt:
        cut_short = "interrupted"
    except Exception as error:  # noqa: BLE001 - the verdict says so
        cut_short = f"{type(error).__name__}: {error}"
    if rows:
        print(table(rows))
        if arguments.report:
            report(arguments.report, place, rows, cut_short)
    print(f"cut short: {cut_short}" if cut_short else verdict(rows))
    return 1 if cut_short or any(result.verdict == checks.FAILED for _, _, result in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
