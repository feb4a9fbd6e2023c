"""What the app costs a training that it is attached to."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.costs.pseudo_terminal import UnseenTerminal
from benchmarks.costs.trainers import endless_run, working_trainer
from benchmarks.rounds import mirrored
from benchmarks.run_history import RunHistory
from tests.support.record_reading import read_new
from tui_charrnn.errors import RunError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_description
from tui_charrnn.text.corpus import Corpus

COLUMNS, ROWS = 120, 36
SETTLING: Final = 6.0
"""Seconds that the app is given to start, which is no part of being attached."""
SILENCING: Final = 2.0
"""Seconds that it is given to stop its text."""


@dataclass(slots=True)
class AttachedResult:
    """The trainer's characters per second, one a period."""

    without: list[float] = field(default_factory=list)
    generating: list[float] = field(default_factory=list)
    """With the app attached, in which the bundled model generates 60 characters a second."""
    attached: list[float] = field(default_factory=list)
    """With the app attached, its text stopped."""
    bytes_drawn: list[int] = field(default_factory=list)
    """What the app wrote to its terminal in each attached period: proof that it was at work."""


class Pace:
    """Measures how fast a run is trained, from its records.

    They are read before and after a period only, so that looking costs nothing within it.
    """

    def __init__(self, run: RunDirectory) -> None:
        training = read_description(run).training
        self._characters = training.batch_size * training.sequence_length
        self._reader, self._history = RunReader(run), RunHistory()

    def over(self, seconds: float) -> float:
        """Characters per second while this process sleeps for a time.

        Raises:
            RunError: If no batch was trained in it.
        """
        first_step, first_elapsed = self._place()
        time.sleep(seconds)
        last_step, last_elapsed = self._place()
        if last_step <= first_step or last_elapsed <= first_elapsed:
            raise RunError(f"No batch was trained within {seconds:g} s. Give it a longer period.")
        return (last_step - first_step) * self._characters / (last_elapsed - first_elapsed)

    def _place(self) -> tuple[int, float]:
        while records := read_new(self._reader):
            self._history.take(records)
        batch = self._history.last_batch
        return (batch.step, batch.elapsed) if batch else (0, 0.0)


def measure_attached(
    folder: Path, preset: str, corpus: Corpus, *, rounds: int, seconds: float
) -> AttachedResult:
    """Train one run, with the app on it in every other period.

    Args:
        folder: Where the run is put.
        preset: Name of the preset that is trained.
        corpus: The text.
        rounds: Periods of either kind.
        seconds: Of a period.

    Raises:
        RunError: If the trainer or the app ended before its time.
    """
    result = AttachedResult()
    run = endless_run(folder, preset, corpus, checkpoint_interval=1e6)
    with working_trainer(run):
        pace = Pace(run)

        def alone() -> None:
            result.without.append(pace.over(seconds))

        def with_app() -> None:
            _measure_with_app(run, pace, seconds, result)

        for number in range(rounds):
            periods: tuple[Callable[[], None], ...] = mirrored(alone, with_app, number)
            for period in periods:
                period()
    return result


def _measure_with_app(
    run: RunDirectory, pace: Pace, seconds: float, result: AttachedResult
) -> None:
    command = [sys.executable, "-m", "tui_charrnn", "attach", str(run.path)]
    with UnseenTerminal(command, columns=COLUMNS, rows=ROWS) as terminal:
        time.sleep(SETTLING)
        result.generating.append(pace.over(seconds))
        terminal.write(b"\x1b")
        time.sleep(SILENCING)
        drawn = terminal.bytes_drawn
        result.attached.append(pace.over(seconds))
        result.bytes_drawn.append(terminal.bytes_drawn - drawn)
        if not terminal.is_running:
            raise RunError("The app ended while it was attached; open it by hand to see why.")
