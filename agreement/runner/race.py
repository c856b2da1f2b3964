"""A race of suspension and completion: how often AWS's runner refuses a PENDING, without tracing and with it.

The function `race` sleeps on what completes some milliseconds after it began. A request that is sent between the falling asleep and
the answer PENDING can bring that completion, of which nobody takes notice: then the runner knows nothing more that would wake the
function, refuses the PENDING, and invokes the function again 5 s later; after the third in a row it fails the execution.
"""

import concurrent.futures
import dataclasses
import http.server
import json
import os
import pathlib
import threading

from intake import Intake
from machines import Functions, Runner

# Over how much the completions are spread, in milliseconds.
SPREAD = 50

# How many executions run at once: few, so that what is measured is not the queue for two cores.
AT_ONCE = 4

# How long one execution may take: two sleeps, each refused three times in a row, and a slow machine.
SECONDS = 60

# The function of each mode, and what its environment says besides.
RUST, PYTHON = "race", "race-python"
MODES = {
    "untraced": (RUST, {"DD_TRACE_ENABLED": "false"}),
    "ride": (RUST, {"DURABLE_TRACE_CHECKPOINT_MODE": "ride"}),
    "call": (RUST, {"DURABLE_TRACE_CHECKPOINT_MODE": "call"}),
    "Python, untraced": (PYTHON, {"DD_TRACE_ENABLED": "false"}),
    "Python, ddtrace": (PYTHON, {}),
}

# Shape: (what is slept on, the kinds of an execution's sleeps by its place).
SHAPES = {
    "callback or call": ("a callback or a chained invoke", lambda place: [("callback", "invoke"), ("invoke", "callback")][place % 2]),
    "told by a step": ("a callback whose id a step tells", lambda place: ("approval",)),
}


class Teller:
    """Completes each callback that it is told of, once, after as many milliseconds as it is told."""

    def __init__(self, stack, runner):
        told, lock = set(), threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                callback = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    is_new = callback["callback_id"] not in told
                    told.add(callback["callback_id"])
                if is_new:
                    complete = threading.Timer(
                        callback["after_ms"] / 1000, runner.complete, (callback["callback_id"], callback["after_ms"])
                    )
                    complete.daemon = True
                    complete.start()
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}/"


@dataclasses.dataclass
class Ran:
    """What became of the executions of one mode."""

    shape: str
    mode: str
    executions: int
    # Executions with a checkpoint of tracing's, refused PENDINGs, executions that did not succeed.
    saved: int
    refused: int
    failed: int
    # How those ended that did not succeed with the result of `race`.
    surprises: list


class Race:
    def __init__(self, modes, program, datadog, folder, stack):
        self.runner = Runner(stack, folder)
        intake = Intake(stack)
        self.teller = Teller(stack, self.runner)
        commands = {RUST: [program, "function", RUST], "plain-target": [program, "function", "plain-target"]}
        if datadog:
            commands[PYTHON] = [datadog, "-B", str(pathlib.Path(__file__).with_name("race_function.py"))]
        self.functions = {}
        for mode in modes:
            _, says = MODES[mode]
            says = {"DD_TRACE_AGENT_URL": intake.url} | says
            self.functions[mode] = Functions(stack, program, commands, self.runner, says)
        # The runner asks its own endpoint for what executions invoke, whichever theirs is.
        self.runner.start(self.functions["untraced"], {"plain-target": False})

    def run(self, mode, shape, executions):
        function, _ = MODES[mode]
        _, sleeps_of = SHAPES[shape]

        def one(place):
            after_ms = round(SPREAD * place / (executions - 1))
            sleeps = [{kind: after_ms} for kind in sleeps_of(place)]
            event = json.dumps({"tell": self.teller.url, "sleeps": sleeps})
            name = f"{mode}-{shape}-{place}".replace(" ", "-").replace(",", "")
            arn = self.runner.begin(function, name, event, self.functions[mode])
            return arn, self.runner.end(arn, SECONDS), expected(sleeps)

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            runs = list(pool.map(one, range(executions)))
        return Ran(
            shape,
            mode,
            executions,
            saved=sum(self.has_saved(arn) for arn, _, _ in runs),
            refused=sum(self.runner.refusals(arn) for arn, _, _ in runs),
            failed=sum(not end or end["Status"] != "SUCCEEDED" for _, end, _ in runs),
            surprises=[surprise(end) for _, end, want in runs if not is_as_expected(end, want)],
        )

    def has_saved(self, arn):
        """Whether tracing has saved its context in the log of the execution."""
        return any(event.get("Name") == "_datadog_0" for event in self.runner.history(arn))


def expected(sleeps):
    """The result of `race`: what completed each sleep."""
    return [{"after_ms": after_ms} if kind == "invoke" else after_ms for sleep in sleeps for kind, after_ms in sleep.items()]


def is_as_expected(end, want):
    return bool(end) and end["Status"] == "SUCCEEDED" and json.loads(end["Result"]) == want


def surprise(end):
    return end and {key.lower(): end.get(key) for key in ("Status", "Result", "Error")}


def check(checks, program, datadog, folder, stack):
    executions = 50 if datadog else 20
    race = Race(MODES if datadog else ("untraced", "ride"), program, datadog, folder, stack)
    shape = "callback or call"
    sleeps_on, _ = SHAPES[shape]
    untraced, ride = (race.run(mode, shape, executions) for mode in ("untraced", "ride"))
    for ran, saved in ((untraced, 0), (ride, executions)):
        checks.equal(f"race for {sleeps_on}, {ran.mode}: all {executions} succeed", ran.surprises, [])
        checks.equal(f"race for {sleeps_on}, {ran.mode}: {saved} of them have a checkpoint of ours", ran.saved, saved)
    what = f"race for {sleeps_on}: mode ride has as many PENDINGs refused as no tracing, {untraced.refused}"
    checks.equal(what, ride.refused, untraced.refused)
    if datadog:
        # Only told, not held against anything: what a call of tracing's own costs, and what the SDKs do by themselves.
        rest = [(mode, shape) for mode in MODES if mode not in (untraced.mode, ride.mode)]
        rest += [(mode, "told by a step") for mode in MODES]
        rows = [untraced, ride, *(race.run(mode, shape, executions) for mode, shape in rest)]
        table(rows)
        if "UPDATE_RACE" in os.environ:
            write(rows)
        checks.equal("race: the table tells of each mode in each shape", len({(row.shape, row.mode) for row in rows}), len(MODES) * len(SHAPES))


def table(rows):
    columns = ("executions", "saved", "refused", "failed")
    print(f"{'race':18} {'mode':18}", *(f"{column:>10}" for column in columns))
    for row in rows:
        print(f"{row.shape:18} {row.mode:18}", *(f"{getattr(row, column):>10}" for column in columns), flush=True)


def write(rows):
    """Lays the table into docs/conformance.md, between its marks."""
    columns = ("executions", "saved", "refused", "failed")
    lines = [f"| workflow | | executions | with a checkpoint | PENDING refused | failed |\n|{'---|' * 6}\n"]
    lines += (f"| {row.shape} | {row.mode} | {' | '.join(str(getattr(row, column)) for column in columns)} |\n" for row in rows)
    document = pathlib.Path(__file__).parents[2] / "docs" / "conformance.md"
    head, rest = document.read_text(encoding="utf-8").split("<!-- runner: ", 1)
    mark, rest = rest.split("\n", 1)
    _, tail = rest.split("<!-- end of runner -->", 1)
    text = f"{head}<!-- runner: {mark}\n\n{''.join(lines)}\n<!-- end of runner -->{tail}"
    document.write_text(text, encoding="utf-8")
