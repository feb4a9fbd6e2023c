"""Choice of the number type of a model's products: float32, or int8 where it is accurate enough.

int8 is accurate enough if the quantized model predicts nearly the same on a text that the model
generated. The measured difference is cached by the model's fingerprint, so a model is measured once
per machine.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, ModelFileError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.products import load_library
from tui_charrnn.generation.sampling import log_softmax
from tui_charrnn.generation.side_by_side import SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape_file import fingerprint
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.runs.measurements import Measurements
from tui_charrnn.translation import tr

MEAN_LIMIT: Final = 0.02
"""Largest allowed mean difference of log probabilities, nats."""
LARGEST_LIMIT: Final = 0.5
"""Largest allowed difference of a single log probability, nats."""
CHARACTERS: Final = 2000
"""Characters that the difference is measured on."""
_TEXTS: Final = 20
_CACHE: Final = Measurements("numbers.json", "differences")
"""Its `kind` must be changed whenever the quantization changes."""


class Difference(NamedTuple):
    """Absolute difference of log probabilities between int8 and float32, nats."""

    mean: float
    largest: float

    @property
    def is_small(self) -> bool:
        """Whether int8 is accurate enough."""
        return self.mean <= MEAN_LIMIT and self.largest <= LARGEST_LIMIT


class Choice(NamedTuple):
    """The number type that `auto` selects for a model."""

    numbers: str
    """`float32` or `int8`."""
    reason: str
    """Why, as a sentence."""
    difference: Difference | None = None
    """None if it was not needed."""
    is_new: bool = False
    """Whether int8 was rejected just now, so that the user is notified once."""


def with_numbers(model: Model, numbers: str, notify: Callable[[str], object]) -> Model:
    """Return the model with a number type: `float32`, `int8` or `auto`.

    `notify` is called with a sentence the first time that `auto` rejects int8 for this model.

    Raises:
        ConfigError: If int8 is requested for a bidirectional model.
    """
    if numbers == "auto":
        choice = choose_numbers(model)
        if choice.is_new:
            notify(choice.reason)
        numbers = choice.numbers
    if numbers == "int8" and model.config.reads_both:
        raise ConfigError(
            "A model that reads both directions is multiplied in float32 only: --numbers "
            "float32, or auto. Received: --numbers int8."
        )
    return replace(model, numbers=numbers)


def choose_numbers(model: Model) -> Choice:
    """Select the number type for a model."""
    if model.config.reads_both:
        return Choice("float32", tr("It reads both directions, which is done in float32 only."))
    if load_library() is None:
        return Choice(
            "float32",
            tr(
                "NumKong is not installed (pip install numkong), or is not fast and exact "
                "on this processor."
            ),
        )
    difference, is_new = _find_difference(model)
    if difference.is_small:
        return Choice("int8", tr("Its log probabilities are nearly the same in int8."), difference)
    reason = tr(
        "This model is multiplied in float32: in int8 its log probabilities would differ by "
        "{mean:.3f} nats on average and by {largest:.2f} at most; "
        "{mean_limit} and {largest_limit} are allowed.",
        mean=difference.mean,
        largest=difference.largest,
        mean_limit=MEAN_LIMIT,
        largest_limit=LARGEST_LIMIT,
    )
    return Choice("float32", reason, difference, is_new)


def measure_difference(model: Model) -> Difference:
    """Compare int8 with float32 on `CHARACTERS` characters that the model generates.

    The texts are generated in float32 at temperature 1 from a fixed RNG seed.
    """
    plain = replace(model, numbers="float32")
    sampling = SamplingConfig(temperature=1, rng_seed=0)
    batch = SideBySide(CharacterStream(plain, sampling), _TEXTS)
    rounded = Stepper(fold_embedding(replace(model, numbers="int8")), _TEXTS)
    unread = np.full(_TEXTS, model.vocabulary.start_index)
    differences = []
    for _ in range(CHARACTERS // _TEXTS):
        chosen = np.array([drawn.index for drawn in batch.next()])
        try:
            exact, near = (
                np.take_along_axis(log_softmax(logits), chosen[:, None], axis=1)
                for logits in (batch.logits, rounded.read_each(unread))
            )
        except ModelFileError:  # logits that are not finite
            return Difference(math.inf, math.inf)
        differences.append(np.abs(near - exact))
        unread = chosen
    all_differences = np.array(differences)
    return Difference(float(all_differences.mean()), float(all_differences.max()))


def _find_difference(model: Model) -> tuple[Difference, bool]:
    """Return the difference of a model, and whether it was measured now instead of cached."""
    name = fingerprint(model)
    with suppress(KeyError, TypeError, ValueError):
        mean, largest = _CACHE.recall()[name]
        return Difference(float(mean), float(largest)), False
    difference = measure_difference(model)
    _CACHE.remember(name, difference)
    return difference, True
