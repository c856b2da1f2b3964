"""docs/performance.md, from what was measured."""

import plot
import size

TARGETS = []


def ns(value):
    """Nanoseconds for people."""
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if value >= size:
            return f"{value / size:,.2f} {unit}" if value < 100 * size else f"{value / size:,.0f} {unit}"
    return f"{value:.0f} ns"


def times(value):
    return f"{value:,.0f} ×" if value >= 20 else f"{value:.1f} ×"


def kb(value):
    return f"{value / 1024:,.0f} KB" if value >= 10 * 1024 else f"{value:,.0f} B"


def mb(value):
    return f"{value / 1e6:.2f} MB"


def verdict(is_met):
    return "met" if is_met else "**missed**"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def codec(report):
    took, memory = report["timed"], report["memory"]
    rows = []
    for work in ("extract", "inject"):
        for style, name in (("datadog", "Datadog's headers"), ("tracecontext", "W3C's headers")):
            row = f"{work}/{style}"
            ours, crate, python = took[f"ours/{row}"], took[f"crate/{row}"], took[f"python/{row}"]
            is_met = python / ours >= 50 and crate / ours >= 8
            rows.append((f"{work}, {name}", ns(ours), memory[row]["allocations"], f"{ns(crate)}, {times(crate / ours)}",
                         f"{ns(python)}, {times(python / ours)}", verdict(is_met)))
    head = ("", "our codec", "allocations", "datadog-opentelemetry", "ddtrace", "≥ 8 × and ≥ 50 ×")
    return table(head, rows)


def resumed(report):
    took = report["timed"]
    extract = took["ours/inject/datadog"] + took["crate/extract/datadog"]
    inject = took["crate/inject/datadog"] + took["ours/decide/10"]
    rows = [
        ("a resume: the checkpoint found", ns(took["ours/find/10"]), ns(took["crate/extract/datadog"]), ns(took["ours/find/10"] + extract)),
        ("a suspension: what is injected, compared", ns(took["ours/decide/10"]), ns(took["crate/inject/datadog"]), ns(inject)),
    ]
    return table(("", "our codec", "the tracer's propagator", "together"), rows)


SIZES = (10, 100, 1_000, 10_000)


def log(report):
    took = report["timed"]
    rows = []
    for size in SIZES:
        sdk, body, own = (took[f"{row}/{size}"] for row in ("sdk/parse", "ours/body", "ours/pass"))
        find = took[f"ours/find/{size}"]
        python = took[f"python/parse/{size}"], took[f"python/find/{size}"]
        share = (body + own + find) / sdk
        rows.append((f"{size:,}", ns(sdk), ns(body), ns(own), ns(find), f"{share:.1%}", verdict(share <= 0.10),
                     " + ".join(map(ns, python))))
    head = ("operations", "the SDK parses", "body looked at", "our pass", "checkpoint found", "ours of the SDK's", "≤ 10%", "Python: parse + find")
    return table(head, rows)


def skippers(report):
    took = report["timed"]
    rows = []
    for size in SIZES:
        own = took[f"ours/pass/{size}"]
        others = {name: took[f"skip/{name}/{size}"] for name in ("serde_json", "sonic-rs")}
        fastest = min(others.values())
        rows.append((f"{size:,}", ns(own), *(ns(value) for value in others.values()), f"{own / fastest:.2f} ×", verdict(own <= 2 * fastest)))
    return table(("operations", "our pass", "serde_json skips", "sonic-rs skips, unchecked", "of the fastest", "≤ 2 ×"), rows)


def deciding(report):
    took, memory = report["timed"], report["memory"]
    rows = []
    for size in SIZES:
        decide, write = took[f"ours/decide/{size}"], took[f"ours/write/{size}"]
        rows.append((f"{size:,}", ns(decide), ns(write), memory[f"decide/{size}"]["allocations"], ns(took[f"python/decide/{size}"]),
                     verdict(max(decide, write) <= 2_000)))
    return table(("operations", "nothing has changed", "a checkpoint is made", "allocations", "ddtrace, nothing has changed", "≤ 2 µs"), rows)


def whole(report):
    took, counted = report["timed"], report["counted"]
    rows = []
    for size in SIZES:
        plain, traced = took[f"invocation/untraced/{size}"], took[f"invocation/traced/{size}"]
        row = [f"{size:,}", ns(plain), ns(traced), f"{(traced - plain) / size:,.0f} ns"]
        if counted:
            plain, traced = counted[f"invocation/untraced_{size}"], counted[f"invocation/traced_{size}"]
            row += [f"{plain:,}", f"{traced - plain:+,}", f"{traced / plain - 1:+.1%}"]
        rows.append(row)
    head = ["operations", "untraced", "traced", "added per operation"]
    if counted:
        head += ["instructions untraced", "added", "of the SDK's"]
    return table(head, rows)


def memory(report):
    rows = []
    for size in SIZES:
        found = report["memory"]
        plain, traced = found[f"invocation/untraced/{size}"], found[f"invocation/traced/{size}"]
        more = traced["bytes_at_once"] - plain["bytes_at_once"]
        rows.append((f"{size:,}", kb(plain["bytes_at_once"]), kb(traced["bytes_at_once"]), f"{more / size:,.0f} B",
                     f"{plain['allocations']:,}", f"{traced['allocations']:,}", f"{traced['bytes_kept']:,} B"))
    head = ("operations", "untraced at most", "traced at most", "more per operation", "allocations untraced", "traced", "kept afterwards")
    return table(head, rows)


def suspensions(report):
    waits = report["waits"]
    count, found = waits["count"], waits["suspended"]
    rows = []
    plain = found["untraced"]
    for mode, name in (("untraced", "untraced"), ("ride", "`ride`, the default"), ("call", "`call`"), ("none", "`none`")):
        row = found[mode]
        calls = row["checkpoint_calls"] - plain["checkpoint_calls"]
        rows.append((name, row["checkpoint_calls"], f"{calls:+}", row["state_calls"], f"{row['request_bytes'] - plain['request_bytes']:+,} B",
                     ns(row["microseconds"] * 1e3), row["operations"]))
    head = (f"{count} waits", "checkpoint requests", "added", "GetDurableExecutionState", "request bytes added", "an invocation, median", "operations")
    return table(head, rows)


def replays(report):
    waits = report["waits"]
    names = {"omit": "`omit`, the default", "emit": "`emit`, as the reference", "python": "ddtrace and datadog-lambda"}
    rows = [(names[key], f"{row['spans']:,}", f"{row['bytes']:,}", row["traces"]) for key, row in waits["exported"].items()]
    return table((f"{waits['count']} waits", "spans sent", "bytes sent", "traces"), rows)


PROFILES = (("release", "`release`"), ("size", "`size`"))


def cold(report):
    found, rows = report["cold"], []
    columns = ("wall_ms", "processor_ms", "at_128_mb_ms")
    for profile, name in PROFILES:
        if f"{profile}/traced" not in found:
            continue
        plain, traced = found[f"{profile}/plain"], found[f"{profile}/traced"]
        for what, row in ((f"the SDK alone, {name}", plain), (f"traced, {name}", traced)):
            rows.append((what, *(f"{row[key]:.1f} ms" for key in columns)))
        added = [traced[key] - plain[key] for key in columns]
        rows.append(("added", *(f"{more:+.1f} ms" for more in added), verdict(added[0] <= 5 and added[2] <= 5)))
    rows = [row if len(row) == 5 else (*row, "") for row in rows]
    how = "run" if found["is_run"] else "computed"
    return table(("start to first `/next`", "wall", "processor", f"wall with the share of 128 MB, {how}", "≤ 5 ms"), rows)


def sizes(report):
    found = report["sizes"]
    rows = []
    for profile, name in PROFILES:
        if f"{profile}/traced" in found:
            plain, traced = found[f"{profile}/plain"], found[f"{profile}/traced"]
            rows.append((name, mb(plain), mb(traced), f"{(traced - plain) / 1e6:+.2f} MB"))
    return table(("stripped program, profile", "the SDK alone", "traced", "added"), rows)


def causes(report):
    rows, total = [], 0
    for cause, crates in report["grown"].items():
        added = sum(crates.values())
        total += added
        largest = sorted(crates.items(), key=lambda it: -abs(it[1]))[:8]
        named = ", ".join(f"`{crate}` {more / 1e6:.2f}" for crate, more in largest if abs(more) >= 20_000)
        rows.append((size.CAUSES[cause], mb(added), named if len(crates) > 1 else ""))
    rows.sort(key=lambda row: -float(row[1].split()[0]))
    stripped = report["sizes"]["release/traced"] - report["sizes"]["release/plain"]
    rows.append(("together", mb(total), f"of {mb(stripped)} by which the stripped file is larger"))
    return table(("cause", "added", "by crate, in MB, the largest"), rows)


def flush(report):
    found = report["flush"]
    nothing = found["nothing"]
    names = {
        "nothing": "spans go nowhere",
        "nobody": "nobody listens",
        "at_once": "the agent answers at once",
        "after_50_ms": "the agent answers after 50 ms",
    }
    rows = []
    for key, name in names.items():
        row = found[key]
        waits, agent = row["invocation_us"] - nothing["invocation_us"], row.get("agent_us", 0)
        figures = (ns(waits * 1e3), ns(agent * 1e3), ns((waits - agent) * 1e3)) if key != "nothing" else ("0", "0", "0")
        rows.append((name, ns(row["invocation_us"] * 1e3), *figures, row.get("payloads", 0), row["threads"]))
    head = ("", "an invocation", "of which it waits", "the agent takes", "beyond the agent", "payloads", "threads started")
    return table(head, rows)


def about(report):
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    return f"Measured on {report['date']} by `bench/compare` on {report['machine']} (load before: {report['load']:.1f}), with {versions}."


# The tables of `bench/compare start`, and the others.
START = {"flush": flush, "cold": cold, "sizes": sizes, "causes": causes}
OTHERS = {
    "about": about,
    "codec": codec,
    "path": resumed,
    "log": log,
    "skippers": skippers,
    "deciding": deciding,
    "whole": whole,
    "memory": memory,
    "suspensions": suspensions,
    "replays": replays,
    "import": lambda report: f"{report['import_ms']:,.0f} ms",
}


def write(report, folder):
    fills = START
    if "timed" in report:
        fills = START | OTHERS
        (folder / "performance.svg").write_text(plot.draw(report["timed"], SIZES), encoding="utf-8")
    path = folder / "performance.md"
    text = path.read_text(encoding="utf-8")
    for name, fill in fills.items():
        before, begin, rest = text.partition(f"<!-- begin {name} -->\n")
        _, end, after = rest.partition(f"<!-- end {name} -->")
        if not begin or not end:
            raise SystemExit(f"docs/performance.md has no place for {name}")
        text = f"{before}{begin}{fill(report)}\n{end}{after}"
    path.write_text(text, encoding="utf-8")
