"""The machine's resources, and their use by a training, without TensorFlow.

GPU usage comes from NVIDIA's driver through the package nvidia-ml-py (module `pynvml`), which the
extra `cuda` installs. Errors of the driver never stop a training: the values are then unknown.
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
_DISPLAY_CLASS: Final = "0x03"  # prefix of the PCI classes of graphics and compute cards
_VISIBLE_DEVICES: Final = "CUDA_VISIBLE_DEVICES"
_TIMEOUT: Final = 20.0
"""Seconds for nvidia-smi, which is slow if no daemon keeps the driver loaded."""


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card listed by the driver."""

    name: str
    memory: int | None = None
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that TensorFlow can use."""

    name: str
    capability: str | None
    """NVIDIA compute capability, e.g. `9.0`; None if unknown."""

    has_growing_memory: bool = True
    """Whether its memory is allocated on demand, as `configure_devices` sets it."""

    has_code: bool = True
    """Whether TensorFlow's package contains code for it; if not, NVIDIA's driver compiles it at the
    first start, which takes minutes, and caches it on disk."""


@dataclass(frozen=True, slots=True)
class Nvidia:
    """NVIDIA hardware and software on this machine."""

    cards: tuple[Card, ...] = ()
    """Cards listed by the driver."""

    driver: str | None = None
    """Version of the driver, if it is loaded."""

    devices: int = 0
    """Number of cards on the PCI bus, even without a driver."""
    hidden_by: str | None = None
    """The value of CUDA_VISIBLE_DEVICES, if it hides all cards."""
    has_libraries: bool = False
    """Whether the packages of NVIDIA libraries for TensorFlow are installed."""


def find_nvidia(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Nvidia:
    """Find NVIDIA hardware in `proc` and `sys` below a root, and by nvidia-smi in PATH."""
    cards, driver = _ask_program(environment)
    return Nvidia(
        cards=cards or driver_cards(root),
        driver=driver or _driver_version(root),
        devices=_count_devices(root),
        hidden_by=_hiding_value(environment),
        has_libraries=_has_libraries(),
    )


def _ask_program(environment: Mapping[str, str]) -> tuple[tuple[Card, ...], str | None]:
    """Return cards and driver version from nvidia-smi; empty if it is missing or fails."""
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
            timeout=_TIMEOUT,
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
    """Return the cards that a loaded driver lists in `proc`, names only; fast."""
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
    """Return CUDA_VISIBLE_DEVICES if it hides all devices.

    CUDA uses the devices before the first invalid one, so -1 at the start hides all.
    """
    value = environment.get(_VISIBLE_DEVICES)
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
"""Minimum streams per shard of a batch; with fewer, reading the weights takes longer than the
products."""
_CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")
_MEMBERSHIP: Final = Path("/proc/self/cgroup")
_MEMORY: Final = Path("/proc/meminfo")
_PROCESSORS: Final = Path("/proc/cpuinfo")


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
    name = _entries(_PROCESSORS).get("model name")
    return name or platform.processor() or platform.machine()


def has_bfloat16_instructions(cpuinfo: Path = _PROCESSORS) -> bool | None:
    """Whether the CPU has bfloat16 matrix instructions, in AVX-512 or AMX.

    None if unknown: on systems other than Linux, and on CPUs other than x86.
    """
    flags = _entries(cpuinfo).get("flags")
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


def _entries(path: Path) -> dict[str, str]:
    """Return the lines `name: value` of a system file; the first of equal names wins."""
    found: dict[str, str] = {}
    for line in read_if_there(path).splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    return found


def _bytes_of(name: str, path: Path) -> int | None:
    """Return a memory size in bytes by its name in a Linux system file; None if missing."""
    match _entries(path).get(name, "").split():
        case [number, "kB"] if number.isdigit():
            return 1024 * int(number)
    return None


class GpuMeter:
    """Reads the GPUs that CUDA_VISIBLE_DEVICES leaves to this process."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._visible = environment.get(_VISIBLE_DEVICES)
        self._nvml: ModuleType | None = None
        self._gpus: list[tuple[str, Any]] | None = None

    def read(self) -> tuple[GpuUsage, ...]:
        """Return the current usage of each GPU; the first call loads the driver's library."""
        if self._gpus is None:
            self._nvml = _try_call(_load)
            self._gpus = [] if self._nvml is None else list(_find(self._nvml, self._visible))
        nvml = self._nvml
        return () if nvml is None else tuple(_read(nvml, *gpu) for gpu in self._gpus)


def _try_call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of a call, or None if it raises."""
    try:
        return function(*arguments)
    except Exception:  # noqa: BLE001  driver errors of any kind must not stop the training
        return None


def _load() -> ModuleType:
    nvml = importlib.import_module("pynvml")
    nvml.nvmlInit()
    return nvml


def _find(nvml: ModuleType, visible: str | None) -> Iterator[tuple[str, Any]]:
    """Yield names and handles of the visible GPUs in CUDA's order.

    CUDA uses the listed devices before the first invalid one.
    """
    numbers = range(_try_call(nvml.nvmlDeviceGetCount) or 0)
    handles = [_try_call(nvml.nvmlDeviceGetHandleByIndex, number) for number in numbers]
    handles = [handle for handle in handles if handle is not None]
    words = map(str, range(len(handles))) if visible is None else visible.split(",")
    for word in words:
        handle = _handle_of(nvml, handles, word.strip())
        if handle is None:
            return
        yield _text(_try_call(nvml.nvmlDeviceGetName, handle)) or "NVIDIA", handle


def _handle_of(nvml: ModuleType, handles: list[Any], word: str) -> Any:
    """Return the GPU of an entry of CUDA_VISIBLE_DEVICES: an index, an ID or a prefix of an ID."""
    if word.isdecimal():
        return handles[int(word)] if int(word) < len(handles) else None
    if word.startswith("GPU-"):
        ids = (_text(_try_call(nvml.nvmlDeviceGetUUID, handle)) for handle in handles)
        return next((h for h, i in zip(handles, ids, strict=True) if i.startswith(word)), None)
    return _try_call(nvml.nvmlDeviceGetHandleByUUID, word) if word.startswith("MIG-") else None


def _text(name: Any) -> str:
    """Return a name as text; older versions of the package return bytes."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "")


def _read(nvml: ModuleType, name: str, handle: Any) -> GpuUsage:
    load = _try_call(lambda: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu))
    memory = _try_call(nvml.nvmlDeviceGetMemoryInfo, handle)
    temperature = _try_call(
        lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
    )
    milliwatts = _try_call(lambda: float(nvml.nvmlDeviceGetPowerUsage(handle)))
    return GpuUsage(
        name=name,
        load=None if load is None else load / 100,
        memory=_try_call(lambda: int(memory.used)),
        memory_total=_try_call(lambda: int(memory.total)),
        temperature=temperature,
        power=None if milliwatts is None else milliwatts / 1000,
    )


SHORTEST_SPAN: Final = 0.5
"""Minimum seconds between CPU usage readings; shorter ones fluctuate."""
_STATUS: Final = Path("/proc/self/status")


class UsageMeter:
    """Reads this process's resource use (clocks in seconds); a reading takes under 0.1 ms."""

    def __init__(
        self,
        gpus: GpuMeter | None = None,
        *,
        processor_time: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gpus = gpus or GpuMeter()
        self._processor_time, self._clock = processor_time, clock
        self._last_reading = clock(), processor_time()
        self._cpu: float | None = None
        self._cpu_count = thread_count(None)
        self._memory_total = examine_machine().memory

    def observe(self) -> dict[str, Any]:
        """Return a reading as a change of the run's status."""
        return {"usage": self.read()}

    def read(self) -> Usage:
        """Return the current usage; of the CPU, the mean since the last reading."""
        now = self._clock(), self._processor_time()
        span = now[0] - self._last_reading[0]
        if span >= SHORTEST_SPAN:
            self._cpu = round((now[1] - self._last_reading[1]) / span, 2)
            self._last_reading = now
        return Usage(
            cpu=self._cpu,
            cpu_count=self._cpu_count,
            memory=resident_memory(),
            memory_total=self._memory_total,
            gpus=self._gpus.read(),
        )


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
