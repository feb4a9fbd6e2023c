"""Whether a run is long enough for what is paid once at its start. No TensorFlow is needed."""

from typing import Final

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.model.weights import parameter_count

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
