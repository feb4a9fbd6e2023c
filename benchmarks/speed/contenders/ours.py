"""Our engine, as the trainer uses it."""

import sys
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.speed.contenders.assignment import LEARNING_RATE, Assignment
from benchmarks.speed.contenders.serving import Step, serve
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.training.engine.engine import Engine
from tui_charrnn.training.engine.path_choice import choose_path
from tui_charrnn.training.engine.paths import RunSize, configure_devices
from tui_charrnn.training.loop import Batch


def training_config(assignment: Assignment) -> TrainingConfig:
    """Plain Adam at a constant rate, without clipping and dropout, but for what is asked for."""
    given = {
        name: TrainingConfig.parse(name, text) if name in TrainingConfig.bounds() else text
        for name, text in assignment.settings.items()
    }
    plain: dict[str, Any] = {
        "batch_size": assignment.size.batch_size,
        "sequence_length": assignment.size.sequence_length,
        "steps": 10**9,
        "optimizer": "adam",
        "learning_rate": LEARNING_RATE,
        "schedule": "constant",
        "warmup_fraction": 0.0,
        "weight_decay": 0.0,
        "gradient_norm_limit": None,
        "dropout": 0.0,
    }
    return TrainingConfig(**(plain | given))  # an unknown name is refused here


def build_step(assignment: Assignment) -> Step:
    """An engine that learns the text."""
    size, streams = assignment.size, assignment.streams()
    config = training_config(assignment)
    device = configure_devices(config.threads, size.batch_size)
    model = ModelConfig(
        embedding_size=size.embedding_size,
        hidden_size=size.hidden_size,
        layer_count=size.layer_count,
    )
    run = RunSize(assignment.vocabulary_size, size.batch_size, streams.steps_per_epoch)
    path = choose_path(
        device, model, config, run
    ).path  # of a run of as many steps as one could wish
    engine = Engine(model, config, assignment.vocabulary_size, size.batch_size, path)

    def step(number: int) -> float:
        inputs, targets = streams.batch(number)
        carried = np.full(len(inputs), not streams.starts_epoch(number), np.float32)
        batches = [Batch(inputs, targets, carried)]
        return engine.train_batches(batches, number, [LEARNING_RATE])[0].loss

    return step


def main() -> None:
    """Serve."""
    assignment = Assignment.from_json(sys.argv[1])
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    serve(build_step(assignment), assignment.first_steps, {"versions": versions})


if __name__ == "__main__":
    main()
