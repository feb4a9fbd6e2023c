"""The learning rate as a pure function of the step and of the changes that were recorded."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from tui_charrnn.config import TrainingConfig


class RateChange(NamedTuple):
    """Another peak of the learning rate, from a step on."""

    from_step: int
    learning_rate: float


class Horizon(NamedTuple):
    """Another number of steps, from a step on."""

    from_step: int
    total_steps: int


def learning_rate_at(
    step: int,
    total_steps: int,
    config: TrainingConfig,
    changes: Sequence[RateChange] = (),
    horizons: Sequence[Horizon] = (),
) -> float:
    """The learning rate of one step.

    It rises linearly over the warm-up, then follows half a cosine down to its final share
    (`cosine`) or stays (`constant`). A change replaces the peak; the shape stays. Where the number
    of steps changes, the warm-up stays, and the cosine goes on from where it is to the new end.

    Args:
        step: From 1 to the last.
        total_steps: Length of the run as it was planned first.
        config: Peak, warm-up and final share.
        changes: In the order of their steps.
        horizons: Later lengths of the run, in the order of their steps.

    Source:
        Loshchilov & Hutter 2017 (SGDR), section 3, for the cosine without restarts.
    """
    peak = peak_at(step, config, changes)
    warmup_steps = math.ceil(config.warmup_fraction * total_steps)
    if step <= warmup_steps:
        return peak * step / warmup_steps
    if config.schedule == "constant":
        return peak
    progress = _decay_progress(step, warmup_steps, total_steps, horizons)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    floor = config.final_learning_rate
    return peak * (floor + (1 - floor) * cosine)


def _decay_progress(
    step: int, warmup_steps: int, total_steps: int, horizons: Sequence[Horizon]
) -> float:
    """The share of the decay that is done at a step, from 0 after the warm-up to 1 at the end."""
    base, done, end = warmup_steps, 0.0, total_steps
    for from_step, total in horizons:
        if from_step > step:
            break
        turn = max(base, from_step - 1)
        done = min(1.0, done + (1 - done) * (turn - base) / max(1, end - base))
        base, end = turn, total
    return done + (1 - done) * ((step - base) / max(1, end - base))


def peak_at(step: int, config: TrainingConfig, changes: Sequence[RateChange]) -> float:
    """The peak that a step's learning rate is a share of."""
    begun = [change.learning_rate for change in changes if change.from_step <= step]
    return begun[-1] if begun else config.learning_rate


_Change = TypeVar("_Change", RateChange, Horizon)


def with_changes(changes: Iterable[_Change], later: Iterable[_Change]) -> tuple[_Change, ...]:
    """Changes and what was decided after them, in the order of their steps.

    Whatever is decided holds from its step on: an earlier decision about that step or a later
    one, as a run makes that goes back and trains steps again, is void.
    """
    standing = list(changes)
    for change in later:
        standing = [kept for kept in standing if kept.from_step < change.from_step]
        standing.append(change)
    return tuple(standing)
