"""One generated text, all that it came from, and both as a row of the history."""

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
from tui_charrnn.paths import file_mark, open_file
from tui_charrnn.translation import tr

SettingsInTime = tuple[tuple[int, SamplingConfig], ...]
"""Settings, each with the number of generated characters after which it held; the first after 0."""
ClampsInTime = tuple[tuple[int, tuple[str, ...]], ...]
"""Neurons that were held, as LAYER:CELL=VALUE, each time with the number of generated characters
after which they were; before the first of these none was. What was held after 0 characters was so
while the seed text was read."""

_NO_FILE: Final = "the model came from no file"
_REPLACED: Final = "the model's file was replaced while the text was generated, as a trainer does"
LONG_SEED: Final = "only the last 50,000 characters of its seed text were kept"
HINDRANCES: Final = (_NO_FILE, _REPLACED, LONG_SEED)
"""Why a text cannot be generated again; stored in English, translated where they are shown."""


@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """Where a model came from."""

    label: str
    """What the user calls it."""
    file: str | None
    """Absolute path, or None if it came from no file."""
    sha256: str | None
    """Of the file, in hexadecimal digits; None if it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A text that a model has generated."""

    seed_text: str
    """How it began; characters that the model does not know may have been left out."""
    text: str
    """What came after it, or the beginning of that; its jamo are put together."""
    length: int
    """How many characters came after it, or jamo."""
    sampling: SettingsInTime
    rng_seed: int
    """That was in use, also where none was asked for."""
    model: ModelOrigin
    clamps: ClampsInTime = ()
    numbers: str = "float32"
    """What the model was multiplied in, `float32` or `int8`."""
    hindrance: str = ""
    """Why the same text cannot be generated again, as the end of a sentence; empty if it can."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A text in the history."""

    number: int
    """Given once and never again."""
    time: datetime
    """When it was added, with a time zone."""
    generation: Generation


class ModelFile:
    """A model's file, watched from before it is read, as a trainer may replace it at any time."""

    def __init__(self, path: Path) -> None:
        """Remember which file stands at a path; call it before the model is loaded."""
        self._path = path
        self._mark = file_mark(path)

    def origin(self, label: str) -> ModelOrigin:
        """Where the model came from; without a hash if its file is not the same any more."""
        sha256 = unchanged_sha256(self._path, self._mark)
        return ModelOrigin(label, str(self._path.absolute()), sha256)


def unchanged_sha256(path: Path, mark: tuple[int, int, int] | None) -> str | None:
    """The hash of a file; None if it is not the one that had a mark, or cannot be read."""
    if mark is None or file_mark(path) != mark:
        return None
    try:
        sha256 = file_sha256(path)
    except OSError:
        return None
    return sha256 if file_mark(path) == mark else None


def file_sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal digits.

    Raises:
        OSError: If it cannot be read, or is no regular file.
    """
    digest = hashlib.sha256()
    with open_file(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def hindrance_of(generation: Generation) -> str:
    """Why a text cannot be generated again, apart from its model's file; empty if it can."""
    if generation.hindrance:
        return generation.hindrance
    if generation.model.file is None:
        return _NO_FILE
    return "" if generation.model.sha256 else _REPLACED


def write_settings(
    sampling: SettingsInTime, clamps: ClampsInTime = (), numbers: str = "float32"
) -> str:
    """Settings, clamps and numbers as a JSON document."""
    common = {} if numbers == "float32" else {"numbers": numbers}
    return json.dumps([
        {"after": after, **config.to_mapping(), **common} | ({"clamps": list(held)} if held else {})
        for after, config, held in together(sampling, clamps)
    ])


def read_settings(document: str) -> tuple[SettingsInTime, ClampsInTime, str, str]:
    """The settings, clamps and numbers of a JSON document, and what is not understood of it.

    Raises:
        ValueError: If the document is of another program.
    """
    try:
        changes: Sequence[Mapping[str, Any]] = json.loads(document)
        unknown = {name for change in changes for name in change} - {
            *SamplingConfig.bounds(),
            "after",
            "clamps",
            "numbers",
        }
        settings = [
            (int(change["after"]), SamplingConfig.from_mapping(change, skip_unknown=True))
            for change in changes
        ]
        held = [(int(change["after"]), _words(change.get("clamps", ()))) for change in changes]
    except (
        TypeError,
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        ConfigError,
    ) as error:
        raise ValueError(
            tr("These are no settings: {document}", document=document[:200])
        ) from error
    if not settings or settings[0][0] != 0:
        raise ValueError(tr("These are no settings: {document}", document=document[:200]))
    names = ", ".join(sorted(unknown))
    misunderstood = (
        tr("this version does not know the settings {names}", names=names) if unknown else ""
    )
    numbers = changes[0].get("numbers", "float32")
    if numbers not in {"float32", "int8"}:
        misunderstood = tr("this version does not know the numbers it was made in")
        numbers = "float32"
    kept = tuple(next(rows) for _, rows in itertools.groupby(settings, operator.itemgetter(1)))
    clamps = tuple(next(rows) for _, rows in itertools.groupby(held, operator.itemgetter(1)))
    return kept, clamps if clamps[0][1] else clamps[1:], numbers, misunderstood


def together(
    sampling: SettingsInTime, clamps: ClampsInTime
) -> list[tuple[int, SamplingConfig, tuple[str, ...]]]:
    """What held from which character on: settings, first after 0, and clamps, as either changed."""
    config, held = dict(sampling), dict(clamps)
    settings = sampling[0][1]
    words: tuple[str, ...] = ()
    rows: list[tuple[int, SamplingConfig, tuple[str, ...]]] = []
    for after in sorted({*config, *held}):
        settings, words = config.get(after, settings), held.get(after, words)
        rows.append((after, settings, words))
    return rows


def _words(value: object) -> tuple[str, ...]:
    """Clamps, which are a list of words."""
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise TypeError("Clamps are a list of words.")
    return tuple(value)


KEPT_CHARACTERS: Final = 50_000
"""Characters of a text that are kept, its first ones; and of a seed text, its last ones."""
COLUMNS: Final = (
    "time, length, seed_text, text, sampling, rng_seed, model, model_file, model_sha256, hindrance"
)
"""Beside `id`, which comes first where a row is read."""


def lacking(generation: Generation) -> int:
    """How many characters, or jamo, of a long text were not kept."""
    return max(generation.length - KEPT_CHARACTERS, 0)


def length_words(generation: Generation) -> str:
    """How long a text is: 1 character, or 250 characters (503 jamo)."""
    count, units = len(generation.text), generation.length
    is_cut = count < units <= KEPT_CHARACTERS
    count = count if is_cut else units
    words = tr("{count} character" if count == 1 else "{count} characters", count=f"{count:,}")
    return tr("{words} ({units:,} jamo)", words=words, units=units) if is_cut else words


def row_of(generation: Generation, time: datetime) -> tuple[object, ...]:
    """The values of `COLUMNS` of a text that is added at a time with a time zone."""
    model = generation.model
    is_long = len(generation.seed_text) > KEPT_CHARACTERS
    return (
        time.isoformat(timespec="seconds"),
        generation.length,
        storable(generation.seed_text[-KEPT_CHARACTERS:]),
        storable(generation.text[:KEPT_CHARACTERS]),
        write_settings(generation.sampling, generation.clamps, generation.numbers),
        generation.rng_seed,
        storable(model.label),
        os.fsencode(model.file) if model.file is not None else None,
        model.sha256,
        storable(generation.hindrance) or (LONG_SEED if is_long else ""),
    )


def entry_of(row: Sequence[Any]) -> Entry:
    """What a row of `id` and `COLUMNS` says.

    Raises:
        ValueError: If a value is of another program.
    """
    number, time, length, seed_text, text, document, rng_seed, label, file, sha256, hindrance = row
    counts = (number, length, rng_seed)
    texts = (time, seed_text, text, document, label, hindrance, "" if sha256 is None else sha256)
    is_ours = all(isinstance(each, int) for each in counts) and all(
        isinstance(each, str) for each in texts
    )
    if not is_ours or not isinstance(file, bytes | None) or b"\0" in (file or b""):
        raise ValueError(
            tr(
                "the text {number} has values that this version does not know",
                number=str(number)[:20],
            )
        )
    sampling, clamps, numbers, misunderstood = read_settings(document)
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
            numbers=numbers,
            hindrance=hindrance or misunderstood,
        ),
    )


def storable(text: str) -> str:
    """A text as SQLite takes it: without halves of surrogate pairs, which no model knows."""
    return text.encode(errors="ignore").decode()


def entry_values(entry: Entry) -> dict[str, Any]:
    """A text and all that it came from."""
    generation = entry.generation
    return {
        "id": entry.number,
        "time": entry.time.isoformat(),
        "model": generation.model.label,
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
        "clamps": [{"after": after, "held": list(held)} for after, held in generation.clamps],
        "hindrance": hindrance_of(generation) or None,
    }
