"""One generated text, and all that it came from."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tui_charrnn.config import SamplingConfig

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
        self._mark = _mark(path)

    def origin(self, label: str) -> ModelOrigin:
        """Where the model came from; without a hash if its file is not the same any more."""
        try:
            sha256 = file_sha256(self._path)
        except OSError:
            sha256 = None
        is_same = self._mark is not None and _mark(self._path) == self._mark
        return ModelOrigin(label, str(self._path.absolute()), sha256 if is_same else None)


def file_sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal digits.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hindrance_of(generation: Generation) -> str:
    """Why a text cannot be generated again, apart from its model's file; empty if it can."""
    if generation.hindrance:
        return generation.hindrance
    if generation.model.file is None:
        return _NO_FILE
    return "" if generation.model.sha256 else _REPLACED


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced or written to; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
