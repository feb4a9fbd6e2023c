"""A corpus: one text, where it came from, and what was found while reading it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Final

from tui_charrnn.text.decoding import known_encoding
from tui_charrnn.text.progress import Progress
from tui_charrnn.text.source_reading import Reading
from tui_charrnn.text.sources import Source, find_sources, never_cancelled

if TYPE_CHECKING:  # brings NumPy, which the app loads after its first frame
    from tui_charrnn.text.numbered_text import NumberedText

_BEGINNING: Final = 1 << 16
"""Characters of the beginning that are looked at for what a text is about."""


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
    encoding: str
    """As asked for."""
    unify_newlines: bool
    compose: bool
    units: str
    """What the text is counted and predicted in; Hangul is cut into jamo already if they are."""
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
        return 1.0 if self.units == "characters" else self.numbered.units_per_character(start)

    @cached_property
    def text(self) -> str:
        """All of it in memory, four bytes a character and more: not for a large one."""
        return self.numbered.decode()


def read_corpus(  # noqa: PLR0913 (a text is read by exactly these, each named by the caller)
    arguments: Sequence[str],
    *,
    encoding: str = "utf-8",
    unify_newlines: bool = True,
    compose: bool = True,
    units: str = "characters",
    stdin: BinaryIO | None = None,
    progress: Progress | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
    limit: int | None = None,
) -> Corpus:
    """Read one text from everything that is named, in order.

    Where a file does not end its last line, a line feed keeps it apart from the next file. A text
    is read in one pass, whatever its size; a large one that can be read again is kept in the
    user's cache as numbers, and is there at once the next time.

    Args:
        arguments: One or more of: a file, which may be compressed by gzip or zstandard; a folder,
            whose text files are read in the order of their paths; a glob; `-` for standard input;
            a name of the catalogue; or `catalogue:NAME`. A path that exists wins over a name.
        encoding: Of all files, unless it is utf-8 and a byte order mark tells of another.
        unify_newlines: Turn CR LF and lone CR into LF.
        compose: Turn characters into their composed form (Unicode NFC).
        units: Cut Hangul syllables into jamo, or leave them whole.
        stdin: What `-` reads; without it, `-` is refused, as where a screen owns the keyboard.
        progress: Told of bytes done and, if known, bytes in all, while a text of the catalogue
            is built or downloaded, or a large text is read.
        check_cancelled: Called now and then; it raises to give the reading up.
        limit: Bytes of the files after which to stop, unless the whole text is in the cache; the
            report then says that it is a part. None reads all.

    Raises:
        CorpusError: If something is missing, unreadable, empty, binary or not in the encoding.
        StorageError: If a text of the catalogue, or a large one, cannot be stored.
    """
    # deferred: NumPy, which the first frame of the app does not wait for
    from tui_charrnn.text.corpus_reading import number_sources  # noqa: PLC0415  as said

    known_encoding(encoding)
    found = find_sources(arguments, encoding=encoding, check_cancelled=check_cancelled)
    reading = Reading(
        encoding=encoding, unify_newlines=unify_newlines, compose=compose, units=units
    )
    numbered, report = number_sources(
        found, reading, stdin=stdin, progress=progress, check_cancelled=check_cancelled, limit=limit
    )
    is_repeatable = all(source.is_repeatable for source in found.sources)
    return Corpus(
        name=_name(found.sources),
        numbered=numbered,
        sources=tuple(source.address for source in found.sources) if is_repeatable else (),
        encoding=encoding,
        unify_newlines=unify_newlines,
        compose=compose,
        units=units,
        report=report,
    )


def split_point(characters: int, validation_fraction: float) -> int:
    """The index of the first held-out character: all from there to the end are held out.

    At least one character stays on either side, if there are two.
    """
    first = int(characters * (1 - validation_fraction))
    return min(max(first, 1), max(characters - 1, 0))


def _name(sources: Sequence[Source]) -> str:
    first, *others = dict.fromkeys(source.label for source in sources)
    return f"{first}+{len(others)}" if others else first
