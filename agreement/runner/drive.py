"""Runs the demo's workflows, and a race, on AWS's local runner; `run` lays what it needs.

usage: drive.py PROGRAM [PYTHON]      PYTHON has Datadog's packages, and asks for the long race
"""

import contextlib
import os
import signal
import sys
import tempfile

import race
import workflows
from checks import Checks


def main():
    program, *rest = sys.argv[1:]
    datadog = rest[0] if rest else None
    # What is started is ended on the way out, also when this is asked to terminate.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        workflows.check(checks, program, folder, stack)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        race.check(checks, program, datadog, folder, stack)
    checks.end()


if __name__ == "__main__":
    main()
