"""Decodes bytes to text: encodings, byte order marks, composed characters.

Nothing is silently dropped or replaced: undecodable bytes are an error that names the byte.
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
    codec, _ = choose_codec(start, known_encoding(encoding))
    return b"\0" in start and not is_wide(codec)


def choose_codec(data: bytes, codec: str) -> tuple[str, bytes]:
    """The codec of a text and the byte order mark to skip; a mark overrides utf-8."""
    marks = ((name, mark) for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark))
    marked, mark = next(marks, (codec, b""))
    return (marked, mark) if codec in {"utf-8", marked} else (codec, b"")


def has_mark(data: bytes, codec: str, skipped: bytes) -> bool:
    """Whether there is a byte order mark, skipped here or by the codec itself."""
    return bool(skipped) or (codec in _ANY_ORDER and data.startswith(tuple(_BYTE_ORDER_MARKS)))


def is_wide(codec: str) -> bool:
    """Whether a zero byte is an ordinary part of a character."""
    return codec.startswith(_WIDE)


def begin_decoding(codec: str, data: bytes) -> codecs.IncrementalDecoder:
    """An incremental decoder for a text that begins with `data`.

    Without a byte order mark, UTF-16 and UTF-32 have this machine's byte order, as in
    `bytes.decode`.
    """
    marks = [mark for mark, name in _BYTE_ORDER_MARKS.items() if name.startswith(codec)]
    if codec in _WIDE and not data.startswith(tuple(marks)):
        codec = f"{codec}-{'le' if sys.byteorder == 'little' else 'be'}"
    return codecs.getincrementaldecoder(codec)()


class ZeroByteError(UnicodeError):
    """A zero byte in a text that cannot have one."""

    def __init__(self, place: int) -> None:
        super().__init__(f"byte {place:,} is zero")
        self.place = place
        """Position in the file, in bytes from 0."""


class HalfCharacterError(UnicodeError):
    """Decoding gave a zero or half of a surrogate pair, which no text contains."""


def refuse_halves(text: str, codec: str) -> None:
    """Refuse decoded text with halves of surrogate pairs or zeros.

    Raises:
        HalfCharacterError: If it has one of them.
    """
    if codec.startswith("utf-8"):
        return  # has no halves, and zero bytes were refused before decoding
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise HalfCharacterError("half of a surrogate pair") from error
    if "\0" in text and is_wide(codec):
        raise HalfCharacterError("a zero")


class UndecodableError(CorpusError):
    """A file is not text, or not in the given encoding."""

    def __init__(self, problem: str, advice: str = "", in_form: str = "") -> None:
        """Combine the problem with the advice for the command line and with that for a form."""
        super().__init__(f"{problem} {advice}".rstrip())
        self.in_form: Final = f"{problem} {in_form}".rstrip()
        """The message for a form that has a field for the encoding."""


def undecodable(
    error: UnicodeError, name: str, codec: str, place: int, line: int | None
) -> UndecodableError:
    """Build the error for undecodable text: the reason, the position and advice.

    `place` is the position of the undecodable byte, from 0. `line` is its line, from 1; None if
    unknown.
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


def count_decomposed(text: str) -> int:
    """Number of characters, with their combining marks, that NFC changes."""
    if unicodedata.is_normalized("NFC", text):
        return 0
    return sum(
        _count_changed(run[0])
        for run in _NOT_ASCII.finditer(text)
        if not unicodedata.is_normalized("NFC", run[0])
    )


def _count_changed(run: str) -> int:
    """The same for a run of text that is not ASCII."""
    starts = [place for place, character in enumerate(run) if place == 0 or not joins(character)]
    clusters = [run[low:high] for low, high in zip(starts, [*starts[1:], len(run)], strict=True)]
    return sum(not unicodedata.is_normalized("NFC", cluster) for cluster in clusters)


def joins(character: str) -> bool:
    """Whether NFC can join a character to the one before: a mark, or a Hangul vowel or final."""
    return unicodedata.category(character)[0] == "M" or "\u1161" <= character <= "\u11c2"
