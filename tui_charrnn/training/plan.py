"""How long a run will be: decided once, before the first batch, and recorded."""

import math
from dataclasses import dataclass
from typing import Final

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.model.weights import parameter_count
from tui_charrnn.runs.records import RunPlanned
from tui_charrnn.training.batch_choice import with_batch_size

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
    """Whether a run is long enough for compiling to be won back.

    Args:
        model: Shape of the network.
        training: Length of the run.
        vocabulary_size: V.
        batch_size: B, which may be smaller than configured.
        training_characters: Length of the text that is trained on.
    """
    if training.train_time is not None:
        return training.train_time >= COMPILED_TIME
    if training.steps is not None:
        characters = float(training.steps * batch_size * training.sequence_length)
    else:
        characters = (training.epochs or 0.0) * training_characters
    return 6 * parameter_count(model, vocabulary_size) * characters >= COMPILED_WORK


LEAST_STEPS = 2_000
"""The greatest number of epochs ends no run before: of a small text a few passes teach nothing."""
EVALUATION_SHARE = 0.2
"""Of a run whose length is a time, at most this share is spent on evaluations."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The length of a run in steps, and when the held-out text is scored."""

    total_steps: int
    steps_per_epoch: int
    evaluate_every: int
    bound: str = ""
    """The setting that ends it: a length, or `max_epochs`; empty in the first versions' plans."""
    batch_size: int | None = None
    """Where the batch size is automatic, the one that was chosen."""
    learning_rate: float | None = None
    """Then too: the peak of the learning rate that goes with it."""

    def is_evaluated(self, step: int) -> bool:
        """Whether the held-out text is scored after this step; the last one always is."""
        return step > 0 and (step % self.evaluate_every == 0 or step == self.total_steps)

    def steps_to_turn(self, step: int) -> int:
        """How many steps it is from here to the next evaluation or end of an epoch."""
        return min(
            self.total_steps - step,
            self.evaluate_every - step % self.evaluate_every,
            self.steps_per_epoch - step % self.steps_per_epoch,
        )

    def evaluations_after(self, step: int) -> int:
        """How many evaluations are still to come once this step and its own are done."""
        if step >= self.total_steps:
            return 0
        return math.ceil(self.total_steps / self.evaluate_every) - step // self.evaluate_every

    def evaluations_until(self, step: int) -> int:
        """How many evaluations come up to a step, its own counted in."""
        is_last = step == self.total_steps and step % self.evaluate_every > 0
        return step // self.evaluate_every + is_last


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
    total, bound = _bounded(total, bound, config, steps_per_epoch)
    return Plan(total, steps_per_epoch, math.ceil(total / config.evaluations), bound)


def _bounded(
    total: int, bound: str, config: TrainingConfig, steps_per_epoch: int
) -> tuple[int, str]:
    """A number of steps within the greatest number of epochs, and the setting that it is of."""
    if config.max_epochs is None:
        return total, bound
    most = max(LEAST_STEPS, math.ceil(config.max_epochs * steps_per_epoch))
    return (most, "max_epochs") if most < total else (total, bound)


def plan_by_time(
    config: TrainingConfig,
    steps_per_epoch: int,
    seconds_per_step: float,
    seconds_per_evaluation: float,
) -> Plan:
    """Plan a run whose length was given as a time.

    Args:
        config: Its `train_time` is the time, in seconds, for batches and evaluations together; its
            `max_epochs` may end the run before.
        steps_per_epoch: Batches in one pass over the training text.
        seconds_per_step: Median of a few timed batches.
        seconds_per_evaluation: One timed evaluation.
    """
    budget = config.train_time or 0.0
    affordable = math.floor(EVALUATION_SHARE * budget / max(seconds_per_evaluation, 1e-9))
    evaluations = max(1, min(config.evaluations, affordable))
    batches = budget - evaluations * seconds_per_evaluation
    total, bound = _bounded(
        max(1, math.floor(batches / seconds_per_step)), "train_time", config, steps_per_epoch
    )
    return Plan(total, steps_per_epoch, math.ceil(total / evaluations), bound)
