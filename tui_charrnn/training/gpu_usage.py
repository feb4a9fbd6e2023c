"""How busy NVIDIA's GPUs are, as their driver tells; nothing where it cannot be asked.

The package nvidia-ml-py (module `pynvml`) asks it; the extra `cuda` brings it along. Whatever goes
wrong here is no reason for a training to fail, so every call may, and what it would have told is
not known.
"""

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

from tui_charrnn.runs.description import GpuUsage

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
    """What a call tells, or None if it fails in whatever way."""
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
    """A name; earlier versions of the package tell it as bytes."""
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
