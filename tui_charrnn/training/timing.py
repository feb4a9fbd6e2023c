"""How long a batch and an evaluation take on this machine, measured before the run begins."""

import math
import statistics
import time
from collections.abc import Callable

from tui_charrnn.config import TrainingConfig
from tui_charrnn.text.sources import never_cancelled
from tui_charrnn.training.context import RunEngine
from tui_charrnn.training.loop import CALL_TIME, Batch, Material, batch_at

TIMED_BATCHES = 20
TIMING_LIMIT = 2.0  # seconds, after at least three batches
TIMING_SHARE = 0.01
"""Of a run whose length is a time, so much of it is spent on finding out how many steps fit."""


def time_batches(
    engine: RunEngine,
    material: Material,
    config: TrainingConfig,
    check_cancelled: Callable[[], None] = never_cancelled,
) -> float:
    """Seconds per step on this machine: the median of a few batches, which teach nothing.

    The first batch, in which TensorFlow traces the step, is left out.
    """
    weights, state = engine.model_tensors(), engine.training_tensors()
    check_cancelled()
    engine.train_batch(batch_at(material, config, 1), 1, 0.0)
    times: list[float] = []
    share = TIMING_SHARE * (config.train_time or 0.0)
    limit, count = (share, math.inf) if share > TIMING_LIMIT else (TIMING_LIMIT, TIMED_BATCHES)
    while len(times) < 3 or (len(times) < count and sum(times) < limit):
        check_cancelled()
        step = len(times) + 2  # one after the other: other processes are ahead with the next
        batch = batch_at(material, config, step)
        started = time.monotonic()
        engine.train_batch(batch, step, 0.0)
        times.append(time.monotonic() - started)
    seconds = statistics.median(times)
    if engine.steps_per_call > 1:
        seconds = min(seconds, _time_calls(engine, batch, seconds, check_cancelled))
    engine.restore(weights, state)
    return seconds


def _time_calls(
    engine: RunEngine, batch: Batch, seconds: float, check_cancelled: Callable[[], None]
) -> float:
    """Seconds per step where a call takes several: as many as training would, at this speed."""
    count = max(1, min(engine.steps_per_call, int(CALL_TIME / seconds)))
    times: list[float] = []
    for _ in range(4):  # the first is traced
        check_cancelled()
        started = time.monotonic()
        engine.train_batches([batch] * count, 1, [0.0] * count)
        times.append((time.monotonic() - started) / count)
    return statistics.median(times[1:])


def time_evaluation(
    engine: RunEngine, material: Material, check_cancelled: Callable[[], None] = never_cancelled
) -> float:
    """Seconds that one evaluation takes, without tracing; `check_cancelled` is called often."""

    def continue_unless_cancelled() -> bool:
        check_cancelled()
        return False

    first = [next(iter(material.heldout))]
    engine.evaluate(first, continue_unless_cancelled)
    started = time.monotonic()
    engine.evaluate(material.heldout, continue_unless_cancelled)
    return time.monotonic() - started
