"""What is in a corpus: its characters, the strange ones among them, its split, its baselines."""

import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from tui_charrnn.hangul import is_jamo
from tui_charrnn.text.corpus import Corpus, split_point
from tui_charrnn.text.ngrams import Baselines, measure_baselines
from tui_charrnn.text.numbered_text import IndexedText
from tui_charrnn.text.vocabulary import Vocabulary

DEFAULT_VALIDATION_FRACTION: Final = 0.1
_LARGE: Final = 16_000_000
"""Characters from which on less is counted for the baselines, so that nobody has to wait; less is
counted of a part, too."""
_COUNTED_OF_LARGE: Final = 1_000_000
_SCORED_OF_LARGE: Final = 200_000
_RAREST: Final = 12
"""Characters that are listed as the rarest."""

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
_ORDINARY: Final = "\n\t \N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_BIDI: Final = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Bidirectional classes of the controls that reorder what follows."""
_MARKS: Final = "\u061c\u200e\u200f"
"""Arabic letter mark and the two direction marks: bidirectional controls by another name."""
_SUSPICIOUS_CATEGORIES: Final = {
    "Cc": "control character",
    "Cf": "invisible format character",
    "Cn": "not a character of Unicode",
    "Co": "private use: every font shows something else",
    "Zl": "line separator of its own kind",
    "Zp": "paragraph separator of its own kind",
    "Zs": "space of its own kind",
}


@dataclass(frozen=True, slots=True)
class CharacterCount:
    """One character of the vocabulary."""

    character: str
    count: int
    first_position: int
    """Of its first occurrence in the text, from 0."""
    suspicion: str | None
    """Why it may not be meant to be there; none for an ordinary character."""

    @property
    def code(self) -> str:
        """Its code point, as U+0041."""
        return f"U+{ord(self.character):04X}"

    @property
    def name(self) -> str:
        """Its name in Unicode, or an empty string."""
        return unicodedata.name(self.character, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusInspection:
    """What was found in a text."""

    characters: int
    lines: int
    vocabulary: str
    """All characters, sorted by code point."""
    rarest: tuple[CharacterCount, ...]
    """The rarest first."""
    suspicious: tuple[CharacterCount, ...]
    """In the order of their code points."""
    heldout_only: str
    """Characters that occur in the held-out text but not in the training text."""
    training_characters: int
    heldout_characters: int
    baselines: Baselines | None
    """None for a text of one character, which cannot be split."""


def inspect_corpus(
    corpus: Corpus, *, validation_fraction: float = DEFAULT_VALIDATION_FRACTION
) -> CorpusInspection:
    """Look at the characters of a corpus, which were counted as it was read; measure baselines.

    Args:
        corpus: The text.
        validation_fraction: Share of the text, at its end, that is held out.
    """
    numbered, size = corpus.numbered, len(corpus)
    split = split_point(size, validation_fraction)
    counted = {
        character: CharacterCount(character, count, first, suspicion(character, corpus.units))
        for character, count, first in zip(
            numbered.characters, numbered.counts.tolist(), numbered.firsts.tolist(), strict=True
        )
    }
    vocabulary = Vocabulary("".join(sorted(counted)))
    in_order = [counted[character] for character in vocabulary.characters]
    rarest = sorted(in_order, key=lambda each: (each.count, each.character))[:_RAREST]
    feeds = counted["\n"].count if "\n" in counted else 0
    indices = numbered.indices(vocabulary)
    return CorpusInspection(
        characters=size,
        lines=feeds + (numbered.decode(size - 1) != "\n"),
        vocabulary=vocabulary.characters,
        rarest=tuple(rarest),
        suspicious=tuple(each for each in in_order if each.suspicion),
        heldout_only="".join(each.character for each in in_order if each.first_position >= split),
        training_characters=split,
        heldout_characters=size - split,
        baselines=_baselines(corpus, indices, split, len(vocabulary)) if split else None,
    )


def _baselines(corpus: Corpus, indices: IndexedText, split: int, vocabulary_size: int) -> Baselines:
    training, heldout = indices[:split], indices[split:]
    limits: dict[str, Any] = {}
    if len(corpus) >= _LARGE or corpus.report.part_of is not None:
        limits = {"training_limit": _COUNTED_OF_LARGE, "heldout_limit": _SCORED_OF_LARGE}
    measured = measure_baselines(training, heldout, vocabulary_size, **limits)
    return measured.per_character(corpus.units_per_character(split))


def suspicion(character: str, units: str = "characters") -> str | None:
    """Why a character may not be meant to be in a text; none for an ordinary one.

    Line feed, tab and the two common spaces are ordinary; so are the two joiners, without which
    Persian, Indic scripts and emoji cannot be written.

    Args:
        character: Of the text, as it was read.
        units: What it was read in; jamo are ordinary where they are asked for.
    """
    if character in _ORDINARY or (units == "jamo" and is_jamo(character)):
        return None
    if character == _REPLACEMENT:
        return "stands where an earlier program could not decode the text"
    if character == _BYTE_ORDER_MARK:
        return "byte order mark inside the text: files were joined as bytes"
    if unicodedata.bidirectional(character) in _BIDI or character in _MARKS:
        return "bidirectional control: reorders what is shown"
    category = unicodedata.category(character)
    if category in _SUSPICIOUS_CATEGORIES:
        return _SUSPICIOUS_CATEGORIES[category]
    return _decomposition(character)


def _decomposition(character: str) -> str | None:
    if "\u1161" <= character <= "\u1175" or "\u11a8" <= character <= "\u11c2":
        return "part of a decomposed Hangul syllable"
    if "\u0300" <= character <= "\u036f":
        return "combining mark, as in decomposed text"
    if unicodedata.normalize("NFC", character) != character:
        return "has another form in Unicode NFC"
    return None
