"""What this machine gives a training, and what a training takes of it. No TensorFlow is needed.

How busy GPUs are is known by NVIDIA's driver, through the package nvidia-ml-py (module `pynvml`),
which the extra `cuda` brings. Nothing that goes wrong there is a reason for a training to fail:
what cannot be asked is not known.
"""

import importlib
import importlib.metadata
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tui_charrnn.runs.description import GpuUsage, Usage

_VENDOR: Final = "0x10de"
_DISPLAY_CLASS: Final = "0x03"  # how the PCI classes of graphics and compute cards begin
_HIDING: Final = "CUDA_VISIBLE_DEVICES"
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
        output = subprocess.run(
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
    for line in output.splitlines():
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
        names.append(_entries(path).get("Model", "NVIDIA"))
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
    value = environment.get(_HIDING)
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
_PROCESSORS: Final = Path("/proc/cpuinfo")


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
    name = _entries(_PROCESSORS).get("model name")
    return name or platform.processor() or platform.machine()


def has_bfloat16_instructions(cpuinfo: Path = _PROCESSORS) -> bool | None:
    """Whether the processor multiplies matrices in bfloat16, in AVX-512 or AMX.

    None where that is not known: on other systems than Linux, and other processors than x86.
    """
    flags = _entries(cpuinfo).get("flags")
    return None if flags is None else not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags.split())


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
    total, available = (_bytes_of(name, _MEMORY) for name in ("MemTotal", "MemAvailable"))
    if total is None and "SC_PHYS_PAGES" in os.sysconf_names:  # not Linux
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = memory_limit()
    if limit is None or total is None:
        return total, available
    return min(total, limit), None if available is None else min(available, limit)


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an error, be it TensorFlow's, means that there is too little memory."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def read_if_there(path: Path) -> str:
    """The text of a system's file; empty where there is none or it may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _entries(path: Path) -> dict[str, str]:
    """The lines `name: value` of a system's file, the first of each name; none if it is missing."""
    found: dict[str, str] = {}
    for line in read_if_there(path).splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    return found


def _bytes_of(name: str, path: Path) -> int | None:
    """An amount of memory in bytes, by its name in one of Linux's files."""
    match _entries(path).get(name, "").split():
        case [number, "kB"] if number.isdigit():
            return 1024 * int(number)
    return None


class GpuMeter:
    """Reads the GPUs that CUDA_VISIBLE_DEVICES leaves to this process."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._visible = environment.get(_HIDING)
        self._nvml: ModuleType | None = None
        self._gpus: list[tuple[str, Any]] | None = None

    def read(self) -> tuple[GpuUsage, ...]:
        """How busy each GPU is now; the first time, the driver is looked for."""
        if self._gpus is None:
            self._nvml = _asked(_load)
            self._gpus = [] if self._nvml is None else list(_find(self._nvml, self._visible))
        nvml = self._nvml
        return () if nvml is None else tuple(_read(nvml, *gpu) for gpu in self._gpus)


def _asked(question: Callable[..., Any], *arguments: Any) -> Any:
    """What a call returns, or None if it fails in any way."""
    try:
        return question(*arguments)
    except Exception:  # noqa: BLE001  a driver fails in many ways, none of which is the training's
        return None


def _load() -> ModuleType:
    nvml = importlib.import_module("pynvml")
    nvml.nvmlInit()
    return nvml


def _find(nvml: ModuleType, visible: str | None) -> Iterator[tuple[str, Any]]:
    """Names and handles of the GPUs that are left, in the order of CUDA.

    CUDA takes the devices that are named up to the first that does not exist.
    """
    numbers = range(_asked(nvml.nvmlDeviceGetCount) or 0)
    handles = [_asked(nvml.nvmlDeviceGetHandleByIndex, number) for number in numbers]
    handles = [handle for handle in handles if handle is not None]
    words = map(str, range(len(handles))) if visible is None else visible.split(",")
    for word in words:
        handle = _chosen(nvml, handles, word.strip())
        if handle is None:
            return
        yield _text(_asked(nvml.nvmlDeviceGetName, handle)) or "NVIDIA", handle


def _chosen(nvml: ModuleType, handles: list[Any], word: str) -> Any:
    """The GPU that a word of CUDA_VISIBLE_DEVICES means: a number, an ID, or how an ID begins."""
    if word.isdecimal():
        return handles[int(word)] if int(word) < len(handles) else None
    if word.startswith("GPU-"):
        ids = (_text(_asked(nvml.nvmlDeviceGetUUID, handle)) for handle in handles)
        return next((h for h, i in zip(handles, ids, strict=True) if i.startswith(word)), None)
    return _asked(nvml.nvmlDeviceGetHandleByUUID, word) if word.startswith("MIG-") else None


def _text(name: Any) -> str:
    """A name, which earlier versions of the package return as bytes."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "")


def _read(nvml: ModuleType, name: str, handle: Any) -> GpuUsage:
    load = _asked(lambda: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu))
    memory = _asked(nvml.nvmlDeviceGetMemoryInfo, handle)
    temperature = _asked(
        lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
    )
    milliwatts = _asked(lambda: float(nvml.nvmlDeviceGetPowerUsage(handle)))
    return GpuUsage(
        name=name,
        load=None if load is None else load / 100,
        memory=_asked(lambda: int(memory.used)),
        memory_total=_asked(lambda: int(memory.total)),
        temperature=temperature,
        power=None if milliwatts is None else milliwatts / 1000,
    )


SHORTEST_SPAN: Final = 0.5
"""Seconds over which the processor's share is taken at least; over less it jumps."""
_STATUS: Final = Path("/proc/self/status")


class UsageMeter:
    """Reads what this process uses (clocks in seconds); a reading costs some hundredths of a ms."""

    def __init__(
        self,
        gpus: GpuMeter | None = None,
        *,
        processor_time: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gpus = gpus or GpuMeter()
        self._processor_time, self._clock = processor_time, clock
        self._then = clock(), processor_time()
        self._cpu: float | None = None
        self._cpu_count = thread_count(None)
        self._memory_total = examine_machine().memory

    def observe(self) -> dict[str, Any]:
        """A reading, as a change of the run's status."""
        return {"usage": self.read()}

    def read(self) -> Usage:
        """What is taken now; of the processor, since the last reading."""
        now = self._clock(), self._processor_time()
        span = now[0] - self._then[0]
        if span >= SHORTEST_SPAN:
            self._cpu = round((now[1] - self._then[1]) / span, 2)
            self._then = now
        return Usage(
            cpu=self._cpu,
            cpu_count=self._cpu_count,
            memory=resident_memory(),
            memory_total=self._memory_total,
            gpus=self._gpus.read(),
        )


def resident_memory(status: Path = _STATUS) -> int:
    """Bytes that this process holds in memory, or its peak where that is not known."""
    return _bytes_of("VmRSS", status) or peak_memory(status)


def peak_memory(status: Path = _STATUS) -> int:
    """Bytes that this process held at most."""
    peak = _bytes_of("VmHWM", status)  # of this program alone, not also of who started it
    if peak is not None:
        return peak
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
