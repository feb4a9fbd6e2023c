"""Texts of the history as lines for people and as JSON values for programs."""

import shutil
from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui_charrnn.cli.output import stdout_is_terminal
from tui_charrnn.config import SamplingConfig
from tui_charrnn.history.generation import Entry, hindrance_of
from tui_charrnn.invocation import command
from tui_charrnn.safe_text import safe_line, safe_text

_LABEL_WIDTH: Final = 12  # columns
_MODEL_WIDTH: Final = 24  # columns at most
_TEXT_WIDTH: Final = 60  # columns, where no terminal says how many
_LEAST_TEXT: Final = 12  # columns
_SHOWN_CHARACTERS: Final = 400  # more than a row has room for
_GAP: Final = "  "


def table_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """A row for every text, under a heading."""
    rows = [("ID", "WHEN", "MODEL", "TEXT"), *map(_cells, entries)]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(3)]
    widths[2] = min(widths[2], _MODEL_WIDTH)
    room = _TEXT_WIDTH
    if stdout_is_terminal():
        left = shutil.get_terminal_size().columns - sum(widths) - len(_GAP) * len(widths)
        room = max(_LEAST_TEXT, left)
    for row in rows:
        yield _GAP.join(map(_cell, row, [*widths, room])).rstrip()


def entry_lines(entry: Entry) -> Iterator[str]:
    """Everything about a text, and the text itself below, line by line."""
    for label, value in _facts(entry):
        yield f"{label:<{_LABEL_WIDTH}}{safe_line(value)}".rstrip()
    yield ""
    said = entry.generation
    yield from safe_text(said.seed_text + said.text).split("\n")
    if said.length > len(said.text):
        yield f"... and {said.length - len(said.text):,} more characters, which were not kept"


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    said = entry.generation
    hindrance = hindrance_of(said)
    yield "text", f"{entry.number}, of {entry.time.astimezone():%Y-%m-%d %H:%M:%S}"
    yield "model", said.model.label
    yield "", said.model.file or "from no file"
    yield "", f"SHA-256 {said.model.sha256}" if said.model.sha256 else "SHA-256 not known"
    yield "seed text", said.seed_text or "none"
    yield "length", f"{said.length:,} characters after it"
    yield "RNG seed", str(said.rng_seed)
    for after, config in said.sampling:
        yield f"from {after:,}" if after else "settings", _settings_words(config)
    for after, held in said.clamps:
        yield f"from {after:,}" if after else "held", ", ".join(held) if held else "none"
    again = command("history", "replay", str(entry.number))
    yield "again", f"not possible: {hindrance}" if hindrance else again


def _settings_words(config: SamplingConfig) -> str:
    values = {name: value for name, value in config.to_mapping().items() if name != "rng_seed"}
    return ", ".join(
        f"{name} {'none' if value is None else value}" for name, value in values.items()
    )


def _cells(entry: Entry) -> tuple[str, ...]:
    said = entry.generation
    text = safe_line((said.seed_text + said.text)[:_SHOWN_CHARACTERS])
    when = f"{entry.time.astimezone():%Y-%m-%d %H:%M}"
    return (str(entry.number), when, safe_line(said.model.label), text)


def _cell(text: str, width: int) -> str:
    """A text in so many columns, cut off if it is longer."""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)
