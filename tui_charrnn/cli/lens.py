"""The commands `neurons` and `embedding`, which look inside a model."""

import math
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer
from rich.cells import cell_len

from tui_charrnn import lazy
from tui_charrnn.cli.options import (
    DrawnInAscii,
    Encoding,
    JsonDocument,
    ModelOption,
    ParallelStreams,
    RunsDir,
    complete_one_of,
    model_argument,
    number_option,
    texts_argument,
)
from tui_charrnn.cli.output import (
    TextOutput,
    picture_width,
    print_json,
    print_message,
    progress_bar,
    stdout_has_colors,
    stdout_is_terminal,
    symbols,
    text_output,
)
from tui_charrnn.cli.reading import load_preferred, read_blocks
from tui_charrnn.errors import ConfigError
from tui_charrnn.hangul import spelled_in
from tui_charrnn.invocation import command
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.sources import Source, find_sources
from tui_charrnn.training.machine import thread_count
from tui_charrnn.translation import format_percent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tui_charrnn.lens.neurons import Finding
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.viewing.embedding import Embedding

_NAMES: Final = (
    "double-quotes, single-quotes, parentheses, square-brackets, braces, brackets, bracket-depth, "
    "comment, after-name, line-position, newline-distance, indentation, word-start, upper-case, "
    "digit"
)
"""Names of all properties, repeated here because their module imports NumPy."""
_MEAN_WIDTH: Final = 8
SIGNS: Final = {-2: "=", -1: "-", 0: " ", 1: "+", 2: "#"}
"""The sign below a character, by level."""
_LEVEL_COLORS: Final = {
    -2: "\x1b[97;44m",  # foreground and background, readable on dark and on light terminals
    -1: "\x1b[30;46m",
    1: "\x1b[30;43m",
    2: "\x1b[97;41m",
}
_MIN_WIDTH: Final = 20  # columns


def neurons(
    corpus: Annotated[list[str], texts_argument("CORPUS...", "; read as one.")],
    model: ModelOption = None,
    top: Annotated[int, number_option("Cells to list for each property.", 1, 1000)] = 3,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="NAME",
            autocompletion=complete_one_of(_NAMES.split(", ")),
            help=f"Test only this property; repeatable. One of {_NAMES}.",
        ),
    ] = None,
    layer: Annotated[
        int | None, number_option("Use only this layer, counted from 0.", 0, metavar="L")
    ] = None,
    excerpts: Annotated[
        int, number_option("Passages to show, for the properties with the largest r.", 0, 100)
    ] = 3,
    as_json: JsonDocument = False,
    parallel: ParallelStreams = None,
    encoding: Encoding = "utf-8",
    runs_dir: RunsDir = None,
) -> None:
    """Find the cells of a model that follow a property of a text.

    Every cell is correlated with plain properties of the text. 0:c7 is the cell state of cell 7 in
    layer 0, the lowest, and 0:h7 is its output; r is Pearson's correlation. Passages are shown
    with a sign below every character: the level of the strongest cell.

    To see what a cell does, clamp it: charrnn-tui generate --clamp 0:c7=2.5
    """
    sources = find_sources(corpus, encoding=encoding).sources
    name, chosen = load_preferred(model, runs_dir)
    wanted = lazy.find_properties(properties or [])
    layers = chosen.config.layer_count
    if layer is not None and layer >= layers:
        raise ConfigError(f"--layer must be below {layers}. Received: {layer}.")
    finder = lazy.NeuronFinder(chosen, wanted, streams=parallel, threads=thread_count(None))
    result = finder.find(_blocks(sources, encoding), top=top, layer=layer)
    strongest_first = sorted(
        result.properties, key=lambda each: -abs(each.neurons[0].r) if each.neurons else 1.0
    )
    shown = [each for each in strongest_first if each.neurons and each.excerpt][:excerpts]
    texts = " + ".join(source.name for source in sources)
    if as_json:
        names = {each.property.name for each in shown}
        document = {
            "model": name,
            "text": texts,
            "characters": result.characters,
            "unknown": result.unknown,
            "shifts": lazy.SHIFTS,
            "properties": [
                _finding_values(each, chosen if each.property.name in names else None)
                for each in result.properties
            ],
        }
        print_json(document)
        return
    with text_output() as output:
        _write_report(output, strongest_first, shown, chosen)
    if result.unknown:
        print_message(
            f"{result.unknown:,} characters of {texts} are unknown to "
            f"{name}, which has read the other {result.characters:,}."
        )
    if result.characters < lazy.LEAST:
        print_message(
            f"{result.characters:,} characters are too few for a search: r means little below "
            f"{lazy.LEAST:,}."
        )
    if stdout_is_terminal() and strongest_first[0].neurons:
        cell = strongest_first[0].neurons[0]
        value = cell.mean + math.copysign(2 * cell.deviation, cell.r)
        clamp = f"{cell.neuron}={value:.2g}"
        print_message(f"To see what a cell does, clamp it: {command('generate', '--clamp', clamp)}")


def _blocks(sources: Sequence[Source], encoding: str) -> Iterator[str]:
    """Yield the characters of all texts in blocks, with a progress bar for each text."""
    for source in sources:
        with progress_bar(f"Reading {source.name}") as progress:
            yield from read_blocks(source, encoding, progress)


def _write_report(
    output: TextOutput,
    findings: "Sequence[Finding]",
    shown: "Sequence[Finding]",
    model: "Model",
) -> None:
    """Write the table of findings, then the excerpts in `shown` with the strongest cell of each."""
    for line in _table(findings):
        output.write(f"{line}\n")
    if shown:
        lower, upper = lazy.BORDERS
        output.write(
            "\nBelow each character: the cell is above (+) or below (-) its mean by "
            f"{lower:g} standard deviations,\nor by {upper:g} (# and =).\n"
        )
    for finding in shown:
        _write_excerpt(output, finding, model)


def _table(findings: "Sequence[Finding]") -> Iterator[str]:
    room = picture_width(_MIN_WIDTH)
    width = max(len(each.property.name) for each in findings) + 2
    names = [len(str(cell.neuron)) for each in findings for cell in each.neurons]
    name_width = max(names, default=0)
    cell_width = name_width + len(" +0.000  ")
    columns = max(1, (room - width - _MEAN_WIDTH - 10) // cell_width)
    yield f"{'PROPERTY':<{width}}{'MEAN':>{_MEAN_WIDTH}}  CHANCE  CELLS, AND r OF EACH"
    for each in findings:
        if not each.neurons:
            continue
        cells = [f"{cell.neuron!s:<{name_width}} {cell.r:+.3f}" for cell in each.neurons]
        start = f"{each.property.name:<{width}}{each.mean:>{_MEAN_WIDTH}.3g}  {each.chance:6.3f}  "
        for place in range(0, len(cells), columns):
            row = "".join(f"{cell:<{cell_width}}" for cell in cells[place : place + columns])
            yield f"{start if place == 0 else ' ' * len(start)}{row}".rstrip()
    chance = (
        "CHANCE: the largest |r| of any cell with the property shifted along the text, of "
        f"{lazy.SHIFTS} circular shifts. An r that does not exceed it may be due to chance."
    )
    yield from textwrap.wrap(chance, room)
    constant = [each.property.name for each in findings if not each.neurons]
    if constant:
        sentence = f"Constant in this text: {', '.join(constant)}."
        yield from textwrap.wrap(sentence, room, break_on_hyphens=False)


def _write_excerpt(output: TextOutput, finding: "Finding", model: "Model") -> None:
    strongest, excerpt = finding.neurons[0], finding.excerpt
    assert excerpt is not None  # noqa: S101 (the caller has seen it)
    values = lazy.values_of(strongest.neuron, excerpt, model)
    levels = lazy.levels_of(values, strongest.mean, strongest.deviation)
    output.write(
        f"\n{strongest.neuron} (r {strongest.r:+.3f}): {finding.property.name}, "
        f"{finding.property.sentence}\n"
    )
    styles = _LEVEL_COLORS if stdout_has_colors() else {}
    for row in excerpt_rows(excerpt.text, levels, picture_width(_MIN_WIDTH) - 2):
        output.write("  ")
        for text, level in row.pieces:
            output.write(text, styles.get(level, ""))
        output.write("\n")
        if row.marks:
            output.write(f"  {row.marks}\n")


def _finding_values(finding: "Finding", model: "Model | None") -> dict[str, Any]:
    """Return a finding as JSON values, with its excerpt if a model is given to read it."""
    values: dict[str, Any] = {
        "property": finding.property.name,
        "sentence": finding.property.sentence,
        "mean": finding.mean,
        "chance": finding.chance,
        "cells": [
            {
                "cell": str(each.neuron),
                **each.neuron._asdict(),
                "r": each.r,
                "mean": each.mean,
                "deviation": each.deviation,
            }
            for each in finding.neurons
        ],
    }
    if model is not None and finding.excerpt is not None:
        strongest = finding.neurons[0].neuron
        seen = lazy.values_of(strongest, finding.excerpt, model).tolist()
        values["excerpt"] = {
            "text": finding.excerpt.text,
            "cell": str(strongest),
            "values": seen,
            "property": finding.excerpt.values.tolist(),
        }
    return values


class ExcerptRow(NamedTuple):
    """One row of an excerpt."""

    pieces: tuple[tuple[str, int], ...]
    """Runs of characters of one level: their text, safe to show, and the level."""
    marks: str
    """The signs below the row; empty if all characters have level 0."""


def excerpt_rows(text: str, levels: "npt.NDArray[np.int8]", width: int) -> Iterator[ExcerptRow]:
    """Wrap an excerpt of N characters with levels, shape (N,), into rows of `width` columns."""
    row: list[tuple[str, int]] = []
    used = 0
    for character, level in zip(text, levels.tolist(), strict=True):
        shown = safe_line(character)
        columns = cell_len(shown)
        if used + columns > width and columns:
            yield _row(row)
            row, used = [], 0
        # a combining mark takes the level of the character before it
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


_MAP_HEIGHT: Final = 18  # rows
_GROUP_COLORS: Final = {
    "vowel": "31",
    "consonant": "36",
    "capital": "33",
    "digit": "32",
    "punctuation": "90",
    "final": "35",
    "other": "35",
    **{f"hangul{shade}": str(31 + shade) for shade in range(6)},
}
"""As SGR codes."""


def embedding(
    model: Annotated[
        str | None,
        model_argument("A model file, a run, or a bundled model; default: the first bundled one."),
    ] = None,
    character: Annotated[
        list[str] | None,
        typer.Option(metavar="CHARACTER", help="List the neighbors of this character; repeatable."),
    ] = None,
    count: Annotated[int, number_option("Neighbors to list per character.", 1)] = 8,
    as_json: JsonDocument = False,
    is_ascii: DrawnInAscii = False,
    runs_dir: RunsDir = None,
) -> None:
    """Plot the character embedding of a model, and list nearest neighbors.

    The axes are the first two principal components of the vectors; each character gets its own
    screen cell. The number after a neighbor is the cosine similarity of both vectors.
    """
    vectors = lazy.Embedding(load_preferred(model, runs_dir)[1])
    wanted = character or _default_characters(vectors.characters)
    spelled = {each: _spelled(vectors.characters, each) for each in wanted}
    unknown = [each for each, parts in spelled.items() if not parts]
    if unknown:
        raise ConfigError(
            f"--character must be one that the model knows. Received: {unknown[0]!r}."
        )
    parts = dict.fromkeys("".join(spelled.values()))
    chosen = [vectors.characters.index(each) for each in parts]
    if as_json:
        print_json(_embedding_values(vectors, count))
        return
    with text_output() as output:
        _draw(output, vectors, chosen, count, is_ascii=is_ascii)


def _spelled(vocabulary: str, character: str) -> str:
    """Spell a character in the vocabulary, a syllable perhaps in jamo; empty if it is unknown."""
    composed = unicodedata.normalize("NFC", character)
    return spelled_in(vocabulary, composed) if len(composed) == 1 else ""


def _default_characters(vocabulary: str) -> str:
    """Choose the default characters: the first three in the vocabulary of a fixed list."""
    return (
        "".join(each for each in "가나다aeT.0" if spelled_in(vocabulary, each))[:3]
        or vocabulary[:1]
    )


def _draw(
    output: TextOutput, vectors: "Embedding", chosen: list[int], count: int, *, is_ascii: bool
) -> None:
    is_colored = stdout_has_colors()
    shown = symbols(is_ascii=is_ascii)
    shares = vectors.plane[1]
    width = picture_width()
    for row in [*lazy.picture_of(vectors, width, _MAP_HEIGHT), [], *lazy.legend(vectors, width)]:
        for piece in row:
            color = _GROUP_COLORS.get(piece.kind, "") if is_colored else ""
            output.write(shown(piece.text), f"\x1b[{color}m" if color else "")
        output.write("\n")
    both, across, up = map(format_percent, (shares.sum(), *shares))
    rows = [
        f"The plane has {both} of the variance ({across} across, {up} up).",
        "",
        *(lazy.format_neighbors(vectors, index, count) for index in chosen),
        "",
        lazy.format_sizes(vectors),
    ]
    for line in rows:
        output.write(shown(line) + "\n")


def _embedding_values(vectors: "Embedding", count: int) -> dict[str, object]:
    places, shares = vectors.plane
    return {
        **vectors.sizes,
        "variance": shares.tolist(),
        "characters": [
            {
                "character": each,
                "group": lazy.group_of(each),
                "place": places[index].tolist(),
                "neighbors": [
                    {"character": near.character, "cosine": near.cosine}
                    for near in vectors.neighbors(index, count)
                ],
            }
            for index, each in enumerate(vectors.characters)
        ],
    }
