"""Reads a text piece by piece: decoded, line ends unified, characters composed or cut into jamo.

The pieces together are what decoding, unifying and composing the whole text at once would give.
"""

import contextlib
import dataclasses
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.hangul import refuse_apart, split_syllables
from tui_charrnn.paths import is_file
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.decoding import (
    ZeroByteError,
    begin_decoding,
    choose_codec,
    count_decomposed,
    has_mark,
    is_wide,
    joins,
    known_encoding,
    refuse_halves,
    undecodable,
)
from tui_charrnn.text.sources import Source, open_bytes

PIECE: Final = 1 << 18
"""Bytes that are read at a time: they stay in a processor's cache on their way, and other threads
wait a few milliseconds for them."""
_MARK: Final = 4  # bytes of the longest byte order mark
_LONGEST_CARRY: Final = 1 << 20
"""Characters that are held back at most, where no place to cut is found."""


@dataclass(slots=True)
class BytesFound:
    """What was found in bytes on their way to text; adds up over several files."""

    bytes: int = 0
    """Of the text as it is encoded, unpacked."""
    consumed: int = 0
    """Of the files as they lie on the disk: fewer where they are compressed."""
    encodings: dict[str, None] = field(default_factory=dict)
    """Python's names of the codecs, in the order in which they were met."""
    codec: str = ""
    """The one that was met last."""
    has_mark: bool = False
    """Whether a file began with a byte order mark, which is not part of the text."""
    crlf: int = 0
    cr: int = 0
    """Carriage returns without a line feed."""
    composed: int = 0
    """Characters, as a reader sees them, that Unicode NFC writes in another way."""


def read_pieces(file: Path | BinaryIO, reading: Reading, found: BytesFound) -> Iterator[str]:
    """The text of a file, cut only where neither line ends nor composed characters are hurt.

    A stream is left open; either may be compressed. `found` takes what is found.

    Raises:
        UnicodeError: If the bytes are not text in the encoding.
        OSError: If the file cannot be read, or is compressed and damaged.
        CorpusError: If the encoding is unknown, or nothing is installed that unpacks the file.
    """
    carry = ""
    for piece in _decoded(file, reading.encoding, found):
        held = carry + piece
        cut = _cutting_place(held)
        carry = held[cut:]
        if cut:
            yield _clean(held[:cut], reading, found)
    if carry:
        yield _clean(carry, reading, found)


def _decoded(source: Path | BinaryIO, encoding: str, found: BytesFound) -> Iterator[str]:
    """The characters of a file as they stand in it."""
    asked = known_encoding(encoding)
    consumed_before, bytes_before = found.consumed, found.bytes
    with open_bytes(source) as file:
        data = file.read(max(PIECE, _MARK))
        codec, mark = choose_codec(data, asked)
        found.encodings[codec], found.codec = None, codec
        found.has_mark = found.has_mark or has_mark(data, codec, mark)
        decoder, skipped = begin_decoding(codec, data), len(mark)
        while data:
            if not is_wide(codec) and (zero := data.find(b"\0")) >= 0:
                raise ZeroByteError(found.bytes - bytes_before + zero)
            found.bytes += len(data)
            found.consumed = consumed_before + file.consumed
            text = decoder.decode(data[skipped:])
            refuse_halves(text, codec)
            yield text
            data, skipped = file.read(PIECE), 0
        rest = decoder.decode(b"", final=True)
        refuse_halves(rest, codec)
        yield rest
        found.consumed = consumed_before + file.consumed


def _cutting_place(text: str) -> int:
    """Where a text can be cut so that each part can be cleaned by itself.

    A character that cannot melt into the one before begins the second part, and what may follow
    is still to be seen; between CR and LF there is no place.
    """
    place = len(text) - 1
    while place > 0 and (joins(text[place]) or text[place - 1 : place + 1] == "\r\n"):
        place -= 1
    return max(place, 0) if len(text) - place < _LONGEST_CARRY else len(text)


def _clean(text: str, reading: Reading, found: BytesFound) -> str:
    if "\r" in text:
        crlf = text.count("\r\n")
        found.crlf += crlf
        found.cr += text.count("\r") - crlf
        if reading.unify_newlines:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFC", text):
        found.composed += count_decomposed(text)
        if reading.compose:
            text = unicodedata.normalize("NFC", text)
    if reading.units == "jamo":
        refuse_apart(text)
        text = split_syllables(text)
    return text


_AT_ONCE: Final = 1 << 20  # bytes in which lines are counted at a time


def reading_of(source: Source, reading: Reading) -> Reading:
    """How a source is read: a text of the catalogue is UTF-8, whatever was asked for."""
    return dataclasses.replace(reading, encoding="utf-8") if source.entry else reading


def read_source(
    source: Source, file: Path | BinaryIO, reading: Reading, found: BytesFound
) -> Iterator[str]:
    """The text of a source, at a path or from standard input, as `read_pieces` cuts it.

    Raises:
        CorpusError: If it is unreadable, empty, binary or not in the encoding.
    """
    before, is_empty = found.bytes, True
    try:
        for piece in read_pieces(file, reading_of(source, reading), found):
            is_empty = False
            yield piece
    except OSError as error:
        raise CorpusError.unreadable(source.name, error) from error
    except UnicodeError as error:
        place, line = 0, None
        if isinstance(error, UnicodeDecodeError):
            place = found.bytes - before - len(error.object) + error.start
            line = _line_of(file, place)
        raise undecodable(error, source.name, found.codec, place, line) from error
    if is_empty:
        raise CorpusError("There is no text in {name}: it is empty.", name=source.name)


def _line_of(file: Path | BinaryIO, place: int) -> int | None:
    """The line that a byte stands in, from 1; None where a text cannot be read a second time."""
    with contextlib.suppress(OSError, ValueError):
        if isinstance(file, Path):
            if not is_file(file):
                return None  # a pipe
        elif file.seekable():
            file.seek(0)
        else:
            return None
        with open_bytes(file) as again:
            feeds = 0
            while place > 0 and (data := again.read(min(place, _AT_ONCE))):
                feeds += data.count(b"\n")
                place -= len(data)
            return feeds + 1
    return None
