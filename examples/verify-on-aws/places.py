"""Where the function is examined: an AWS account, or `durable-trace serve` on this machine. Both give a client, the log, and an end."""

import json
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import tempfile
import time

MODES = ("ride", "call")
# Seconds of one invocation, of one execution, and days for which its history is kept.
TIMEOUT, EXECUTION_TIMEOUT, RETENTION = 60, 900, 1
# Seconds that IAM and Lambda get to see what was just made, and CloudWatch to show what was just logged.
SETTLE_LIMIT, LOG_LIMIT = 120, 120

ASSUME = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def policy(partition, region, account, function):
    """All that the functions may do: their executions, their chained invoke, their log."""
    functions = f"arn:{partition}:lambda:{region}:{account}:function:{function}-*"
    group = f"arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{function}-*"
    rows = [
        (["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState", "lambda:InvokeFunction"], functions),
        (["logs:CreateLogStream", "logs:PutLogEvents"], group),
    ]
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource} for actions, resource in rows]}


def variables(mode):
    """The functions' environment. The agent is in the function itself."""
    return {
        "DD_SERVICE": "verify-on-aws",
        "DD_TRACE_AGENT_URL": "http://127.0.0.1:8126",
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
        "DD_TRACE_STATS_COMPUTATION_ENABLED": "false",
        "DURABLE_TRACE_CHECKPOINT_MODE": mode,
        "DURABLE_TRACE_INVOKE_TARGETS": "*",
    }


class Aws:
    """The reader's account. What is made is listed in `steps`, each with what takes it away, so that both can be told beforehand."""

    name = "AWS"

    def __init__(self, suffix, artifact, architecture, session=None):
        self.prefix = f"durable-trace-verify-{suffix}"
        self.artifact, self.architecture = artifact, architecture
        self.session = session
        if session is not None:
            self.lambda_, self.iam, self.logs = (session.client(name) for name in ("lambda", "iam", "logs"))
            identity = session.client("sts").get_caller_identity()
            self.account, self.partition = identity["Account"], identity["Arn"].split(":")[1]
            self.region = session.region_name

    def function(self, mode):
        return f"{self.prefix}-{mode}"

    def group(self, mode):
        return f"/aws/lambda/{self.function(mode)}"

    def steps(self):
        """(what is made, how, how it is taken away)"""
        yield (f"IAM role {self.prefix}, with its inline policy", self._make_role, self._remove_role)
        for mode in MODES:
            yield (f"log group {self.group(mode)}", lambda mode=mode: self._make_group(mode), lambda mode=mode: self._remove_group(mode))
        for mode in MODES:
            yield (
                f"function {self.function(mode)} ({self.architecture}, provided.al2023, durable), published as version 1",
                lambda mode=mode: self._make_function(mode),
                lambda mode=mode: self._remove_function(mode),
            )

    def __enter__(self):
        try:
            for what, make, _ in self.steps():
                print(f"making {what}", flush=True)
                make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def remove(self):
        """Takes away all of it, whatever of it is there; gives what could not be taken away."""
        left = []
        for what, _, take_away in reversed(list(self.steps())):
            print(f"removing {what}", flush=True)
            try:
                take_away()
            except Exception as error:  # noqa: BLE001 - the rest is to be removed all the same
                left.append(f"{what}: {error}")
        return left

    def __exit__(self, *_):
        # A second Ctrl-C does not leave half of it behind.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        left = self.remove()
        signal.signal(signal.SIGINT, before)
        for line in left:
            print(f"NOT REMOVED: {line}", flush=True)
        if left:
            print(f"try again: verify-on-aws/run --remove {self.prefix.rpartition('-')[2]}", flush=True)

    def _make_role(self):
        role = self.iam.create_role(RoleName=self.prefix, AssumeRolePolicyDocument=json.dumps(ASSUME))
        document = json.dumps(policy(self.partition, self.region, self.account, self.prefix))
        self.iam.put_role_policy(RoleName=self.prefix, PolicyName="verify", PolicyDocument=document)
        self.role = role["Role"]["Arn"]

    def _remove_role(self):
        self._gone(self.iam.delete_role_policy, RoleName=self.prefix, PolicyName="verify")
        self._gone(self.iam.delete_role, RoleName=self.prefix)

    def _make_group(self, mode):
        self.logs.create_log_group(logGroupName=self.group(mode))
        # If all else fails, it is not kept for long.
        self.logs.put_retention_policy(logGroupName=self.group(mode), retentionInDays=1)

    def _remove_group(self, mode):
        self._gone(self.logs.delete_log_group, logGroupName=self.group(mode))

    def _make_function(self, mode):
        deadline = time.monotonic() + SETTLE_LIMIT
        while True:
            try:
                self.lambda_.create_function(
                    FunctionName=self.function(mode),
                    Runtime="provided.al2023",
                    Handler="bootstrap",
                    Architectures=[self.architecture],
                    Role=self.role,
                    Code={"ZipFile": pathlib.Path(self.artifact).read_bytes()},
                    Timeout=TIMEOUT,
                    MemorySize=256,
                    DurableConfig={"ExecutionTimeout": EXECUTION_TIMEOUT, "RetentionPeriodInDays": RETENTION},
                    # The runtime's version is in the platform's own lines, which are JSON then.
                    LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "INFO", "ApplicationLogLevel": "INFO"},
                    Environment={"Variables": variables(mode)},
                )
                break
            except self.lambda_.exceptions.InvalidParameterValueException as error:
                # A new role takes a while until Lambda can assume it.
                if "assume" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(3)
        self.lambda_.get_waiter("function_active_v2").wait(FunctionName=self.function(mode))
        self.lambda_.publish_version(FunctionName=self.function(mode))
        self.lambda_.get_waiter("published_version_active").wait(FunctionName=self.function(mode), Qualifier="1")

    def _remove_function(self, mode):
        # What still runs would keep the function.
        for version in ("1", "$LATEST"):
            try:
                running = self.lambda_.list_durable_executions_by_function(
                    FunctionName=self.function(mode), Qualifier=version, Statuses=["RUNNING"]
                )
            except self.lambda_.exceptions.ResourceNotFoundException:
                continue
            for execution in running["DurableExecutions"]:
                self._gone(self.lambda_.stop_durable_execution, DurableExecutionArn=execution["DurableExecutionArn"])
        self._gone(self.lambda_.delete_function, FunctionName=self.function(mode))

    def _gone(self, take_away, **which):
        try:
            take_away(**which)
        except Exception as error:
            if type(error).__name__ not in ("NoSuchEntityException", "ResourceNotFoundException"):
                raise

    def qualified(self, mode):
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.function(mode)}:1"

    def lines(self, mode, enough):
        """The log's lines, as soon as they are enough; all there are when time is up."""
        deadline = time.monotonic() + LOG_LIMIT
        while True:
            pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=self.group(mode))
            lines = [event["message"] for page in pages for event in page["events"]]
            if enough(lines) or time.monotonic() > deadline:
                return lines
            time.sleep(5)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Local:
    """`durable-trace serve`, with the same functions."""

    name = "the local service"

    def __init__(self, program, function):
        # Each mode has its agent's port: the functions are neighbours here.
        command = [program, "serve", "--port", "0"]
        for mode in MODES:
            more = variables(mode) | {"DD_TRACE_AGENT_URL": f"http://127.0.0.1:{free_port()}", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
            pairs = [f"{key}={value}" for key, value in more.items()]
            command += ["--function", f"{self.function(mode)}={shlex.join(['env', *pairs, function])}"]
        self.command = command

    def function(self, mode):
        return f"verify-{mode}"

    def __enter__(self):
        import boto3

        ours = ("AWS_", "DD_", "DURABLE_TRACE", "OTEL_", "RUST_LOG")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(self.command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        exports = dict(self.process.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(5))
        self.lambda_ = boto3.client(
            "lambda",
            endpoint_url=exports["AWS_ENDPOINT_URL_LAMBDA"],
            region_name=exports["AWS_REGION"],
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.process.stdout.close()

    def qualified(self, mode):
        return f"{self.function(mode)}:$LATEST"

    def lines(self, mode, enough):
        # All functions log to the same place; which line is whose, the executions' ARNs in the spans tell.
        self.log.seek(0)
        return self.log.read().splitlines()
