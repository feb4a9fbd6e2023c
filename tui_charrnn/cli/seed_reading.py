"""The seed text of `generate`: an argument, a file, or standard input, piece by piece."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from tui_charrnn.cli.output import narrate, stdin_bytes
from tui_charrnn.errors import ConfigError, DataError
from tui_charrnn.paths import parse_path
from tui_charrnn.text.source_reading import BytesFound, Reading, read_pieces

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import CharacterStream

Seed: TypeAlias = str | Path | BinaryIO
"""A seed text itself, or where it is read from."""

_NAMED_CHARACTERS: Final = 8
"""Skipped characters that are named one by one."""


def find_seed(seed_text: str, seed_file: str | None) -> Seed:
    """Where the seed text comes from.

    Args:
        seed_text: The text itself; `-` is standard input.
        seed_file: The path of a file that holds it; `-` is standard input.

    Raises:
        ConfigError: If both are given.
        DataError: If it is standard input and that is closed, or the file has no path.
    """
    if seed_file is not None and seed_text:
        raise ConfigError(
            "The seed text is given twice, as an argument and by --seed-file. Leave one of them "
            f"out. Received: {seed_text[:40]!r} and {seed_file!r}."
        )
    if "-" not in {seed_text, seed_file}:
        if seed_file is None:
            return seed_text
        return parse_path(seed_file, "The seed file", error=DataError)
    stdin = stdin_bytes()
    if stdin is None:
        raise DataError("Standard input is closed: there is no seed text to read from it.")
    return stdin


def read_seed(stream: "CharacterStream", seed: Seed, echo: Callable[[str], None]) -> None:
    """Prime a stream with a seed text, and name what the model does not know of it.

    Args:
        stream: What reads it.
        seed: Where it comes from.
        echo: Takes what the stream read, piece by piece.

    Raises:
        DataError: If it cannot be read, or is not text.
    """
    skipped: dict[str, None] = {}
    stream.prime("")
    for piece in _pieces(seed, unify_newlines="\r" not in stream.model.vocabulary.characters):
        primed = stream.feed(piece)
        skipped |= dict.fromkeys(skip.character for skip in primed.skipped)
        echo(primed.text)
    if skipped:
        narrate(_skipped_sentence(list(skipped)))


def _pieces(seed: Seed, *, unify_newlines: bool) -> Iterator[str]:
    """A seed text in pieces, so that it may be longer than memory.

    A file is UTF-8, or UTF-16 or 32 with a byte order mark. Line ends of Windows in it become line
    feeds where the model knows no other.
    """
    if isinstance(seed, str):
        yield seed
        return
    name, found = (f"{seed}" if isinstance(seed, Path) else "standard input"), BytesFound()
    try:
        yield from read_pieces(seed, Reading(unify_newlines=unify_newlines), found)
    except OSError as error:
        raise DataError(
            f"The seed text cannot be read from {name}: {error.strerror or error}."
        ) from error
    except UnicodeDecodeError as error:
        place = found.bytes - len(error.object) + error.start
        raise DataError(
            f"The seed text in {name} is not UTF-8: byte {place:,} "
            f"(0x{error.object[error.start]:02x}) cannot be decoded. Convert it, as with iconv."
        ) from error
    except UnicodeError as error:
        raise DataError(f"{name} is not text: it holds a byte that is zero.") from error


def _skipped_sentence(characters: Sequence[str]) -> str:
    named = [f"{character!r} (U+{ord(character):04X})" for character in characters]
    more = len(named) - _NAMED_CHARACTERS
    listed = ", ".join(named[:_NAMED_CHARACTERS]) + (f" and {more:,} more" if more > 0 else "")
    return f"Left out of the seed text, as the model has never seen it: {listed}."
