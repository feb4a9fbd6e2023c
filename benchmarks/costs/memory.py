"""What it costs a run to record how far back it looks: whole runs with and without it, in turns."""

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.command_line import measure_in_child
from benchmarks.costs.trainers import endless_run
from benchmarks.rounds import mirrored
from tui_charrnn.presets import find_preset
from tui_charrnn.text.corpus import Corpus
from tui_charrnn.training import __main__ as trainer

_WITHOUT: Final = "--without"


@dataclass(slots=True)
class MemoryResult:
    """Seconds of work of whole runs, one value a run."""

    without: list[float] = field(default_factory=list)
    recorded: list[float] = field(default_factory=list)
    measuring: list[float] = field(default_factory=list)
    """Of the recorded ones: seconds in which the memory was measured, timed by themselves."""
    records: int = 0
    """Of the last of those runs."""


def measure_memory_records(
    folder: Path, preset: str, corpus: Corpus, *, rounds: int, steps: int
) -> MemoryResult:
    """Train the same steps with and without records of the memory, a process each, in turns.

    Args:
        folder: Where the runs are put.
        preset: Name of the preset that is trained; it scores as often as it always does.
        corpus: The text.
        rounds: Runs of either kind.
        steps: Of a run.

    Raises:
        RunError: If a trainer fails.
    """
    result = MemoryResult()
    for number in range(rounds):
        for is_recorded in mirrored(False, True, number):
            evaluations = find_preset(preset).training.evaluations
            run = endless_run(folder, preset, corpus, steps=steps, evaluations=evaluations)
            options = () if is_recorded else (_WITHOUT,)
            found = measure_in_child("costs.memory", run.path, *options)
            if is_recorded:
                result.recorded.append(found["seconds"])
                result.measuring.append(found["measuring"])
                result.records = int(found["records"])
            else:
                result.without.append(found["seconds"])
    return result


def _main(path: str, *options: str) -> int:
    """Be a trainer that prints what its session took, and how much of it measuring the memory."""
    # deferred: whoever starts this process needs no TensorFlow
    from tui_charrnn.training.instruments import MemoryMeter  # noqa: PLC0415  see above
    from tui_charrnn.training.session import TrainingSession  # noqa: PLC0415  see above

    spent = {"seconds": 0.0, "measuring": 0.0, "records": 0}
    work, measure = TrainingSession.work, MemoryMeter.measure

    def timed_work(self: TrainingSession) -> int:
        began = time.perf_counter()
        code = work(self)
        spent["seconds"] += time.perf_counter() - began
        return code

    def timed_measure(self: MemoryMeter, step: int, elapsed: float) -> float:
        began = time.perf_counter()
        seconds = 0.0 if _WITHOUT in options else measure(self, step, elapsed)
        spent["measuring"] += time.perf_counter() - began
        spent["records"] += seconds > 0
        return seconds

    setattr(TrainingSession, "work", timed_work)  # noqa: B010  not a method for mypy to check
    setattr(MemoryMeter, "measure", timed_measure)  # noqa: B010  as above
    code = trainer.main([path])
    print(json.dumps(spent))
    return code


if __name__ == "__main__":
    trainer.end_process(_main(*sys.argv[1:]))
