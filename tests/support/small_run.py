"""Runs that are trained within a second, in this process, with what is done to their engine.

TensorFlow is imported only where an engine is touched.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
import pytest

from tests.support.engine_pool import engines
from tests.support.fake_run import created_run
from tests.support.record_reading import read_new
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ExitCode
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.description import RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.records import Record
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.loop import BatchResult
from tui_charrnn.training.worker import run_training

MODEL: Final = ModelConfig(embedding_size=5, hidden_size=7, layer_count=2)
TRAINING: Final = TrainingConfig(
    batch_size=3, sequence_length=8, steps=12, evaluations=4, dropout=0.3, precision="float32"
)
"""Scored after steps 3, 6, 9 and 12; an epoch has 65 steps."""

_Kind = TypeVar("_Kind")
BatchHook: TypeAlias = Callable[[int], BatchResult | None]
"""Called before a step; what it returns replaces the result of training it."""


def new_run(
    folder: Path,
    training: TrainingConfig = TRAINING,
    *,
    pinned_seeds: tuple[str, ...] = (),
    **settings: Any,
) -> RunDirectory:
    """A run without a trainer so far; `settings` are those of its training."""
    training = replace(training, **settings)
    return created_run(
        folder, name="run", model=MODEL, training=training, pinned_seeds=pinned_seeds
    )


def train(run: RunDirectory, interruption: Interruption | None = None) -> ExitCode:
    """Train a run to its end, or resume it."""
    with engines.lent():
        return run_training(run, interruption or Interruption())


def records_of(run: RunDirectory) -> list[Record]:
    """All records of a run."""
    return read_new(RunReader(run))


def of_kind(run: RunDirectory, kind: type[_Kind]) -> list[_Kind]:
    """The records of one kind."""
    return [record for record in records_of(run) if isinstance(record, kind)]


def status_of(run: RunDirectory) -> RunStatus:
    """The last status that the trainer wrote."""
    status = read_status(run)
    assert status is not None
    return status


def weights_of(run: RunDirectory) -> dict[str, np.ndarray]:
    """The tensors of the newest checkpoint's model."""
    checkpoint = newest_valid(run)
    assert checkpoint is not None
    model = load_model(checkpoint.model)
    return dict(tensors_from_weights(model.weights, model.config))


def assert_same_weights(run: RunDirectory, other: RunDirectory) -> None:
    """The newest models of two runs are the same to the bit."""
    ours, theirs = weights_of(run), weights_of(other)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        np.testing.assert_array_equal(tensor, theirs[name], err_msg=name)


def pointer_of(path: Path) -> tuple[int, float | None]:
    """Step and loss of what best.json or latest.json names."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return document["step"], document["loss"]


def before_batches(monkeypatch: pytest.MonkeyPatch, hook: BatchHook) -> None:
    """Let something happen before every batch that is not only timed."""
    from tui_charrnn.training.engine.engine import Engine

    trained = Engine.train_batches

    def train_batches(self: Any, batches: Any, step: int, rates: list[float]) -> list[BatchResult]:
        result = hook(step) if rates[0] > 0 else None
        return trained(self, batches, step, rates) if result is None else [result]

    monkeypatch.setattr(Engine, "train_batches", train_batches)


def score(monkeypatch: pytest.MonkeyPatch, losses: Iterable[float]) -> None:
    """Replace the losses of the held-out text by those of a script."""
    from tui_charrnn.training.engine.engine import Engine

    script = iter(losses)
    monkeypatch.setattr(Engine, "evaluate", lambda *_: next(script))
