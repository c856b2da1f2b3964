"""Holds every answer that a boto3 client gets against the service model that boto3 brings."""

import json
import re
from datetime import datetime

# What a member of each type is: in the JSON that came, and as boto3 hands it out. Timestamps are seconds since 1970 in REST-JSON.
NUMBER = (int, float)
RAW = {"boolean": bool, "double": NUMBER, "integer": int, "long": int, "string": str, "timestamp": NUMBER}
PARSED = RAW | {"timestamp": datetime}


class Answers:
    """Listens to a client or a session; what contradicts the model gathers in `faults`."""

    def __init__(self):
        self.held = 0
        self.faults = []

    def listen(self, events):
        events.register("before-parse.lambda", self._arrived)
        events.register("after-call.lambda", self._parsed)

    def _arrived(self, operation_model, response_dict, **_):
        self.held += 1
        place, status, headers = operation_model.name, response_dict["status_code"], response_dict["headers"]
        if status >= 300:
            self._refused(operation_model, status, headers, response_dict["body"])
            return
        if status not in (operation_model.http.get("responseCode", 200), *INVOKE_STATUSES.get(place, ())):
            self._fault(place, f"status {status}")
        shape = operation_model.output_shape
        for name, member in shape.members.items():
            in_header = member.serialization.get("location") == "header"
            value = headers.get(member.serialization.get("name", name)) if in_header else None
            if value is not None:
                self._hold(f"{place}.{name}", member, value, RAW)
        if not operation_model.has_streaming_output and "payload" not in shape.serialization:
            self._hold(place, shape, json.loads(response_dict["body"] or "{}"), RAW)

    def _refused(self, operation_model, status, headers, body):
        """An error is one that the operation may answer, with its status and its message."""
        code = headers.get("x-amzn-errortype", "").split(":")[0]
        shape = next((shape for shape in operation_model.error_shapes if shape.error_code == code), None)
        place = f"{operation_model.name}: {code}"
        if shape is None:
            self._fault(place, "not an error of this operation")
            return
        if shape.metadata["error"]["httpStatusCode"] != status:
            self._fault(place, f"status {status}")
        told = json.loads(body)
        self._hold(place, shape, told, RAW)
        message = next(name for name in shape.members if name.lower() == "message")
        if not told.get(message):
            self._fault(place, f"no {message}")

    def _parsed(self, model, parsed, **_):
        if "Error" not in parsed or "Code" not in parsed["Error"]:
            answer = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
            self._hold(model.name, model.output_shape, answer, PARSED)

    def _hold(self, place, shape, value, types):
        """Walks down `value`, which is to be a `shape`."""
        kind = shape.type_name
        if kind == "structure":
            self._hold_members(place, shape, value, types)
        elif kind == "list":
            if not isinstance(value, list):
                self._fault(place, f"{value!r} is not a list")
                return
            for item in value:
                self._hold(f"{place}[]", shape.member, item, types)
        elif kind in types:
            if not isinstance(value, types[kind]) or (isinstance(value, bool) and kind != "boolean"):
                self._fault(place, f"{value!r} is not a {kind}")
                return
            self._hold_limits(place, shape.metadata, value)

    def _hold_members(self, place, shape, value, types):
        if not isinstance(value, dict):
            self._fault(place, f"{value!r} is not a structure")
            return
        # boto3 drops what it does not know: a misspelt name would show nowhere else.
        for name in value.keys() - shape.members.keys():
            self._fault(place, f"the model has no {name}")
        for name in set(shape.required_members) - value.keys():
            self._fault(place, f"{name} is required")
        for name in shape.members.keys() & value.keys():
            self._hold(f"{place}.{name}", shape.members[name], value[name], types)

    def _hold_limits(self, place, limits, value):
        if "enum" in limits and value not in limits["enum"]:
            self._fault(place, f"{value!r} is none of {limits['enum']}")
        if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
            self._fault(place, f"{value!r} does not match {limits['pattern']}")
        if isinstance(value, datetime):
            if value.tzinfo is None:
                self._fault(place, "no time zone")
            return
        size = len(value) if isinstance(value, str) else value
        if not limits.get("min", size) <= size <= limits.get("max", size):
            self._fault(place, f"{size} is not from {limits.get('min')} to {limits.get('max')}")

    def _fault(self, place, what):
        self.faults.append(f"{place}: {what}")

    def take_faults(self):
        """The faults since the last call, each once."""
        taken, self.faults = sorted(set(self.faults)), []
        return taken


# Invoke's own answers beside 200: its documentation gives 202 for an Event and 204 for a DryRun.
INVOKE_STATUSES = {"Invoke": (202, 204)}
