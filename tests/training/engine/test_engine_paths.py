"""All compute paths give the same losses, norms and weights."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.text.batches import HeldOutWindows
from tui_charrnn.training.loop import Batch, BatchResult

pytestmark = pytest.mark.tensorflow

V, B, T, STEPS = 11, 6, 5, 4
LAYERS = {"lstm": 1, "gru": 1, "rnn": 2}
TRAINING = TrainingConfig(
    steps=STEPS, batch_size=B, sequence_length=T, learning_rate=0.01, average_decay=0.9
)
Trained = tuple[list[BatchResult], dict[str, npt.NDArray[np.float32]], float | None]
HELD_OUT = np.random.default_rng(8).integers(0, V, 70).astype(np.int32)


def batches(count: int) -> list[Batch]:
    rng = np.random.default_rng(3)
    texts = [rng.integers(0, V, (B, T + 1)).astype(np.int32) for _ in range(count)]
    carried = np.array([1, 1, 0, 1, 0, 1], np.float32)
    return [Batch(text[:, :-1], text[:, 1:], carried) for text in texts]


def train(cell: str, path: dict[str, Any]) -> Trained:
    """Return the results of the steps, the weights after them, and the held-out loss."""
    from tui_charrnn.training.engine.engine import Engine
    from tui_charrnn.training.engine.paths import ComputePath

    model = ModelConfig(cell=cell, embedding_size=4, hidden_size=8, layer_count=LAYERS[cell])
    engine = Engine(model, TRAINING, V, B, ComputePath(**path))
    results = [
        result
        for number, batch in enumerate(batches(STEPS), start=1)
        for result in engine.train_batches([batch], number, [0.01])
    ]
    windows = HeldOutWindows(HELD_OUT, stream_count=3, sequence_length=T)
    return results, engine.model_tensors(), engine.evaluate(windows)


@cache
def plain(cell: str) -> Trained:
    """Train a cell on the simplest path."""
    return train(cell, {})


COMPILED_SHARDS = {"is_compiled": True, "shards": 2}
"""With shards alone all cells share the code; the LSTM tries it."""


def id_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "-".join(f"{name}={each}" for name, each in value.items()) or "plain"


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        ("lstm", {"shards": 4}),
        ("lstm", COMPILED_SHARDS),
        *[
            pytest.param(cell, COMPILED_SHARDS, marks=pytest.mark.stress)
            for cell in LAYERS
            if cell != "lstm"
        ],
        *[(cell, {"layers": "keras"}) for cell in LAYERS],
    ],
    ids=id_of,
)
def test_every_path_gives_the_same_numbers(cell: str, path: dict[str, Any]) -> None:
    results, tensors, held_out = plain(cell)
    other_results, other_tensors, other_held_out = train(cell, path)
    np.testing.assert_allclose(other_results, results, rtol=2e-5)
    assert list(other_tensors) == list(tensors)
    for name, tensor in tensors.items():
        np.testing.assert_allclose(other_tensors[name], tensor, atol=3e-5, err_msg=name)
    assert other_held_out == pytest.approx(held_out, rel=1e-5)


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        *[(cell, {}) for cell in LAYERS],
        ("lstm", {"layers": "keras"}),
        pytest.param("lstm", COMPILED_SHARDS, marks=pytest.mark.stress),
        *[
            pytest.param(cell, {"layers": "keras"}, marks=pytest.mark.stress)
            for cell in LAYERS
            if cell != "lstm"
        ],
    ],
    ids=id_of,
)
def test_bfloat16_stays_close(cell: str, path: dict[str, Any]) -> None:
    results, _, held_out = plain(cell)
    narrow, _, narrow_held_out = train(cell, {"precision": "bfloat16", **path})
    losses = np.array(results)[:, 0]
    narrow_losses = np.array(narrow)[:, 0]
    np.testing.assert_allclose(narrow_losses, losses, atol=0.01)
    assert (narrow_losses != losses).any()  # it is computed in another precision
    assert narrow_held_out == pytest.approx(held_out, abs=0.01)


def test_a_compiled_engine_goes_on_from_a_checkpoint_to_the_bit() -> None:
    """With shards, dropout of both kinds and averages, as the presets have them."""
    from dataclasses import replace

    from tui_charrnn.training.engine.engine import Engine
    from tui_charrnn.training.engine.paths import ComputePath

    model = ModelConfig(embedding_size=4, hidden_size=24, layer_count=2)
    training = replace(TRAINING, dropout=0.4, recurrent_weight_dropout=0.2)
    path = ComputePath(is_compiled=True, shards=2, precision="bfloat16")
    engine = Engine(model, training, V, B, path)
    first, second, third, fourth = enumerate(batches(STEPS), start=1)

    def take(*steps: tuple[int, Batch]) -> tuple[dict[str, Any], dict[str, Any]]:
        for number, batch in steps:
            engine.train_batches([batch], number, [0.01])
        return engine.model_tensors(), engine.training_tensors()

    checkpoint = take(first, second)
    expected = take(third, fourth)
    engine.restore(*checkpoint)
    for found, wanted in zip(take(third, fourth), expected, strict=True):
        assert found.keys() == wanted.keys()
        for name, tensor in wanted.items():
            assert found[name].tobytes() == tensor.tobytes(), name
