"""What pays on this machine, found by timing: a larger batch, a batch in more parts.

No TensorFlow is needed here. `start.py` builds and times what is compared.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.training.interruption import LeavingError

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
            return Climb(taken, tuple(tried), failure_words(error))
        tried.append((number, timed.speed))
        if taken is not None and timed.speed < gain * taken.speed:
            break
        taken = timed
    if taken is None:
        raise ValueError("There is nothing to choose from.")
    return Climb(taken, tuple(tried))


def failure_words(error: Exception) -> str:
    """Why something could not be computed, in half a sentence."""
    name = type(error).__name__
    if isinstance(error, MemoryError) or name == "ResourceExhaustedError":
        return "not enough memory"
    return f"{name}: {str(error).strip().partition(chr(10))[0][:200]}"


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


def with_batch_size(training: TrainingConfig, batch_size: int, multiple: float) -> TrainingConfig:
    """The settings for a batch that is larger by a factor.

    The learning rate is larger by the same factor, and the share of the run in which it rises, so
    that it rises over as many steps as before. Measured on tiny Shakespeare (docs/lstm.md, section
    17): without the second, or with the factor's square root, the loss ends higher.

    Source:
        Goyal et al. 2017 (large minibatch SGD), sections 2.1 and 2.2.
    """
    return replace(
        training,
        batch_size=batch_size,
        learning_rate=training.learning_rate * multiple,
        warmup_fraction=min(1.0, training.warmup_fraction * multiple),
    )


def refuse_automatic_batch(training: TrainingConfig, processes: int) -> None:
    """Refuse to search for a batch size where several processes train together.

    Raises:
        ConfigError: If it is asked for.
    """
    if training.auto_batch_size and processes > 1:
        raise ConfigError(
            "--batch-size auto is timed by one process; several need the number: time it on one, "
            f"then give it to all. Received: auto, and {processes} processes."
        )


def shard_counts(threads: int, batch_size: int, fewest: int) -> list[int]:
    """The numbers of parts to cut a batch into, the fewest first; each part has a thread."""
    counts, most = [fewest], min(threads, batch_size // FEWEST_STREAMS)
    while 2 * counts[-1] <= most:
        counts.append(2 * counts[-1])
    if counts[-1] < most == threads:  # such as 12 threads after 8
        counts.append(most)
    return counts
