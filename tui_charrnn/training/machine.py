"""The processors and the memory of this machine and of this process, without TensorFlow."""

import math
import os
import platform
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STREAMS_PER_SHARD: Final = 16
"""Minimum streams per shard of a batch; with fewer, reading the weights takes longer than the
products."""
_CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")
_MEMBERSHIP: Final = Path("/proc/self/cgroup")
_MEMORY: Final = Path("/proc/meminfo")
_PROCESSORS: Final = Path("/proc/cpuinfo")
_STATUS: Final = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Machine:
    """CPU and memory available to a training."""

    processor: str
    processors: int
    """Logical processors of the machine."""

    allowed: int
    """Logical processors that this process may run on."""

    quota: float | None
    """CPU quota of the control group (e.g. a container), in processors; None if no limit is
    known."""

    memory: int | None
    """Bytes that this process may use; None if unknown."""

    available: int | None
    """Bytes of it that are free or can be freed."""


def examine_machine() -> Machine:
    """Return the resources of this machine."""
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
    """Return the processor's name, by which libraries choose their kernels."""
    name = entries_of(_PROCESSORS).get("model name")
    return name or platform.processor() or platform.machine()


def has_bfloat16_instructions(cpuinfo: Path = _PROCESSORS) -> bool | None:
    """Whether the CPU has bfloat16 matrix instructions, in AVX-512 or AMX.

    None if unknown: on systems other than Linux, and on CPUs other than x86.
    """
    flags = entries_of(cpuinfo).get("flags")
    return None if flags is None else not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags.split())


def thread_count(threads: int | None) -> int:
    """Return the number of threads of a training; None for all useful ones.

    These are limited by the allowed processors and by the CPU quota of the control group, as more
    threads would wait for each other.
    """
    if threads is not None:
        return threads
    allowed, quota = _allowed_processors(), processor_quota()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def shard_count(threads: int, batch_size: int) -> int:
    """Return the number of shards of a batch on a CPU."""
    return max(1, min(threads, batch_size // STREAMS_PER_SHARD))


def _allowed_processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_quota(root: Path = _CONTROL_GROUPS, membership: Path = _MEMBERSHIP) -> float | None:
    """Return the CPU quota of this process's control groups, in processors; None for no quota.

    Supports cgroup versions 1 and 2; the smallest quota of all groups applies.
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
    """Return the memory limit of this process's control groups in bytes; None for no limit."""
    limits = []
    for folder in _group_folders("memory", root, membership):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = read_if_there(folder / name).strip()
            if text.isdigit():
                limits.append(int(text))
    return min(limits, default=None)


def _group_folders(controller: str, root: Path, membership: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups, innermost first."""
    for line in read_if_there(membership).splitlines():
        _, _, rest = line.partition(":")
        names, _, group = rest.partition(":")
        if names and controller not in names.split(","):
            continue
        top = root / controller if names else root  # version 1 has a tree for each controller
        parts = [part for part in group.split("/") if part]
        if ".." in parts:  # outside this process's cgroup namespace
            parts = []
        for length in range(len(parts), -1, -1):
            yield top.joinpath(*parts[:length])


def _memory() -> tuple[int | None, int | None]:
    """Return total and available memory, in bytes."""
    total, available = (_bytes_of(name, _MEMORY) for name in ("MemTotal", "MemAvailable"))
    if total is None and "SC_PHYS_PAGES" in os.sysconf_names:  # not Linux
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = memory_limit()
    if limit is None or total is None:
        return total, available
    return min(total, limit), None if available is None else min(available, limit)


def read_if_there(path: Path) -> str:
    """Return the text of a system file; empty if it is missing or unreadable."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def entries_of(path: Path) -> dict[str, str]:
    """Return the lines `name: value` of a system file; the first of equal names wins."""
    found: dict[str, str] = {}
    for line in read_if_there(path).splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    return found


def _bytes_of(name: str, path: Path) -> int | None:
    """Return a memory size in bytes by its name in a Linux system file; None if missing."""
    match entries_of(path).get(name, "").split():
        case [number, "kB"] if number.isdigit():
            return 1024 * int(number)
    return None


def resident_memory(status: Path = _STATUS) -> int:
    """Return the resident memory of this process in bytes, or its peak if unknown."""
    return _bytes_of("VmRSS", status) or peak_memory(status)


def peak_memory(status: Path = _STATUS) -> int:
    """Return the peak resident memory of this process, in bytes."""
    peak = _bytes_of("VmHWM", status)  # unlike getrusage, excludes the parent before exec
    if peak is not None:
        return peak
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
