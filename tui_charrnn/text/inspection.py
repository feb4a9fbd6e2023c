"""Inspects a corpus: characters, suspicious characters, split, baselines."""

import contextlib
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tui_charrnn.hangul import is_jamo, split_syllables
from tui_charrnn.text.corpus import Corpus, CorpusReport, Reading
from tui_charrnn.text.corpus_reading import TextReader, find_cached
from tui_charrnn.text.decoding import BytesFound, read_pieces
from tui_charrnn.text.ngrams import (
    LIMITS,
    Baselines,
    measure_baselines,
    repeated_share,
    repetition_sentence,
    similar_files,
)
from tui_charrnn.text.numbered_text import IndexedText, NumberedText
from tui_charrnn.text.sources import FoundSources, find_sources
from tui_charrnn.text.vocabulary import END, Vocabulary, choose_vocabulary
from tui_charrnn.translation import format_percent, tr

DEFAULT_VALIDATION_FRACTION: Final = 0.1
_LARGE: Final = 16_000_000
"""Characters from which on, as in a text read in part, fewer are counted to save time."""
_LIMITS_OF_LARGE: Final = (1_000_000, 200_000)
"""As `ngrams.LIMITS`: maximum characters that are counted, and that are scored."""
_MAX_FILES: Final = 2_000  # maximum files that are compared with each other
_LISTED_PAIRS: Final = 8
_RAREST: Final = 12  # characters that are listed as the rarest

_KOREAN: Final = 0.2
"""Minimum share of Hangul syllables in a Korean text, whose spaces are a fifth."""
_MANY_LINES: Final = 100
_SHORT_LINE: Final = 18
"""Mean characters of a line, with its end: full names have about 15, lines of a play 28."""

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
_ORDINARY: Final = "\n\t \N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_BIDI: Final = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Bidirectional classes of the controls that reorder what follows."""
_MARKS: Final = "\u061c\u200e\u200f"
"""Arabic letter mark and the two direction marks, which are bidirectional controls too."""
SUSPICIOUS_CATEGORIES: Final = {
    "Cc": "control character",
    "Cf": "invisible format character",
    "Cn": "not a character of Unicode",
    "Co": "private use: every font shows something else",
    "Zl": "unusual line separator",
    "Zp": "unusual paragraph separator",
    "Zs": "unusual space",
}


@dataclass(frozen=True, slots=True)
class CharacterCount:
    """One character of the vocabulary."""

    character: str
    count: int
    first_position: int
    """Position of its first occurrence, from 0."""
    suspicion: str | None
    """Why it may be unintended; None for an ordinary character."""

    @property
    def code(self) -> str:
        """Its code point, as U+0041."""
        return f"U+{ord(self.character):04X}"

    @property
    def name(self) -> str:
        """Its name in Unicode, or an empty string."""
        return unicodedata.name(self.character, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found in a corpus so far."""

    report: CorpusReport
    """On the files, as far as they were read."""
    bytes_total: int
    """Of all files on disk."""
    consumed: int
    """Bytes of them that were read."""
    characters: int
    lines: int
    counts: tuple[CharacterCount, ...]
    """Of all distinct characters, in the order of their code points."""
    records: int | None = None
    """The number of records; None if the text has none."""

    @property
    def occurrences(self) -> dict[str, int]:
        """The count of each character."""
        return {count.character: count.count for count in self.counts}

    @property
    def rarest(self) -> list[CharacterCount]:
        """Some characters, the rarest first."""
        return sorted(self.counts, key=lambda each: (each.count, each.character))[:_RAREST]

    @property
    def suspicious(self) -> list[CharacterCount]:
        """Characters that may be unintended."""
        return [count for count in self.counts if count.suspicion]

    @property
    def is_part(self) -> bool:
        """Whether a limit ended it before the end of a long text."""
        return self.report.part_of is not None

    @property
    def is_whole(self) -> bool:
        """Whether the whole text was read."""
        return self.consumed >= self.bytes_total and not self.is_part

    @property
    def expected_characters(self) -> int:
        """Characters of the whole text; an estimate if only a part was read."""
        if self.is_whole or not self.consumed:
            return self.characters
        return round(self.characters * self.bytes_total / self.consumed)

    def only_after(self, split: int) -> str:
        """The characters that do not occur before a position, sorted."""
        return "".join(each.character for each in self.counts if each.first_position >= split)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusInspection:
    """What was found in a text, its split and its baselines."""

    survey: Survey
    vocabulary: str
    """All characters, sorted by code point; in a text of records their end sign comes first."""
    heldout_only: str
    """Characters that occur in the held-out text but not in the training text."""
    training_characters: int
    heldout_characters: int
    baselines: Baselines | None
    """None for a text of one character, which cannot be split."""
    repeated_share: float
    """Share of the held-out passages that also occur in the training text; see
    `ngrams.repeated_share`."""
    similar_files: tuple[tuple[str, str, float], ...]
    """Pairs of files with nearly all lines in common, and the common share."""
    repeated_records: int
    """Number of records that repeat an earlier one."""

    @property
    def warnings(self) -> list[str]:
        """Sentences about repeated text."""
        return _repetition_sentences(self.repeated_share, self.similar_files)


def _repetition_sentences(share: float, pairs: Sequence[tuple[str, str, float]]) -> list[str]:
    sentences = [repetition_sentence(share)]
    for one, other, common in pairs[:_LISTED_PAIRS]:
        folder = os.path.commonpath([Path(one).parent, Path(other).parent])
        sentences.append(
            tr(
                "{first} and {second} are nearly the same: {common} of the lines.",
                first=Path(one).relative_to(folder),
                second=Path(other).relative_to(folder),
                common=format_percent(common),
            )
        )
    return [sentence for sentence in sentences if sentence]


def find_repetitions(corpus: Corpus, validation_fraction: float) -> list[str]:
    """Sentences about repeated text; `validation_fraction` of the text, at its end, is held out."""
    split = corpus.split(validation_fraction)
    indices = corpus.ordered.indices(Vocabulary("".join(sorted(corpus.numbered.characters))))
    share = repeated_share(indices[:split], indices[split:])
    return _repetition_sentences(share, similar_files(_files_of(corpus)))


def inspect_corpus(corpus: Corpus) -> CorpusInspection:
    """Inspect the characters of a corpus, counted during reading, and measure the baselines."""
    numbered, has_records = corpus.numbered, corpus.reading.records != "none"
    split = corpus.split(DEFAULT_VALIDATION_FRACTION)
    survey = _survey_of(numbered, corpus.reading, corpus.report, corpus.report.bytes)
    vocabulary = choose_vocabulary(survey.occurrences, has_records=has_records)
    indices = corpus.ordered.indices(vocabulary)
    heldout_only = survey.only_after(split)
    if has_records:
        strange = np.setdiff1d(np.asarray(indices[split:]), np.asarray(indices[:split]))
        heldout_only = "".join(vocabulary.characters[place] for place in strange)
    return CorpusInspection(
        survey=survey,
        vocabulary=vocabulary.characters,
        heldout_only=heldout_only,
        training_characters=split,
        heldout_characters=len(corpus) - split,
        baselines=_baselines(corpus, indices, split, vocabulary) if split else None,
        repeated_share=repeated_share(indices[:split], indices[split:]),
        similar_files=tuple(similar_files(_files_of(corpus))),
        repeated_records=numbered.repeated_records() if has_records else 0,
    )


def _survey_of(
    text: NumberedText,
    reading: Reading,
    report: CorpusReport,
    consumed: int,
    bytes_total: int = 0,
) -> Survey:
    """Build a survey from the counts of a text that was read completely or in part."""
    rows = zip(text.characters, text.counts.tolist(), text.firsts.tolist(), strict=True)
    counts = {
        character: CharacterCount(
            character, count, first, suspicion(character, reading.units, reading.records)
        )
        for character, count, first in sorted(rows)
    }
    feeds = counts["\n"].count if "\n" in counts else 0
    ends = counts[END].count if END in counts else 0
    return Survey(
        report=report,
        bytes_total=max(bytes_total, consumed),
        consumed=consumed,
        characters=len(text),
        lines=feeds + (text.decode(len(text) - 1) != "\n"),
        counts=tuple(counts.values()),
        records=None if reading.records == "none" else max(0, ends - 1),
    )


def jamo_sentence(occurrences: Mapping[str, int], option: str) -> str:
    """What reading a Korean text in jamo, by `option`, would change.

    Empty for other texts, and for one of so few syllables that jamo are no fewer.
    """
    hangul = sum(count for each, count in occurrences.items() if "가" <= each <= "힣")
    letters = len(set(split_syllables("".join(occurrences))))
    if hangul < _KOREAN * sum(occurrences.values()) or letters >= len(occurrences):
        return ""
    return tr(
        "Korean: {option} learns {letters:,} letters and signs instead of {characters:,} "
        "characters, and syllables compose as they stream; the loss was similar in trials.",
        option=option,
        letters=letters,
        characters=len(occurrences),
    )


def records_sentence(survey: Survey, option: str) -> str:
    """What reading a list of names, titles or the like as records, by `option`, would change.

    Empty for other texts: fewer lines, or longer ones on average.
    """
    is_list = survey.lines >= _MANY_LINES and survey.characters < _SHORT_LINE * survey.lines
    if survey.records is not None or not is_list:
        return ""
    return tr(
        "Short lines: if each is independent of the others, as in a list of names, {option} learns "
        "each as a text of its own.",
        option=option,
    )


def _files_of(corpus: Corpus) -> Iterator[tuple[str, str]]:
    """Yield name and text of each of several files; nothing for one file or a large corpus."""
    if not 2 <= len(corpus.sources) <= _MAX_FILES or corpus.report.bytes > _LARGE:
        return
    reading = Reading(encoding=corpus.reading.encoding)
    for source in find_sources(corpus.sources, encoding=reading.encoding).sources:
        if source.path is not None:
            yield source.name, "".join(read_pieces(source.path, reading, BytesFound()))


def _baselines(
    corpus: Corpus, indices: IndexedText, split: int, vocabulary: Vocabulary
) -> Baselines:
    training, heldout = indices[:split], indices[split:]
    is_large = len(corpus) >= _LARGE or corpus.report.part_of is not None
    measured = measure_baselines(
        training,
        heldout,
        len(vocabulary),
        limits=_LIMITS_OF_LARGE if is_large else LIMITS,
        end=vocabulary.end_index,
    )
    return measured.per_character(corpus.units_per_character(split))


def suspicion(character: str, units: str = "characters", records: str = "none") -> str | None:
    """Why a character may be unintended in a text; None for an ordinary one.

    Line feed, tab and the two common spaces are ordinary; so are the two joiners, without which
    Persian, Indic scripts and emoji cannot be written, jamo in a text of jamo, and the end sign of
    records.
    """
    is_wanted = (units == "jamo" and is_jamo(character)) or (records != "none" and character == END)
    if character in _ORDINARY or is_wanted:
        return None
    if character == _REPLACEMENT:
        return tr("marks text that an earlier program could not decode")
    if character == _BYTE_ORDER_MARK:
        return tr("byte order mark inside the text: files were joined as bytes")
    if unicodedata.bidirectional(character) in _BIDI or character in _MARKS:
        return tr("bidirectional control: reorders what is shown")
    category = unicodedata.category(character)
    if category in SUSPICIOUS_CATEGORIES:
        return tr(SUSPICIOUS_CATEGORIES[category])
    return _decomposition(character)


def _decomposition(character: str) -> str | None:
    if "\u1161" <= character <= "\u1175" or "\u11a8" <= character <= "\u11c2":
        return tr("part of a decomposed Hangul syllable")
    if "\u0300" <= character <= "\u036f":
        return tr("combining mark, as in decomposed text")
    if unicodedata.normalize("NFC", character) != character:
        return tr("has another form in Unicode NFC")
    return None


SURVEYED_BYTES: Final = 1 << 24
"""Maximum bytes that a survey reads: about half a second."""
_MEMORY: Final = 8 * SURVEYED_BYTES
"""More bytes than the numbers of a survey take, so that they are never written to disk."""
_REPORTED_EVERY: Final = 4  # pieces between two calls of `on_progress`: about a megabyte


def survey_sources(
    sources: FoundSources,
    reading: Reading,
    *,
    on_progress: Callable[[Survey], None],
    check_cancelled: Callable[[], None],
) -> Survey:
    """Survey the files of a corpus; a cached text is surveyed completely.

    The result equals that of `read_corpus` and `inspect_corpus` for the whole text or, if it is
    large, for its first `SURVEYED_BYTES` bytes. Each text is a regular file, or a cached text of
    the catalogue. `on_progress` is called with the survey so far, first after about a megabyte;
    `check_cancelled` is called after every piece and raises to cancel.

    Raises:
        CorpusError: If a file is unreadable, empty, binary or not in the encoding.
    """
    if (kept := find_cached(sources, reading)) is not None:
        return _survey_of(kept[0], reading, kept[1], kept[1].bytes)
    reader = TextReader(sources, reading, limit=SURVEYED_BYTES, memory=_MEMORY)

    def survey() -> Survey:
        text = reader.numbering.finish()
        return _survey_of(text, reading, reader.report, reader.found.consumed, reader.size or 0)

    with contextlib.closing(reader.numbering):
        for count, _ in enumerate(reader.pieces(), 1):
            check_cancelled()
            if count % _REPORTED_EVERY == 0:
                on_progress(survey())
        return survey()
