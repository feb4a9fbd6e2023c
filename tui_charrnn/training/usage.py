"""What a trainer takes of its machine, read with every beat. No TensorFlow is needed."""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tui_charrnn.runs.description import Usage
from tui_charrnn.training.gpu_usage import GpuMeter
from tui_charrnn.training.machine import examine_machine, read_if_there, thread_count

SHORTEST_SPAN: Final = 0.5
"""Seconds over which the processor's share is taken at least; over less it jumps."""
_STATUS: Final = Path("/proc/self/status")


class UsageMeter:
    """Reads what this process takes; a reading costs some hundredths of a millisecond.

    Args:
        gpus: Reads the GPUs.
        processor_time: Seconds of all threads of this process together.
        clock: Seconds.
    """

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
    """Bytes that this process holds in memory; where the system does not tell, its peak.

    Args:
        status: The file in which Linux tells it.
    """
    return _told("VmRSS", status) or peak_memory(status)


def peak_memory(status: Path = _STATUS) -> int:
    """Bytes that this process held at most.

    Args:
        status: The file in which Linux tells it.
    """
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
