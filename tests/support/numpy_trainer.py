"""The real worker, session, writer and checkpoints around an engine of a few NumPy lines.

with numpy_training():
    code = train(run)

A run takes some hundredths of a second, so what happens to it can be tried thousands of times.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

import numpy as np
import numpy.typing as npt

from tests.support.faulty_disk import FaultyDisk, in_place
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import RunError
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import Float32
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.records import RunPlanned
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training import saving
from tui_charrnn.training.context import RunContext, WorkClock
from tui_charrnn.training.distributed.roles import Assignment
from tui_charrnn.training.loop import Batch, BatchResult, Windows
from tui_charrnn.training.plan import Plan, plan_by_count, plan_by_time
from tui_charrnn.training.preparation import Prepared, cut_material
from tui_charrnn.training.session import TrainingSession
from tui_charrnn.training.state_file import restore

MODEL: Final = ModelConfig(cell="rnn", embedding_size=2, hidden_size=3, layer_count=1)
TRAINING: Final = TrainingConfig(
    batch_size=2,
    sequence_length=4,
    steps=8,
    evaluations=2,
    checkpoint_interval=3.0,
    keep_checkpoints=2,
    evaluation_characters=100,
)
"""Scored after steps 4 and 8; saved every third second of a clock that every look advances."""
_START: Final = "tui_charrnn.training.start"
_MOMENTUM: Final = np.float32(0.9)


class NumpyEngine:
    """An Elman network whose gradient ends at the step before; all of it decides the next loss."""

    def __init__(self, model: ModelConfig, vocabulary_size: int, batch_size: int) -> None:
        self._shapes = tensor_shapes(model, vocabulary_size)
        self._state_shape = batch_size, model.hidden_size
        self.steps_per_call = 1
        self.newest_step = 0
        self.reset()

    def reset(self) -> None:
        """Go back to the state before the first step."""
        rng = np.random.default_rng(5)
        self._weights: dict[str, Float32] = {
            name: (0.5 * rng.standard_normal(shape)).astype(np.float32)
            for name, shape in self._shapes.items()
        }
        self._moments = {name: np.zeros_like(each) for name, each in self._weights.items()}
        self._state = np.zeros(self._state_shape, np.float32)

    def train_batch(self, batch: Batch, step: int, learning_rate: float) -> BatchResult:
        """Take one step of gradient descent with momentum."""
        gradients = {name: np.zeros_like(each) for name, each in self._weights.items()}
        state, losses = self._state * batch.carried[:, None], []
        for inputs, targets in zip(batch.inputs.T, batch.targets.T, strict=True):
            loss, state = self._follow(inputs, targets, state, gradients)
            losses.append(loss)
        norm = float(np.sqrt(sum(float((each * each).sum()) for each in gradients.values())))
        for name, gradient in gradients.items():
            self._moments[name] = _MOMENTUM * self._moments[name] + gradient
            self._weights[name] = (
                self._weights[name] - np.float32(learning_rate) * self._moments[name]
            )
        self._state, self.newest_step = state, step
        return BatchResult(float(np.mean(losses)), norm)

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        """Take one step after another."""
        steps = zip(batches, learning_rates, strict=True)
        return [
            self.train_batch(batch, first_step + number, rate)
            for number, (batch, rate) in enumerate(steps)
        ]

    def evaluate(self, windows: Windows, should_stop: Callable[[], bool]) -> float | None:
        """Score a text, or return None if asked to stop."""
        total, count = 0.0, 0
        for inputs, targets, _ in windows:
            if should_stop():
                return None
            state = np.zeros((len(inputs), self._state_shape[1]), np.float32)
            for given, wanted in zip(inputs.T, targets.T, strict=True):
                loss, state = self._follow(given, wanted, state)
                total, count = total + loss, count + 1
        return total / count

    def model_tensors(self) -> dict[str, Float32]:
        """The weights."""
        return dict(self._weights)

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """What resuming needs besides."""
        moments = {f"optimizer.{name}": each for name, each in self._moments.items()}
        return {**moments, "state.0": self._state}

    def restore(
        self, weights: Mapping[str, Float32], training: Mapping[str, npt.NDArray[Any]]
    ) -> None:
        """Take both up again."""
        self._weights = {name: np.array(weights[name]) for name in self._shapes}
        self._moments = {name: np.array(training[f"optimizer.{name}"]) for name in self._shapes}
        self._state = np.array(training["state.0"])
        if self._state.shape != self._state_shape:
            raise RunError("The checkpoint does not fit.")
        self.newest_step = 0

    def _follow(
        self,
        inputs: npt.NDArray[np.int32],
        targets: npt.NDArray[np.int32],
        state: Float32,
        gradients: dict[str, Float32] | None = None,
    ) -> tuple[float, Float32]:
        """One character of each stream: the loss and the next state; gradients are added up."""
        weights, rows = self._weights, np.arange(len(inputs))
        embedded = weights["embedding"][inputs]
        recurrent = state @ weights["layers.0.recurrent_kernel"]
        hidden = np.tanh(
            embedded @ weights["layers.0.kernel"] + recurrent + weights["layers.0.bias"]
        )
        logits = hidden @ weights["output.kernel"] + weights["output.bias"]
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        loss = float(-np.log(odds[rows, targets]).mean())
        if gradients is not None:
            odds[rows, targets] -= 1
            odds /= len(inputs)
            inner = (odds @ weights["output.kernel"].T) * (1 - hidden * hidden)
            gradients["output.kernel"] += hidden.T @ odds
            gradients["output.bias"] += odds.sum(axis=0)
            gradients["layers.0.kernel"] += embedded.T @ inner
            gradients["layers.0.recurrent_kernel"] += state.T @ inner
            gradients["layers.0.bias"] += inner.sum(axis=0)
            np.add.at(gradients["embedding"], inputs, inner @ weights["layers.0.kernel"].T)
        return loss, hidden


def start_session(work: Assignment, prepared: Prepared) -> TrainingSession:
    """What `tui_charrnn.training.start` does, without TensorFlow."""
    description, writer = work.description, work.writer
    vocabulary, seconds = prepared.text.vocabulary, None
    material = cut_material(prepared.text, prepared.training)
    takes: Any = NumpyEngine(description.model, len(vocabulary), material.batch_size)
    if prepared.checkpoint is not None and prepared.state is not None:
        restore(takes, prepared.checkpoint, prepared.state)
        plan = prepared.state.plan
    else:
        seconds = 0.001
        plan = _planned(description, prepared, material.streams.steps_per_epoch, writer)
    prepared.history.replan(plan, prepared.progress.step)
    context = RunContext(
        run=work.run,
        description=description,
        vocabulary=vocabulary,
        plan=plan,
        material=material,
        best_baseline=prepared.best_baseline,
        fingerprint={},
        seconds_per_step=seconds,
        engine=takes,
        progress=prepared.progress,
        history=prepared.history,
        writer=writer,
        interruption=work.interruption,
        clock=WorkClock(_WORK_TIME["clock"]),
    )
    return TrainingSession(context)


def _planned(
    description: RunDescription, prepared: Prepared, epoch: int, writer: RunWriter
) -> Plan:
    if prepared.history.plan is not None:
        return prepared.history.plan
    config = description.training
    plan = plan_by_count(config, epoch) if config.steps else plan_by_time(config, epoch, 1.0, 1.0)
    writer.append(
        RunPlanned(
            total_steps=plan.total_steps,
            steps_per_epoch=plan.steps_per_epoch,
            evaluate_every=plan.evaluate_every,
            batch_size=prepared.batch_size,
            seconds_per_step=0.001,
            precision="float32",
            early_evaluations=plan.early_evaluations,
            is_adaptive=plan.is_adaptive,
        )
    )
    return plan


class CountingClock:
    """A second passes with every look."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        self._now += 1.0
        return self._now


_WORK_TIME: Final[dict[str, Callable[[], float]]] = {"clock": time.monotonic}


@contextlib.contextmanager
def numpy_training(
    *, patience: float = 0.0, clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Let trainers take this engine, and save by the count of their looks at the clock.

    Args:
        patience: Seconds of that clock for which the last state is tried to be saved.
        clock: Seconds of work, for a run whose length is a time.
    """
    with (
        in_place(FaultyDisk()),  # without faults, and without waiting for the real disk
        mock.patch.object(saving, "time", CountingClock()),
        mock.patch.object(saving, "PATIENCE", patience),
        mock.patch.dict(_WORK_TIME, clock=clock),
        numpy_engines(),
    ):
        yield


@contextlib.contextmanager
def numpy_engines() -> Iterator[None]:
    """Let trainers take this engine; the disk and all clocks are real."""
    stand_in: Any = SimpleNamespace(start_session=start_session)
    before = sys.modules.get(_START)
    sys.modules[_START] = stand_in
    try:
        yield
    finally:
        del sys.modules[_START]
        if before is not None:
            sys.modules[_START] = before
