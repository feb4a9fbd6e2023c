"""Reads the corpus that a command names, and tells how far it is."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from tui_charrnn.cli.output import narrate, progress_bar, stdin_bytes
from tui_charrnn.errors import ConfigError, CorpusError
from tui_charrnn.text.corpus import Corpus, read_corpus
from tui_charrnn.text.decoding import known_encoding


def known_name(encoding: str) -> str:
    """The name of an encoding as it was given.

    Raises:
        ConfigError: If there is none of that name.
    """
    try:
        known_encoding(encoding)
    except CorpusError as error:
        raise ConfigError(f"--encoding: {error}") from error
    return encoding


Encoding: TypeAlias = Annotated[
    str,
    typer.Option("--encoding", metavar="NAME", parser=known_name, help="Encoding of the text."),
]
KeepNewlines: TypeAlias = Annotated[
    bool, typer.Option("--keep-newlines", help="Leave CRLF and CR as they are.")
]
KeepDecomposed: TypeAlias = Annotated[
    bool, typer.Option("--keep-decomposed", help="Do not compose characters (Unicode NFC).")
]


def read_named_corpus(
    arguments: Sequence[str],
    *,
    encoding: str,
    keep_newlines: bool,
    keep_decomposed: bool,
    limit: int | None = None,
) -> Corpus:
    """Read a corpus from the words and options of a command line.

    Args:
        arguments: Its words.
        encoding: Of the text.
        keep_newlines: Leave line ends as they are.
        keep_decomposed: Leave decomposed characters as they are.
        limit: Bytes of a large text that are enough; None reads all.

    Raises:
        CorpusError: If the words name no text, or it cannot be read.
    """
    with progress_bar("Reading the corpus") as progress:
        corpus = read_corpus(
            arguments,
            encoding=encoding,
            unify_newlines=not keep_newlines,
            compose=not keep_decomposed,
            stdin=stdin_bytes(),
            progress=progress,
            limit=limit,
        )
    for name, sha256 in corpus.report.recorded:
        tell_recorded(name, sha256)
    return corpus


def tell_recorded(name: str, sha256: str | None) -> None:
    """Say that a text was downloaded which could not be held against a hash."""
    narrate(f"The hash of {name} was not known; recorded for later uses: SHA-256 {sha256}.")
