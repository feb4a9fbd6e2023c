"""Reads a text file piece by piece, each piece as `read_corpus` would give it."""

import codecs
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from tui_charrnn.text.decoding import choose_codec, known_encoding

PIECE: Final = 1 << 16
"""Bytes that are read at a time: other threads wait a few milliseconds for one."""
_LONGEST_CARRY: Final = 1 << 20
"""Characters that are held back at most, where no place to cut is found."""
_WIDE: Final = ("utf-16", "utf-32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How bytes become text, as `read_corpus` takes it."""

    encoding: str = "utf-8"
    unify_newlines: bool = True
    compose: bool = True


@dataclass(slots=True)
class BytesFound:
    """What was found in bytes on their way to text; adds up over several files."""

    bytes: int = 0
    encodings: dict[str, None] = field(default_factory=dict)
    """Python's names of the codecs, in the order in which they were met."""
    has_mark: bool = False
    """Whether a file began with a byte order mark, which is not part of the text."""
    crlf: int = 0
    cr: int = 0
    """Carriage returns without a line feed."""
    composed: int = 0
    """Characters that are fewer because decomposed ones were put together (Unicode NFC)."""


def read_pieces(file: Path | BinaryIO, reading: Reading, found: BytesFound) -> Iterator[str]:
    """The text of a file, cut only where neither line ends nor composed characters are hurt.

    Args:
        file: The path of a regular file, or a stream, which is left open.
        reading: How it is read.
        found: Takes what is found.

    Raises:
        UnicodeError: If the bytes are not text in the encoding.
        OSError: If the file cannot be read.
        CorpusError: If the encoding is unknown.
    """
    carry = ""
    for text in _decoded(file, reading.encoding, found):
        held = carry + text
        cut = _cutting_place(held)
        carry = held[cut:]
        yield _clean(held[:cut], reading, found)
    yield _clean(carry, reading, found)


def _decoded(source: Path | BinaryIO, encoding: str, found: BytesFound) -> Iterator[str]:
    """The characters of a file as they stand in it."""
    with _opened(source) as file:
        data = file.read(PIECE)
        codec, mark = choose_codec(data, known_encoding(encoding))
        found.encodings[codec] = None
        found.has_mark = found.has_mark or bool(mark)
        decoder = codecs.getincrementaldecoder(codec)()
        is_wide = codec.startswith(_WIDE)
        skipped = len(mark)
        while data:
            found.bytes += len(data)
            text = decoder.decode(data[skipped:])
            if "\0" in text or (b"\0" in data and not is_wide):
                raise UnicodeError(f"{source} holds a zero byte")
            yield text
            data, skipped = file.read(PIECE), 0
        yield decoder.decode(b"", final=True)


def _opened(source: Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    return source.open("rb") if isinstance(source, Path) else nullcontext(source)


def _cutting_place(text: str) -> int:
    """Where a text can be cut so that each part can be cleaned by itself.

    An ASCII character never melts into the one before it; between CR and LF there is no place.
    """
    place = max(text.rfind("\n"), text.rfind(" "))
    if place > 0:
        return place - 1 if text[place] == "\n" and text[place - 1] == "\r" else place
    return 0 if len(text) < _LONGEST_CARRY else len(text)


def _clean(text: str, reading: Reading, found: BytesFound) -> str:
    crlf = text.count("\r\n")
    cr = text.count("\r") - crlf
    found.crlf += crlf
    found.cr += cr
    if reading.unify_newlines and (crlf or cr):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not reading.compose:
        return text
    composed = unicodedata.normalize("NFC", text)
    found.composed += len(text) - len(composed)
    return composed
