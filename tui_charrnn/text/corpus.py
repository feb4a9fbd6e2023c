"""A corpus: one text, its sources, how it is read, and a report on the reading."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from tui_charrnn.errors import ConfigError, CorpusError
from tui_charrnn.translation import tr

if TYPE_CHECKING:
    from tui_charrnn.text.numbered_text import NumberedText


_BEGINNING: Final = 1 << 16
"""Maximum characters of `Corpus.beginning`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How bytes become text."""

    encoding: str = "utf-8"
    """Of all files; a byte order mark overrides utf-8."""
    unify_newlines: bool = True
    """Turn CR LF and lone CR into LF."""
    compose: bool = True
    """Turn characters into their composed form (Unicode NFC)."""
    units: str = "characters"
    """`characters`, or `jamo` to split Hangul syllables."""
    records: str = "none"
    """What separates records (`corpus_reading.RecordCutter`): none, line, blank-line or file."""


PLAIN: Final = Reading()
"""The default way to read a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusReport:
    """What was found in the files of a corpus."""

    files: int
    """Texts that were read; standard input counts as one."""
    skipped_files: int
    """Skipped binary or empty files of folders and globs."""
    bytes: int
    """Of the encoded text, uncompressed."""
    encoding: str
    """Python's name of the codec; separated by commas if the files differ."""
    bom: bool
    """Whether a file began with a byte order mark, which is not part of the text."""
    crlf: int
    """Line ends of the form CR LF, as read."""
    cr: int
    """Carriage returns without a line feed, as read."""
    composed: int
    """Characters that NFC changes, as read."""
    recorded: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of each text whose hash was not known before its download. Later uses are
    verified with it, so the user is informed."""
    part_of: int | None = None
    """Bytes of all files on disk if only the first part was read; else None."""


@dataclass(frozen=True)  # no slots: for `cached_property`
class Corpus:
    """A text and where it came from."""

    name: str
    """As shown to users."""
    numbered: "NumberedText"
    """The text itself, memory-mapped if it is large."""
    sources: tuple[str, ...]
    """Arguments of `read_corpus` that read the same text again: absolute paths and
    `catalogue:NAME`, in order; empty if a part came from a stream, such as standard input."""
    reading: Reading
    """How its bytes became text."""
    report: CorpusReport

    def __len__(self) -> int:
        """How many characters there are."""
        return len(self.numbered)

    @property
    def sha256(self) -> str:
        """SHA-256 of the text as UTF-8, in hexadecimal digits."""
        return self.numbered.sha256

    @property
    def beginning(self) -> str:
        """The first characters, 65,536 at most."""
        return self.numbered.decode(0, _BEGINNING)

    def units_per_character(self, start: int) -> float:
        """Mean units per character from position `start` on; 1 unless units are jamo.

        A loss per unit times this is the loss per character.
        """
        return (
            1.0 if self.reading.units == "characters" else self.ordered.units_per_character(start)
        )

    @cached_property
    def ordered(self) -> "NumberedText":
        """The text in the order in which it is split: records are shuffled, in memory."""
        return self.numbered if self.reading.records == "none" else self.numbered.shuffled_records()

    def split(self, validation_fraction: float) -> int:
        """The number of training characters of `ordered`; records stay whole.

        Raises:
            CorpusError: If there are fewer than two records.
        """
        if self.reading.records == "none":
            return split_point(len(self), validation_fraction)
        return self.numbered.split_records(validation_fraction).characters

    @cached_property
    def text(self) -> str:
        """The whole text in memory, at least four bytes a character: not for a large one."""
        return self.numbered.decode()


def split_point(characters: int, validation_fraction: float) -> int:
    """The index of the first held-out character; the rest of the text is held out.

    Both parts have at least one character if there are two.
    """
    first = int(characters * (1 - validation_fraction))
    return min(max(first, 1), max(characters - 1, 0))


def fitting_batch_size(training_characters: int, batch_size: int, sequence_length: int) -> int:
    """The largest batch size, at most the requested one, that a text can fill.

    Each stream has at least one window of T inputs and T targets.

    Raises:
        CorpusError: If the text is shorter than two windows.
    """
    if training_characters < 2 * sequence_length:
        shorter = training_characters // 2
        problem = tr(
            "The text is too short: {count:,} characters to train on; at least {least:,}, twice "
            "the sequence length, are needed.",
            count=training_characters,
            least=2 * sequence_length,
        )
        remedy = tr("Give a longer text.")
        if shorter >= 2:
            remedy = tr(
                "Give a longer text, or a sequence length of at most {shorter:,}.", shorter=shorter
            )
        raise CorpusError(" ".join((problem, remedy)))
    return min(batch_size, (training_characters - 1) // sequence_length)


SEED_LIMIT: Final = 8
"""Maximum pinned seeds of a run: each takes time at every evaluation."""
SEED_LENGTH: Final = 200
"""Maximum characters of a pinned seed."""
_FIRST_LINE: Final = re.compile(r"\S[^\n\r]{0,39}")


def default_seed_of(text: str) -> str:
    """The beginning of a text's first line that is not blank, at most 40 characters.

    Empty for a blank text; generation then starts as after a newline.
    """
    found = _FIRST_LINE.search(text)
    return found[0].strip() if found else ""


def choose_seeds(text: str, wanted: Sequence[str] | None = None) -> tuple[str, ...]:
    """The pinned seeds of a run: `wanted` without duplicates, or the default seed of the text.

    Raises:
        ConfigError: If there are too many, or one is too long.
    """
    if wanted is None:
        return (default_seed_of(text),)
    seeds = tuple(dict.fromkeys(wanted))
    if len(seeds) > SEED_LIMIT:
        raise ConfigError(
            "At most {most} seeds can be pinned. Received: {count}.",
            most=SEED_LIMIT,
            count=len(seeds),
        )
    longest = max(map(len, seeds), default=0)
    if longest > SEED_LENGTH:
        raise ConfigError(
            "A pinned seed has at most {most} characters. Received: one of {longest:,}.",
            most=SEED_LENGTH,
            longest=longest,
        )
    return seeds
