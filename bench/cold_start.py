"""How long a function's process takes until it asks for its first event, and what of that is its own processor time.

    cold_start.py TIMES NAME=PROGRAM...    one line of JSON: by name, medians in milliseconds

Programs take turns. Each finds a Runtime API on loopback, and an agent that takes what it is sent, as Lambda and the extension would be.
"""

import contextlib
import http.server
import json
import os
import statistics
import subprocess
import sys
import threading
import time

# What a function of 128 MB has of a processor: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
SHARE_OF_128_MB = 128 / 1769


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


def start(program, api, agent):
    """(wall, processor) milliseconds until the first /next."""
    RuntimeApi.asked, RuntimeApi.event, RuntimeApi.over = [], threading.Event(), threading.Event()
    environment = {
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
    began = time.perf_counter()
    process = subprocess.Popen([program], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not RuntimeApi.event.wait(30):
            sys.exit(f"{program} asked for no event in 30 s")
        return (RuntimeApi.asked[0] - began) * 1e3, processor_time(process.pid)
    finally:
        process.kill()
        process.wait()
        RuntimeApi.over.set()


def main():
    times = int(sys.argv[1])
    programs = dict(argument.split("=", 1) for argument in sys.argv[2:])
    api, agent = serve(RuntimeApi), serve(Agent)
    took = {name: [] for name in programs}
    for turn in range(times + 1):
        for name, program in programs.items():
            figures = start(program, api, agent)
            # The first turn reads the programs from disk.
            if turn:
                took[name].append(figures)
    report = {}
    for name, figures in took.items():
        wall, processor = (statistics.median(column) for column in zip(*figures))
        report[name] = {"wall_ms": wall, "processor_ms": processor, "at_128_mb_ms": processor / SHARE_OF_128_MB}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
