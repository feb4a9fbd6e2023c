"""A corpus: one text, where it came from, how it is read, and what was found in doing so."""

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
"""Characters of the beginning that are looked at for what a text is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How bytes become text."""

    encoding: str = "utf-8"
    """Of all files, unless it is utf-8 and a byte order mark has another."""
    unify_newlines: bool = True
    """Turn CR LF and lone CR into LF."""
    compose: bool = True
    """Turn characters into their composed form (Unicode NFC)."""
    units: str = "characters"
    """Whether Hangul syllables are cut into `jamo`, or left whole."""
    records: str = "none"
    """What is a record, to be ended by a sign (`text.records`): line, blank-line or file."""


PLAIN: Final = Reading()
"""How a text is read unless somebody wants it otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusReport:
    """What was found in the files of a corpus."""

    files: int
    """Texts that were read; standard input counts as one."""
    skipped_files: int
    """Binary or empty files of folders and globs that were passed over."""
    bytes: int
    """Of the text as it is encoded in the files, unpacked where they are compressed."""
    encoding: str
    """Python's name of the codec; several, if the files differ, with commas between."""
    bom: bool
    """Whether a file began with a byte order mark, which is not part of the text."""
    crlf: int
    """Line ends of the form CR LF, as read."""
    cr: int
    """Carriage returns without a line feed, as read."""
    composed: int
    """Characters that Unicode NFC writes in another way, as read."""
    recorded: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of every text that was downloaded for the first time and whose hash nobody
    knew beforehand: worth telling the user, for later uses are held against it."""
    part_of: int | None = None
    """Bytes of all files as they lie on the disk, if only the first part of them was read."""


@dataclass(frozen=True)  # no slots: the text is kept once it was decoded
class Corpus:
    """A text and where it came from."""

    name: str
    """As shown to people."""
    numbered: "NumberedText"
    """The text itself; of a large one no more is in memory than is looked at."""
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
        """The hash of the text as UTF-8, in hexadecimal digits."""
        return self.numbered.sha256

    @property
    def beginning(self) -> str:
        """The first characters, 65,536 at most."""
        return self.numbered.decode(0, _BEGINNING)

    def units_per_character(self, start: int) -> float:
        """How many units a character of the text from a place on has, on average; 1 but for jamo.

        A loss per unit times this is the loss per character, whatever the units are.
        """
        return (
            1.0 if self.reading.units == "characters" else self.numbered.units_per_character(start)
        )

    def split(self, validation_fraction: float) -> int:
        """How many characters are trained on; records stay whole, and are split by lot.

        Raises:
            CorpusError: If there are fewer than two records.
        """
        if self.reading.records == "none":
            return split_point(len(self), validation_fraction)
        return self.numbered.split_records(validation_fraction).characters

    @cached_property
    def text(self) -> str:
        """All of it in memory, four bytes a character and more: not for a large one."""
        return self.numbered.decode()


def split_point(characters: int, validation_fraction: float) -> int:
    """The index of the first held-out character: all from there to the end are held out.

    At least one character stays on either side, if there are two.
    """
    first = int(characters * (1 - validation_fraction))
    return min(max(first, 1), max(characters - 1, 0))


def fitting_batch_size(training_characters: int, batch_size: int, sequence_length: int) -> int:
    """The largest batch size, at most the one asked for, that a text can fill.

    Each of the streams then holds at least one whole window of T characters and their successors.

    Raises:
        CorpusError: If the text is shorter than two windows.
    """
    if training_characters < 2 * sequence_length:
        shorter = training_characters // 2
        problem = tr(
            "The text is too short: {count:,} to train on, counted in characters, and at least "
            "{least:,}, twice the sequence length, are needed.",
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
"""Seeds of one run at most: each costs time at every evaluation."""
SEED_LENGTH: Final = 200
"""Characters of a seed at most."""
_FIRST_LINE: Final = re.compile(r"\S[^\n\r]{0,39}")


def default_seed_of(text: str) -> str:
    """The beginning of the first line of a text that is not blank, at most 40 characters.

    Empty for a text that is all blank; a model then begins as after a newline.
    """
    found = _FIRST_LINE.search(text)
    return found[0].strip() if found else ""


def choose_seeds(text: str, wanted: Sequence[str] | None = None) -> tuple[str, ...]:
    """The pinned seeds of a run: those that were chosen, perhaps none, or that of the text.

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
