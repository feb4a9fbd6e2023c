"""The command `neurons`: which cells of a model follow which properties of a text."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.options import (
    JsonDocument,
    ModelOption,
    RunsDir,
    complete_corpus,
    complete_one_of,
    refuse_out_of_bounds,
)
from tui_charrnn.cli.output import progress_bar
from tui_charrnn.cli.reading import Encoding, load_preferred, read_blocks
from tui_charrnn.text.sources import Source, find_sources
from tui_charrnn.training.machine import thread_count

_NAMES: Final = (
    "double-quotes, single-quotes, parentheses, square-brackets, braces, brackets, bracket-depth, "
    "comment, after-name, line-position, newline-distance, indentation, word-start, upper-case, "
    "digit"
)
"""Of all properties, as they are defined in a module that needs NumPy."""
_MOST_CELLS: Final = 1000
_MOST_EXCERPTS: Final = 100
_MOST_STREAMS: Final = 4096


def neurons(
    corpus: Annotated[
        list[str],
        typer.Argument(
            metavar="CORPUS...",
            autocompletion=complete_corpus,
            help="Text files, folders, globs, - for standard input, or a known name; read as one.",
        ),
    ],
    model: ModelOption = None,
    top: Annotated[int, typer.Option(metavar="N", help="Cells to list for each property.")] = 3,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="NAME",
            autocompletion=complete_one_of(_NAMES.split(", ")),
            help=f"Look for this property alone; several are allowed. One of {_NAMES}.",
        ),
    ] = None,
    layer: Annotated[
        int | None, typer.Option(metavar="L", help="Look at this layer alone, from 0.")
    ] = None,
    excerpts: Annotated[
        int, typer.Option(metavar="N", help="Passages to show, of the properties found best.")
    ] = 3,
    as_json: JsonDocument = False,
    parallel: Annotated[
        int | None,
        typer.Option(
            metavar="STREAMS",
            help="Stretches of the text that are read side by side; 1 reads it in one, exactly.",
            show_default="automatic",
        ),
    ] = None,
    encoding: Encoding = "utf-8",
    runs_dir: RunsDir = None,
) -> None:
    """Find the cells of a model that follow a property of a text.

    Every cell is correlated with plain properties of the text. 0:c7 is the cell state of cell 7 in
    layer 0, the lowest, and 0:h7 is what the cell lets out; r is Pearson's correlation. Passages
    are shown with a sign below every character for the strongest cell.

    To see what a cell does, clamp it: charrnn-tui generate --clamp 0:c7=2.5
    """
    refuse_out_of_bounds("top", top, 1, _MOST_CELLS)
    refuse_out_of_bounds("excerpts", excerpts, 0, _MOST_EXCERPTS)
    if parallel is not None:
        refuse_out_of_bounds("parallel", parallel, 1, _MOST_STREAMS)
    sources = find_sources(corpus, encoding=encoding).sources
    name, chosen = load_preferred(model, runs_dir)
    wanted = lazy.find_properties(properties or [])
    layers = chosen.config.layer_count
    if layer is not None:
        refuse_out_of_bounds("layer", layer, 0, layers - 1)
    finder = lazy.NeuronFinder(chosen, wanted, streams=parallel, threads=thread_count(None))
    found = lazy.find_neurons(finder, _blocks(sources, encoding), top=top, layer=layer)
    read = " + ".join(source.name for source in sources)
    report = lazy.Report(name, read, chosen, found, excerpts)
    if as_json:
        lazy.print_json(report)
    else:
        lazy.print_report(report)


def _blocks(sources: Sequence[Source], encoding: str) -> Iterator[str]:
    """The texts one after another."""
    for source in sources:
        with progress_bar(f"Reading {source.name}") as progress:
            yield from read_blocks(source, encoding, progress)
