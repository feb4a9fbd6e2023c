"""The options of `generate` that ask how much of the text is copied, and what they lead to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, TypeAlias

import typer

from tui_charrnn.cli.options import complete_corpus
from tui_charrnn.cli.output import TextOutput
from tui_charrnn.cli.samples import PlainWriter, RecordWriter, Writer
from tui_charrnn.errors import ConfigError
from tui_charrnn.text.originality import COPIED_LENGTH

if TYPE_CHECKING:
    from tui_charrnn.model.checkpoint import Model

Originality: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--originality",
        help="Tell which passages the model copied from its corpus; mark them on a terminal.",
    ),
]
ComparedWith: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--corpus",
        metavar="CORPUS",
        autocompletion=complete_corpus,
        help="Look for copied passages in this text: a file, a folder, or a known name.",
        show_default="the model's own",
    ),
]
CopiedLength: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Characters from which on a passage counts as copied.",
        show_default=str(COPIED_LENGTH),
    ),
]


class Watch(Protocol):
    """Looks at the text on its way to standard output."""

    def writer(self, output: TextOutput, *, as_json: bool) -> Writer:
        """What takes the characters, as text or as records."""

    def tell(self) -> None:
        """Say on standard error what was seen."""


class NoWatch:
    """Looks at nothing."""

    def writer(self, output: TextOutput, *, as_json: bool) -> Writer:
        """See `Watch`."""
        return RecordWriter(output) if as_json else PlainWriter(output)

    def tell(self) -> None:
        """See `Watch`."""


def open_watch(
    model: "Model",
    path: Path,
    runs: Path,
    *,
    is_wanted: bool,
    corpus: str | None,
    copied_length: int | None,
) -> Watch:
    """What the options ask for: with a corpus or a length, originality is wanted too.

    Args:
        model: What speaks.
        path: Of its file.
        runs: Where runs are looked up by name.
        is_wanted: Whether copied passages are.
        corpus: What they are looked for in; None is the model's own corpus.
        copied_length: Characters from which on a passage counts as copied.

    Raises:
        ConfigError: If the length is not allowed.
        CorpusError: If the corpus is not found, or cannot be read.
    """
    if copied_length is not None and copied_length < 2:
        raise ConfigError(f"--copied-length must be at least 2. Received: {copied_length}.")
    if not is_wanted and corpus is None and copied_length is None:
        return NoWatch()
    # deferred: it loads NumPy
    from tui_charrnn.cli.originality import OriginalityWatch  # noqa: PLC0415  deferred, see above
    from tui_charrnn.cli.originality_corpus import (  # noqa: PLC0415  deferred, see above
        open_named_corpus,
        open_own_corpus,
    )

    compared = (
        open_own_corpus(model, path, runs) if corpus is None else open_named_corpus(corpus, model)
    )
    return OriginalityWatch(compared, copied_length or COPIED_LENGTH)
