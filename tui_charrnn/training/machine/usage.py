"""What a trainer takes of its machine, read with every beat. No TensorFlow is needed.

How busy GPUs are is told by NVIDIA's driver, through the package nvidia-ml-py (module `pynvml`),
which the extra `cuda` brings. Nothing that goes wrong there is a reason for a training to fail:
what cannot be asked is not known.
"""

import importlib
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tui_charrnn.runs.description import GpuUsage, Usage
from tui_charrnn.training.machine.hardware import examine_machine, read_if_there, thread_count

_HIDING: Final = "CUDA_VISIBLE_DEVICES"


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


def _text(told: Any) -> str:
    """A name, which earlier versions of the package return as bytes."""
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told or "")


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
    return _told("VmRSS", status) or peak_memory(status)


def peak_memory(status: Path = _STATUS) -> int:
    """Bytes that this process held at most."""
    told = _told("VmHWM", status)  # of this program alone, not also of who started it
    if told is not None:
        return told
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _told(name: str, status: Path) -> int | None:
    """An amount of memory in bytes, by its name in Linux's file."""
    for line in read_if_there(status).splitlines():
        words = line.split()
        if words[:1] == [f"{name}:"] and words[2:] == ["kB"] and words[1].isdigit():
            return 1024 * int(words[1])
    return None
