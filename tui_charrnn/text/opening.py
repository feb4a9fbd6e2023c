"""Opens a text as a stream of bytes, whether it is compressed or not.

The first bytes of a file decide how it is compressed, not its name.
"""

import contextlib
import errno
import gzip
import importlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.paths import open_file
from tui_charrnn.translation import tr

_GZIP: Final = b"\x1f\x8b\x08"
_ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"
_HEAD: Final = 4
"""Bytes that a compressed file begins with."""
_PACKED: Final = 1 << 10
"""Packed bytes that are unpacked at a time: 4 of them can stand for 128 kB."""


class OpenedBytes:
    """The bytes of a text, decompressed as they are read."""

    def __init__(self, raw: "_CountedBytes", read: Callable[[int], bytes]) -> None:
        self._raw, self._read_some = raw, read

    @property
    def consumed(self) -> int:
        """Bytes of the file itself that were read so far: fewer than came out of a packed one."""
        return self._raw.count

    def read(self, size: int) -> bytes:
        """The next bytes: so many, unless the text ends before.

        Raises:
            OSError: If the file cannot be read, or what is packed in it is damaged.
        """
        data = self._read_some(size)
        if len(data) in {0, size}:
            return data
        parts, missing = [data], size - len(data)
        while missing and (data := self._read_some(missing)):
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)


def damaged() -> OSError:
    """What to raise where compressed data cannot be unpacked."""
    return OSError(errno.EBADMSG, tr("what is compressed in it is damaged or cut off"))


@contextlib.contextmanager
def open_bytes(source: Path | BinaryIO) -> Iterator[OpenedBytes]:
    """Open a text, packed by gzip or zstandard or not at all.

    Args:
        source: The path of a file or a pipe, or a stream, which is left open.

    Raises:
        OSError: If it cannot be opened, is something else, or a pipe without a writer.
        CorpusError: If it is packed by zstandard, and the package for that is not installed.
    """
    with contextlib.ExitStack() as opened:
        file = source
        if isinstance(file, Path):
            file = opened.enter_context(open_file(file, takes_pipes=True))
        raw = _CountedBytes(file)
        yield OpenedBytes(raw, _reader(raw, source, opened))


def _reader(
    raw: "_CountedBytes", source: Path | BinaryIO, opened: contextlib.ExitStack
) -> Callable[[int], bytes]:
    if raw.head.startswith(_GZIP):
        return _gzip_reader(raw, opened)
    if raw.head.startswith(_ZSTANDARD):
        name = str(source) if isinstance(source, Path) else tr("The text")
        return _zstandard_reader(raw, name)
    return raw.read


def _gzip_reader(raw: "_CountedBytes", opened: contextlib.ExitStack) -> Callable[[int], bytes]:
    stream: Any = raw  # it has the one method that is asked for
    packed = opened.enter_context(gzip.GzipFile(fileobj=stream, mode="rb"))

    def read(size: int) -> bytes:
        try:
            return packed.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise damaged() from error

    return read


def _zstandard_reader(raw: "_CountedBytes", name: str) -> Callable[[int], bytes]:
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as error:
        raise CorpusError(
            "{name} is compressed with zstandard. Install what unpacks it, `pip install "
            "zstandard`, or unpack it first, as with `zstd -d`.",
            name=name,
        ) from error
    pieces = _unpacked(raw, zstandard)
    left = b""

    def read(size: int) -> bytes:
        nonlocal left
        left = left or next(pieces, b"")
        data, left = left[:size], left[size:]
        return data

    return read


def _unpacked(raw: "_CountedBytes", zstandard: Any) -> Iterator[bytes]:
    """What is packed in one frame after another, in pieces that are not empty.

    Its own readers take a frame that is cut off for one that has ended.
    """
    packed, frame = raw.read(_PACKED), None
    try:
        while packed:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            if data := frame.decompress(packed):
                yield data
            if frame.eof:
                packed, frame = frame.unused_data, None
            else:
                packed = b""
            packed = packed or raw.read(_PACKED)
    except zstandard.ZstdError as error:
        raise damaged() from error
    if frame is not None:
        raise damaged()


class _CountedBytes:
    """A file whose first bytes were looked at, and whose bytes are counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.head = file.read(_HEAD)
        self._unread = self.head
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most so many; all that are left without a number."""
        if self._unread and size < 0:
            data, self._unread = self._unread + self._file.read(), b""
        elif self._unread:
            data, self._unread = self._unread[:size], self._unread[size:]
        else:
            data = self._file.read(size)
        self.count += len(data)
        return data
