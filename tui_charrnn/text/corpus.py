"""A corpus: one text, where it came from, and what was found while reading it."""

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.catalogue import CatalogueEntry, obtain
from tui_charrnn.text.decoding import DecodedText, decode_text, known_encoding
from tui_charrnn.text.progress import Progress
from tui_charrnn.text.sources import FoundSources, Source, find_sources, go_on

_AT_ONCE: Final = 1 << 22
"""Bytes that are read before it is asked again whether to go on."""
_LARGE: Final = 1 << 25
"""Bytes from which on it is told how much of a file has been read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusReport:
    """What was found in the files of a corpus."""

    files: int
    """Texts that were read; standard input counts as one."""
    skipped_files: int
    """Binary or empty files of folders and globs that were passed over."""
    bytes: int
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


@dataclass(frozen=True)  # no slots: the hash is kept once it was computed
class Corpus:
    """A text and where it came from."""

    name: str
    """As shown to people."""
    text: str
    sources: tuple[str, ...]
    """Arguments of `read_corpus` that read the same text again: absolute paths and
    `catalogue:NAME`, in order; empty if a part came from a stream, such as standard input."""
    encoding: str
    """As asked for."""
    unify_newlines: bool
    compose: bool
    report: CorpusReport

    @cached_property
    def sha256(self) -> str:
        """The hash of the text as UTF-8, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_corpus(  # noqa: PLR0913 (a text is read by exactly these, each named by the caller)
    arguments: Sequence[str],
    *,
    encoding: str = "utf-8",
    unify_newlines: bool = True,
    compose: bool = True,
    stdin: BinaryIO | None = None,
    progress: Progress | None = None,
    heed: Callable[[], None] = go_on,
) -> Corpus:
    """Read one text from everything that is named, in order.

    Where a file does not end its last line, a line feed keeps it apart from the next file.

    Args:
        arguments: One or more of: a file; a folder, whose text files are read in the order of
            their paths; a glob; `-` for standard input; a name of the catalogue; or
            `catalogue:NAME`. A path that exists wins over a name.
        encoding: Of all files, unless it is utf-8 and a byte order mark tells of another.
        unify_newlines: Turn CR LF and lone CR into LF.
        compose: Turn characters into their composed form (Unicode NFC).
        stdin: What `-` reads; without it, `-` is refused, as where a screen owns the keyboard.
        progress: Told of bytes done and, if known, bytes in all, while a text of the catalogue
            is built or downloaded, or a large file is read.
        heed: Called now and then; it raises to give the reading up.

    Raises:
        CorpusError: If something is missing, unreadable, empty, binary or not in the encoding.
        StorageError: If a text of the catalogue cannot be stored.
    """
    known_encoding(encoding)
    found = find_sources(arguments, encoding=encoding, heed=heed)
    unknown = [source.entry for source in found.sources if source.entry and _is_new(source.entry)]
    texts, sizes = [], []
    for source in found.sources:
        data = _read_bytes(source, stdin, progress, heed)
        text = decode_text(
            data,
            name=source.name,
            encoding="utf-8" if source.entry else encoding,
            unify_newlines=unify_newlines,
            compose=compose,
        )
        if not text.text:
            raise CorpusError(f"There is no text in {source.name}: it is empty.")
        texts.append(text)
        sizes.append(len(data))
    is_repeatable = all(source.is_repeatable for source in found.sources)
    return Corpus(
        name=_name(found.sources),
        text=_joined([text.text for text in texts]),
        sources=tuple(source.address for source in found.sources) if is_repeatable else (),
        encoding=encoding,
        unify_newlines=unify_newlines,
        compose=compose,
        report=_report(texts, sum(sizes), found, unknown),
    )


def split_point(characters: int, validation_fraction: float) -> int:
    """The index of the first held-out character: all from there to the end are held out.

    At least one character stays on either side, if there are two.
    """
    first = int(characters * (1 - validation_fraction))
    return min(max(first, 1), max(characters - 1, 0))


def _read_bytes(
    source: Source,
    stdin: BinaryIO | None,
    progress: Progress | None,
    heed: Callable[[], None],
) -> bytes:
    path = obtain(source.entry, progress=progress) if source.entry else source.path
    try:
        if path is None:
            return _given(stdin).read()
        _refuse_devices(path, source.name)
        return _read_file(path, progress, heed)
    except OSError as error:
        raise CorpusError(f"{source.name} cannot be read: {error.strerror}.") from error
    except MemoryError as error:
        raise CorpusError(f"{source.name} is too large for this machine's memory.") from error


def _read_file(path: Path, progress: Progress | None, heed: Callable[[], None]) -> bytes:
    data = bytearray()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        while piece := file.read(_AT_ONCE):
            data += piece
            heed()
            if progress is not None and size >= _LARGE:
                progress(len(data), size)
    return bytes(data)


def _given(stdin: BinaryIO | None) -> BinaryIO:
    if stdin is None:
        raise CorpusError("Standard input cannot be read here; give the path of a file instead.")
    return stdin


def _refuse_devices(path: Path, name: str) -> None:
    mode = os.stat(path).st_mode  # noqa: PTH116  its errors are told apart by the caller
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise CorpusError(f"{name} is neither a file nor a pipe, so it holds no text.")


def _joined(texts: list[str]) -> str:
    closed = [text if text.endswith(("\n", "\r")) else f"{text}\n" for text in texts[:-1]]
    return "".join([*closed, texts[-1]])


def _name(sources: Sequence[Source]) -> str:
    first, *others = dict.fromkeys(source.label for source in sources)
    return f"{first}+{len(others)}" if others else first


def _is_new(entry: CatalogueEntry) -> bool:
    return entry.kind == "download" and entry.expected_sha256 is None


def _report(
    texts: Sequence[DecodedText],
    size: int,
    found: FoundSources,
    unknown: Sequence[CatalogueEntry],
) -> CorpusReport:
    return CorpusReport(
        files=len(texts),
        skipped_files=found.skipped,
        bytes=size,
        encoding=", ".join(dict.fromkeys(text.encoding for text in texts)),
        bom=any(text.bom for text in texts),
        crlf=sum(text.crlf for text in texts),
        cr=sum(text.cr for text in texts),
        composed=sum(text.composed for text in texts),
        recorded=tuple((entry.name, entry.expected_sha256 or "") for entry in unknown),
    )
