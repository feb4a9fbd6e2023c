"""A generated text with its settings and model, and its row in the history's table."""

import hashlib
import itertools
import json
import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.paths import file_mark, open_file
from tui_charrnn.translation import tr

SettingsInTime = tuple[tuple[int, SamplingConfig], ...]
"""Settings and the number of generated characters after which each applied; the first after 0."""
ClampsInTime = tuple[tuple[int, tuple[str, ...]], ...]
"""Clamps, as LAYER:CELL=VALUE, and the number of generated characters after which they applied;
none before the first. Clamps after 0 characters also applied while the seed text was read."""

_NO_FILE: Final = "the model came from no file"
_REPLACED: Final = "the model's file was replaced while the text was generated, as a trainer does"
LONG_SEED: Final = "only the last 50,000 characters of its seed text were kept"
NO_REPLAY_REASONS: Final = (_NO_FILE, _REPLACED, LONG_SEED)
"""Why a text cannot be generated again; stored in English and translated for display."""


@dataclass(frozen=True, slots=True)
class ModelReference:
    """The model that generated a text."""

    label: ModelLabel
    file: str | None
    """Absolute path, or None if it was not loaded from a file."""
    sha256: str | None
    """Of the file, in hexadecimal; None if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A generated text with its settings and its model."""

    seed_text: str
    """The seed text; characters that the model does not know may have been left out."""
    text: str
    """The generated text, or its beginning; jamo are composed to syllables."""
    length: int
    """Number of generated characters or jamo."""
    sampling: SettingsInTime
    rng_seed: int
    """The RNG seed in use, even if it was chosen at random."""
    model: ModelReference
    clamps: ClampsInTime = ()
    numbers: str = "float32"
    """Number type of the model, `float32` or `int8`."""
    no_replay_because: str = ""
    """Why the text cannot be generated again, as the end of a sentence; empty if it can. In the
    database and in JSON: `hindrance`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A text in the history."""

    number: int
    """Unique; never reused."""
    time: datetime
    """When it was added, timezone-aware."""
    generation: Generation


def reference_to(
    path: Path, mark: tuple[int, int, int] | None, label: ModelLabel
) -> ModelReference:
    """Refer to a model; without a hash if its file has another `file_mark` than when loaded."""
    return ModelReference(label, str(path.absolute()), unchanged_sha256(path, mark))


def unchanged_sha256(path: Path, mark: tuple[int, int, int] | None) -> str | None:
    """Return the hash of a file; None if its `file_mark` differs, or it cannot be read."""
    if mark is None or file_mark(path) != mark:
        return None
    try:
        sha256 = file_sha256(path)
    except OSError:
        return None
    return sha256 if file_mark(path) == mark else None


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: If it cannot be read, or is not a regular file.
    """
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def why_no_replay(generation: Generation) -> str:
    """Return why a text cannot be generated again; empty if it can, given its model's file."""
    if generation.no_replay_because:
        return generation.no_replay_because
    if generation.model.file is None:
        return _NO_FILE
    return "" if generation.model.sha256 else _REPLACED


def write_settings(
    sampling: SettingsInTime, clamps: ClampsInTime = (), numbers: str = "float32"
) -> str:
    """Return settings, clamps and number type as a JSON document."""
    common = {} if numbers == "float32" else {"numbers": numbers}
    return json.dumps([
        {"after": after, **config.to_mapping(), **common} | ({"clamps": list(used)} if used else {})
        for after, config, used in merge_changes(sampling, clamps)
    ])


def read_settings(document: str) -> tuple[SettingsInTime, ClampsInTime, str, str]:
    """Parse a JSON document of settings.

    Returns:
        Settings, clamps, number type, and a sentence on unknown parts of the document, or "".

    Raises:
        ValueError: If the document is invalid.
    """
    refusal = ValueError(tr("These are not settings: {document}", document=document[:200]))
    try:
        changes: Sequence[Mapping[str, Any]] = json.loads(document)
        unknown = {name for change in changes for name in change} - {
            *SamplingConfig.bounds(),
            "after",
            "clamps",
            "numbers",
        }
        settings = [
            (int(change["after"]), SamplingConfig.from_mapping(change)) for change in changes
        ]
        clamped = [(int(change["after"]), _texts(change.get("clamps", ()))) for change in changes]
    except (
        TypeError,
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        ConfigError,
    ) as error:
        raise refusal from error
    if not settings or settings[0][0] != 0:
        raise refusal
    names = ", ".join(sorted(unknown))
    problem = tr("this version does not know the settings {names}", names=names) if unknown else ""
    numbers = changes[0].get("numbers", "float32")
    if numbers not in {"float32", "int8"}:
        problem = tr("this version does not know its number format")
        numbers = "float32"
    sampling = tuple(next(rows) for _, rows in itertools.groupby(settings, operator.itemgetter(1)))
    clamps = tuple(next(rows) for _, rows in itertools.groupby(clamped, operator.itemgetter(1)))
    return sampling, clamps if clamps[0][1] else clamps[1:], numbers, problem


def merge_changes(
    sampling: SettingsInTime, clamps: ClampsInTime
) -> list[tuple[int, SamplingConfig, tuple[str, ...]]]:
    """Merge the changes of settings and clamps into rows, one wherever either changes."""
    settings_after, clamps_after = dict(sampling), dict(clamps)
    settings = sampling[0][1]
    clamped: tuple[str, ...] = ()
    rows: list[tuple[int, SamplingConfig, tuple[str, ...]]] = []
    for after in sorted({*settings_after, *clamps_after}):
        settings = settings_after.get(after, settings)
        clamped = clamps_after.get(after, clamped)
        rows.append((after, settings, clamped))
    return rows


def _texts(value: object) -> tuple[str, ...]:
    """Return clamps as strings.

    Raises:
        TypeError: If they are not a list of strings.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise TypeError("Clamps are a list of strings.")
    return tuple(value)


KEPT_CHARACTERS: Final = 50_000
"""Characters that are stored: the first ones of a text, and the last ones of a seed text."""
COLUMNS: Final = (
    "time, length, seed_text, text, sampling, rng_seed, model, model_file, model_sha256, hindrance"
)
"""Columns of the table, without `id`."""


def omitted_characters(generation: Generation) -> int:
    """Return how many characters or jamo of a long text were not stored."""
    return max(generation.length - KEPT_CHARACTERS, 0)


def format_length(generation: Generation) -> str:
    """Format the length of a text: 1 character, or 250 characters (503 jamo)."""
    count, units = len(generation.text), generation.length
    is_cut = count < units <= KEPT_CHARACTERS
    count = count if is_cut else units
    words = tr("{count} character" if count == 1 else "{count} characters", count=f"{count:,}")
    return tr("{words} ({units:,} jamo)", words=words, units=units) if is_cut else words


def row_of(generation: Generation, time: datetime) -> tuple[object, ...]:
    """Return the values of `COLUMNS` for a text that is added at a timezone-aware time."""
    model = generation.model
    is_long = len(generation.seed_text) > KEPT_CHARACTERS
    return (
        time.isoformat(timespec="seconds"),
        generation.length,
        storable(generation.seed_text[-KEPT_CHARACTERS:]),
        storable(generation.text[:KEPT_CHARACTERS]),
        write_settings(generation.sampling, generation.clamps, generation.numbers),
        generation.rng_seed,
        storable(str(model.label)),
        os.fsencode(model.file) if model.file is not None else None,
        model.sha256,
        storable(generation.no_replay_because) or (LONG_SEED if is_long else ""),
    )


def entry_of(row: Sequence[Any]) -> Entry:
    """Parse a row of `id` and `COLUMNS`.

    Raises:
        ValueError: If a value has the wrong type.
    """
    number, time, length, seed_text, text, document, rng_seed, label, file, sha256, reason = row
    counts = (number, length, rng_seed)
    texts = (time, seed_text, text, document, label, reason, "" if sha256 is None else sha256)
    is_valid = all(isinstance(each, int) for each in counts) and all(
        isinstance(each, str) for each in texts
    )
    if not is_valid or not isinstance(file, bytes | None) or b"\0" in (file or b""):
        raise ValueError(
            tr(
                "the text {number} has values that this version does not know",
                number=str(number)[:20],
            )
        )
    sampling, clamps, numbers, problem = read_settings(document)
    return Entry(
        number=number,
        time=datetime.fromisoformat(time),
        generation=Generation(
            seed_text=seed_text,
            text=text,
            length=length,
            sampling=sampling,
            rng_seed=rng_seed,
            model=ModelReference(
                ModelLabel.parse(label), None if file is None else os.fsdecode(file), sha256
            ),
            clamps=clamps,
            numbers=numbers,
            no_replay_because=reason or problem,
        ),
    )


def storable(text: str) -> str:
    """Remove lone surrogates, which SQLite cannot store and no model knows."""
    return text.encode(errors="ignore").decode()


def entry_values(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON values."""
    generation = entry.generation
    return {
        "id": entry.number,
        "time": entry.time.isoformat(),
        "model": str(generation.model.label),
        "model_file": generation.model.file,
        "model_sha256": generation.model.sha256,
        "seed_text": generation.seed_text,
        "text": generation.text,
        "length": generation.length,
        "rng_seed": generation.rng_seed,
        "numbers": generation.numbers,
        "sampling": [
            {"after": after, **config.to_mapping(), "rng_seed": generation.rng_seed}
            for after, config in generation.sampling
        ],
        "clamps": [{"after": after, "held": list(clamps)} for after, clamps in generation.clamps],
        "hindrance": why_no_replay(generation) or None,
    }
