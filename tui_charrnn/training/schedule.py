"""The learning rate as a pure function of the step and of the changes that were recorded."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tui_charrnn.config import TrainingConfig


class RateChange(NamedTuple):
    """Another peak of the learning rate, from a step on."""

    from_step: int
    learning_rate: float


def learning_rate_at(
    step: int, total_steps: int, config: TrainingConfig, changes: Sequence[RateChange] = ()
) -> float:
    """The learning rate of one step.

    It rises linearly over the warm-up, then follows half a cosine down to its final share
    (`cosine`) or stays (`constant`). A change replaces the peak; the shape stays.

    Args:
        step: From 1 to `total_steps`.
        total_steps: Length of the run.
        config: Peak, warm-up and final share.
        changes: In the order of their steps.

    Source:
        Loshchilov & Hutter 2017 (SGDR), section 3, for the cosine without restarts.
    """
    peak = peak_at(step, config, changes)
    warmup_steps = math.ceil(config.warmup_fraction * total_steps)
    if step <= warmup_steps:
        return peak * step / warmup_steps
    if config.schedule == "constant":
        return peak
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    floor = config.final_learning_rate
    return peak * (floor + (1 - floor) * cosine)


def peak_at(step: int, config: TrainingConfig, changes: Sequence[RateChange]) -> float:
    """The peak that a step's learning rate is a share of."""
    begun = [change.learning_rate for change in changes if change.from_step <= step]
    return begun[-1] if begun else config.learning_rate


def with_changes(
    changes: Iterable[RateChange], later: Iterable[RateChange]
) -> tuple[RateChange, ...]:
    """Changes and what was decided after them, in the order of their steps.

    Whatever is decided holds from its step on: an earlier decision about that step or a later
    one, as a run makes that goes back and trains steps again, is void.
    """
    standing = list(changes)
    for change in later:
        standing = [kept for kept in standing if kept.from_step < change.from_step]
        standing.append(change)
    return tuple(standing)
