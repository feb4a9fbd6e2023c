"""The length of a run and its learning rate, as functions of the step and of recorded changes.

For a run whose length is a time, the number of steps is adjusted during training.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeVar

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.metrics import RunningMean
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.runs.records import RunExtended, RunPlanned, RunReplanned


def with_batch_size(training: TrainingConfig, batch_size: int, multiple: float) -> TrainingConfig:
    """Return the settings for a batch size that is larger by the factor `multiple`.

    The learning rate and the warm-up share are multiplied by the same factor, so the warm-up takes
    as many steps as before. Measured on tiny Shakespeare (docs/lstm.md, section 17): without the
    longer warm-up, or with the square root of the factor, the final loss is higher.

    Source:
        Goyal et al. 2017 (large minibatch SGD), sections 2.1 and 2.2.
    """
    return replace(
        training,
        batch_size=batch_size,
        learning_rate=training.learning_rate * multiple,
        warmup_fraction=min(1.0, training.warmup_fraction * multiple),
    )


class RateChange(NamedTuple):
    """A new peak learning rate from a step on."""

    from_step: int
    learning_rate: float


class Horizon(NamedTuple):
    """A new total number of steps from a step on."""

    from_step: int
    total_steps: int


def learning_rate_at(
    step: int,
    total_steps: int,
    config: TrainingConfig,
    changes: Sequence[RateChange] = (),
    horizons: Sequence[Horizon] = (),
    extensions: Sequence[RunExtended] = (),
) -> float:
    """Return the learning rate of a step, counted from 1.

    It rises linearly in the warm-up, then follows half a cosine to its final share (`cosine`) or
    stays (`constant`). A change replaces the peak and keeps the shape. If the number of steps
    changes (`horizons`), the warm-up stays, and the cosine continues to the new end. In an
    extension, the rate rises linearly to the new peak, which is one of the changes, and follows
    half a cosine again. Changes must be ordered by step.

    Source:
        Loshchilov & Hutter 2017 (SGDR), section 3, for the cosine without restarts.
    """
    peak = peak_at(step, config, changes)
    before, start, warmup_steps = 0, 0.0, math.ceil(config.warmup_fraction * total_steps)
    begun = [extension for extension in extensions if extension.step <= step]
    if begun:
        *earlier, last = begun
        before = last.step - 1
        start = learning_rate_at(before, total_steps, config, changes, horizons, earlier)
        warmup_steps, total_steps = last.warmup_steps, last.total_steps
        horizons = [horizon for horizon in horizons if horizon.from_step > last.step]
    if step <= before + warmup_steps:
        return start + (peak - start) * (step - before) / warmup_steps
    if config.schedule == "constant":
        return peak
    progress = _decay_progress(step, before + warmup_steps, total_steps, horizons)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    floor = config.final_learning_rate
    return peak * (floor + (1 - floor) * cosine)


def _decay_progress(
    step: int, warmup_steps: int, total_steps: int, horizons: Sequence[Horizon]
) -> float:
    """Return the progress of the decay, from 0 after the warm-up to 1 at the end."""
    base, done, end = warmup_steps, 0.0, total_steps
    for from_step, total in horizons:
        if from_step > step:
            break
        turn = max(base, from_step - 1)
        done = min(1.0, done + (1 - done) * (turn - base) / max(1, end - base))
        base, end = turn, total
    return done + (1 - done) * ((step - base) / max(1, end - base))


def peak_at(step: int, config: TrainingConfig, changes: Sequence[RateChange]) -> float:
    """Return the peak learning rate at a step."""
    begun = [change.learning_rate for change in changes if change.from_step <= step]
    return begun[-1] if begun else config.learning_rate


_Change = TypeVar("_Change", RateChange, Horizon)


def with_changes(changes: Iterable[_Change], later: Iterable[_Change]) -> tuple[_Change, ...]:
    """Return changes with later decisions applied, ordered by step.

    A decision applies from its step on, and voids earlier decisions about that or later steps, as
    after a rollback.
    """
    merged = list(changes)
    for change in later:
        merged = [kept for kept in merged if kept.from_step < change.from_step]
        merged.append(change)
    return tuple(merged)


COMPILED_WORK: Final = 1e12
"""Floating-point operations of a run above which compilation, about 5 seconds, saves time."""
COMPILED_TIME: Final = 20.0
"""The same limit in seconds, for a run whose length is a time."""


def is_long(
    model: ModelConfig,
    training: TrainingConfig,
    vocabulary_size: int,
    batch_size: int,
    training_characters: int,
) -> bool:
    """Whether a run is long enough for compilation to save time."""
    if training.train_time is not None:
        return training.train_time >= COMPILED_TIME
    if training.steps is not None:
        characters = float(training.steps * batch_size * training.sequence_length)
    else:
        characters = (training.epochs or 0.0) * training_characters
    return 6 * parameter_count(model, vocabulary_size) * characters >= COMPILED_WORK


EVALUATION_SHARE = 0.2
"""Maximum share of evaluations in a run whose length is a time."""


@dataclass(slots=True)
class Plan:
    """The length of a run in steps, and the steps of evaluations."""

    total_steps: int
    """As last planned."""
    steps_per_epoch: int
    evaluate_every: int
    bound: str = ""
    """The setting that ends it: a length, or `max_epochs`; empty in plans of the first versions."""

    batch_size: int | None = None
    """The automatically chosen batch size; None if it is as configured."""

    learning_rate: float | None = None
    """The peak learning rate for the chosen batch size; None if it is as configured."""

    early_evaluations: tuple[int, ...] = ()
    """Steps of evaluations before the first of `evaluate_every`, ascending."""

    is_adaptive: bool = False
    """Whether the number of steps is adjusted to the run's time limit during training."""

    horizons: tuple[Horizon, ...] = ()
    """All lengths so far, the first from step 1; empty if the length never changed."""

    extensions: tuple[RunExtended, ...] = ()
    """Extensions of the finished run, in order."""

    @property
    def earlier_ends(self) -> list[int]:
        """The last steps before each extension, which are evaluated too."""
        return [extension.step - 1 for extension in self.extensions]

    @property
    def first_total(self) -> int:
        """The length planned before the first step."""
        return self.horizons[0].total_steps if self.horizons else self.total_steps

    def replan(self, horizon: Horizon) -> None:
        """Change the length; this voids earlier decisions about that or later steps."""
        earlier = self.horizons or (Horizon(1, self.total_steps),)
        self.horizons = with_changes(earlier, [horizon])
        self.total_steps = horizon.total_steps

    def is_early(self, step: int) -> bool:
        """Whether the evaluation of a step is an early one, which never counts as the best."""
        return step in self.early_evaluations and step < self.total_steps

    def is_evaluated(self, step: int) -> bool:
        """Whether the held-out text is evaluated after this step; always true for the last."""
        is_even = step % self.evaluate_every == 0 or step in self.earlier_ends
        return step > 0 and (is_even or step == self.total_steps or self.is_early(step))

    def steps_to_turn(self, step: int) -> int:
        """Return the number of steps to the next evaluation or end of an epoch."""
        return min(
            self.total_steps - step,
            self.evaluate_every - step % self.evaluate_every,
            self.steps_per_epoch - step % self.steps_per_epoch,
            *(one - step for one in (*self.early_evaluations, *self.earlier_ends) if one > step),
        )

    def evaluations_after(self, step: int) -> int:
        """Return the number of evaluations after this step, without its own."""
        return self.evaluations_until(self.total_steps) - self.evaluations_until(
            min(step, self.total_steps)
        )

    def evaluations_until(self, step: int) -> int:
        """Return the number of evaluations up to a step, including its own."""
        early = sum(self.is_early(place) for place in self.early_evaluations if place <= step)
        ends = {self.total_steps, *self.earlier_ends}
        odd = sum(end <= step and end % self.evaluate_every > 0 for end in ends)
        return step // self.evaluate_every + early + odd


def early_evaluations(evaluate_every: int, evaluations: int) -> tuple[int, ...]:
    """Return steps 10, 30, 100, 300, ... up to half of the interval of regular evaluations.

    A network learns most in its first steps, which regular evaluations would miss. There are at
    most a third as many as regular evaluations, to limit their cost.
    """
    steps = []
    step = 10
    while 2 * step <= evaluate_every:
        steps.append(step)
        step = step * 3 if str(step).startswith("1") else step // 3 * 10
    return tuple(steps[: evaluations // 3])


def refuse_automatic_batch(training: TrainingConfig, processes: int) -> None:
    """Refuse the automatic batch size if several processes train together.

    Raises:
        ConfigError: If it is requested with more than one process.
    """
    if training.auto_batch_size and processes > 1:
        raise ConfigError(
            "--batch-size auto is timed by one process; several need the number: time it on one, "
            f"then give it to all. Received: auto, and {processes} processes."
        )


def recorded_plan(planned: RunPlanned) -> Plan:
    """Return the plan of a record."""
    chosen = planned.learning_rate is not None
    return Plan(
        planned.total_steps,
        planned.steps_per_epoch,
        planned.evaluate_every,
        planned.bound,
        planned.batch_size if chosen else None,
        planned.learning_rate,
        planned.early_evaluations,
        planned.is_adaptive,
    )


def with_chosen_batch(config: TrainingConfig, plan: Plan | None) -> TrainingConfig:
    """Return the settings with the plan's automatically chosen batch size, if there is one."""
    if plan is None or plan.batch_size is None or plan.learning_rate is None:
        return config
    return with_batch_size(config, plan.batch_size, plan.learning_rate / config.learning_rate)


def plan_by_count(config: TrainingConfig, steps_per_epoch: int) -> Plan:
    """Plan a run whose length was given in steps or epochs."""
    if config.steps is not None:
        total, bound = config.steps, "steps"
    else:
        total, bound = max(1, math.ceil((config.epochs or 0) * steps_per_epoch)), "epochs"
    total, bound = within_epochs(total, bound, config, steps_per_epoch)
    every = math.ceil(total / config.evaluations)
    early = early_evaluations(every, config.evaluations)
    return Plan(total, steps_per_epoch, every, bound, early_evaluations=early)


_MOST_EPOCHS: Final = 100
"""Upper limit of `least_steps` in epochs: by then a very small text is memorized.

Measured on 200 names and on 20 kB of prose (docs/lstm.md, section 17).
"""


def within_epochs(
    total: int, bound: str, config: TrainingConfig, steps_per_epoch: int
) -> tuple[int, str]:
    """Limit a number of steps by `max_epochs`; return it and the setting that determines it."""
    if config.max_epochs is None:
        return total, bound
    least = min(config.least_steps or 1, _MOST_EPOCHS * steps_per_epoch)
    most = max(least, math.ceil(config.max_epochs * steps_per_epoch))
    return (most, "max_epochs") if most < total else (total, bound)


def plan_by_time(
    config: TrainingConfig,
    steps_per_epoch: int,
    seconds_per_step: float,
    seconds_per_evaluation: float,
) -> Plan:
    """Plan a run whose length is a time in seconds, including evaluations.

    `max_epochs` may end the run earlier. `seconds_per_step` is the median of a few timed batches,
    `seconds_per_evaluation` the time of one evaluation.
    """
    budget = config.train_time or 0.0
    affordable = math.floor(EVALUATION_SHARE * budget / max(seconds_per_evaluation, 1e-9))
    evaluations = max(1, min(config.evaluations, affordable - affordable // 4))
    early: tuple[int, ...] = ()
    for _ in range(2):  # the length and the number of early evaluations depend on each other
        batches = budget - (evaluations + len(early)) * seconds_per_evaluation
        total, bound = within_epochs(
            max(1, math.floor(batches / seconds_per_step)), "train_time", config, steps_per_epoch
        )
        every = math.ceil(total / evaluations)
        early = early_evaluations(every, evaluations)
    return Plan(total, steps_per_epoch, every, bound, early_evaluations=early, is_adaptive=True)


FIT_INTERVAL: Final = 0.02
"""Interval between two checks of the plan, as a share of the run's time."""
FIT_TOLERANCE: Final = 0.01
"""Allowed deviation of the expected end before replanning, as a share of the run's time."""
_FAR_TOLERANCE: Final = 0.1
"""The same as a share of the remaining time, as the speed varies far from the end."""
_FIT_WINDOW: Final = 4
"""Number of checks over which the speed is measured."""


class TimeFit:
    """Adjusts the number of steps of a run to its time limit, by the measured speed.

    A decision is recorded and applies from a step on: a trainer that repeats these steps, after a
    crash or a rollback, uses the recorded decisions, and makes new ones only after them. Times are
    in seconds; an extension has its own limit. Decisions update the adaptive plan.
    """

    def __init__(self, config: TrainingConfig, plan: Plan) -> None:
        self._config = config
        self._plan = plan
        self._began, self._budget = 0.0, config.train_time if plan.is_adaptive else None
        if plan.extensions:  # the user chose their length, so `max_epochs` does not apply
            self._config = replace(config, max_epochs=None)
            self._began, self._budget = plan.extensions[-1].elapsed, plan.extensions[-1].train_time
        self._marks: deque[tuple[int, float]] = deque(maxlen=_FIT_WINDOW)
        """Steps, and seconds spent on batches up to each."""
        self._evaluation = RunningMean(0.5)
        self._evaluating = 0.0
        self._next_check = 0.0

    def evaluated(self, seconds: float) -> None:
        """Add the seconds of an evaluation, including samples."""
        self._evaluation.add(seconds)
        self._evaluating += seconds

    def replan(self, step: int, elapsed: float) -> RunReplanned | None:
        """Replan if the run would not end at its time limit; `step` is the newest step.

        Returns:
            The decision, already applied to the plan; None if nothing changes.
        """
        is_last, elapsed = step >= self._plan.total_steps, elapsed - self._began
        if self._budget is None or (self._marks and elapsed < self._next_check and not is_last):
            return None
        self._next_check = elapsed + FIT_INTERVAL * self._budget
        busy, plan = elapsed - self._evaluating, self._plan
        first_step, began = self._marks[0] if self._marks else (step, busy)
        if step < first_step:  # after a rollback
            self._marks.clear()
            first_step = step
        self._marks.append((step, busy))
        if step == first_step or (plan.horizons and plan.horizons[-1].from_step > step + 1):
            return None
        seconds, scoring = (busy - began) / (step - first_step), self._evaluation.value or 0.0
        early = sum(plan.is_early(place) for place in plan.early_evaluations if place > step)
        left = self._budget - elapsed - (1 + early) * scoring
        fitting = math.floor(left / max(1e-9, seconds + scoring / plan.evaluate_every))
        most = max(step + fitting, min(step + 1, plan.total_steps))
        total, _ = within_epochs(most, "train_time", self._config, plan.steps_per_epoch)
        tolerance = max(FIT_TOLERANCE * self._budget, _FAR_TOLERANCE * left)
        if abs(total - plan.total_steps) * seconds <= tolerance:
            return None
        plan.replan(Horizon(step + 1, total))
        return RunReplanned(step + 1, total, seconds)
