"""Processor time of another process, to the nanosecond."""

import os
import time
from pathlib import Path


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that all threads of a process have taken.

    Threads that have ended are counted to a hundredth of a second only.
    """
    tasks = Path(f"/proc/{pid}/task").iterdir()
    try:
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:  # a kernel without it
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def share_of_a_core(pid: int, seconds: float) -> float:
    """The share of one core, from 0 to 1 or above, that a process takes over a time."""
    began, before = time.monotonic(), processor_seconds(pid)
    time.sleep(seconds)
    return (processor_seconds(pid) - before) / (time.monotonic() - began)
