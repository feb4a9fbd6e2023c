"""How long a run is, and its learning rate: functions of the step and of recorded changes.

A run whose length is a time has its number of steps fitted to it as it goes on.
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
    extensions: Sequence[RunExtended] = (),
) -> float:
    """The learning rate of one step, from 1.

    It rises linearly over the warm-up, then follows half a cosine down to its final share
    (`cosine`) or stays (`constant`). A change replaces the peak; the shape stays. Where the number
    of steps changes (`horizons`), the warm-up stays, and the cosine continues to the new end.
    Where a finished run is extended, the rate rises linearly to the new peak, one of the changes,
    then follows half a cosine down again. Changes are in the order of their steps.

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


COMPILED_WORK: Final = 1e12
"""Floating-point operations from which compiling, some 5 seconds, is soon won back."""
COMPILED_TIME: Final = 20.0
"""The same for a run whose length is a time, in seconds."""


def is_long(
    model: ModelConfig,
    training: TrainingConfig,
    vocabulary_size: int,
    batch_size: int,
    training_characters: int,
) -> bool:
    """Whether a run, of batches of B streams and V characters, is worth compiling."""
    if training.train_time is not None:
        return training.train_time >= COMPILED_TIME
    if training.steps is not None:
        characters = float(training.steps * batch_size * training.sequence_length)
    else:
        characters = (training.epochs or 0.0) * training_characters
    return 6 * parameter_count(model, vocabulary_size) * characters >= COMPILED_WORK


EVALUATION_SHARE = 0.2
"""Of a run whose length is a time, at most this share is spent on evaluations."""


@dataclass(slots=True)
class Plan:
    """The length of a run in steps, and when the held-out text is scored."""

    total_steps: int
    """As planned last."""
    steps_per_epoch: int
    evaluate_every: int
    bound: str = ""
    """The setting that ends it: a length, or `max_epochs`; empty in the first versions' plans."""
    batch_size: int | None = None
    """Where the batch size is automatic, the one that was chosen."""
    learning_rate: float | None = None
    """Then too: the peak of the learning rate that goes with it."""
    early_evaluations: tuple[int, ...] = ()
    """Steps before the first `evaluate_every` after which the text is scored too, ascending."""
    is_adaptive: bool = False
    """Whether the number of steps is fitted to the time of the run while it trains."""
    horizons: tuple[Horizon, ...] = ()
    """All lengths so far, the first one from step 1 on; empty while there was only one."""
    extensions: tuple[RunExtended, ...] = ()
    """The extensions of the run, each after it was finished."""

    @property
    def earlier_ends(self) -> list[int]:
        """The last steps of the run before each of its extensions, which are scored too."""
        return [extension.step - 1 for extension in self.extensions]

    @property
    def first_total(self) -> int:
        """The length as it was planned before the first step."""
        return self.horizons[0].total_steps if self.horizons else self.total_steps

    def replan(self, horizon: Horizon) -> None:
        """Let the run have another length; earlier decisions about that step or later are void."""
        earlier = self.horizons or (Horizon(1, self.total_steps),)
        self.horizons = with_changes(earlier, [horizon])
        self.total_steps = horizon.total_steps

    def is_early(self, step: int) -> bool:
        """Whether the score after a step shows how learning begins, and is never the best."""
        return step in self.early_evaluations and step < self.total_steps

    def is_evaluated(self, step: int) -> bool:
        """Whether the held-out text is scored after this step; the last one always is."""
        is_even = step % self.evaluate_every == 0 or step in self.earlier_ends
        return step > 0 and (is_even or step == self.total_steps or self.is_early(step))

    def steps_to_turn(self, step: int) -> int:
        """How many steps it is from here to the next evaluation or end of an epoch."""
        return min(
            self.total_steps - step,
            self.evaluate_every - step % self.evaluate_every,
            self.steps_per_epoch - step % self.steps_per_epoch,
            *(one - step for one in (*self.early_evaluations, *self.earlier_ends) if one > step),
        )

    def evaluations_after(self, step: int) -> int:
        """How many evaluations are still to come once this step and its own are done."""
        return self.evaluations_until(self.total_steps) - self.evaluations_until(
            min(step, self.total_steps)
        )

    def evaluations_until(self, step: int) -> int:
        """How many evaluations come up to a step, its own counted in."""
        early = sum(self.is_early(place) for place in self.early_evaluations if place <= step)
        ends = {self.total_steps, *self.earlier_ends}
        odd = sum(end <= step and end % self.evaluate_every > 0 for end in ends)
        return step // self.evaluate_every + early + odd


def early_evaluations(evaluate_every: int, evaluations: int) -> tuple[int, ...]:
    """Steps 10, 30, 100, 300, ... up to half of the way to the first even evaluation.

    A network learns most in its first steps, which evaluations at even distances would miss. They
    are at most a third of the even evaluations, which bounds what they cost.
    """
    steps = []
    step = 10
    while 2 * step <= evaluate_every:
        steps.append(step)
        step = step * 3 if str(step).startswith("1") else step // 3 * 10
    return tuple(steps[: evaluations // 3])


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


def recorded_plan(planned: RunPlanned) -> Plan:
    """The plan that a record holds."""
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


def settled(config: TrainingConfig, plan: Plan | None) -> TrainingConfig:
    """The settings of a run whose batch size was chosen, if it was, when it was planned."""
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
"""Passes over a very small text, after which it is known by heart: no least of steps is more.

Measured on 200 names and on 20 kB of prose (docs/lstm.md, section 17).
"""


def within_epochs(
    total: int, bound: str, config: TrainingConfig, steps_per_epoch: int
) -> tuple[int, str]:
    """A number of steps within the greatest number of epochs, and the setting that it is of."""
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
    """Plan a run whose length is a time, in seconds, for batches and evaluations together.

    `max_epochs` may end the run before. The seconds are a median of a few timed batches, and of one
    timed evaluation.
    """
    budget = config.train_time or 0.0
    affordable = math.floor(EVALUATION_SHARE * budget / max(seconds_per_evaluation, 1e-9))
    evaluations = max(1, min(config.evaluations, affordable - affordable // 4))
    early: tuple[int, ...] = ()
    for _ in range(2):  # how many are early depends on the length, and that on them
        batches = budget - (evaluations + len(early)) * seconds_per_evaluation
        total, bound = within_epochs(
            max(1, math.floor(batches / seconds_per_step)), "train_time", config, steps_per_epoch
        )
        every = math.ceil(total / evaluations)
        early = early_evaluations(every, evaluations)
    return Plan(total, steps_per_epoch, every, bound, early_evaluations=early, is_adaptive=True)


FIT_INTERVAL: Final = 0.02
"""Share of a run's time between two looks at whether its steps still fit."""


FIT_TOLERANCE: Final = 0.01
"""Share of a run's time by which its expected end may be off before it is replanned."""


_FAR_TOLERANCE: Final = 0.1
"""The same as a share of the time that is left: far from the end, speeds still waver."""


_FIT_WINDOW: Final = 4
"""Looks over which the speed is measured."""


class TimeFit:
    """Fits the number of steps of a run to the time it was given, by what its steps take.

    A decision is a record, and holds from a step on: a trainer that repeats these steps, after a
    death or a rollback, takes what is recorded, and decides only after it. The time of the run is
    in seconds; an extension has its own. An adaptive plan is given the new lengths.
    """

    def __init__(self, config: TrainingConfig, plan: Plan) -> None:
        self._config = config
        self._plan = plan
        self._began, self._budget = 0.0, config.train_time if plan.is_adaptive else None
        if plan.extensions:  # whose length is the user's own, which lifts a bound on the epochs
            self._config = replace(config, max_epochs=None)
            self._began, self._budget = plan.extensions[-1].elapsed, plan.extensions[-1].train_time
        self._marks: deque[tuple[int, float]] = deque(maxlen=_FIT_WINDOW)
        """Steps and the seconds that were spent on batches until then."""
        self._evaluation = RunningMean(0.5)
        self._evaluating = 0.0
        self._next_look = 0.0

    def evaluated(self, seconds: float) -> None:
        """The held-out text was scored, and samples taken, in so many seconds."""
        self._evaluation.add(seconds)
        self._evaluating += seconds

    def look(self, step: int, elapsed: float) -> RunReplanned | None:
        """Replan if the run, whose newest step this is, would not end in its time.

        Returns:
            The decision, which the plan has by now; None where all stays as it is.
        """
        is_last, elapsed = step >= self._plan.total_steps, elapsed - self._began
        if self._budget is None or (self._marks and elapsed < self._next_look and not is_last):
            return None
        self._next_look = elapsed + FIT_INTERVAL * self._budget
        busy, plan = elapsed - self._evaluating, self._plan
        first_step, began = self._marks[0] if self._marks else (step, busy)
        if step < first_step:  # the run went back
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
