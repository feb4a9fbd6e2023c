"""Timing before a run starts: seconds per step, larger batch sizes, more shards.

`start.py` builds the candidates.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CharRNNError, never_cancelled
from tui_charrnn.training.failures import lacks_memory, one_line
from tui_charrnn.training.interruption import LeavingError
from tui_charrnn.training.loop import CALL_TIME, Batch, Material, RunEngine

TIMED_BATCHES = 20
TIMING_LIMIT = 2.0  # seconds, after at least three batches
TIMING_SHARE = 0.01
"""Share of a run's time limit that is spent on timing its steps."""


def time_batches(
    engine: RunEngine,
    make_batch: Callable[[int], Batch],
    check_cancelled: Callable[[], None] = never_cancelled,
    *,
    run_time: float | None = None,
) -> float:
    """Return the seconds per step: the median of a few batches with learning rate 0.

    `make_batch` returns the batch of a step. The first batch, in which TensorFlow traces the step,
    is excluded. More batches are timed for a run that is limited to `run_time` seconds, as its plan
    depends on them.
    """
    weights, state = engine.model_tensors(), engine.training_tensors()
    check_cancelled()
    engine.train_batches([make_batch(1)], 1, [0.0])
    times: list[float] = []
    share = TIMING_SHARE * (run_time or 0.0)
    limit, count = (share, math.inf) if share > TIMING_LIMIT else (TIMING_LIMIT, TIMED_BATCHES)
    while len(times) < 3 or (len(times) < count and sum(times) < limit):
        check_cancelled()
        step = len(times) + 2  # consecutive, as other processes precompute the next step
        batch = make_batch(step)
        started = time.monotonic()
        engine.train_batches([batch], step, [0.0])
        times.append(time.monotonic() - started)
    seconds = statistics.median(times)
    if engine.steps_per_call > 1:
        seconds = min(seconds, _time_calls(engine, batch, seconds, check_cancelled))
    engine.restore(weights, state)
    return seconds


def _time_calls(
    engine: RunEngine, batch: Batch, seconds: float, check_cancelled: Callable[[], None]
) -> float:
    """Return the seconds per step in calls of several, as many as in training at this speed."""
    count = max(1, min(engine.steps_per_call, int(CALL_TIME / seconds)))
    times: list[float] = []
    for _ in range(4):  # the first includes tracing
        check_cancelled()
        started = time.monotonic()
        engine.train_batches([batch] * count, 1, [0.0] * count)
        times.append((time.monotonic() - started) / count)
    return statistics.median(times[1:])


def time_evaluation(
    engine: RunEngine, material: Material, check_cancelled: Callable[[], None]
) -> float:
    """Return the seconds of one evaluation, without tracing; calls `check_cancelled` often."""

    def continue_unless_cancelled() -> bool:
        check_cancelled()
        return False

    first = [next(iter(material.heldout))]
    engine.evaluate(first, continue_unless_cancelled)
    started = time.monotonic()
    engine.evaluate(material.heldout, continue_unless_cancelled)
    return time.monotonic() - started


BATCH_GAIN: Final = 1.15
"""Minimum speedup, in characters per second, to double the batch size."""
LARGEST_MULTIPLE: Final = 4
"""Maximum multiple of the configured batch size for which the learning rate rule was tested
(docs/lstm.md, section 17)."""
FEWEST_STEPS: Final = 700
"""Minimum number of steps of a run with a larger batch: fewer were not tested, and with fewer, the
loss is higher for the same characters at any learning rate."""
SHARD_GAIN: Final = 1.1
"""Minimum speedup to use more shards."""
FEWEST_STREAMS: Final = 4
"""Minimum streams per shard."""

_Candidate = TypeVar("_Candidate")


class Climb(NamedTuple, Generic[_Candidate]):
    """The timed candidates, and the chosen one."""

    chosen: _Candidate
    """The chosen candidate, ready to be trained."""

    speeds: dict[int, float]
    """Characters per second of all timed candidates by batch size or number of shards, in order."""

    failure: str
    """Why the next one failed; empty if none failed."""


def climb(
    numbers: Iterable[int], time_one: Callable[[int], tuple[_Candidate, float]], gain: float
) -> Climb[_Candidate]:
    """Try candidates in order while each is `gain` times as fast as the one before.

    `time_one` returns a candidate and its characters per second. If one fails, e.g. for lack of
    memory, the one before is chosen.

    Raises:
        LeavingError: If there is a reason to exit.
        Exception: The error of the first candidate, if that fails.
    """
    chosen: _Candidate | None = None
    speed, speeds = 0.0, dict[int, float]()
    for number in numbers:
        try:
            candidate, speeds[number] = time_one(number)
        except (CharRNNError, LeavingError):
            raise
        except Exception as error:
            if chosen is None:
                raise
            failure = "not enough memory" if lacks_memory(error) else one_line(error)
            return Climb(chosen, speeds, failure)
        if chosen is not None and speeds[number] < gain * speed:
            break
        chosen, speed = candidate, speeds[number]
    if chosen is None:
        raise ValueError("There is nothing to choose from.")
    return Climb(chosen, speeds, "")


def batch_sizes(first: int, find_largest: Callable[[], int]) -> Iterator[int]:
    """Yield the batch sizes to try, each twice the one before; `find_largest` limits later ones."""
    size = first
    while size == first or size <= min(find_largest(), LARGEST_MULTIPLE * first):
        yield size
        size *= 2


def largest_batch(training: TrainingConfig, characters: int, speed: float) -> int:
    """Return the largest batch size that fits the text and leaves enough steps (`FEWEST_STEPS`).

    `characters` is the length of the text, `speed` in characters per second.
    """
    reads = [
        *(epochs * characters for epochs in (training.epochs, training.max_epochs) if epochs),
        *([training.train_time * speed] if training.train_time else []),
    ]
    fitting = (characters - 1) // training.sequence_length
    return min([fitting, *(int(read / training.sequence_length / FEWEST_STEPS) for read in reads)])


def shard_counts(threads: int, batch_size: int, fewest: int) -> list[int]:
    """Return the numbers of shards to try, ascending; each shard has a thread."""
    counts, most = [fewest], min(threads, batch_size // FEWEST_STREAMS)
    while 2 * counts[-1] <= most:
        counts.append(2 * counts[-1])
    if counts[-1] < most == threads:  # e.g. 12 threads after 8
        counts.append(most)
    return counts
