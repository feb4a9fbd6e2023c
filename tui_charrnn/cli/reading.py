"""Loads the texts and models that a command names, and shows the progress."""

import itertools
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from tui_charrnn import lazy
from tui_charrnn.cli.opening import use_one_numpy_thread
from tui_charrnn.cli.output import print_message, progress_bar, stdin_bytes
from tui_charrnn.errors import ConfigError, DataError
from tui_charrnn.paths import is_file, parse_path
from tui_charrnn.preferences import resolve, runs_folder
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.corpus import PLAIN, Corpus, Reading
from tui_charrnn.text.decoding import BytesFound, read_file, read_source
from tui_charrnn.text.sources import Source, file_of, reading_of

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import CharacterStream
    from tui_charrnn.model.checkpoint import Model

Seed: TypeAlias = str | Path | BinaryIO
"""A seed text, or the path or stream to read it from."""
_BLOCK: Final = 1 << 20
_MAX_ARGUMENT: Final = 100_000
"""Characters of the argument TEXT at most."""
_NAMED_CHARACTERS: Final = 8
"""Unknown characters that a message lists at most."""


def read_named_corpus(
    arguments: Sequence[str], reading: Reading = PLAIN, *, limit: int | None = None
) -> Corpus:
    """Read a corpus from the arguments of a command line.

    At most `limit` bytes of a large text are read; None reads all.
    """
    with progress_bar("Reading the corpus") as progress:
        corpus = lazy.read_corpus(
            arguments, reading, stdin=stdin_bytes(), progress=progress, limit=limit
        )
    for name, sha256 in corpus.report.recorded:
        _print_new_hash(name, sha256)
    return corpus


def _print_new_hash(name: str, sha256: str | None) -> None:
    """Print the hash of a downloaded text whose hash was not known before."""
    print_message(f"The hash of {name} was not known; recorded for later uses: SHA-256 {sha256}.")


def load_models(
    models: Sequence[str], runs_dir: Path | None, numbers: str = "float32"
) -> "dict[str, Model]":
    """Load models: files, runs or bundled models; the first bundled model if none is named.

    Returns:
        The models by the names that the user gave, in the order of the arguments.
    """
    use_one_numpy_thread()
    folder = runs_folder(runs_dir)
    paths: dict[Path, str] = {}
    wanted: Sequence[str | None] = models or [None]
    for argument in wanted:
        path = lazy.find_model(argument, folder, print_message)
        name = argument or path.stem
        if path in paths:
            raise ConfigError(
                f"{name!r} and {paths[path]!r} are the same model file, {path}. Name it once."
            )
        paths[path] = name
    return {
        name: lazy.with_numbers(lazy.load_model(path), numbers, partial(_print_about, name))
        for path, name in paths.items()
    }


def load_preferred(
    model: str | None, runs_dir: Path | None, default: str | None = None
) -> "tuple[str, Model]":
    """Load the model of an option, the preferences or `default`, and return it with its name."""
    named = model or resolve({}, wanted=["model"]).checked().model or default
    return next(iter(load_models([named] if named else [], runs_dir).items()))


def _print_about(name: str, sentence: str) -> None:
    print_message(f"{name}: {sentence}")


def read_blocks(source: Source, encoding: str, progress: Progress | None) -> Iterator[str]:
    """Yield the characters of a text in blocks, with line feeds only and composed (Unicode NFC).

    Blocks have a million characters or more, except the last one; `progress` is called with the
    bytes of the file that are done and, if known, its size.

    Raises:
        CorpusError: If the text is missing, empty, binary or not in the encoding.
    """
    entry, found = source.entry, BytesFound()
    is_unknown = entry is not None and entry.is_unknown
    with progress_bar(f"Fetching {source.name}") as fetching:
        file = file_of(source, stdin_bytes(), fetching)
    if entry is not None and is_unknown:
        _print_new_hash(entry.name, entry.expected_sha256)
    total = file.stat().st_size if isinstance(file, Path) and is_file(file) else None
    reading = reading_of(source, Reading(encoding=encoding))
    pieces = read_source(source.name, file, reading, found)
    while block := _next_block(pieces):
        yield block
        if progress is not None:
            progress(found.consumed, total)


def _next_block(pieces: Iterator[str]) -> str:
    block = ""
    while len(block) < _BLOCK and (piece := next(pieces, None)) is not None:
        block += piece
    return block


def read_argument(text: str) -> str:
    """Return the argument TEXT, or standard input if it is `-`; at most 100,000 characters."""
    if text == "-":
        stdin = stdin_bytes()
        if stdin is None:
            raise DataError("Standard input is closed: TEXT cannot be read from it.")
        limit = 4 * _MAX_ARGUMENT + 4
        given = stdin.read(limit)
        try:  # a text that is too long may be cut inside a character
            text = getincrementaldecoder("utf-8")().decode(given, final=len(given) < limit)
        except UnicodeDecodeError as error:
            raise DataError(f"TEXT from standard input is not UTF-8: {error.reason}.") from error
    if not 0 < len(text) <= _MAX_ARGUMENT:
        raise ConfigError(f"TEXT has 1 to {_MAX_ARGUMENT:,} characters. Received: {len(text):,}.")
    return text


def find_seed(seed_text: str, seed_file: str | None) -> Seed:
    """Return the seed text, its file, or standard input if one of both arguments is `-`."""
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


def read_seed(stream: "CharacterStream", seed: Seed) -> Iterator[str]:
    """Prime a stream with a seed text, and print the characters that the model does not know.

    Yields the text that the stream has read, piece by piece.
    """
    unknown: dict[str, None] = {}
    stream.prime("")
    has_returns = "\r" in stream.model.vocabulary.characters
    pieces = [seed] if isinstance(seed, str) else read_file(seed, unify_newlines=not has_returns)
    for piece in pieces:
        primed = stream.feed(piece)
        unknown |= dict.fromkeys(primed.unknown.values())
        yield primed.text
    if unknown:
        vocabulary = stream.model.vocabulary
        is_folded = vocabulary.unknown_symbol is not None
        treatment = "Read as the unknown symbol" if is_folded else "Left out of the seed text"
        named = named_characters(dict.fromkeys(unknown, 1), "more")
        other = lazy.bundled_instead("".join(unknown), vocabulary.characters)
        hint = f" --model {other} knows it." if other else ""
        print_message(f"{treatment}, as the model does not know it: {named}.{hint}")


def named_characters(counts: Mapping[str, int], others: str) -> str:
    """List the first characters with code point and count; `others` names the rest."""
    named = [
        f"{character!r} (U+{ord(character):04X}){f' ×{count:,}' if count > 1 else ''}"
        for character, count in itertools.islice(counts.items(), _NAMED_CHARACTERS)
    ]
    more = len(counts) - _NAMED_CHARACTERS
    return ", ".join(named) + (f" and {more:,} {others}" if more > 0 else "")


def unknown_sentence(text: str, model: str, unknown: Mapping[str, int]) -> str:
    """Return the message on the characters that a model does not know, most frequent first."""
    named = named_characters(unknown, "others")
    return f"Not scored in {text}, as {model} does not know them: {named}."
