"""Reads the texts and the models that a command names, and shows how far it is."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.opening import leave_numpy_one_thread
from tui_charrnn.cli.output import (
    narrate,
    progress_bar,
    stderr_is_terminal,
    stdin_bytes,
    stdout_is_terminal,
)
from tui_charrnn.config import RECORDS, UNITS, TrainingConfig
from tui_charrnn.errors import ConfigError, CorpusError
from tui_charrnn.preferences import resolve, runs_folder
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.catalogue import obtain
from tui_charrnn.text.corpus import Corpus
from tui_charrnn.text.decoding import known_encoding
from tui_charrnn.text.source_reading import BytesFound, Reading, read_pieces
from tui_charrnn.text.sources import Source

if TYPE_CHECKING:
    from tui_charrnn.model.checkpoint import Model

KeepNewlines: TypeAlias = Annotated[
    bool, typer.Option("--keep-newlines", help="Leave CRLF and CR as they are.")
]
KeepDecomposed: TypeAlias = Annotated[
    bool, typer.Option("--keep-decomposed", help="Do not compose characters (Unicode NFC).")
]

_BLOCK: Final = 1 << 20


UnitsOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--units",
        metavar="|".join(UNITS),
        parser=lambda text: TrainingConfig(steps=1, units=text).units,
        help="Count characters, or the letters (jamo) of Hangul syllables.",
    ),
]


RecordsOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--records",
        metavar="|".join(RECORDS),
        parser=lambda text: TrainingConfig(steps=1, records=text).records,
        help="Look at short texts: each line, what blank lines part, or each file.",
    ),
]


def known_name(encoding: str) -> str:
    """The name of an encoding as it was given."""
    try:
        known_encoding(encoding)
    except CorpusError as error:
        raise ConfigError(f"--encoding: {error}") from error
    return encoding


Encoding: TypeAlias = Annotated[
    str, typer.Option("--encoding", metavar="NAME", parser=known_name, help="Encoding of the text.")
]


def read_named_corpus(
    arguments: Sequence[str],
    *,
    encoding: str = "utf-8",
    keep_newlines: bool = False,
    keep_decomposed: bool = False,
    units: str = "characters",
    records: str = "none",
    limit: int | None = None,
) -> Corpus:
    """Read a corpus from the arguments and options of a command line.

    Of a large text `limit` bytes are enough; None reads all.
    """
    with progress_bar("Reading the corpus") as progress:
        corpus = lazy.read_corpus(
            arguments,
            encoding=encoding,
            unify_newlines=not keep_newlines,
            compose=not keep_decomposed,
            units=units,
            records=records,
            stdin=stdin_bytes(),
            progress=progress,
            limit=limit,
        )
    for name, sha256 in corpus.report.recorded:
        report_recorded(name, sha256)
    return corpus


def report_recorded(name: str, sha256: str | None) -> None:
    """Report that a text was downloaded whose hash was not known."""
    narrate(f"The hash of {name} was not known; recorded for later uses: SHA-256 {sha256}.")


def load_models(
    models: Sequence[str], runs_dir: Path | None, numbers: str = "float32"
) -> "dict[str, Model]":
    """Load models: files, runs or bundled models; none stands for the first bundled model.

    Returns:
        By the name that the user gave, in the order of the arguments.
    """
    leave_numpy_one_thread()
    folder = runs_folder(runs_dir)
    paths: dict[Path, str] = {}
    wanted: Sequence[str | None] = models or [None]
    for argument in wanted:
        path = lazy.find_model(argument, folder, narrate)
        name = argument or path.stem
        if path in paths:
            raise ConfigError(
                f"{name!r} and {paths[path]!r} are the same model file, {path}. Name it once."
            )
        paths[path] = name
    loaded = {name: lazy.load_model(path) for path, name in paths.items()}
    if numbers == "float32":
        return loaded
    return {
        name: lazy.with_numbers(each, numbers, partial(_narrate_of, name))
        for name, each in loaded.items()
    }


def load_preferred(
    model: str | None, runs_dir: Path | None, default: str | None = None
) -> "tuple[str, Model]":
    """The model that an option names, or the preferred or a default one; its name, the model."""
    named = model or resolve({}, wanted=["model"]).checked().model or default
    return next(iter(load_models([named] if named else [], runs_dir).items()))


def _narrate_of(name: str, sentence: str) -> None:
    narrate(f"{safe_line(name)}: {sentence}")


def scoring_bar(source: Source, *, has_lines: bool) -> AbstractContextManager[Progress | None]:
    """A bar on a terminal that shows how far a text is, where no lines are printed beside it."""
    if not stderr_is_terminal() or (has_lines and stdout_is_terminal()):
        return nullcontext()
    return progress_bar(f"Scoring {source.name}")


def read_blocks(
    source: Source, encoding: str, progress: Progress | None = None, size: int = _BLOCK
) -> Iterator[str]:
    """The characters of a text, as a corpus is read: line feeds alone, composed (Unicode NFC).

    Blocks have at least `size` characters, but for the last one; `progress` is called with the
    bytes done and, if known, the bytes in all.

    Raises:
        CorpusError: If the text is missing, empty, binary or not in the encoding.
    """
    found = BytesFound()
    is_empty = True
    try:
        for block in _joined(_pieces(source, encoding, found), size):
            is_empty = False
            yield block
            if progress is not None:
                progress(found.bytes, _size(source))
    except OSError as error:
        raise CorpusError(f"{source.name} cannot be read: {error.strerror}.") from error
    except UnicodeError as error:
        raise CorpusError(_undecodable_sentence(source, found, error)) from error
    if is_empty:
        raise CorpusError(f"There is no text in {source.name}: it is empty.")


def _pieces(source: Source, encoding: str, found: BytesFound) -> Iterator[str]:
    if source.entry:
        is_unknown = source.entry.is_unknown
        with progress_bar(f"Fetching {source.name}") as progress:
            path = obtain(source.entry, progress=progress)
        if is_unknown:
            report_recorded(source.entry.name, source.entry.expected_sha256)
        return read_pieces(path, Reading(), found)
    file = source.path or stdin_bytes()
    if file is None:
        raise CorpusError("Standard input is closed; give the path of a file instead.")
    return read_pieces(file, Reading(encoding=encoding), found)


def _size(source: Source) -> int | None:
    path = source.entry.cached.path if source.entry else source.path
    return path.stat().st_size if path and path.is_file() else None


def _joined(pieces: Iterable[str], size: int) -> Iterator[str]:
    waiting: list[str] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield "".join(waiting)
            waiting, length = [], 0
    if length:
        yield "".join(waiting)


def _undecodable_sentence(source: Source, found: BytesFound, error: UnicodeError) -> str:
    encoding = ", ".join(found.encodings)
    advice = "Name the file's encoding with --encoding, for example cp1252, cp949 or utf-16."
    if not isinstance(error, UnicodeDecodeError):
        return f"{source.name} is not text: it holds a byte that is zero. {advice}"
    place = found.bytes - len(error.object) + error.start
    return (
        f"{source.name} is not valid {encoding}: byte {place:,} "
        f"(0x{error.object[error.start]:02x}) cannot be decoded. {advice}"
    )


def thread_count() -> int:
    """The processor threads that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
