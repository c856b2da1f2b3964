"""What runs beside the driver: AWS's local runner, and this project's Invoke endpoint with the functions behind it."""

import json
import os
import pathlib
import shlex
import socket
import subprocess
import sys
import time
import urllib.request

import boto3
from botocore.config import Config

# The account of AWS's documentation. Nothing looks at it.
ACCOUNT = "123456789012"
REGION = "us-west-2"

# What is set in the caller's shell must not decide what is tested; nothing may leave this machine.
ENVIRONMENT = {
    key: value
    for key, value in os.environ.items()
    if not key.startswith(("AWS_", "DD_", "DURABLE_TRACE", "OTEL_", "_DD_", "_X_AMZN", "RUST_LOG"))
} | {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": REGION,
    "AWS_SECRET_ACCESS_KEY": "local",
}

# As `durable-trace demo` sets them: quiet logs, and time for a slow machine to send its spans.
TRACER = {
    "AWS_LAMBDA_LOG_LEVEL": "WARN",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_TRACE_STATS_COMPUTATION_ENABLED": "false",
    "DURABLE_TRACE_FLUSH_BUDGET_MS": "5000",
    "NO_COLOR": "1",
}

ENDPOINT = "export DURABLE_TRACE_INVOKE_ENDPOINT="

# What the runner logs of an answer PENDING of which it knows nothing that would wake the function again.
REFUSED = "Cannot return PENDING status with no pending operations."


def until(what, seconds, look):
    """What `look` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            sys.exit(f"after {seconds} s no sign of {what}")
        time.sleep(0.02)
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ended(process):
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Functions:
    """`durable-trace serve --invoke-only` for functions that checkpoint at `runner`."""

    def __init__(self, stack, program, commands, runner, environment):
        command = [program, "serve", "--invoke-only", "--port", "0"]
        for name, words in commands.items():
            command += ["--function", f"{name}={shlex.join(words)}"]
        self.log = runner.folder / f"functions-{id(self)}.log"
        environment = ENVIRONMENT | TRACER | {"AWS_ENDPOINT_URL_LAMBDA": runner.url} | environment
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        stack.callback(ended, self.process)
        line = self.process.stdout.readline().strip()
        if not line.startswith(ENDPOINT):
            sys.exit(f"{shlex.join(command)}: {line}\n{self.log.read_text()}")
        self.url = line.removeprefix(ENDPOINT)


class Runner:
    """AWS's local runner, its executions in memory."""

    def __init__(self, stack, folder):
        self.stack, self.folder, self.port = stack, pathlib.Path(folder), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.folder / f"runner-{self.port}.log"
        self.process = None
        # One attempt: what the runner refuses is to be seen.
        self.client = boto3.client(
            "lambda",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50),
        )

    def start(self, functions, targets, *options):
        """Serves with `functions` as its Lambda; `targets` is what may be invoked from executions, and whether that is durable."""
        configurations = {name: {"DurableConfig": {}} if durable else {} for name, durable in targets.items()}
        command = [str(pathlib.Path(sys.executable).with_name("dex-local-runner")), "start-server"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--local-runner-endpoint", self.url]
        command += ["--lambda-endpoint", functions.url, "--local-runner-region", REGION, "--store-type", "memory"]
        command += ["--log-level", "WARNING", "--function-configs", json.dumps(configurations), *options]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=log, stderr=log)
        self.stack.callback(ended, self.process)
        until("the runner", 30, self.answers)

    def answers(self):
        if self.process.poll() is not None:
            sys.exit(f"the runner ended\n{self.log.read_text()}")
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def begin(self, function, name, event, functions=None):
        """Starts an execution on `functions`, the runner's own if none; gives its ARN."""
        body = {
            "AccountId": ACCOUNT,
            "FunctionName": function,
            "FunctionQualifier": "$LATEST",
            "ExecutionName": name,
            "ExecutionTimeoutSeconds": 7200,
            "ExecutionRetentionPeriodDays": 1,
            "Input": event,
        }
        if functions:
            body["LambdaEndpoint"] = functions.url
        request = urllib.request.Request(f"{self.url}/start-durable-execution", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["ExecutionArn"]

    def end(self, arn, seconds):
        """The execution once it is over; None if it takes longer."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            execution = self.client.get_durable_execution(DurableExecutionArn=arn)
            if execution["Status"] != "RUNNING":
                return execution
            time.sleep(0.05)
        return None

    def history(self, arn):
        pages = self.client.get_paginator("get_durable_execution_history").paginate(DurableExecutionArn=arn)
        return [event for page in pages for event in page["Events"]]

    def complete(self, callback_id, result):
        self.client.send_durable_execution_callback_success(CallbackId=callback_id, Result=json.dumps(result).encode())

    def refusals(self, arn):
        """How many answers PENDING of this execution were refused."""
        return sum(REFUSED in line and f"[{arn}]" in line for line in self.log.read_text().splitlines())
