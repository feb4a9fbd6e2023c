"""The resources that a training uses.

GPU usage comes from NVIDIA's driver through the package nvidia-ml-py (module `pynvml`), which the
extra `cuda` installs. Errors of the driver never stop a training: the values are then unknown.
"""

import importlib
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any, Final

from tui_charrnn.runs.description import GpuUsage, Usage
from tui_charrnn.training.machine import examine_machine, resident_memory, thread_count
from tui_charrnn.training.nvidia import VISIBLE_DEVICES


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


def _find_gpus() -> Iterator[Callable[[], GpuUsage]]:
    """Yield readers of the GPUs that CUDA_VISIBLE_DEVICES leaves to this process, in CUDA's order.

    CUDA uses the listed devices before the first invalid one.
    """
    nvml, visible = _try_call(_load), os.environ.get(VISIBLE_DEVICES)
    if nvml is None:
        return
    numbers = range(_try_call(nvml.nvmlDeviceGetCount) or 0)
    handles = [_try_call(nvml.nvmlDeviceGetHandleByIndex, number) for number in numbers]
    handles = [handle for handle in handles if handle is not None]
    words = map(str, range(len(handles))) if visible is None else visible.split(",")
    for word in words:
        handle = _handle_of(nvml, handles, word.strip())
        if handle is None:
            return
        name = _text(_try_call(nvml.nvmlDeviceGetName, handle)) or "NVIDIA"
        yield partial(_read, nvml, name, handle)


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
    memory = _try_call(nvml.nvmlDeviceGetMemoryInfo, handle)
    return GpuUsage(
        name=name,
        load=_try_call(lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100),
        memory=_try_call(lambda: int(memory.used)),
        memory_total=_try_call(lambda: int(memory.total)),
        temperature=_try_call(
            lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
        ),
        power=_try_call(lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000),
    )


SHORTEST_SPAN: Final = 0.5
"""Minimum seconds between CPU usage readings; shorter ones fluctuate."""


class UsageMeter:
    """Reads this process's resource use; a reading takes under 0.1 ms.

    The first reading loads the library of the GPUs' driver.
    """

    def __init__(self) -> None:
        self._last_reading = time.monotonic(), time.process_time()
        self._cpu: float | None = None
        self._cpu_count = thread_count(None)
        self._memory_total = examine_machine().memory
        self._gpus: list[Callable[[], GpuUsage]] | None = None

    def read(self) -> Usage:
        """Return the current usage; of the CPU, the mean since the last reading."""
        now = time.monotonic(), time.process_time()
        span = now[0] - self._last_reading[0]
        if span >= SHORTEST_SPAN:
            self._cpu = round((now[1] - self._last_reading[1]) / span, 2)
            self._last_reading = now
        if self._gpus is None:
            self._gpus = list(_find_gpus())
        return Usage(
            cpu=self._cpu,
            cpu_count=self._cpu_count,
            memory=resident_memory(),
            memory_total=self._memory_total,
            gpus=tuple(read() for read in self._gpus),
        )
