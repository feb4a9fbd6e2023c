"""Reads the text of a file piece by piece: decompresses, decodes and cleans it.

Compression is detected by the first bytes of a file, not by its name. Nothing is silently dropped
or replaced: undecodable bytes are an error that names the byte. The joined pieces equal the result
for the whole text at once.
"""

import codecs
import contextlib
import errno
import importlib
import io
import re
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.hangul import refuse_uncomposed, split_syllables
from tui_charrnn.paths import is_file, open_file
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import Reading
from tui_charrnn.translation import tr

_GZIP: Final = b"\x1f\x8b\x08"
_ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"
_HEAD: Final = 4  # bytes that a compressed file begins with
_PACKED: Final = 1 << 10
"""Compressed bytes read at a time: gzip and zstandard can expand them very much."""


class OpenedBytes:
    """The bytes of a text, decompressed as they are read."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Detect the compression by the first bytes of a file; errors call it by `name`.

        Raises:
            CorpusError: If it is compressed by zstandard, and that package is not installed.
        """
        self._file, self._head = file, file.read(_HEAD)
        self._left = b""  # decompressed, but not returned yet
        self._unpacked: Iterator[bytes] | None = None
        self.consumed = 0
        """Bytes of the file itself read so far; fewer than returned if it is compressed."""
        if self._head.startswith(_GZIP):
            self._unpacked = self._unpack(lambda: zlib.decompressobj(wbits=31), zlib.error)
        elif self._head.startswith(_ZSTANDARD):
            try:
                zstandard: Any = importlib.import_module("zstandard")
            except ImportError as error:
                raise CorpusError(
                    "{name} is compressed with zstandard. Install what unpacks it, `pip install "
                    "zstandard`, or unpack it first, as with `zstd -d`.",
                    name=name,
                ) from error
            decompressor = zstandard.ZstdDecompressor()
            self._unpacked = self._unpack(decompressor.decompressobj, zstandard.ZstdError)

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes; fewer only at the end of the text.

        Raises:
            OSError: If the file cannot be read, or its compressed data is damaged.
        """
        parts, missing = [], size
        while missing and (data := self._next(missing)):
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def _next(self, most: int) -> bytes:
        if self._unpacked is None:
            return self._take(most)
        data = self._left or next(self._unpacked, b"")
        self._left = data[most:]
        return data[:most]

    def _take(self, most: int) -> bytes:
        """Return the next bytes of the file itself."""
        data = self._head[:most] or self._file.read(most)
        self._head = self._head[most:]
        self.consumed += len(data)
        return data

    def _unpack(self, begin_frame: Callable[[], Any], broken: type[Exception]) -> Iterator[bytes]:
        """Yield the decompressed data of consecutive frames, in pieces that are not empty."""
        frame, packed = None, b""
        try:
            while packed := packed or self._take(_PACKED):
                if frame is None and not (packed := packed.lstrip(b"\0")):  # gzip may pad a file
                    continue
                frame = frame or begin_frame()
                if data := frame.decompress(packed):
                    yield data
                packed, frame = frame.unused_data, None if frame.eof else frame
        except broken as error:
            raise _damaged() from error
        if frame is not None:
            raise _damaged()


def _damaged() -> OSError:
    return OSError(errno.EBADMSG, tr("what is compressed in it is damaged or cut off"))


@contextlib.contextmanager
def open_bytes(source: Path | BinaryIO) -> Iterator[OpenedBytes]:
    """Open a path or a stream, compressed by gzip, zstandard or not at all; a stream stays open.

    Raises:
        OSError: If it cannot be opened, is something else, or a pipe without a writer.
        CorpusError: If it is compressed by zstandard, and that package is not installed.
    """
    if isinstance(source, Path):
        with open_file(source, allow_pipes=True) as file:
            yield OpenedBytes(file, str(source))
    else:
        yield OpenedBytes(source, tr("The text"))


# UTF-32 first: its little-endian mark begins with that of UTF-16.
_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_ANY_ORDER: Final = {"utf-16", "utf-32", "utf-8-sig"}
"""Codecs that read a byte order mark themselves."""
_WIDE: Final = ("utf-16", "utf-32")
"""Codecs for which a zero byte is an ordinary part of a character."""
SNIFFED_BYTES: Final = 8_192  # first bytes of a file that are checked for binary data
SUGGESTED_ENCODINGS: Final = (
    "cp1252 (Western European), cp949 (Korean), shift_jis, gb18030 or utf-16"
)
"""Encodings suggested to the user."""
_NOT_ASCII: Final = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")


def known_encoding(encoding: str) -> str:
    """Python's name for an encoding.

    Raises:
        CorpusError: If there is no text encoding of that name.
    """
    try:
        name = codecs.lookup(encoding).name
        io.TextIOWrapper(io.BytesIO(), name)  # refuses codecs that do not make text, such as hex
    except (LookupError, ValueError) as error:
        raise CorpusError(
            "There is no text encoding {encoding!r}. Give one that Python knows, for "
            "example utf-8, {examples}.",
            encoding=encoding,
            examples=tr(SUGGESTED_ENCODINGS),
        ) from error
    return name


def looks_binary(start: bytes, encoding: str) -> bool:
    """Whether a file is binary: it has a zero byte but is neither UTF-16 nor UTF-32.

    `start` has its first `SNIFFED_BYTES` bytes.

    Raises:
        CorpusError: If the encoding is unknown.
    """
    codec, _ = _choose_codec(start, known_encoding(encoding))
    return b"\0" in start and not codec.startswith(_WIDE)


def _choose_codec(data: bytes, codec: str) -> tuple[str, bytes]:
    """The codec of a text and the byte order mark to skip; a mark overrides utf-8."""
    marks = ((name, mark) for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark))
    marked, mark = next(marks, (codec, b""))
    return (marked, mark) if codec in {"utf-8", marked} else (codec, b"")


def _begin_decoding(codec: str, data: bytes) -> codecs.IncrementalDecoder:
    """An incremental decoder for a text that begins with `data`.

    Without a byte order mark, UTF-16 and UTF-32 have this machine's byte order, as in
    `bytes.decode`.
    """
    marks = [mark for mark, name in _BYTE_ORDER_MARKS.items() if name.startswith(codec)]
    if codec in _WIDE and not data.startswith(tuple(marks)):
        codec = f"{codec}-{'le' if sys.byteorder == 'little' else 'be'}"
    return codecs.getincrementaldecoder(codec)()


class _NotTextError(UnicodeError):
    """There is what no text contains: a zero, or half of a surrogate pair."""

    def __init__(self, problem: str, zero: int | None = None) -> None:
        super().__init__(problem)
        self.zero = zero
        """Position of a zero byte in the file, from 0."""


def _refuse_halves(text: str, codec: str) -> None:
    """Refuse decoded text with halves of surrogate pairs or zeros.

    Raises:
        _NotTextError: If it has one of them.
    """
    if codec.startswith("utf-8"):
        return  # has no halves, and zero bytes were refused before decoding
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _NotTextError("half of a surrogate pair") from error
    if "\0" in text and codec.startswith(_WIDE):
        raise _NotTextError("a zero")


class UndecodableError(CorpusError):
    """A file is not text, or not in the given encoding."""

    def __init__(self, problem: str, advice: str = "", in_form: str = "") -> None:
        """Combine the problem with the advice for the command line and with that for a form."""
        super().__init__(f"{problem} {advice}".rstrip())
        self.in_form: Final = f"{problem} {in_form}".rstrip()
        """The message for a form that has a field for the encoding."""


def _undecodable(
    error: UnicodeError, name: str, codec: str, place: int, line: int | None
) -> UndecodableError:
    """Build the error for undecodable text: the reason, the position and advice.

    `place` is the position of the undecodable byte, from 0. `line` is its line, from 1; None if
    unknown.
    """
    if isinstance(error, _NotTextError) and error.zero is not None:
        problem = tr(
            "{name} is not text: byte {place:,} is zero, as in a picture, an archive or a program.",
            name=name,
            place=error.zero,
        )
        return UndecodableError(
            problem,
            tr("If it is text in UTF-16, add --encoding utf-16."),
            tr("If it is text in UTF-16, choose the encoding utf-16."),
        )
    if isinstance(error, UnicodeDecodeError):
        byte = f"0x{error.object[error.start]:02x}"
        if line is not None:
            byte = tr("{byte}, line {line:,}", byte=byte, line=line)
        problem = tr(
            "{name} is not valid {codec}: byte {place:,} ({byte}) cannot be decoded.",
            name=name,
            codec=codec,
            place=place,
            byte=byte,
        )
    elif isinstance(error, _NotTextError):
        problem = tr(
            "{name} is not text in {codec}: it has a zero character or half of a surrogate pair.",
            name=name,
            codec=codec,
        )
    else:  # some codecs report no position
        problem = tr(
            "{name} is not valid {codec}: {problem}.", name=name, codec=codec, problem=error
        )
        return UndecodableError(problem)
    examples = tr(SUGGESTED_ENCODINGS)
    return UndecodableError(
        problem,
        tr("Name the file's encoding with --encoding, for example {examples}.", examples=examples),
        tr("Choose its encoding: {examples}.", examples=examples),
    )


def _count_decomposed(text: str) -> int:
    """Number of characters, with their combining marks, that NFC changes."""
    count = 0
    for run in _NOT_ASCII.findall(text):
        if not unicodedata.is_normalized("NFC", run):
            starts = [0, *(place for place in range(1, len(run)) if not joins(run[place]))]
            clusters = (run[low:high] for low, high in pairwise([*starts, len(run)]))
            count += sum(not unicodedata.is_normalized("NFC", cluster) for cluster in clusters)
    return count


def joins(character: str) -> bool:
    """Whether NFC can join a character to the one before: a mark, or a Hangul vowel or final."""
    return unicodedata.category(character)[0] == "M" or "\u1161" <= character <= "\u11c2"


_AT_ONCE: Final = 1 << 20  # bytes read at a time to count lines
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
        codec, mark = _choose_codec(data, asked)
        found.encodings[codec], found.codec = None, codec
        # a mark is skipped here or by the codec itself
        is_marked = codec in _ANY_ORDER and data.startswith(tuple(_BYTE_ORDER_MARKS))
        found.has_mark = found.has_mark or bool(mark) or is_marked
        decoder, skipped = _begin_decoding(codec, data), len(mark)
        while data:
            if not codec.startswith(_WIDE) and (zero := data.find(b"\0")) >= 0:
                zero += found.bytes - bytes_before
                raise _NotTextError(f"byte {zero:,} is zero", zero)
            found.bytes += len(data)
            found.consumed = consumed_before + file.consumed
            text = decoder.decode(data[skipped:])
            _refuse_halves(text, codec)
            yield text
            data, skipped = file.read(PIECE), 0
        rest = decoder.decode(b"", final=True)
        _refuse_halves(rest, codec)
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
        found.composed += _count_decomposed(text)
        if reading.compose:
            text = unicodedata.normalize("NFC", text)
    if reading.units == "jamo":
        refuse_uncomposed(text)
        text = split_syllables(text)
    return text


def read_source(
    name: str, file: Path | BinaryIO, reading: Reading, found: BytesFound
) -> Iterator[str]:
    """Yield the text of a file in the pieces of `read_pieces`; errors call it by `name`.

    Raises:
        CorpusError: If it is unreadable, empty, binary or not in the encoding.
    """
    before, is_empty = found.bytes, True
    try:
        for piece in read_pieces(file, reading, found):
            is_empty = False
            yield piece
    except OSError as error:
        raise CorpusError.unreadable(name, error) from error
    except UnicodeError as error:
        place, line = 0, None
        if isinstance(error, UnicodeDecodeError):
            place = found.bytes - before - len(error.object) + error.start
            line = _line_of(file, place)
        raise _undecodable(error, name, found.codec, place, line) from error
    if is_empty:
        raise CorpusError("There is no text in {name}: it is empty.", name=name)


def read_file(file: Path | BinaryIO, *, unify_newlines: bool = True) -> Iterator[str]:
    """Yield a text that the user chose, from a file or standard input, as `read_pieces` does.

    It is UTF-8, or UTF-16 or UTF-32 with a byte order mark.

    Raises:
        CorpusError: If it is missing, unreadable or no such text.
    """
    name = safe_line(str(file)) if isinstance(file, Path) else tr("The text")
    found = BytesFound()
    try:
        yield from read_pieces(file, Reading(unify_newlines=unify_newlines), found)
    except OSError as error:
        raise CorpusError.unreadable(name, error) from error
    except UnicodeDecodeError as error:
        raise CorpusError(
            "{name} is not UTF-8: byte {place:,} (0x{byte:02x}) cannot be decoded. Convert it, for "
            "example with iconv, or paste the text.",
            name=name,
            place=found.bytes - len(error.object) + error.start,
            byte=error.object[error.start],
        ) from error
    except UnicodeError as error:
        raise CorpusError("{name} is not text: it contains a zero byte.", name=name) from error


def end_of_file(path: Path, longest: int) -> tuple[str, int]:
    """Return the last `longest` characters of a text file, and how many come before them.

    Raises:
        CorpusError: As `read_file` does.
    """
    end, count = "", 0
    for piece in read_file(path):
        end, count = (end + piece)[-longest:], count + len(piece)
    return end, count - len(end)


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
