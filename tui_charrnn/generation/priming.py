"""What a model makes of a seed text: which of its characters it knows, and how."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SkippedCharacter:
    """A character of a seed text that the model has never seen."""

    character: str
    position: int
    """In the composed seed text, from 0."""


@dataclass(frozen=True, slots=True)
class PrimedSeed:
    """What the model read of a seed text."""

    text: str
    """The composed seed text without the skipped characters, as far as it was read."""
    skipped: tuple[SkippedCharacter, ...]


def spelled_in(indices: Mapping[str, int], character: str) -> str:
    """A composed character as a model knows it: itself, its parts, or nothing.

    A corpus may have been read without composing; then the model knows the parts.

    Args:
        indices: The numbers of the characters that the model knows.
        character: Composed (Unicode NFC).
    """
    if character in indices:
        return character
    parts = unicodedata.normalize("NFD", character)
    return parts if all(part in indices for part in parts) else ""
