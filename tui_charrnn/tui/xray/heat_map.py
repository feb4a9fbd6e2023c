"""Heat maps: numbers as a grid of colors, or of signs on terminals without colors.

A colored cell shows two numbers, one above the other; a sign shows one. If there is no room for
all, the number of each group that is furthest from the middle is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

from textual.color import Color
from textual.content import Content
from textual.style import Style

from tui_charrnn.translation import tr
from tui_charrnn.tui.text.streamed_text import LOOKS
from tui_charrnn.tui.xray.colorings import Scale
from tui_charrnn.viewing.formatting import bar

SIGNS: Final = "=-.+#"
"""Sign of each level, from far below the middle to far above it."""
_SHADES: Final = 24
"""Steps of color on either side of the middle."""
_COLUMNS_FROM: Final = 60
"""Minimum columns for two maps side by side."""
_GAP: Final = 2
"""Columns between two maps."""
_BAR: Final = 6
"""Columns of the bar of a mean."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Numbers of one kind, one for each unit of a layer."""

    name: str
    values: Sequence[float]
    scale: Scale
    """The levels that choose the signs."""
    middle: float
    """The number without color."""
    reach: float
    """Distance from the middle at which the color saturates."""
    ends: tuple[str, str]
    """Labels of the low and the high end."""
    marked: int | None = None
    """Index of a marked number; None for none."""
    has_mean: bool = False
    """Whether the header shows the mean, with a bar from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The colors of a theme."""

    ground: Color
    negative: Color
    positive: Color


def rows_needed(maps: Sequence[HeatMap], width: int, palette: Palette | None, most: int) -> int:
    """Return how many rows maps take, with at most `most` rows below the header of each."""
    columns = _columns(maps, width)
    per_row = _room(width, columns) * (1 if palette is None else 2)
    rows = max((-(-len(heat_map.values) // per_row) for heat_map in maps), default=0)
    return -(-len(maps) // columns) * (min(rows, most) + 1)


def heat_rows(
    maps: Sequence[HeatMap], width: int, height: int, palette: Palette | None
) -> list[Content]:
    """Draw maps as rows, `height` at most; without a palette as signs."""
    if not maps or height < 1:
        return []
    columns = _columns(maps, width)
    bands = -(-len(maps) // columns)
    each = max(height // bands - 1, 1)
    rows: list[Content] = []
    for first in range(0, len(maps), columns):
        drawn = [
            _draw(heat_map, _room(width, columns), each, palette)
            for heat_map in maps[first:][:columns]
        ]
        for row in range(max(map(len, drawn))):
            parts = [rows_of[row] if row < len(rows_of) else Content("") for rows_of in drawn]
            rows.append(_side_by_side(parts, _room(width, columns)))
    return rows[:height]


def scale_row(maps: Sequence[HeatMap], palette: Palette | None) -> Content:
    """Return a row that explains the colors or signs."""
    if not maps:
        return Content("")
    low, high = maps[0].ends
    if palette is None:
        words = f"{SIGNS[:2]} {low}  {SIGNS[2]} {tr('between')}  {SIGNS[3:]} {high}"
        return Content(words).stylize("$note-text")
    steps = range(-_SHADES, _SHADES + 1, 4)
    return Content.assemble(
        (f"{low} ", "$note-text"),
        *(("█", _style(palette, step)) for step in steps),
        (f" {high}", "$note-text"),
    )


def _columns(maps: Sequence[HeatMap], width: int) -> int:
    return 2 if width >= _COLUMNS_FROM and len(maps) > 1 else 1


def _room(width: int, columns: int) -> int:
    """Return the columns of one map if `columns` maps are side by side."""
    return max((width - _GAP * (columns - 1)) // columns, 1)


def _side_by_side(parts: Sequence[Content], width: int) -> Content:
    row = Content("")
    for part in parts:
        if row.cell_length:
            row = row.append(" " * _GAP)
        row = row.append(part).append(" " * max(width - part.cell_length, 0))
    return row


def _draw(heat_map: HeatMap, width: int, height: int, palette: Palette | None) -> list[Content]:
    """Return a map's header and its rows, `height` at most without the header."""
    per_row = width * (1 if palette is None else 2)
    pool = max(-(-len(heat_map.values) // (per_row * height)), 1)
    values = _pooled(heat_map, pool)
    marked = None if heat_map.marked is None else heat_map.marked // pool
    if palette is None:
        rows = _signs(heat_map, values, width, marked)
    else:
        rows = _cells(heat_map, values, width, marked, palette)
    return [_head(heat_map, pool, width), *rows]


def _head(heat_map: HeatMap, pool: int, width: int) -> Content:
    count = len(heat_map.values)
    parts = [Content(heat_map.name).stylize("bold")]
    if heat_map.has_mean and count:
        mean = sum(heat_map.values) / count
        parts += [Content(f"{mean:.2f}"), Content(f"{bar(mean, _BAR):<{_BAR}}").stylize("$accent")]
    units = tr("{count:,} units", count=count)
    if pool > 1:
        units = tr("{count:,} units, {pool} in one", count=count, pool=pool)
    parts.append(Content(units).stylize("$note-text"))
    return Content(" ").join(parts).truncate(width, ellipsis=True)


def _pooled(heat_map: HeatMap, pool: int) -> list[float]:
    """Return, of every `pool` adjacent numbers, the one furthest from the middle."""
    if pool == 1:
        return list(heat_map.values)
    starts = range(0, len(heat_map.values), pool)
    return [
        max(heat_map.values[start : start + pool], key=lambda value: abs(value - heat_map.middle))
        for start in starts
    ]


def _signs(
    heat_map: HeatMap, values: Sequence[float], width: int, marked: int | None
) -> list[Content]:
    looks = [color for color, _ in LOOKS["diverging"]]
    rows = []
    for start in range(0, len(values), width):
        parts = []
        for place, value in enumerate(values[start : start + width], start):
            level = heat_map.scale.level(value)
            style = f"{looks[level]} bold reverse" if place == marked else looks[level]
            parts.append((SIGNS[level], style))
        rows.append(Content.assemble(*_merged(parts)))
    return rows


def _cells(
    heat_map: HeatMap, values: Sequence[float], width: int, marked: int | None, palette: Palette
) -> list[Content]:
    distances = [(value - heat_map.middle) / heat_map.reach for value in values]
    steps = [round(_SHADES * max(-1.0, min(distance, 1.0))) for distance in distances]
    rows = []
    for start in range(0, len(steps), 2 * width):
        upper, lower = steps[start : start + width], steps[start + width : start + 2 * width]
        parts: list[tuple[str, Style]] = []
        for column, step in enumerate(upper):
            below = lower[column] if column < len(lower) else None
            places = start + column, start + width + column
            if marked in places:
                here = step if marked == places[0] else below or 0
                parts.append(("◆", _mark(palette, here)))
            else:
                parts.append(("▀", _style(palette, step, below)))
        rows.append(Content.assemble(*_merged(parts)))
    return rows


def _merged(parts: Sequence[tuple[str, Style | str]]) -> list[tuple[str, Style | str]]:
    """Merge adjacent parts of the same style, which are drawn faster."""
    groups = groupby(parts, key=lambda part: part[1])
    return [("".join(text for text, _ in group), look) for look, group in groups]


def _color(palette: Palette, step: int) -> Color:
    full = palette.positive if step > 0 else palette.negative
    return palette.ground.blend(full, abs(step) / _SHADES, 1)


@lru_cache(8192)
def _style(palette: Palette, upper: int, lower: int | None = None) -> Style:
    background = None if lower is None else _color(palette, lower)
    return Style(foreground=_color(palette, upper), background=background)


@lru_cache(256)
def _mark(palette: Palette, step: int) -> Style:
    ground = _color(palette, step)
    return Style(foreground=ground.get_contrast_text(1), background=ground, bold=True)
