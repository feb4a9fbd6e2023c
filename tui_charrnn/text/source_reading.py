"""Reads one source of a corpus piece by piece; what is wrong with it is told in a sentence."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.paths import is_file
from tui_charrnn.text.decoding import undecodable_sentence
from tui_charrnn.text.opening import open_bytes
from tui_charrnn.text.pieces import BytesFound, Piece, Reading, read_encoded_pieces
from tui_charrnn.text.sources import Source

_AT_ONCE: Final = 1 << 20
"""Bytes in which lines are counted at a time."""


def reading_of(source: Source, reading: Reading) -> Reading:
    """How a source is read: a text of the catalogue is UTF-8, whatever was asked for."""
    return dataclasses.replace(reading, encoding="utf-8") if source.entry else reading


def read_source(
    source: Source,
    file: Path | BinaryIO,
    reading: Reading,
    found: BytesFound,
    *,
    size: int | None = None,
) -> Iterator[Piece]:
    """The text of a source, cut where `read_encoded_pieces` cuts it.

    Args:
        source: Which one.
        file: Where it is: a path, or the stream that is standard input.
        reading: How the corpus is read.
        found: Takes what is found.
        size: Bytes that are read at a time; None takes a few.

    Raises:
        CorpusError: If it is unreadable, empty, binary or not in the encoding.
    """
    before, is_empty = found.bytes, True
    try:
        for piece in read_encoded_pieces(file, reading_of(source, reading), found, size=size):
            is_empty = False
            yield piece
    except OSError as error:
        raise CorpusError(f"{source.name} cannot be read: {error.strerror}.") from error
    except UnicodeError as error:
        place, line = 0, None
        if isinstance(error, UnicodeDecodeError):
            place = found.bytes - before - len(error.object) + error.start
            line = _line_of(file, place)
        sentence = undecodable_sentence(error, source.name, found.codec, place, line)
        raise CorpusError(sentence) from error
    if is_empty:
        raise CorpusError(f"There is no text in {source.name}: it is empty.")


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
