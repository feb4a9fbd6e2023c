"""The commands of `charrnn-tui history`: list, search, show and replay generated texts."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, TypeAlias

import typer
from rich.cells import cell_len

from tui_charrnn import lazy
from tui_charrnn.cli.opening import use_one_numpy_thread
from tui_charrnn.cli.options import JsonDocument, Yes, default_command
from tui_charrnn.cli.output import (
    card_lines,
    is_confirmed,
    print_data,
    print_json,
    print_message,
    stdout_is_terminal,
    table_lines,
    text_output,
)
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, ExitCode
from tui_charrnn.history.generation import (
    Entry,
    entry_values,
    format_length,
    omitted_characters,
    why_no_replay,
)
from tui_charrnn.history.store import LIMIT, History, find_entry, find_same_model, split_query
from tui_charrnn.invocation import command
from tui_charrnn.safe_text import safe_line, safe_text
from tui_charrnn.viewing.formatting import counted, fitted

history_app = typer.Typer()

_SHOWN: Final = 20

Number: TypeAlias = Annotated[int, typer.Argument(metavar="ID", help="Number of a listed text.")]
Limit: TypeAlias = Annotated[
    int,
    typer.Option(
        "--limit", "-n", metavar="N", help="Maximum number of texts to list.", min=1, max=LIMIT
    ),
]

_MODEL_WIDTH: Final = 24  # columns at most
_TEXT_WIDTH: Final = 60  # columns without a terminal
_SHOWN_CHARACTERS: Final = 400  # more than a row has room for


@default_command(
    history_app,
    "list",
    """List, search and replay generated texts.

    The newest 10,000 texts are kept, with everything needed to generate them again, in a file that
    only you can read. The setting `history` and `generate --no-history` turn this off.
    """,
)
def list_newest(limit: Limit = _SHOWN, as_json: JsonDocument = False) -> None:
    """List the newest generated texts."""
    store = History()
    entries = store.newest(limit)
    if not entries and not as_json:
        print_message(f"The history is empty. Generate a text: {command('generate')}")
        return
    _print_list(entries, as_json)
    hidden = store.count() - len(entries) if len(entries) == limit and not as_json else 0
    if hidden > 0:
        print_message(f"And {hidden:,} older ones; --limit shows more.")


@history_app.command()
def show(number: Number, as_json: JsonDocument = False) -> None:
    """Show a text with its model and settings."""
    entry = find_entry(History(), number)
    if as_json:
        print_json(entry_values(entry))
        return
    print_data(*entry_lines(entry))


@history_app.command()
def search(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORDS...", help="Words or parts of words; a text must contain all."
        ),
    ],
    limit: Limit = _SHOWN,
    as_json: JsonDocument = False,
) -> None:
    """Find texts by words in them, or parts of words.

    Case is ignored.
    """
    wanted = split_query(" ".join(words))
    if not wanted:
        raise ConfigError("Give at least one word to search for. Received: only blanks.")
    entries = History().search(" ".join(words), limit)
    if not entries and not as_json:
        print_message(f"No text in the history contains {' and '.join(map(repr, wanted))}.")
        return
    _print_list(entries, as_json)


@history_app.command()
def replay(
    number: Number,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Generate even if the model file has changed.")
    ] = False,
    echo: Annotated[
        bool, typer.Option("--echo/--no-echo", help="Write the seed text first.")
    ] = True,
) -> None:
    """Generate a text again with the same model and the same settings."""
    entry = find_entry(History(), number)
    path = find_same_model(
        entry,
        may_differ=anyway,
        kept=f"The text is kept: {command('history', 'show', str(number))}",
        anyway="To generate with the changed model and the same settings, add --anyway.",
    )
    use_one_numpy_thread()
    replayed = lazy.Replay(lazy.load_model(path), entry.generation)

    with text_output() as output:
        if replayed.units == "jamo":
            output.join_syllables()
        output.write(replayed.read_text if echo else "")
        for character in iter(replayed.next, None):
            output.write(character)
    if (place := replayed.difference) is not None:
        print_message(
            f"The text differs from the recorded one from character {place + 1:,} on. Another "
            "machine, or generating several texts at once, may round differently."
        )
    if output.is_interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)


@history_app.command()
def rm(
    numbers: Annotated[list[int], typer.Argument(metavar="ID...", help="Numbers of listed texts.")],
    as_json: JsonDocument = False,
) -> None:
    """Delete texts from the history permanently."""
    store = History()
    for number in numbers:  # all or none
        find_entry(store, number)
    removed = store.remove(numbers)
    if as_json:
        print_json({"removed": removed})
        return
    print_message(f"Deleted: {', '.join(map(str, removed))}.")


@history_app.command()
def clear(is_sure: Yes = False, as_json: JsonDocument = False) -> None:
    """Delete the whole history permanently."""
    store = History()
    question = f"Permanently delete the history, {counted(store.count(), 'text')}?"
    count = store.clear() if is_confirmed(question, is_sure=is_sure) else 0
    if as_json:
        print_json({"removed": count})
        return
    print_message(f"Deleted: {counted(count, 'text')}." if count else "Nothing was deleted.")


def _print_list(entries: list[Entry], as_json: bool) -> None:
    if as_json:
        print_json([entry_values(entry) for entry in entries])
        return
    print_data(*list_lines(entries))


def list_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield a table with a heading and a row for each text."""
    rows = [("ID", "WHEN", "MODEL", "TEXT"), *map(_cells, entries)]
    return table_lines(rows, cut=-1)


def entry_lines(entry: Entry) -> Iterator[str]:
    """Yield the metadata of a text, then the text itself, line by line."""
    yield from card_lines(_facts(entry))
    yield ""
    generation = entry.generation
    yield from safe_text(generation.seed_text + generation.text).split("\n")
    if more := omitted_characters(generation):
        yield f"... and {more:,} more characters were not kept"


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    generation = entry.generation
    reason = why_no_replay(generation)
    yield "text", f"{entry.number}, of {entry.time.astimezone():%Y-%m-%d %H:%M:%S}"
    yield "model", str(generation.model.label)
    yield "", generation.model.file or "from no file"
    yield "", f"SHA-256 {generation.model.sha256 or 'not known'}"
    yield "seed text", generation.seed_text or "none"
    yield "length", f"{format_length(generation)} after it"
    yield "RNG seed", str(generation.rng_seed)
    yield "numbers", generation.numbers
    for after, config in generation.sampling:
        yield f"from {after:,}" if after else "settings", _format_settings(config)
    for after, clamps in generation.clamps:
        yield f"from {after:,}" if after else "clamped", ", ".join(clamps) if clamps else "none"
    again = command("history", "replay", str(entry.number))
    yield "again", f"not possible: {reason}" if reason else again


def _format_settings(config: SamplingConfig) -> str:
    values = {name: value for name, value in config.to_mapping().items() if name != "rng_seed"}
    return ", ".join(
        f"{name} {'none' if value is None else value}" for name, value in values.items()
    )


def _cells(entry: Entry) -> tuple[str, ...]:
    generation = entry.generation
    text = safe_line((generation.seed_text + generation.text)[:_SHOWN_CHARACTERS])
    if not stdout_is_terminal():
        text = fitted(text, _TEXT_WIDTH)
    label = safe_line(str(generation.model.label))
    when = f"{entry.time.astimezone():%Y-%m-%d %H:%M}"
    return (str(entry.number), when, fitted(label, min(cell_len(label), _MODEL_WIDTH)), text)
