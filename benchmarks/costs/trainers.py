"""Trainers of long runs, to be looked at while they work."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tui_charrnn.errors import RunError
from tui_charrnn.presets import find_preset
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.launcher import launch_trainer
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_status
from tui_charrnn.text.corpus import Corpus
from tui_charrnn.training.creation import make_run

START_TIMEOUT: Final = 300.0
"""Seconds in which a trainer must have come to its first batch."""
_STOP_PATIENCE: Final = 60.0
_ENDLESS: Final[dict[str, Any]] = {
    "epochs": None,
    "train_time": None,
    "steps": 10**6,
    "evaluations": 1,
}


def endless_run(folder: Path, preset: str, corpus: Corpus, **settings: Any) -> RunDirectory:
    """A run of a preset that neither ends nor evaluates while a benchmark looks at it.

    Args:
        folder: Where it is put.
        preset: Name of the preset.
        corpus: The text.
        settings: Training settings in place of the preset's.

    Raises:
        ConfigError: If there is no such preset.
        CorpusError: If the text is too short.
        StorageError: If the disk refuses.
    """
    chosen = find_preset(preset)
    training = replace(chosen.training, **(_ENDLESS | settings))
    return make_run(folder, f"{preset}-{time.time_ns()}", preset, (chosen.model, training), corpus)


class WorkingTrainer:
    """A trainer at work in a process of its own."""

    def __init__(self, run: RunDirectory) -> None:
        self.run: Final = run
        self._process = launch_trainer(run)

    def wait_until(self, claim: str, is_true: Callable[[], bool], limit: float) -> None:
        """Look ten times a second whether something has become true.

        Args:
            claim: What is waited for, in words.
            is_true: Whether it is true now.
            limit: Seconds after which to give up.

        Raises:
            RunError: If it never became true, or the trainer ended before.
        """
        deadline = time.monotonic() + limit
        while not is_true():
            if self._process.poll() is not None:
                raise RunError(f"The trainer ended before {claim}; see {self.run.log}.")
            if time.monotonic() > deadline:
                raise RunError(f"Within {limit:g} s it did not come to {claim}.")
            time.sleep(0.1)

    def wait_until_training(self) -> None:
        """Wait until batches are trained.

        Raises:
            RunError: If it never came to that.
        """

        def has_trained() -> bool:
            status = read_status(self.run)
            return status is not None and status.state is RunState.TRAINING and status.step > 0

        self.wait_until("its first batch", has_trained, START_TIMEOUT)

    def stop(self) -> None:
        """Ask it to stop, and end it if it does not."""
        if self._process.poll() is None:
            send_request(self.run, "stop")
        try:
            self._process.wait(_STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def working_trainer(run: RunDirectory) -> Iterator[WorkingTrainer]:
    """A trainer of a run, past its first batch; stopped at the end.

    Raises:
        RunError: If it did not come to its first batch.
    """
    trainer = WorkingTrainer(run)
    try:
        trainer.wait_until_training()
        yield trainer
    finally:
        trainer.stop()
