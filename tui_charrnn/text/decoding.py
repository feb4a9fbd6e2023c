"""From bytes to text: encodings, byte order marks, line ends, composed characters.

Nothing is dropped or replaced without being reported: what cannot be decoded is an error that
names the byte.
"""

import codecs
import io
import re
import sys
import unicodedata
from typing import Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.translation import tr

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
SNIFFED: Final = 8_192  # bytes at the start of a file that tell text from binary
TRY: Final = "cp1252 (Western European), cp949 (Korean), shift_jis, gb18030 or utf-16"
"""Encodings to name to those who know of none."""
_NOT_ASCII: Final = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")


def known_encoding(encoding: str) -> str:
    """Python's own name for an encoding.

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
            examples=tr(TRY),
        ) from error
    return name


def looks_binary(start: bytes, encoding: str) -> bool:
    """Whether a file is no text: a zero byte among its first bytes, but neither UTF-16 nor 32.

    They are its first `SNIFFED` bytes.

    Raises:
        CorpusError: If the encoding is unknown.
    """
    codec, _ = choose_codec(start, known_encoding(encoding))
    return b"\0" in start and not is_wide(codec)


def choose_codec(data: bytes, codec: str) -> tuple[str, bytes]:
    """The codec that reads a text by its first bytes, and the mark to skip; it overrules utf-8."""
    marks = ((name, mark) for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark))
    marked, mark = next(marks, (codec, b""))
    return (marked, mark) if codec in {"utf-8", marked} else (codec, b"")


def has_mark(data: bytes, codec: str, skipped: bytes) -> bool:
    """Whether a byte order mark was there, skipped here or by the codec itself."""
    return bool(skipped) or (codec in _ANY_ORDER and data.startswith(tuple(_BYTE_ORDER_MARKS)))


def is_wide(codec: str) -> bool:
    """Whether a zero byte is an ordinary part of a character."""
    return codec.startswith(_WIDE)


def begin_decoding(codec: str, data: bytes) -> codecs.IncrementalDecoder:
    """A decoder for a text that begins with some bytes.

    Without a byte order mark, UTF-16 and 32 are in this machine's order, as for `bytes.decode`.
    """
    marks = [mark for mark, name in _BYTE_ORDER_MARKS.items() if name.startswith(codec)]
    if codec in _WIDE and not data.startswith(tuple(marks)):
        codec = f"{codec}-{'le' if sys.byteorder == 'little' else 'be'}"
    return codecs.getincrementaldecoder(codec)()


class ZeroByteError(UnicodeError):
    """A zero byte stands where there is none in text."""

    def __init__(self, place: int) -> None:
        super().__init__(f"byte {place:,} is zero")
        self.place = place
        """Among the bytes of the file, from 0."""


class HalfCharacterError(UnicodeError):
    """What was decoded is none that a text can hold: a zero, or half of a surrogate pair."""


def refuse_halves(text: str, codec: str) -> None:
    """See that a decoder gave characters only.

    Raises:
        HalfCharacterError: If it gave half of a surrogate pair, or a zero.
    """
    if codec.startswith("utf-8"):
        return  # gives no halves, and zeros were looked for among the bytes
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise HalfCharacterError("half of a surrogate pair") from error
    if "\0" in text and is_wide(codec):
        raise HalfCharacterError("a zero")


class UndecodableError(CorpusError):
    """A file is no text, or none in the encoding by which it was read."""

    def __init__(self, problem: str, advice: str = "", in_form: str = "") -> None:
        """Say why, and how to name the encoding: as an option, and as a field of a form."""
        super().__init__(f"{problem} {advice}".rstrip())
        self.in_form: Final = f"{problem} {in_form}".rstrip()
        """The message where the encoding is a field of a form."""


def undecodable(
    error: UnicodeError, name: str, codec: str, place: int, line: int | None
) -> UndecodableError:
    """Why a file is no text, where, and what to do.

    The place, from 0, is of the byte that could not be decoded; the line that it is in, from 1, may
    not be known.
    """
    if isinstance(error, ZeroByteError):
        problem = tr(
            "{name} is not text: byte {place:,} is zero, as in a picture, an archive or a program.",
            name=name,
            place=error.place,
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
    elif isinstance(error, HalfCharacterError):
        problem = tr(
            "{name} is not text in {codec}: it holds what no text can hold.", name=name, codec=codec
        )
    else:  # some codecs do not say where
        problem = tr(
            "{name} is not valid {codec}: {problem}.", name=name, codec=codec, problem=error
        )
        return UndecodableError(problem)
    examples = tr(TRY)
    return UndecodableError(
        problem,
        tr("Name the file's encoding with --encoding, for example {examples}.", examples=examples),
        tr("Choose its encoding: {examples}.", examples=examples),
    )


def count_decomposed(text: str) -> int:
    """Characters, as a reader sees them, that Unicode NFC writes in another way."""
    if unicodedata.is_normalized("NFC", text):
        return 0
    return sum(
        _count_changed(run[0])
        for run in _NOT_ASCII.finditer(text)
        if not unicodedata.is_normalized("NFC", run[0])
    )


def _count_changed(run: str) -> int:
    """How many characters with their marks NFC changes."""
    starts = [place for place, character in enumerate(run) if place == 0 or not joins(character)]
    clusters = [run[low:high] for low, high in zip(starts, [*starts[1:], len(run)], strict=True)]
    return sum(not unicodedata.is_normalized("NFC", cluster) for cluster in clusters)


def joins(character: str) -> bool:
    """Whether a character can melt into the one before: a mark, or a Hangul vowel or final."""
    return unicodedata.category(character)[0] == "M" or "\u1161" <= character <= "\u11c2"
