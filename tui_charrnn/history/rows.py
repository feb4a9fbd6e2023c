"""How a generated text stands in a row of the history, and how it is read again."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from tui_charrnn.history.generation import Entry, Generation, ModelOrigin
from tui_charrnn.history.settings_document import read_settings, write_settings

KEPT_CHARACTERS: Final = 50_000
"""Characters of a text that are kept, and of a seed text."""
COLUMNS: Final = (
    "time, length, seed_text, text, sampling, rng_seed, model, model_file, model_sha256, hindrance"
)
"""Beside `id`, which comes first where a row is read."""
_LONG_SEED: Final = "the seed text was too long to be kept"


def row_of(generation: Generation, time: datetime) -> tuple[object, ...]:
    """The values of `COLUMNS`.

    Args:
        generation: The text.
        time: When it is added, with a time zone.
    """
    model = generation.model
    is_long = len(generation.seed_text) > KEPT_CHARACTERS
    return (
        time.isoformat(timespec="seconds"),
        generation.length,
        storable(generation.seed_text[:KEPT_CHARACTERS]),
        storable(generation.text[:KEPT_CHARACTERS]),
        write_settings(generation.sampling, generation.clamps),
        generation.rng_seed,
        storable(model.label),
        os.fsencode(model.file) if model.file is not None else None,
        model.sha256,
        storable(generation.hindrance) or (_LONG_SEED if is_long else ""),
    )


def entry_of(row: Sequence[Any]) -> Entry:
    """What a row of `id` and `COLUMNS` says.

    Raises:
        ValueError: If a value is none of ours.
    """
    number, time, length, seed_text, text, document, rng_seed, label, file, sha256, hindrance = row
    numbers = (number, length, rng_seed)
    texts = (time, seed_text, text, document, label, hindrance, "" if sha256 is None else sha256)
    is_ours = all(isinstance(each, int) for each in numbers) and all(
        isinstance(each, str) for each in texts
    )
    if not is_ours or not isinstance(file, bytes | None) or b"\0" in (file or b""):
        raise ValueError(f"the text {str(number)[:20]} has values that are none of ours")
    sampling, clamps, misunderstood = read_settings(document)
    return Entry(
        number=number,
        time=datetime.fromisoformat(time),
        generation=Generation(
            seed_text=seed_text,
            text=text,
            length=length,
            sampling=sampling,
            rng_seed=rng_seed,
            model=ModelOrigin(label, None if file is None else os.fsdecode(file), sha256),
            clamps=clamps,
            hindrance=hindrance or misunderstood,
        ),
    )


def storable(text: str) -> str:
    """A text as SQLite takes it: without halves of surrogate pairs, which no model knows."""
    return text.encode(errors="ignore").decode()
