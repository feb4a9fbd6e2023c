"""A trainer that writes given records, with the real writer and without TensorFlow."""

import socket
from typing import Final, Self

from tests.support.tiny_model import random_tensors
from tui_charrnn.errors import ExitCode
from tui_charrnn.model.checkpoint import serialize_model
from tui_charrnn.runs.checkpoints import save_checkpoint
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    CheckpointSaved,
    ModelPublished,
    Record,
    RunDiverged,
    RunEnded,
    RunFailed,
    RunPlanned,
    RunStarted,
    SampleTaken,
    SplitEvaluated,
)
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.vocabulary import Vocabulary

STEADY: Final = 3600.0
"""Seconds between heartbeats: none comes by itself while a test runs."""
_EXIT_CODES: Final = {
    "finished": ExitCode.OK,
    "stopped": ExitCode.OK,
    "saved": ExitCode.RESUME_ME,
    "interrupted": ExitCode.INTERRUPTED,
    "diverged": ExitCode.DIVERGED,
    "failed": ExitCode.UNEXPECTED,
}


class FakeTrainer:
    """Writes a run step by step, as its methods are called, inside its context.

    Losses are given, times are made up (a tenth of a second a step), weights are random.
    """

    def __init__(self, run: RunDirectory, *, total_steps: int = 100, heartbeat: float = STEADY):
        self.run = run
        self.writer = RunWriter(run, heartbeat=heartbeat)
        self.step = 0
        self.best: tuple[float, int] | None = None
        self._total_steps = total_steps

    def start(self) -> None:
        """Write what comes before the first batch."""
        self.append(
            RunStarted(self.writer.status.pid, socket.gethostname(), "2026-01-02T03:04:05+00:00")
        )
        self.append(BaselinesMeasured((0, 1, 2, 3), (3.0, 2.8, 2.2, 2.4)))
        self.append(
            RunPlanned(
                total_steps=self._total_steps,
                steps_per_epoch=20,
                evaluate_every=10,
                batch_size=4,
                seconds_per_step=None,
            )
        )
        self.writer.set_status(total_steps=self._total_steps, state=RunState.TRAINING)

    def train(self, *losses: float) -> None:
        """Write one batch a loss, then the status."""
        for loss in losses:
            self.step += 1
            self.append(BatchTrained(self.step, loss, 0.003, 0.5, self.elapsed))
        self.writer.set_status(
            state=RunState.TRAINING,
            step=self.step,
            epoch=self.step / 20,
            eta=(self._total_steps - self.step) / 10,
            characters_per_second=640.0,
            elapsed=self.elapsed,
        )
        self.writer.beat()

    def evaluate(self, loss: float) -> bool:
        """Write an evaluation, and return whether it is the best so far."""
        is_best = self.best is None or loss < self.best[0]
        if is_best:
            self.best = loss, self.step
        self.append(SplitEvaluated(self.step, loss, is_best, self.elapsed))
        return is_best

    def sample(self, seed_text: str, text: str) -> None:
        """Write what the newest weights make of a pinned seed."""
        self.append(SampleTaken(self.step, seed_text, text, 0, 0.8))

    def pause(self) -> None:
        """Write that it waits."""
        self.writer.set_status(state=RunState.PAUSED, step=self.step)

    def save(self, loss: float | None = None, *, is_best: bool = False) -> None:
        """Save a checkpoint of a random model, another one each step."""
        checkpoint = save_checkpoint(
            self.run,
            step=self.step,
            model=self.model_bytes(),
            training=b"not read by anybody",
            loss=loss,
            is_best=is_best,
            keep=3,
        )
        path = checkpoint.path.relative_to(self.run.path).as_posix()
        self.append(CheckpointSaved(self.step, path, 0.01))

    def publish(self) -> None:
        """Write a random model into live/."""
        Storage().write_atomically(self.run.live_model, self.model_bytes())
        self.append(ModelPublished(self.step, "live/model.safetensors"))

    def diverge(self) -> None:
        """Let the loss of the next step be NaN, and end."""
        self.append(RunDiverged(self.step + 1, "loss", "nan", 0.003))
        self.end("diverged", "The loss is not a number.")

    def fail(self, message: str, cause: str = "") -> None:
        """End by a failure."""
        self.append(RunFailed(message, cause))
        self.end("failed", message)

    def end(self, reason: str = "finished", message: str = "") -> None:
        """Write the last record and the last state."""
        loss, step = self.best or (None, None)
        self.append(RunEnded(reason, self.step, loss, step, int(_EXIT_CODES[reason]), self.elapsed))
        self.writer.set_status(
            state=RunState(reason), step=self.step, elapsed=self.elapsed, eta=None, message=message
        )

    def append(self, record: Record) -> None:
        """Write any record."""
        self.writer.append(record)

    @property
    def elapsed(self) -> float:
        """A tenth of a second a step."""
        return self.step / 10

    def model_bytes(self) -> bytes:
        """A model file that fits the run, with weights drawn by the step."""
        description = read_description(self.run)
        vocabulary = Vocabulary(description.vocabulary)
        return serialize_model(
            random_tensors(description.model, len(vocabulary), rng_seed=self.step),
            description.model,
            vocabulary,
            corpus={"name": description.corpus.name},
            training={"step": self.step},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.writer.close()
