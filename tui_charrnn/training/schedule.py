"""The learning rate as a pure function of the step: nothing to save, nothing to restore."""

import math

from tui_charrnn.config import TrainingConfig


def learning_rate_at(step: int, total_steps: int, config: TrainingConfig) -> float:
    """The learning rate of one step.

    It rises linearly over the warm-up, then follows half a cosine down to its final share
    (`cosine`) or stays (`constant`).

    Args:
        step: From 1 to `total_steps`.
        total_steps: Length of the run.
        config: Peak, warm-up and final share.

    Source:
        Loshchilov & Hutter 2017 (SGDR), section 3, for the cosine without restarts.
    """
    warmup_steps = math.ceil(config.warmup_fraction * total_steps)
    if step <= warmup_steps:
        return config.learning_rate * step / warmup_steps
    if config.schedule == "constant":
        return config.learning_rate
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    floor = config.final_learning_rate
    return config.learning_rate * (floor + (1 - floor) * cosine)
