"""Our engine, by each of the ways in which the trainer may compute."""

import os
from collections.abc import Mapping
from itertools import cycle, islice

import keras
import numpy as np
import tensorflow as tf

from benchmarks.cards.rows import VOCABULARY_SIZE, Row
from benchmarks.cards.serving import Steps, serve
from benchmarks.cards.text import EMBEDDING_SIZE, LEARNING_RATE, windows
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.paths import ComputePath, Device, configure_devices, gpu_paths
from tui_charrnn.training.loop import Batch
from tui_charrnn.training.machine import shard_count, thread_count


def name_of(path: ComputePath) -> str:
    """How a way is called in the table."""
    return f"{path.layers}{' xla' if path.is_compiled else ''} {path.precision}"


def ways_of(device: Device) -> dict[str, ComputePath]:
    """The ways of a device by name; those that only some networks have are among them."""
    if device.is_gpu:
        paths = gpu_paths(device, ModelConfig(), "auto")
    else:
        paths = [ComputePath(is_compiled=True), ComputePath(is_compiled=True, precision="bfloat16")]
    return {name_of(path): path for path in paths}


class OurRows:
    """Builds engines.

    Args:
        ways: As of `ways_of`.
    """

    def __init__(self, ways: Mapping[str, ComputePath]) -> None:
        self._ways = ways

    def build(self, row: Row) -> Steps:
        """An engine with plain Adam, as the other contenders have it."""
        network, path = row.network, self._ways[row.way]
        model = ModelConfig(
            embedding_size=EMBEDDING_SIZE,
            hidden_size=network.hidden_size,
            layer_count=network.layer_count,
            layer_norm=network.layer_norm,
        )
        training = TrainingConfig(
            batch_size=network.batch_size,
            sequence_length=network.sequence_length,
            steps=1,
            optimizer="adam",
            weight_decay=0.0,
            gradient_norm_limit=None,
        )
        if not path.is_gpu:
            shards = shard_count(thread_count(None), network.batch_size)
            path = ComputePath(is_compiled=True, precision=path.precision, shards=shards)
        engine = Engine(model, training, VOCABULARY_SIZE, network.batch_size, path)
        carried = np.ones(network.batch_size, np.float32)
        batches = cycle([Batch(*window, carried) for window in windows(network)])
        taken = 0

        def steps(count: int) -> float:
            nonlocal taken
            loss = 0.0
            while count > 0:
                call = list(islice(batches, min(count, path.steps_per_call)))
                rates = [LEARNING_RATE] * len(call)
                loss = engine.train_batches(call, taken + 1, rates)[-1].loss
                taken, count = taken + len(call), count - len(call)
            return loss

        return steps


def main() -> None:
    """Serve."""
    device = configure_devices(None, 32)
    ways = ways_of(device)
    facts = {
        "device": device.taken.name,
        "ways": list(ways),
        "versions": {"TensorFlow": tf.__version__, "Keras": keras.__version__},
        "visible": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
    }
    serve(OurRows(ways).build, facts)


if __name__ == "__main__":
    main()
