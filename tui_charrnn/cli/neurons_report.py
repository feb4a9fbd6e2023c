"""What `neurons` prints: a table and passages for people, or one JSON document for programs."""

import json
import math
import os
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.cells import cell_len

from tui_charrnn.cli.output import TextOutput, narrate, print_data, stdout_is_terminal, write_text
from tui_charrnn.invocation import command
from tui_charrnn.lens.neurons import (
    BORDERS,
    SHIFTS,
    Finding,
    Findings,
    FollowingNeuron,
    levels_of,
    values_of,
)
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.safe_text import safe_line

_MEAN_WIDTH: Final = 8

SIGNS: Final = {-2: "=", -1: "-", 0: " ", 1: "+", 2: "#"}
"""By level."""
_COLORS: Final = {
    -2: "\x1b[97;44m",  # each with its background, to be read on a dark and on a light one
    -1: "\x1b[30;46m",
    1: "\x1b[30;43m",
    2: "\x1b[97;41m",
}
LEGEND: Final = (
    f"Below each character: the cell is above (+) or below (-) its mean by {BORDERS[0]:g} standard "
    f"deviations,\nor by {BORDERS[1]:g} (# and =)."
)
CHANCE: Final = (
    f"CHANCE: the largest |r| of any cell with the property shifted along the text, of {SHIFTS} "
    "circular shifts. An r that is not above it may be chance."
)
_PIPE_WIDTH: Final = 80
_LEAST_WIDTH: Final = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported on one model and one text."""

    model_name: str
    text_name: str
    model: Model
    found: Findings
    excerpts: int
    """How many passages are shown at most."""

    @property
    def strongest_first(self) -> list[Finding]:
        """The findings by the largest |r|; those without a cell last."""
        return sorted(self.found.properties, key=_strength, reverse=True)


def print_report(report: Report) -> None:
    """Write the table, then the passages, each with its strongest cell."""

    def work(output: TextOutput) -> None:
        for line in _table(report.strongest_first):
            output.write(f"{line}\n")
        shown = [each for each in report.strongest_first if each.neurons and each.excerpt]
        if shown and report.excerpts:
            output.write(f"\n{LEGEND}\n")
        for finding in shown[: report.excerpts]:
            _write_excerpt(output, finding, report.model)

    write_text(work)
    found = report.found
    if found.unknown:
        narrate(
            f"{found.unknown:,} characters of {safe_line(report.text_name)} are unknown to "
            f"{safe_line(report.model_name)}, which has read the other {found.characters:,}."
        )
    if stdout_is_terminal() and (strongest := _strongest(report)) is not None:
        value = strongest.mean + math.copysign(2 * strongest.deviation, strongest.r)
        held = f"{strongest.neuron}={value:.2g}"
        narrate(f"To see what a cell does, clamp it: {command('generate', '--clamp', held)}")


def print_json(report: Report) -> None:
    """Write one document: all properties, the passages of those that are found best."""
    chosen = [each for each in report.strongest_first if each.neurons and each.excerpt]
    names = {each.property.name for each in chosen[: report.excerpts]}
    properties = [
        _finding_values(each, report.model if each.property.name in names else None)
        for each in report.found.properties
    ]
    document = {
        "model": report.model_name,
        "text": report.text_name,
        "characters": report.found.characters,
        "unknown": report.found.unknown,
        "shifts": SHIFTS,
        "properties": properties,
    }
    print_data(json.dumps(document, allow_nan=False))


def _strength(finding: Finding) -> float:
    return abs(finding.neurons[0].r) if finding.neurons else -1.0


def _strongest(report: Report) -> FollowingNeuron | None:
    return next((each.neurons[0] for each in report.strongest_first if each.neurons), None)


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    width = max(len(each.property.name) for each in findings) + 2
    names = [len(str(one.neuron)) for each in findings for one in each.neurons]
    name_width = max(names, default=0)
    cell_width = name_width + len(" +0.000  ")
    columns = max(1, (text_width() - width - _MEAN_WIDTH - 10) // cell_width)
    yield f"{'PROPERTY':<{width}}{'MEAN':>{_MEAN_WIDTH}}  CHANCE  CELLS, AND r OF EACH"
    for each in findings:
        if not each.neurons:
            continue
        cells = [f"{one.neuron!s:<{name_width}} {one.r:+.3f}" for one in each.neurons]
        start = f"{each.property.name:<{width}}{each.mean:>{_MEAN_WIDTH}.3g}  {each.chance:6.3f}  "
        for place in range(0, len(cells), columns):
            row = "".join(f"{cell:<{cell_width}}" for cell in cells[place : place + columns])
            yield f"{start if place == 0 else ' ' * len(start)}{row}".rstrip()
    yield from textwrap.wrap(CHANCE, text_width())
    constant = [each.property.name for each in findings if not each.neurons]
    if constant:
        words = f"The same everywhere in this text: {', '.join(constant)}."
        yield from textwrap.wrap(words, text_width(), break_on_hyphens=False)


def _write_excerpt(output: TextOutput, finding: Finding, model: Model) -> None:
    strongest, excerpt = finding.neurons[0], finding.excerpt
    assert excerpt is not None  # noqa: S101 (the caller has seen it)
    values = values_of(strongest.neuron, excerpt, model)
    levels = levels_of(values, strongest.mean, strongest.deviation)
    output.write(
        f"\n{strongest.neuron} (r {strongest.r:+.3f}): {finding.property.name}, "
        f"{finding.property.sentence}\n"
    )
    styles = terminal_colors() if stdout_is_terminal() else {}
    for row in excerpt_rows(excerpt.text, levels, text_width() - 2):
        output.write("  ")
        for text, level in row.pieces:
            output.write(text, styles.get(level, ""))
        output.write("\n")
        if row.marks:
            output.write(f"  {row.marks}\n")


def _finding_values(finding: Finding, model: Model | None) -> dict[str, Any]:
    """A finding as JSON values; with its passage if there is a model to read it."""
    values: dict[str, Any] = {
        "property": finding.property.name,
        "sentence": finding.property.sentence,
        "mean": finding.mean,
        "chance": finding.chance,
        "cells": [
            {
                "cell": str(each.neuron),
                "layer": each.neuron.layer,
                "part": each.neuron.part,
                "unit": each.neuron.unit,
                "r": each.r,
                "mean": each.mean,
                "deviation": each.deviation,
            }
            for each in finding.neurons
        ],
    }
    if model is not None and finding.excerpt is not None:
        strongest = finding.neurons[0].neuron
        seen = values_of(strongest, finding.excerpt, model).tolist()
        values["excerpt"] = {
            "text": finding.excerpt.text,
            "cell": str(strongest),
            "values": [None if math.isnan(value) else value for value in seen],
            "property": finding.excerpt.values.tolist(),
        }
    return values


@dataclass(frozen=True, slots=True)
class ExcerptRow:
    """One row of a passage."""

    pieces: tuple[tuple[str, int], ...]
    """Its text, safe to show, where neighbors of one level are together, and their levels."""
    marks: str
    """The signs below it; empty if there are none."""


def terminal_colors(environment: Mapping[str, str] = os.environ) -> Mapping[int, str]:
    """The escape sequence of every level that has one; none where no color is wanted."""
    if environment.get("NO_COLOR") or environment.get("TERM", "") in {"", "dumb"}:
        return {}
    return _COLORS


def text_width() -> int:
    """Columns that a line may take."""
    if not stdout_is_terminal():
        return _PIPE_WIDTH
    return max(_LEAST_WIDTH, shutil.get_terminal_size().columns)


def excerpt_rows(text: str, levels: npt.NDArray[np.int8], width: int) -> Iterator[ExcerptRow]:
    """Lay a passage of N characters with levels, shape (N,), out in rows of `width` columns."""
    row: list[tuple[str, int]] = []
    used = 0
    for character, level in zip(text, levels.tolist(), strict=True):
        shown = safe_line(character)
        columns = cell_len(shown)
        if used + columns > width and columns:
            yield _row(row)
            row, used = [], 0
        # a mark that is put on the character before it is drawn with that one
        row.append((shown, row[-1][1] if row and not columns else level))
        used += columns
        if character == "\n":
            yield _row(row)
            row, used = [], 0
    if row:
        yield _row(row)


def _row(characters: Sequence[tuple[str, int]]) -> ExcerptRow:
    pieces = tuple(
        ("".join(shown for shown, _ in group), level)
        for level, group in groupby(characters, key=lambda each: each[1])
    )
    marks = "".join(SIGNS[level] * cell_len(shown) for shown, level in characters)
    return ExcerptRow(pieces, marks.rstrip())
