"""GPU usage from NVIDIA's driver, with a fake driver."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tui_charrnn.runs.description import GpuUsage
from tui_charrnn.training.usage import UsageMeter

NAMES = ("First GPU", "Second GPU", "Third GPU")
IDS = ("GPU-1a2b", "GPU-1c3d", "GPU-5e6f")


class DriverError(Exception):
    """Errors as the package raises them."""


class Driver(ModuleType):
    """Three GPUs; a handle is a number. Calls that are named in `broken` fail."""

    NVML_TEMPERATURE_GPU = 0

    def __init__(self, *broken: str) -> None:
        super().__init__("pynvml")
        self._broken = broken
        self.loaded = 0

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvml") and name in self._broken:
            return self._fail
        return super().__getattribute__(name)

    def _fail(self, *_: Any) -> Any:
        raise DriverError("GPU is lost")

    def nvmlInit(self) -> None:  # noqa: N802  the package's names
        self.loaded += 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(NAMES)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:  # noqa: N802
        return {"MIG-77": 2}[uuid]

    def nvmlDeviceGetUUID(self, handle: int) -> str:  # noqa: N802
        return IDS[handle]

    def nvmlDeviceGetName(self, handle: int) -> bytes | str:  # noqa: N802
        return NAMES[handle].encode() if handle == 1 else NAMES[handle]

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=50 + handle, memory=7)

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=(handle + 1) << 30, total=80 << 30, free=0)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:  # noqa: N802
        return 60 + handle

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        return 250_500 + handle


def read(
    monkeypatch: pytest.MonkeyPatch, driver: ModuleType | None, visible: str | None = None
) -> tuple[GpuUsage, ...]:
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    return UsageMeter().read().gpus


def test_a_reading_is_in_the_units_of_the_format(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, Driver())[1] == GpuUsage(
        name="Second GPU",
        load=0.51,
        memory=2 << 30,
        memory_total=80 << 30,
        temperature=61.0,
        power=250.501,
    )


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, [0, 1, 2]),
        ("0", [0]),
        ("2, 0", [2, 0]),
        ("GPU-1c3d", [1]),
        ("GPU-5e,1", [2, 1]),
        ("MIG-77", [2]),
        ("", []),
        ("-1", []),
        ("-1,0", []),
        ("1,7,0", [1]),
        ("GPU-ff", []),
        ("MIG-00", []),
        ("NoDevFiles", []),
    ],
)
def test_only_those_count_that_cuda_sees(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, expected: list[int]
) -> None:
    found = read(monkeypatch, Driver(), visible)
    assert [gpu.name for gpu in found] == [NAMES[number] for number in expected]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ("nvmlDeviceGetUtilizationRates", "load"),
        ("nvmlDeviceGetMemoryInfo", "memory"),
        ("nvmlDeviceGetTemperature", "temperature"),
        ("nvmlDeviceGetPowerUsage", "power"),
    ],
)
def test_what_a_gpu_does_not_report_is_unknown_and_the_rest_is_known(
    monkeypatch: pytest.MonkeyPatch, call: str, field: str
) -> None:
    first = read(monkeypatch, Driver(call))[0]
    assert getattr(first, field) is None
    known = (first.load, first.memory, first.temperature, first.power)
    assert sum(value is not None for value in known) == 3


@pytest.mark.parametrize("call", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex"])
def test_a_driver_that_fails_has_no_gpus(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    assert read(monkeypatch, Driver(call)) == ()


def test_without_a_name_it_is_one_of_nvidias(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, Driver("nvmlDeviceGetName"))[0].name == "NVIDIA"


def test_without_the_package_there_are_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, None) == ()


def test_the_driver_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for driver in (Driver(), Driver("nvmlDeviceGetCount")):
        monkeypatch.setitem(sys.modules, "pynvml", driver)
        meter = UsageMeter()
        meter.read()
        meter.read()
        assert driver.loaded == 1
