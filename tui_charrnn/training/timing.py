"""How long a batch and an evaluation take on this machine, measured before the run begins."""

import statistics
import time

from tui_charrnn.config import TrainingConfig
from tui_charrnn.training.engine import Engine
from tui_charrnn.training.loop import Material, batch_at

TIMED_BATCHES = 20
TIMING_LIMIT = 2.0  # seconds, after at least three batches


def time_batches(engine: Engine, material: Material, config: TrainingConfig) -> float:
    """Seconds per step on this machine: the median of a few batches, nothing learned from them.

    The first batch, in which TensorFlow traces the step, is left out.
    """
    weights, state = engine.network.tensors(), engine.training_tensors()
    batch = batch_at(material, config, 1)
    engine.train_batch(batch, 1, 0.0)
    times: list[float] = []
    while len(times) < 3 or (len(times) < TIMED_BATCHES and sum(times) < TIMING_LIMIT):
        started = time.monotonic()
        engine.train_batch(batch, 1, 0.0)
        times.append(time.monotonic() - started)
    engine.restore(weights, state)
    return statistics.median(times)


def time_evaluation(engine: Engine, material: Material) -> float:
    """Seconds that one evaluation takes, tracing left out."""
    first = [next(iter(material.heldout))]
    engine.evaluate(first)
    started = time.monotonic()
    engine.evaluate(material.heldout)
    return time.monotonic() - started
