"""What this machine gives a training: processor, threads, memory. No TensorFlow is needed."""

import math
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STREAMS_PER_SHARD: Final = 16
"""A batch is cut so that each thread has so many streams at least; with fewer, reading the weights
takes longer than multiplying."""
_CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")
_MEMBERSHIP: Final = Path("/proc/self/cgroup")
_MEMORY: Final = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a training has to work with."""

    processor: str
    processors: int
    """Logical processors of the machine."""
    allowed: int
    """Those that this process may run on."""
    quota: float | None
    """Processors' worth of time that a control group, as of a container, gives; None if no limit
    is known."""
    memory: int | None
    """Bytes that this process may use; None where the system does not tell."""
    available: int | None
    """Bytes of it that are free or can be freed."""


def examine_machine() -> Machine:
    """Ask the system."""
    memory, available = _memory()
    return Machine(
        processor=processor_name(),
        processors=os.cpu_count() or 1,
        allowed=_allowed_processors(),
        quota=processor_quota(),
        memory=memory,
        available=available,
    )


def processor_name() -> str:
    """The processor's name: libraries choose their kernels by it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def thread_count(threads: int | None) -> int:
    """How many threads a training takes.

    More threads than a control group gives time to would wait for each other, so its quota counts
    as well as the processors that this process may run on.

    Args:
        threads: As many as are asked for; None takes all that are of use.
    """
    if threads is not None:
        return threads
    allowed, quota = _allowed_processors(), processor_quota()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def shard_count(threads: int, batch_size: int) -> int:
    """Into how many parts a batch is cut on a processor."""
    return max(1, min(threads, batch_size // STREAMS_PER_SHARD))


def _allowed_processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_quota(root: Path = _CONTROL_GROUPS, membership: Path = _MEMBERSHIP) -> float | None:
    """Processors' worth of time that the control groups of this process give it.

    Args:
        root: Where the control groups are mounted, in version 1 or 2 of their layout.
        membership: The file that names those of this process.

    Returns:
        The smallest of all quotas that hold, or None if there is none.
    """
    quotas = []
    for folder in _group_folders("cpu", root, membership):
        words = read_if_there(folder / "cpu.max").split() or [
            *read_if_there(folder / "cpu.cfs_quota_us").split(),
            *read_if_there(folder / "cpu.cfs_period_us").split(),
        ]
        match [word for word in words if word.isdigit()]:  # neither `max` nor -1
            case [quota, period] if int(period) > 0:
                quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def memory_limit(root: Path = _CONTROL_GROUPS, membership: Path = _MEMBERSHIP) -> int | None:
    """Bytes that the control groups of this process let it have; None if they set no limit."""
    limits = []
    for folder in _group_folders("memory", root, membership):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = read_if_there(folder / name).strip()
            if text.isdigit():
                limits.append(int(text))
    return min(limits, default=None)


def _group_folders(controller: str, root: Path, membership: Path) -> Iterator[Path]:
    """The folders of the control groups that hold this process, from the innermost outwards."""
    for line in read_if_there(membership).splitlines():
        _, _, rest = line.partition(":")
        names, _, group = rest.partition(":")
        if names and controller not in names.split(","):
            continue
        top = root / controller if names else root  # version 1 has a tree for each controller
        parts = [part for part in group.split("/") if part]
        if ".." in parts:  # above what this process can see
            parts = []
        for length in range(len(parts), -1, -1):
            yield top.joinpath(*parts[:length])


def _memory() -> tuple[int | None, int | None]:
    """Bytes of memory, and of those that are available."""
    values = {}
    for line in read_if_there(_MEMORY).splitlines():
        name, _, amount = line.partition(":")
        if amount.split()[1:] == ["kB"]:
            values[name] = 1024 * int(amount.split()[0])
    total, available = values.get("MemTotal"), values.get("MemAvailable")
    if total is None and "SC_PHYS_PAGES" in os.sysconf_names:  # not Linux
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = memory_limit()
    if limit is None or total is None:
        return total, available
    return min(total, limit), None if available is None else min(available, limit)


def read_if_there(path: Path) -> str:
    """The text of a system's file; empty where there is none or it may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
