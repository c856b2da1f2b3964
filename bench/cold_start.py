"""How long a function's process takes until it asks for its first event, and what of that is its own processor time.

    cold_start.py TIMES NAME=PROGRAM...    one line of JSON: by name, medians in milliseconds

Programs take turns. Each finds a Runtime API on loopback, and an agent that takes what it is sent, as Lambda and the extension would be.
Where control groups can be had, each starts once more with the share of a processor that a function of 128 MB has; where not, that row is
computed from the processor's time, and `is_run` is false.
"""

import contextlib
import http.server
import json
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import share  # noqa: E402: lies beside this file


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """Notes when the next event is asked for, and lets whoever asks wait."""

    asked = None

    def do_GET(self):
        type(self).asked.append(time.perf_counter())
        type(self).event.set()
        type(self).over.wait()

    def log_message(self, *_):
        pass


class Agent(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b"{}"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        # The process may be gone by now.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def processor_time(pid):
    """Milliseconds of all threads, as the scheduler counts them."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e6


def environment(api, agent):
    """A function's, as Lambda sets it."""
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_NAME": "waits",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api}",
        "AWS_REGION": "eu-west-1",
        "AWS_SECRET_ACCESS_KEY": "local",
        "DD_TRACE_AGENT_URL": f"http://127.0.0.1:{agent}",
        "PATH": os.environ["PATH"],
    }


@contextlib.contextmanager
def started(command, api, agent, group=None):
    """A program that has asked for its first event, and the milliseconds that this took; in a control group, if one is given."""
    RuntimeApi.asked, RuntimeApi.event, RuntimeApi.over = [], threading.Event(), threading.Event()
    # Between fork and exec: what the program does has the group's share, and nothing else has.
    descriptor = os.open(group, os.O_WRONLY) if group else None
    enter = (lambda: os.write(descriptor, b"0")) if group else None
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment(api, agent), preexec_fn=enter, **quiet)
    try:
        if not RuntimeApi.event.wait(60):
            sys.exit(f"{command} asked for no event in 60 s")
        yield process, (RuntimeApi.asked[0] - began) * 1e3
    finally:
        if descriptor is not None:
            os.close(descriptor)
        process.kill()
        process.wait()
        RuntimeApi.over.set()


def main():
    times = int(sys.argv[1])
    programs = dict(argument.split("=", 1) for argument in sys.argv[2:])
    api, agent = serve(RuntimeApi), serve(Agent)
    took = {name: [] for name in programs}
    with_share = {name: [] for name in programs}
    is_run = share.is_there()
    for turn in range(times + 1):
        for name, program in programs.items():
            with started([program], api, agent) as (process, wall):
                figures = wall, processor_time(process.pid)
            slow = None
            if is_run:
                with share.group() as group, started([program], api, agent, group) as (_, wall):
                    slow = wall
            # The first turn reads the programs from disk.
            if turn:
                took[name].append(figures)
                with_share[name].append(slow)
    report = {"is_run": is_run}
    for name, figures in took.items():
        wall, processor = (statistics.median(column) for column in zip(*figures))
        slow = statistics.median(with_share[name]) if is_run else processor / share.SHARE_OF_128_MB
        report[name] = {"wall_ms": wall, "processor_ms": processor, "at_128_mb_ms": slow}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
