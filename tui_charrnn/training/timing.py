"""What is found by timing before a run begins: seconds per step, a larger batch, more parts of it.

`start.py` builds what is compared.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CharRNNError
from tui_charrnn.text.sources import never_cancelled
from tui_charrnn.training.interruption import LeavingError
from tui_charrnn.training.loop import CALL_TIME, Batch, Material, RunEngine, batch_at
from tui_charrnn.training.machine import lacks_memory

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


BATCH_GAIN: Final = 1.15
"""A batch of twice the size is taken if so many times the characters a second come of it."""
LARGEST_MULTIPLE: Final = 4
"""Of the batch size that the settings have: up to here the rule for the learning rate was tried
(docs/lstm.md, section 17)."""
FEWEST_STEPS: Final = 700
"""A run is to have so many steps left: about as few were tried, and with fewer, the same characters
teach less at any learning rate."""
SHARD_GAIN: Final = 1.1
"""A batch is cut into more parts if it is trained so many times as fast then."""
FEWEST_STREAMS: Final = 4
"""Streams of a part at least."""

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Timed(Generic[_Made]):
    """One candidate, ready to be trained, and how fast it is."""

    number: int
    """What the candidates differ in: streams of a batch, or its parts."""
    speed: float
    """Characters a second."""
    made: _Made


@dataclass(frozen=True, slots=True)
class Climb(Generic[_Made]):
    """What was timed, and what was taken."""

    taken: Timed[_Made]
    tried: tuple[tuple[int, float], ...]
    """Number and speed of all that were timed, in their order."""
    failure: str = ""
    """Why the next one could not be timed; empty if none failed."""


def climb(
    numbers: Iterable[int], time_one: Callable[[int], Timed[_Made]], gain: float
) -> Climb[_Made]:
    """Take the next of several candidates while it is `gain` times as fast as the one before.

    Where one fails, for lack of memory or otherwise, the one before is taken.

    Raises:
        LeavingError: If there is a reason to leave.
        Exception: What the first candidate raises.
    """
    taken: Timed[_Made] | None = None
    tried: list[tuple[int, float]] = []
    for number in numbers:
        try:
            timed = time_one(number)
        except (CharRNNError, LeavingError):
            raise
        except Exception as error:
            if taken is None:
                raise
            return Climb(taken, tuple(tried), format_failure(error))
        tried.append((number, timed.speed))
        if taken is not None and timed.speed < gain * taken.speed:
            break
        taken = timed
    if taken is None:
        raise ValueError("There is nothing to choose from.")
    return Climb(taken, tuple(tried))


def format_failure(error: Exception) -> str:
    """Why something could not be computed, in half a sentence."""
    if lacks_memory(error):
        return "not enough memory"
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"


def batch_sizes(first: int, find_largest: Callable[[], int]) -> Iterator[int]:
    """The batch sizes to try, each twice the one before; `find_largest` limits all but one."""
    size = first
    while size == first or size <= min(find_largest(), LARGEST_MULTIPLE * first):
        yield size
        size *= 2


def largest_batch(training: TrainingConfig, characters: int, speed: float) -> int:
    """The largest batch size that a text allows, and the number of steps that a run has then.

    The text is of so many characters, the speed in characters per second.
    """
    reads = [
        *(epochs * characters for epochs in (training.epochs, training.max_epochs) if epochs),
        *([training.train_time * speed] if training.train_time else []),
    ]
    fitting = (characters - 1) // training.sequence_length
    return min([fitting, *(int(read / training.sequence_length / FEWEST_STEPS) for read in reads)])


def shard_counts(threads: int, batch_size: int, fewest: int) -> list[int]:
    """The numbers of parts to cut a batch into, the fewest first; each part has a thread."""
    counts, most = [fewest], min(threads, batch_size // FEWEST_STREAMS)
    while 2 * counts[-1] <= most:
        counts.append(2 * counts[-1])
    if counts[-1] < most == threads:  # such as 12 threads after 8
        counts.append(most)
    return counts
