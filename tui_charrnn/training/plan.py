"""How long a run will be: decided once, before the first batch, and recorded."""

import math
from dataclasses import dataclass

from tui_charrnn.config import TrainingConfig

EVALUATION_SHARE = 0.2
"""Of a run whose length is a time, at most this share is spent on evaluations."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The length of a run in steps, and when the held-out text is scored."""

    total_steps: int
    steps_per_epoch: int
    evaluate_every: int

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


def plan_by_count(config: TrainingConfig, steps_per_epoch: int) -> Plan:
    """Plan a run whose length was given in steps or epochs."""
    if config.steps is not None:
        total = config.steps
    else:
        total = max(1, math.ceil((config.epochs or 0) * steps_per_epoch))
    return Plan(total, steps_per_epoch, math.ceil(total / config.evaluations))


def plan_by_time(
    config: TrainingConfig,
    steps_per_epoch: int,
    seconds_per_step: float,
    seconds_per_evaluation: float,
) -> Plan:
    """Plan a run whose length was given as a time.

    Args:
        config: Its `train_time` is the time, in seconds, for batches and evaluations together.
        steps_per_epoch: Batches in one pass over the training text.
        seconds_per_step: Median of a few timed batches.
        seconds_per_evaluation: One timed evaluation.
    """
    budget = config.train_time or 0.0
    affordable = math.floor(EVALUATION_SHARE * budget / max(seconds_per_evaluation, 1e-9))
    evaluations = max(1, min(config.evaluations, affordable))
    batches = budget - evaluations * seconds_per_evaluation
    total = max(1, math.floor(batches / seconds_per_step))
    return Plan(total, steps_per_epoch, math.ceil(total / evaluations))
