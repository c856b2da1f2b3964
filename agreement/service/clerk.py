"""A durable function without an SDK: it keeps its log by hand, and tells what it saw."""

import json

import boto3


def update(number, kind, action, **more):
    sub_type = {"CONTEXT": "RunInChildContext", "STEP": "Step"}[kind]
    return {"Id": number, "Name": number, "Type": kind, "SubType": sub_type, "Action": action} | more


def clerk(event, _context):
    aws = boto3.client("lambda")
    arn, first = event["DurableExecutionArn"], event["CheckpointToken"]
    seen = {"told": [operation["Type"] for operation in event["InitialExecutionState"]["Operations"]]}

    def checkpoint(token, *updates, **more):
        return aws.checkpoint_durable_execution(DurableExecutionArn=arn, CheckpointToken=token, Updates=list(updates), **more)

    def refused(*request):
        try:
            checkpoint(*request)
        except aws.exceptions.InvalidParameterValueException as refusal:
            return refusal.response["message"].split(":")[0]
        return None

    stamp = update("stamp", "STEP", "SUCCEED", Payload='"red"')
    answer = checkpoint(first, stamp, ClientToken="once")
    again = checkpoint(first, stamp, ClientToken="once")
    seen["repeated"] = again["CheckpointToken"] == answer["CheckpointToken"]
    seen["stale"] = refused(first)
    seen["backwards"] = refused(answer["CheckpointToken"], stamp)

    drawer, copy = update("drawer", "CONTEXT", "START"), update("copy", "STEP", "START", ParentId="drawer")
    answer = checkpoint(answer["CheckpointToken"], drawer, copy)
    seen["changed"] = [operation["Name"] for operation in answer["NewExecutionState"]["Operations"]]

    pages, marker, token = [], "", answer["CheckpointToken"]
    while not pages or marker:
        page = aws.get_durable_execution_state(DurableExecutionArn=arn, CheckpointToken=token, Marker=marker, MaxItems=3)
        marker = page.get("NextMarker", "")
        pages.append([f"{operation['Type']} {operation['Status']}" for operation in page["Operations"]])
    seen["pages"] = pages

    checkpoint(token, update("copy", "STEP", "FAIL", ParentId="drawer", Error={"ErrorType": "Jam", "ErrorMessage": "paper"}))
    return {"Status": "SUCCEEDED", "Result": json.dumps(seen)}
