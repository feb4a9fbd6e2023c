"""Recorded gradient norms, compared with plain automatic differentiation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.fake_run import created_run
from tests.support.small_run import of_kind, records_of, train
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import BatchTrained
from tui_charrnn.training.loop import Batch
from tui_charrnn.viewing.run_view import RunView

pytestmark = pytest.mark.tensorflow

LIMIT = 0.3
TRAINING = TrainingConfig(
    batch_size=3,
    sequence_length=8,
    steps=10,
    evaluations=1,
    precision="float32",
    gradient_norm_limit=LIMIT,
)
MODEL = ModelConfig(embedding_size=5, hidden_size=7)


def naive_norm(tensors: Mapping[str, Any], batch: Batch, states: list[Any]) -> float:
    """Return the global gradient norm, in float64, without fused operations."""
    import tensorflow as tf

    values = {name: tf.Variable(each, dtype=tf.float64) for name, each in tensors.items()}
    h, c = (tf.constant(each * batch.carried[:, None], tf.float64) for each in states)
    losses = []
    with tf.GradientTape() as tape:
        for inputs, targets in zip(batch.inputs.T, batch.targets.T, strict=True):
            x = tf.one_hot(inputs, len(tensors["embedding"]), dtype=tf.float64)
            z = x @ values["embedding"] @ values["layers.0.kernel"] + values["layers.0.bias"]
            gates = tf.split(z + h @ values["layers.0.recurrent_kernel"], 4, axis=1)
            i, f, o = (tf.sigmoid(gates[place]) for place in (0, 1, 3))
            c = f * c + i * tf.tanh(gates[2])
            h = o * tf.tanh(c)
            scores = h @ values["output.kernel"] + values["output.bias"]
            losses += tf.unstack(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=scores)
            )
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, list(values.values()))
    return float(np.sqrt(sum(float(tf.reduce_sum(each**2)) for each in gradients)))


def test_norms_and_the_share_of_clipped_batches_are_those_of_weights_and_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training.engine.engine import Engine

    trained, norms = Engine.train_batches, []

    def train_batches(self: Any, batches: list[Batch], step: int, rates: list[float]) -> Any:
        if rates[0] > 0:  # not only timed
            states = list(self.states().values())
            norms.append(naive_norm(self.model_tensors(), batches[0], states))
        return trained(self, batches, step, rates)

    monkeypatch.setattr(Engine, "train_batches", train_batches)
    run = created_run(tmp_path, model=MODEL, training=TRAINING)
    train(run)
    recorded = [record.gradient_norm for record in of_kind(run, BatchTrained)]
    assert recorded == pytest.approx(norms, rel=1e-4)
    view = RunView(run, description=read_description(run))
    view.take(records_of(run))
    clipped = sum(norm > LIMIT for norm in norms)
    assert 0 < clipped < len(norms)
    assert view.clipped_share == clipped / len(norms)
