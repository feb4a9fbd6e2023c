"""Which numbers a model's h is multiplied in: float32, or int8 where that is faster and as good.

int8 is as good if the model, rounded, expects nearly the same of a text that it wrote itself. What
was found is kept in the cache by the model's fingerprint, so a model is tried once on a machine.
"""

import json
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tui_charrnn.errors import ConfigError, ModelFileError, StorageError
from tui_charrnn.folders import cache_folder
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.products import load_library
from tui_charrnn.generation.sampling import log_softmax
from tui_charrnn.generation.side_by_side import SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape_file import fingerprint
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.runs.storage import Storage
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.translation import tr

MEAN_LIMIT: Final = 0.02
"""Nats by which log probabilities may differ on average."""
LARGEST_LIMIT: Final = 0.5
"""Nats by which that of any one character may."""
CHARACTERS: Final = 2000
"""That both are measured on."""
_TEXTS: Final = 20
_FORMAT: Final = 1
"""Of the file in the cache; another one whenever models are rounded in another way."""
_KEPT: Final = 100  # models whose differences are kept


class Difference(NamedTuple):
    """How far log probabilities in int8 are from those in float32, nats."""

    mean: float
    largest: float

    @property
    def is_small(self) -> bool:
        """Whether int8 is as good."""
        return self.mean <= MEAN_LIMIT and self.largest <= LARGEST_LIMIT


class Choice(NamedTuple):
    """What `auto` takes for a model."""

    numbers: str
    """`float32` or `int8`."""
    reason: str
    """Why, as a sentence."""
    difference: Difference | None = None
    """None where it does not depend on it."""
    is_new: bool = False
    """Whether it was found now that int8 will not do: worth a sentence, once."""


def with_numbers(model: Model, asked: str, notify: Callable[[str], object]) -> Model:
    """A model that is multiplied in the numbers that were asked for.

    Args:
        model: The model.
        asked: `float32`, `int8` or `auto`.
        notify: Called with a sentence as `auto` finds that rounding would do this model harm; once.

    Raises:
        ConfigError: If int8 is asked of a model that reads both directions.
    """
    if asked == "auto":
        choice = choose_numbers(model)
        if choice.is_new:
            notify(choice.reason)
        asked = choice.numbers
    if asked == "int8" and model.config.reads_both:
        raise ConfigError(
            "A model that reads both directions is multiplied in float32 only: --numbers "
            "float32, or auto. Received: --numbers int8."
        )
    return replace(model, numbers=asked)


def choose_numbers(model: Model) -> Choice:
    """What `auto` takes for a model."""
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
    """Have a model write 2,000 characters, and hold int8 against float32 on each.

    The texts are written in float32 at temperature 1, from an RNG seed that is always the same.
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
        except ModelFileError:  # scores that are not finite
            return Difference(math.inf, math.inf)
        differences.append(np.abs(near - exact))
        unread = chosen
    found = np.array(differences)
    return Difference(float(found.mean()), float(found.max()))


def _find_difference(model: Model) -> tuple[Difference, bool]:
    """The difference of a model, and whether it was measured now, not on an earlier day."""
    path, name = cache_folder() / "numbers.json", fingerprint(model)
    kept = _read(path)
    with suppress(KeyError, TypeError, ValueError):
        mean, largest = kept[name]
        return Difference(float(mean), float(largest)), False
    found = measure_difference(model)
    newest = dict([*kept.items(), (name, list(found))][-_KEPT:])
    document = {"format": _FORMAT, "differences": newest}
    with suppress(OSError, StorageError):  # a cache that cannot be written is none
        storage = Storage()
        storage.make_folder(path.parent)
        storage.write_atomically(path, json.dumps(document).encode())
    return found, True


def _read(path: Path) -> dict[str, Any]:
    """The differences that are kept, by fingerprint, the oldest first."""
    try:
        document = json.loads(path.read_bytes())
        differences = document["differences"] if document["format"] == _FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return differences if isinstance(differences, dict) else {}
