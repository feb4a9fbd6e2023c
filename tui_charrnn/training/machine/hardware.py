"""What this machine gives a training: processor, threads, memory, NVIDIA's hardware.

No TensorFlow is needed.
"""

import importlib.metadata
import math
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_VENDOR: Final = "0x10de"
_DISPLAY_CLASS: Final = "0x03"  # how the PCI classes of graphics and compute cards begin
_PATIENCE: Final = 20.0
"""Seconds for nvidia-smi: where no daemon keeps the driver awake it takes some."""


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card that the driver knows."""

    name: str
    memory: int | None = None
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Nvidia:
    """What there is of NVIDIA's hardware and software."""

    cards: tuple[Card, ...] = ()
    """Those that the driver lists."""
    driver: str | None = None
    """Version of the driver, if it is loaded."""
    devices: int = 0
    """Cards on the PCI bus, with a driver or without."""
    hidden_by: str | None = None
    """The value of CUDA_VISIBLE_DEVICES, if it hides all cards."""
    has_libraries: bool = False
    """Whether the packages with NVIDIA's libraries that TensorFlow needs are installed."""


def find_nvidia(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Nvidia:
    """Look for NVIDIA hardware, below a root with `proc` and `sys`, and for nvidia-smi in PATH."""
    cards, driver = _ask_program(environment)
    return Nvidia(
        cards=cards or driver_cards(root),
        driver=driver or _driver_version(root),
        devices=_count_devices(root),
        hidden_by=_hiding_value(environment),
        has_libraries=_has_libraries(),
    )


def _ask_program(environment: Mapping[str, str]) -> tuple[tuple[Card, ...], str | None]:
    """Cards and driver version by nvidia-smi; nothing if it is not there or fails."""
    program = shutil.which("nvidia-smi", path=environment.get("PATH"))
    if program is None:
        return (), None
    query = "--query-gpu=driver_version,memory.total,name"
    try:
        told = subprocess.run(
            [program, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return (), None
    cards, driver = [], None
    for line in told.splitlines():
        version, _, rest = line.partition(",")
        memory, _, name = rest.partition(",")
        if name.strip():
            size = memory.strip()
            cards.append(Card(name.strip(), int(size) << 20 if size.isdigit() else None))
            driver = version.strip()
    return tuple(cards), driver


def driver_cards(root: Path = Path("/")) -> tuple[Card, ...]:
    """The cards that a loaded driver lists in `proc`, by name only; quicker than any program."""
    names = []
    for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        lines = read_if_there(path).splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("Model"))
        names.append(next(models, "NVIDIA"))
    return tuple(Card(name) for name in names)


def _driver_version(root: Path) -> str | None:
    words = read_if_there(root / "proc/driver/nvidia/version").split()
    return next((word for word in words if word.replace(".", "").isdigit() and "." in word), None)


def _count_devices(root: Path) -> int:
    folders = (root / "sys/bus/pci/devices").glob("*")
    return sum(
        read_if_there(folder / "vendor").strip() == _VENDOR
        and read_if_there(folder / "class").startswith(_DISPLAY_CLASS)
        for folder in folders
    )


def _hiding_value(environment: Mapping[str, str]) -> str | None:
    """CUDA takes the devices up to the first that does not exist, so -1 in front hides all."""
    value = environment.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return None
    first = value.split(",")[0].strip()
    return value if first in {"", "-1"} or first.lower() == "none" else None


def _has_libraries() -> bool:
    try:
        importlib.metadata.distribution("nvidia-cudnn-cu12")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


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
    """Bytes that this process may use; None where that is not known."""
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


def has_bfloat16_instructions(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool | None:
    """Whether the processor multiplies matrices in bfloat16, in AVX-512 or AMX.

    None where that is not known: on other systems than Linux, and other processors than x86.
    """
    lines = read_if_there(cpuinfo).splitlines()
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), None)
    return None if flags is None else not flags.isdisjoint({"avx512_bf16", "amx_bf16"})


def thread_count(threads: int | None) -> int:
    """How many threads a training takes; None takes all that are of use.

    More threads than a control group gives time to would wait for each other, so its quota counts
    as well as the processors that this process may run on.
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
    """Processors' worth of time that the control groups of this process give it; None: no quota.

    The root is of version 1 or 2 of their layout; the smallest quota of all groups counts.
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
