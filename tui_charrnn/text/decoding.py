"""From bytes to text: encodings, byte order marks, line ends, composed characters.

Nothing is dropped or replaced without being reported: what cannot be decoded is an error that
names the byte.
"""

import codecs
import io
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from tui_charrnn.errors import CorpusError

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
_TRY: Final = "cp1252 (Western European), cp949 (Korean), shift_jis, gb18030 or utf-16"
_NOT_ASCII: Final = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The text of one file, and what was found in its bytes."""

    text: str
    encoding: str
    """The codec that was used, by Python's name for it."""
    bom: bool
    """Whether a byte order mark was there; it is not part of the text."""
    crlf: int
    """Line ends of the form CR LF."""
    cr: int
    """Carriage returns without a line feed."""
    composed: int
    """Characters, as a reader sees them, that Unicode NFC writes in another way."""


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
            f"There is no text encoding {encoding!r}. Give one that Python knows, for example "
            f"utf-8, {_TRY}."
        ) from error
    return name


def looks_binary(start: bytes, encoding: str) -> bool:
    """Whether a file is no text: a zero byte among its first bytes, but neither UTF-16 nor 32.

    Args:
        start: The first `SNIFFED` bytes of the file.
        encoding: The encoding that it would be read in.

    Raises:
        CorpusError: If the encoding is unknown.
    """
    codec, _ = choose_codec(start, known_encoding(encoding))
    return b"\0" in start and not codec.startswith(_WIDE)


def decode_text(
    data: bytes, *, name: str, encoding: str, unify_newlines: bool, compose: bool
) -> DecodedText:
    """Decode the bytes of one file.

    Args:
        data: All bytes of the file.
        name: What to call the file in an error.
        encoding: The encoding, unless it is utf-8 and a byte order mark tells of another.
        unify_newlines: Turn CR LF and lone CR into LF.
        compose: Turn characters into their composed form (Unicode NFC).

    Raises:
        CorpusError: If the encoding is unknown, or the bytes are not text in it.
    """
    codec, mark = choose_codec(data, known_encoding(encoding))
    raw = _decoded(data[len(mark) :], name, codec, offset=len(mark))
    bom = bool(mark) or (codec in _ANY_ORDER and data.startswith(tuple(_BYTE_ORDER_MARKS)))
    crlf = raw.count("\r\n")
    cr = raw.count("\r") - crlf
    text = raw.replace("\r\n", "\n").replace("\r", "\n") if unify_newlines else raw
    composed = _count_decomposed(text)
    return DecodedText(
        text=unicodedata.normalize("NFC", text) if compose and composed else text,
        encoding=codec,
        bom=bom,
        crlf=crlf,
        cr=cr,
        composed=composed,
    )


def _marked_encoding(data: bytes) -> str | None:
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)


def choose_codec(data: bytes, codec: str) -> tuple[str, bytes]:
    """The codec that reads some bytes, and the byte order mark to skip.

    Args:
        data: All bytes, or as many of the first as a mark may have.
        codec: Python's name of the encoding; a mark overrules utf-8.
    """
    marked = _marked_encoding(data)
    if marked is None or codec not in {"utf-8", marked}:
        return codec, b""
    return marked, next(mark for mark, name in _BYTE_ORDER_MARKS.items() if name == marked)


def _decoded(data: bytes, name: str, codec: str, offset: int) -> str:
    is_wide = codec.startswith(_WIDE)
    zero = -1 if is_wide else data.find(b"\0")
    if zero >= 0:
        raise CorpusError(
            f"{name} is not text: byte {zero + offset:,} is zero, as in a picture, an archive or "
            "a program. If it is text in UTF-16, add --encoding utf-16."
        )
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"{name} is not valid {codec}: byte {error.start + offset:,} "
            f"(0x{data[error.start]:02x}, line {line:,}) cannot "
            f"be decoded. Name the file's encoding with --encoding, for example {_TRY}."
        ) from error
    except ValueError as error:  # some codecs do not say where
        raise CorpusError(f"{name} is not valid {codec}: {error}.") from error
    if _SURROGATE.search(text) or (is_wide and "\0" in text):
        raise CorpusError(
            f"{name} is not text in {codec}: it holds what no text can hold. Name the file's "
            f"encoding with --encoding, for example {_TRY}."
        )
    return text


def _count_decomposed(text: str) -> int:
    if unicodedata.is_normalized("NFC", text):
        return 0
    return sum(
        _count_changed(run[0])
        for run in _NOT_ASCII.finditer(text)
        if not unicodedata.is_normalized("NFC", run[0])
    )


def _count_changed(run: str) -> int:
    """How many characters with their marks NFC changes."""
    starts = [place for place, character in enumerate(run) if not _joins(character)] or [0]
    starts[0] = 0
    clusters = [run[low:high] for low, high in zip(starts, [*starts[1:], len(run)], strict=True)]
    return sum(not unicodedata.is_normalized("NFC", cluster) for cluster in clusters)


def _joins(character: str) -> bool:
    """Whether a character can melt into the one before: a mark, or a Hangul vowel or final."""
    return unicodedata.category(character)[0] == "M" or "\u1161" <= character <= "\u11c2"
