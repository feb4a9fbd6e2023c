"""What a model thinks of the characters of many texts that it reads side by side.

Notation: S steps, B streams, V vocabulary size.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.model.weights import Float32

Indices = npt.NDArray[np.intp]

_LOGITS_AT_ONCE: Final = 1 << 18
"""Numbers that are kept until their exponentials are taken: a megabyte stays in the cache."""


def pass_over(stepper: Stepper, inputs: Indices) -> None:
    """Read characters, shape (S, B), and ask nothing of them."""
    with quiet():
        for characters in inputs:
            stepper.read_each(characters)


def surprise(stepper: Stepper, inputs: Indices, targets: Indices) -> Float32:
    """Read characters, and say how surprising those were that came after each.

    Args:
        stepper: Of B streams; they go on from where they are.
        inputs: Characters by number, shape (S, B).
        targets: What came after each, shape (S, B).

    Returns:
        -ln p of the targets, nats, shape (S, B).

    Raises:
        ModelFileError: If the model's scores are not finite numbers.
    """
    steps, streams = inputs.shape
    size = stepper.logits.shape[-1]
    at_once = max(1, min(steps, _LOGITS_AT_ONCE // (streams * size)))
    kept = np.empty((at_once, streams, size), np.float32)
    nats = np.empty((steps, streams), np.float32)
    with quiet():
        for first in range(0, steps, at_once):
            part = inputs[first : first + at_once]
            for step, characters in enumerate(part):
                kept[step] = stepper.read_each(characters)
            nats[first : first + at_once] = _nats(
                kept[: len(part)], targets[first : first + at_once]
            )
    if not np.isfinite(nats).all():
        raise ModelFileError(
            "The model's scores are not finite numbers, so no text can be scored. "
            "Its weights are too large; it must be trained again with a lower learning rate."
        )
    return nats


def _nats(logits: Float32, targets: Indices) -> Float32:
    """-ln p of each target, shape (S, B); the logits, shape (S, B, V), are used up."""
    logits -= logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    np.exp(logits, out=logits)
    nats: Float32 = np.log(logits.sum(axis=-1)) - chosen
    return nats


def quiet() -> np.errstate:
    """Numbers that overflow are reported where a text is scored, as an error and in a sentence."""
    return np.errstate(over="ignore", invalid="ignore")
