"""The function `race` in Python, under Datadog's packages unless `DD_TRACE_ENABLED=false`."""

import json
import urllib.request

from datadog_function import serve
from aws_durable_execution_sdk_python import durable_execution  # ddtrace has to come first


def tell(url, callback_id, after_ms):
    body = json.dumps({"callback_id": callback_id, "after_ms": after_ms}).encode()
    urllib.request.urlopen(urllib.request.Request(url, body, method="POST"), timeout=10).close()


@durable_execution
def race(event, context):
    answers = []
    for sleep in event["sleeps"]:
        ((kind, after_ms),) = sleep.items()
        if kind == "invoke":
            answers.append(context.invoke("plain-target", {"after_ms": after_ms}, name="call"))
        elif kind == "callback":
            callback = context.create_callback(name="callback")
            tell(event["tell"], callback.callback_id, after_ms)
            answers.append(callback.result())
        else:
            answers.append(
                context.wait_for_callback(lambda id, _, after_ms=after_ms: tell(event["tell"], id, after_ms), name="approval")
            )
    return answers


serve(race)
