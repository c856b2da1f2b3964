"""One handler for all recorded workflows: the execution's input says which, as it did when they were recorded."""

import json

# The recordings' own: their folder comes first in the search path.
from workflows import WORKFLOWS


def handler(event, context):
    began = event["InitialExecutionState"]["Operations"][0]
    name = json.loads(began["ExecutionDetails"]["InputPayload"])["wf"]
    return WORKFLOWS[name](event, context)
