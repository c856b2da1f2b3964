"""How large the programs are, and what makes the traced one larger: every byte of it by the crate whose code was compiled to it."""

import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ("plain", "traced")
PROFILES = ("release", "size")

# (cause, what it is to readers), in the order of the table
CAUSES = {
    "datadog": "Datadog's tracer, and what it alone pulls in",
    "opentelemetry": "OpenTelemetry's API and SDK, and its layer for `tracing`",
    "ours": "durable-trace",
    "subscriber": "the subscriber: log lines, JSON, levels",
    "program": "the function itself: what is generic over its handler",
    "shared": "crates that the SDK alone has too, of which more is used",
    "std": "Rust's standard library, of which more is used",
    "linker": "what the linker makes of all that: relocations, unwind tables, strings",
}
OURS = {"durable_trace", "durable_trace_wire"}
OPENTELEMETRY = {"opentelemetry", "opentelemetry_sdk", "opentelemetry_semantic_conventions", "tracing_opentelemetry"}
# In memory, but not in the file.
EMPTY = {".bss", ".tbss", ".relro_padding"}
LINE = re.compile(r" *([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) +\d+ (.*)")


def run(command, **settings):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, **settings).stdout


def stripped(target):
    """Bytes of the stripped programs, by profile and name; of those that were built."""
    found = {}
    for profile in PROFILES:
        for name in PROGRAMS:
            program, copy = target / profile / name, target / f"{name}.stripped"
            if program.exists():
                run(["strip", "-o", copy, program])
                found[f"{profile}/{name}"] = copy.stat().st_size
    return found


def linked(name, target):
    """The linker's map of a program in the profile `release`: LLD's, which is Rust's own on Linux."""
    path = target / f"{name}.map"
    command = ["cargo", "rustc", "--release", "--locked", "--quiet", "--target-dir", target, "--bin", name]
    run([*command, "--", "-C", f"link-arg=-Wl,-Map={path}"], cwd=HERE)
    return path.read_text(encoding="utf-8", errors="replace")


def crate_of(origin):
    """The crate of an object file, as the map names it."""
    path, _, section = origin.rpartition(":(")
    if path == "<internal>" or not path:
        return "linker"
    archive = pathlib.PurePath(path.split("(")[0])
    if "rustlib" in archive.parts:
        return "std"
    if archive.suffix == ".rlib":
        return archive.stem.removeprefix("lib").rsplit("-", 1)[0]
    # Objects of the program's own, and what a C compiler starts every program with.
    return "program" if ".rcgu." in archive.name or archive.name.split("-")[0] in PROGRAMS else "linker"


def by_crate(text):
    """Bytes in the file by crate."""
    crates, is_loaded = {}, False
    for line in text.splitlines()[1:]:
        match = LINE.fullmatch(line)
        if not match:
            continue
        address, size, what = int(match[1], 16), int(match[2], 16), match[3]
        if not what.startswith(" "):
            # A section of the file; what is not loaded has no address.
            is_loaded = address > 0 and what not in EMPTY
        elif is_loaded and not what.startswith(" " * 9):
            crate = crate_of(what.strip())
            crates[crate] = crates.get(crate, 0) + size
    return crates


def tree(package, *arguments, cwd=HERE):
    """A crate and all that it needs, as their files are named."""
    said = run(["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "-p", package, *arguments], cwd=cwd)
    return {line.split()[0].replace("-", "_") for line in said.splitlines() if line.strip()}


def cause_of():
    """What a crate is counted to."""
    without_datadog = tree("durable-trace", "--no-default-features", cwd=HERE.parent)
    datadog = tree("datadog-opentelemetry") - without_datadog
    shared = tree("aws-sdk-lambda") | tree("opentelemetry_sdk") | tree("serde_json")
    subscriber = tree("tracing-subscriber") - shared | {"tracing_subscriber"}

    def cause(crate):
        if crate in CAUSES:
            return crate
        groups = {"ours": OURS, "opentelemetry": OPENTELEMETRY, "datadog": datadog, "subscriber": subscriber}
        return next((name for name, group in groups.items() if crate in group), "shared")

    return cause


def grown(target):
    """What the traced program has beyond the plain one: by cause, by crate, in bytes."""
    plain, traced = (by_crate(linked(name, target)) for name in PROGRAMS)
    cause, found = cause_of(), {name: {} for name in CAUSES}
    for crate in plain | traced:
        more = traced.get(crate, 0) - plain.get(crate, 0)
        if more:
            found[cause(crate)][crate] = more
    return found
