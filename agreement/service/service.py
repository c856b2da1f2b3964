"""The program under test, with Python functions as its processes."""

import os
import pathlib
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time

import boto3
from answers import Answers
from botocore.config import Config

HERE = pathlib.Path(__file__).parent

# What is set in the caller's shell must not decide what is examined; nothing may leave this machine.
OTHERS = ("AWS_", "DD_", "DURABLE_TRACE", "OTEL_", "PYTHON", "_DD_", "_X_AMZN")
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(OTHERS)} | {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

# Seconds, each far more than is needed: what is reached is an error.
START_LIMIT, END_LIMIT, RUN_LIMIT = 30, 15, 120
POLL_INTERVAL = 0.05


def until(what, found, limit=RUN_LIMIT):
    """Polls until `found` gives something true, and gives that."""
    deadline = time.monotonic() + limit
    while not (result := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {limit} s")
        time.sleep(POLL_INTERVAL)
    return result


class Service:
    """`durable-trace serve`; `functions` and `plain` are names with the folder and the handler that they stand for."""

    def __init__(self, program, functions, plain):
        self.command = [program, "serve", "--port", "0", "--clock", "skip"]
        for option, rows in (("--function", functions), ("--plain-function", plain)):
            for name, (folder, handler) in rows.items():
                command = shlex.join([sys.executable, "-B", str(HERE / "function.py"), str(folder), handler])
                self.command += [option, f"{name}={command}"]
        self.answers = Answers()

    def __enter__(self):
        self.log = tempfile.TemporaryFile("w+")
        # A session of its own: all of its functions are in one process group.
        self.process = subprocess.Popen(
            self.command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, start_new_session=True
        )
        try:
            self.aws = self._client(self._exports())
        except BaseException:
            self.__exit__()
            raise
        return self

    def _exports(self):
        """The variables that `serve` prints once it listens."""
        told, deadline = b"", time.monotonic() + START_LIMIT
        while told.count(b"\n") < 5:
            ready, _, _ = select.select([self.process.stdout], [], [], deadline - time.monotonic())
            some = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not some:
                raise RuntimeError(f"serve did not start: {told!r}\n{self.logged()}")
            told += some
        return dict(line.removeprefix("export ").split("=", 1) for line in told.decode().splitlines())

    def _client(self, exports):
        """A client that knows nothing but what `serve` printed."""
        for key in [key for key in os.environ if key.startswith("AWS_")]:
            del os.environ[key]
        os.environ.update({key: ENVIRONMENT[key] for key in ENVIRONMENT if key.startswith("AWS_")} | exports)
        os.environ["NO_PROXY"] = "127.0.0.1"
        # No second attempt, which would hide a bad answer to the first.
        config = Config(retries={"total_max_attempts": 1}, read_timeout=RUN_LIMIT)
        client = boto3.Session().client("lambda", config=config)
        self.answers.listen(client.meta.events)
        return client

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def end(self):
        """Ends it as Ctrl-C does; gives its exit code and whether a function outlived it."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(END_LIMIT)
        return code, self._is_alive()

    def _is_alive(self):
        try:
            until("the functions end", lambda: not self._signal(0), END_LIMIT)
        except TimeoutError:
            return True
        return False

    def _signal(self, number):
        """Signals service and functions; says whether there were any."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return False
        return True

    def __exit__(self, kind=None, *_):
        if kind is not None:
            print(self.logged(), file=sys.stderr)
        if self.process.returncode is None or self._signal(0):
            self._signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
