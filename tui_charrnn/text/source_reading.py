"""Reads a text piece by piece: decodes it, unifies newlines, composes or splits characters.

The joined pieces equal the result for the whole text at once.
"""

import contextlib
import dataclasses
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.hangul import refuse_uncomposed, split_syllables
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
"""Bytes read at a time: they fit into a processor's cache, and block other threads for a few
milliseconds only."""
_MARK: Final = 4  # bytes of the longest byte order mark
_LONGEST_CARRY: Final = 1 << 20
"""Maximum characters held back while there is no place to cut."""


@dataclass(slots=True)
class BytesFound:
    """What was found while decoding; adds up over several files."""

    bytes: int = 0
    """Of the encoded text, uncompressed."""
    consumed: int = 0
    """Of the files on disk; fewer if they are compressed."""
    encodings: dict[str, None] = field(default_factory=dict)
    """Python's names of the codecs, in the order of first use."""
    codec: str = ""
    """The codec used last."""
    has_mark: bool = False
    """Whether a file began with a byte order mark, which is not part of the text."""
    crlf: int = 0
    cr: int = 0
    """Carriage returns without a line feed."""
    composed: int = 0
    """Characters, with their combining marks, that NFC changes."""


def read_pieces(file: Path | BinaryIO, reading: Reading, found: BytesFound) -> Iterator[str]:
    """Yield the text of a file, never cut within a line end or a composed character.

    A stream is left open; either may be compressed. `found` is updated.

    Raises:
        UnicodeError: If the bytes are not text in the encoding.
        OSError: If the file cannot be read, or is compressed and damaged.
        CorpusError: If the encoding is unknown, or no decompressor for the file is installed.
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
    """Yield the decoded characters of a file, unchanged."""
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
    """The last position where a text can be cut so that both parts can be cleaned separately.

    The second part begins with a character that cannot combine with the one before, but may combine
    with what follows; CR and LF are not separated.
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
        refuse_uncomposed(text)
        text = split_syllables(text)
    return text


_AT_ONCE: Final = 1 << 20  # bytes read at a time to count lines


def reading_of(source: Source, reading: Reading) -> Reading:
    """The reading options of a source: a text of the catalogue is always UTF-8."""
    return dataclasses.replace(reading, encoding="utf-8") if source.entry else reading


def read_source(
    source: Source, file: Path | BinaryIO, reading: Reading, found: BytesFound
) -> Iterator[str]:
    """Yield the text of a source, a file or standard input, in the pieces of `read_pieces`.

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
    """The line of a byte, from 1; None if the text cannot be read again."""
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
