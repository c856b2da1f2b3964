"""Starts executions, answers their callbacks from outside, and waits for their end, all through boto3."""

import json
import re

from service import until


def named(name):
    """`name` as an execution may be called."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def start(aws, function, event, name):
    """Starts an execution and does not wait for it; gives its ARN."""
    payload = json.dumps(event).encode()
    answer = aws.invoke(FunctionName=f"{function}:$LATEST", InvocationType="Event", DurableExecutionName=named(name), Payload=payload)
    return answer["DurableExecutionArn"]


def history(aws, arn):
    return aws.get_durable_execution_history(DurableExecutionArn=arn)["Events"]


def sleeping_on_callback(aws, arn):
    """The id of the callback that the execution sleeps on; None if it runs, or sleeps on none."""
    events = history(aws, arn)
    begun = [event["CallbackStartedDetails"]["CallbackId"] for event in events if event["EventType"] == "CallbackStarted"]
    return begun[-1] if begun and events[-1]["EventType"] == "InvocationCompleted" else None


def end(aws, arn):
    """The execution when it has ended, and its history."""

    def ended():
        execution = aws.get_durable_execution(DurableExecutionArn=arn)
        return execution if execution["Status"] != "RUNNING" else None

    return until(f"{arn} ends", ended), history(aws, arn)


def run(service, rows):
    """Runs all of `rows` side by side: what is to be their name, with function, event, and answer to their callback."""
    aws = service.aws
    arns = {name: start(aws, function, event, name) for name, (function, event, _) in rows.items()}
    for name, (_, _, answer) in rows.items():
        if answer is not None:
            callback = until(f"{name} sleeps", lambda arn=arns[name]: sleeping_on_callback(aws, arn))
            aws.send_durable_execution_callback_success(CallbackId=callback, Result=answer)
    return {name: end(aws, arn) for name, arn in arns.items()}
