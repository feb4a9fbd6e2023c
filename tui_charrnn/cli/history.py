"""`charrnn-tui history`: what models have said, to be found, seen and said again."""

import json
from typing import Annotated, Final, TypeAlias

import typer

from tui_charrnn.cli.history_replay import replay
from tui_charrnn.cli.history_words import entry_lines, table_lines
from tui_charrnn.cli.output import narrate, print_data
from tui_charrnn.cli.usage_errors import refuse_options_before_command
from tui_charrnn.errors import ConfigError
from tui_charrnn.history.generation import Entry
from tui_charrnn.history.lookup import find_entry
from tui_charrnn.history.rows import entry_values
from tui_charrnn.history.search import words_of
from tui_charrnn.history.store import LIMIT, History
from tui_charrnn.invocation import command

history_app = typer.Typer(help="List, search and replay generated texts.")

_SHOWN: Final = 20

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Number: TypeAlias = Annotated[
    int, typer.Argument(metavar="ID", help="Its number in the list.", show_default=False)
]
Limit: TypeAlias = Annotated[
    int,
    typer.Option("--limit", "-n", metavar="N", help="Texts to list at most.", min=1, max=LIMIT),
]


@history_app.callback(invoke_without_command=True)
def history(context: typer.Context, limit: Limit = _SHOWN, as_json: AsJson = False) -> None:
    """List, search and replay generated texts.

    Every text is kept, with all that it takes to have it said again, unless the setting `history`
    is off or `generate` is told --no-history: the newest 10,000, in a file that only you can read.
    """
    if context.invoked_subcommand is None:
        list_newest(limit, as_json)
    else:
        refuse_options_before_command(context)


@history_app.command("list")
def list_newest(limit: Limit = _SHOWN, as_json: AsJson = False) -> None:
    """List the newest generated texts."""
    kept = History()
    entries = kept.newest(limit)
    if not entries and not as_json:
        narrate(f"The history is empty. Let a model speak: {command('generate')}")
        return
    _print_list(entries, as_json)
    hidden = kept.count() - len(entries) if len(entries) == limit and not as_json else 0
    if hidden > 0:
        narrate(f"And {hidden:,} older ones; --limit shows more.")


@history_app.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """Show a text with its model and settings."""
    entry = find_entry(History(), number)
    if as_json:
        print_data(json.dumps(entry_values(entry)))
        return
    for line in entry_lines(entry):
        print_data(line)


@history_app.command()
def search(
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS...", help="All of them must occur.", show_default=False),
    ],
    limit: Limit = _SHOWN,
    as_json: AsJson = False,
) -> None:
    """Find texts by words in them, or parts of words.

    Capitals or not makes no difference.
    """
    wanted = words_of(" ".join(words))
    if not wanted:
        raise ConfigError("There is no word to look for. Received: nothing but blanks.")
    entries = History().search(" ".join(words), limit)
    if not entries and not as_json:
        narrate(f"No text in the history holds {' and '.join(map(repr, wanted))}.")
        return
    _print_list(entries, as_json)


history_app.command()(replay)


@history_app.command()
def rm(
    numbers: Annotated[
        list[int],
        typer.Argument(metavar="ID...", help="Their numbers in the list.", show_default=False),
    ],
    as_json: AsJson = False,
) -> None:
    """Delete texts from the history permanently."""
    kept = History()
    for number in numbers:  # all or none
        find_entry(kept, number)
    removed = kept.remove(numbers)
    if as_json:
        print_data(json.dumps({"removed": removed}))
        return
    narrate(f"Deleted: {', '.join(map(str, removed))}.")


@history_app.command()
def clear(
    is_sure: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete the whole history permanently."""
    kept = History()
    if not is_sure:
        raise ConfigError(f"This deletes {_texts(kept.count())} permanently. Add --yes to confirm.")
    count = kept.clear()
    if as_json:
        print_data(json.dumps({"removed": count}))
        return
    narrate(f"Deleted: {_texts(count)}.")


def _print_list(entries: list[Entry], as_json: bool) -> None:
    if as_json:
        print_data(json.dumps([entry_values(entry) for entry in entries]))
        return
    for line in table_lines(entries):
        print_data(line)


def _texts(count: int) -> str:
    return "1 text" if count == 1 else f"{count:,} texts"
