"""The share of a processor that a small function has, for real: a control group with a quota."""

import contextlib
import itertools
import os
import pathlib
import time

# What a function of 128 MB has of a processor: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
SHARE_OF_128_MB = 128 / 1769
# The shorter the period, the less of a start fits into one quota; the kernel takes no quota below 1 ms.
PERIOD_US = 20_000
QUOTA_US = round(PERIOD_US * SHARE_OF_128_MB)

V1 = pathlib.Path("/sys/fs/cgroup/cpu")
V2 = pathlib.Path("/sys/fs/cgroup")
numbers = itertools.count()


@contextlib.contextmanager
def group(quota_us=QUOTA_US):
    """The file into which a process writes 0 to have that share. `OSError` where there is no right or no controller."""
    is_v1 = (V1 / "cpu.cfs_quota_us").exists()
    folder = (V1 if is_v1 else V2) / f"durable-trace-bench-{os.getpid()}-{next(numbers)}"
    folder.mkdir()
    try:
        if is_v1:
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US), encoding="ascii")
            (folder / "cpu.cfs_quota_us").write_text(str(quota_us), encoding="ascii")
        else:
            if not (folder / "cpu.max").exists():
                (V2 / "cgroup.subtree_control").write_text("+cpu", encoding="ascii")
            (folder / "cpu.max").write_text(f"{quota_us} {PERIOD_US}", encoding="ascii")
        yield folder / "cgroup.procs"
    finally:
        remove(folder)


def remove(folder):
    """A process that was killed leaves its group a moment later."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.01)


def is_there():
    """Whether such a group can be had here."""
    try:
        with group():
            return True
    except OSError:
        return False
