"""The resource use that a trainer reports."""

import resource
import sys
from pathlib import Path

import pytest

from tui_charrnn.training import usage
from tui_charrnn.training.machine import peak_memory, resident_memory
from tui_charrnn.training.usage import UsageMeter


class Clocks:
    """Two clocks set by tests, in the place of the module `time`."""

    def __init__(self) -> None:
        self.wall, self.processor = 100.0, 7.0

    def monotonic(self) -> float:
        return self.wall

    def process_time(self) -> float:
        return self.processor


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(usage, "time", clocks)
    return clocks


def test_the_processor_is_what_all_threads_took_since_the_last_reading(clocks: Clocks) -> None:
    meter = UsageMeter()
    clocks.wall, clocks.processor = 102.0, 10.5
    assert meter.read().cpu == 1.75
    clocks.wall, clocks.processor = 104.0, 10.7
    assert meter.read().cpu == 0.1


def test_two_readings_at_once_are_equal(clocks: Clocks) -> None:
    meter = UsageMeter()
    assert meter.read().cpu is None
    clocks.wall, clocks.processor = 102.0, 10.0
    assert meter.read().cpu == 1.5
    clocks.wall, clocks.processor = 102.1, 10.3
    assert meter.read().cpu == 1.5
    clocks.wall, clocks.processor = 103.0, 10.5
    assert meter.read().cpu == 0.5


def test_a_reading_has_memory_and_its_limit() -> None:
    reading = UsageMeter().read()
    assert reading.cpu_count is not None
    assert reading.cpu_count >= 1
    assert reading.memory is not None
    assert reading.memory_total is not None
    assert 1e6 < reading.memory < reading.memory_total


def test_resident_memory_and_its_peak_are_read_from_the_system(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n", encoding="ascii")
    assert (resident_memory(status), peak_memory(status)) == (200 << 10, 300 << 10)


@pytest.mark.parametrize("text", [None, "VmRSS: many kB\n", "VmRSS:\n", "VmRSS: 12 pages\n"])
def test_without_a_resident_size_the_peak_is_taken(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "status").write_text(text, encoding="ascii")
    assert resident_memory(tmp_path / "status") > 1e6


@pytest.mark.parametrize(("system", "unit"), [("linux", 1024), ("darwin", 1)])
def test_the_peak_is_in_bytes_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, unit: int
) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF)
    monkeypatch.setattr(resource, "getrusage", lambda _: peak)
    monkeypatch.setattr(sys, "platform", system)
    assert peak_memory(tmp_path / "none") == unit * peak.ru_maxrss
