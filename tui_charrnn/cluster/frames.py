"""What goes over a connection: pieces with a kind and a length, JSON or plain bytes in them."""

import json
import struct
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final

GREETING: Final = b"charrnn-tui\n"
"""The first bytes in either direction, by which a stranger is told at once."""
LONGEST_NOTE: Final = 64 << 10
"""Bytes of JSON in one frame."""
LONGEST_PIECE: Final = 1 << 20
"""Bytes of data in one frame."""
_HEADER: Final = struct.Struct(">BI")


class Kind(IntEnum):
    """What is in a frame."""

    BEAT = 1
    """Nothing: the sender is alive."""
    NOTE = 2
    """A JSON object."""
    PIECE = 3
    """Bytes of what is broadcast."""


_LIMITS: Final = {Kind.BEAT: 0, Kind.NOTE: LONGEST_NOTE, Kind.PIECE: LONGEST_PIECE}


class ForeignBytesError(Exception):
    """What came over a connection was not written by this program."""


def note(content: Mapping[str, object]) -> bytes:
    """A frame with a JSON object in it.

    Raises:
        ValueError: If it is longer than a frame may be.
    """
    text = json.dumps(content).encode("ascii")
    if len(text) > LONGEST_NOTE:
        raise ValueError(f"a note has {LONGEST_NOTE} bytes at most, not {len(text)}")
    return _HEADER.pack(Kind.NOTE, len(text)) + text


def beat() -> bytes:
    """A frame with nothing in it."""
    return _HEADER.pack(Kind.BEAT, 0)


def data_frames(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Data as frames, each with its header apart so that nothing is copied.

    The first is a note of how many bytes come.
    """
    whole = memoryview(data)
    yield note({"data": len(whole)}), whole[:0]
    for start in range(0, len(whole), LONGEST_PIECE):
        piece = whole[start : start + LONGEST_PIECE]
        yield _HEADER.pack(Kind.PIECE, len(piece)), piece


def read_note(body: bytes) -> dict[str, object]:
    """The JSON object of a frame.

    Raises:
        ForeignBytesError: If there is none.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ForeignBytesError("no JSON") from error
    if not isinstance(content, dict):
        raise ForeignBytesError("no object")
    return content


class FrameReader:
    """Cuts what comes in, however it is cut, into frames again.

    It holds what one frame may have and what one call brings, and never more.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._is_greeted = False

    def feed(self, data: bytes) -> list[tuple[Kind, bytes]]:
        """Take bytes; the frames that are whole now come out.

        Raises:
            ForeignBytesError: If these are no frames.
        """
        self._pending += data
        if not self._is_greeted:
            if not GREETING.startswith(bytes(self._pending[: len(GREETING)])):
                raise ForeignBytesError("another greeting")
            if len(self._pending) < len(GREETING):
                return []
            del self._pending[: len(GREETING)]
            self._is_greeted = True
        frames, start = [], 0
        while len(self._pending) - start >= _HEADER.size:
            number, length = _HEADER.unpack_from(self._pending, start)
            if number not in _LIMITS or length > _LIMITS[Kind(number)]:
                raise ForeignBytesError("no such frame")
            end = start + _HEADER.size + length
            if end > len(self._pending):
                break
            frames.append((Kind(number), bytes(self._pending[start + _HEADER.size : end])))
            start = end
        del self._pending[:start]
        return frames
