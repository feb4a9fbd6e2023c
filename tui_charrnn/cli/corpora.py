"""`charrnn-tui corpora`: the texts that have a name, and what is in a text."""

import json
from typing import Annotated, Any, Final

import typer

from tui_charrnn.cli.completing import complete_corpus
from tui_charrnn.cli.corpora_report import inspection_values, report_lines
from tui_charrnn.cli.output import narrate, print_data, stdout_is_terminal
from tui_charrnn.cli.reading import (
    Encoding,
    KeepDecomposed,
    KeepNewlines,
    read_named_corpus,
)
from tui_charrnn.cli.usage_errors import refuse_options_before_command
from tui_charrnn.text.catalogue import CatalogueEntry, load_catalogue
from tui_charrnn.viewing.formatting import format_size

_LOOKED_AT: Final = 1 << 24
"""Bytes of a large text that are looked at, unless all of it is asked for or was read before."""

corpora_app = typer.Typer(help="List the named corpora, or inspect a text.")

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@corpora_app.callback(invoke_without_command=True)
def corpora(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the named corpora, or inspect a text."""
    if context.invoked_subcommand is None:
        list_corpora(as_json)
    else:
        refuse_options_before_command(context)


@corpora_app.command("list")
def list_corpora(as_json: JsonOption = False) -> None:
    """List the named corpora."""
    entries = list(load_catalogue().values())
    if as_json:
        print_data(json.dumps([_entry_values(entry) for entry in entries]))
        return
    width = max(len(entry.name) for entry in entries)
    title_width = max(len(entry.title) for entry in entries)
    for entry in entries:
        size = format_size(entry.approximate_bytes)
        print_data(
            f"{entry.name:<{width}}  {entry.title:<{title_width}}  {size:>8}  {_whereabouts(entry)}"
        )
    if stdout_is_terminal():
        narrate(
            "Train on one: charrnn-tui train NAME.  See more: charrnn-tui corpora inspect NAME."
        )


@corpora_app.command()
def inspect(
    corpus: Annotated[
        list[str],
        typer.Argument(
            metavar="CORPUS...",
            autocompletion=complete_corpus,
            help="Text files, folders, globs, - for standard input, or a known name.",
            show_default=False,
        ),
    ],
    encoding: Encoding = "utf-8",
    keep_newlines: KeepNewlines = False,
    keep_decomposed: KeepDecomposed = False,
    is_whole: Annotated[
        bool,
        typer.Option("--whole", help="Read all of a large text, not only its first 16 MB."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Report size, encoding, characters, split and baselines of a text."""
    text = read_named_corpus(
        corpus,
        encoding=encoding,
        keep_newlines=keep_newlines,
        keep_decomposed=keep_decomposed,
        limit=None if is_whole else _LOOKED_AT,
    )
    # deferred: NumPy, 0.1 s that the list does not need
    from tui_charrnn.text.inspection import inspect_corpus  # noqa: PLC0415  deferred, see above

    found = inspect_corpus(text)
    if as_json:
        print_data(json.dumps(inspection_values(text, found)))
        return
    for label, line in report_lines(text, found):
        print_data(f"{label:<12}{line}".rstrip())


def _whereabouts(entry: CatalogueEntry) -> str:
    if entry.is_here:
        return f"here, sha256 {(entry.expected_sha256 or '')[:12]}"
    return "made on first use, no network" if entry.kind == "built" else "needs the network once"


def _entry_values(entry: CatalogueEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "kind": entry.kind,
        "note": entry.note,
        "approximate_bytes": entry.approximate_bytes,
        "is_here": entry.is_here,
        "needs_network": entry.kind == "download" and not entry.is_here,
        "path": str(entry.cached.path),
        "urls": list(entry.urls),
        "sha256": entry.expected_sha256,
    }
