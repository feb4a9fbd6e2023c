"""Records the app as one animated SVG file, without scripts: CSS shows the rows in turn.

It is built from the pictures that Textual exports. A row that stays the same for many frames is
written once, with the time in which it is visible, so that a recording takes little more space than
a few pictures.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from textual.app import App

_HEIGHT: Final = 24.4
"""Height of a row, in the units of an exported picture."""
_MARGIN: Final = 12
_FONT: Final = "20px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_STYLE: Final = re.compile(r"\.terminal-(r\d+) \{ ([^}]*?);? \}")
_BACKGROUND: Final = re.compile(r'<rect fill="([^"]*)" x="([^"]*)" y="([^"]*)" width="([^"]*)"')
_TEXT: Final = re.compile(
    r'<text class="terminal-(r\d+)" x="([^"]*)" y="[^"]*" textLength="([^"]*)" '
    r'clip-path="url\(#terminal-line-(\d+)\)">([^<]*)</text>'
)
_CELL: Final = 12.2
"""Width of a cell, in the same units."""
_GAP: Final = 4
"""Minimum blank cells after which text is positioned separately: fonts differ in their widths."""
_BLANK: Final = "\N{NO-BREAK SPACE}"


class Piece(NamedTuple):
    """A text of one style, or a background color of some cells."""

    style: str
    column: int
    width: int
    text: str = ""


Row = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The screen's rows and how long they are shown."""

    rows: tuple[Row, ...]
    seconds: float


class Recording:
    """Takes frames of an app."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._frames: list[Frame] = []

    def take(self, seconds: float) -> None:
        """Add a frame of the current screen, shown for `seconds`."""
        picture = re.sub(r"terminal-\d+-", "terminal-", self._app.export_screenshot(simplify=True))
        self._frames.append(Frame(_rows_of(picture, self._app.size.height), seconds))

    def write(self, path: Path) -> None:
        """Write the recording, which repeats endlessly."""
        background = self._app.theme_variables["background"].lower()
        path.write_text(_svg_of(self._frames, self._app.size.width * _CELL, background), "utf-8")


def _rows_of(picture: str, height: int) -> tuple[Row, ...]:
    styles = dict(_STYLE.findall(picture))
    rows: list[list[Piece]] = [[] for _ in range(height)]
    for color, x, y, width in _BACKGROUND.findall(picture):
        rows[round((float(y) - 1.5) / _HEIGHT)].append(Piece(color, _cells(x), _cells(width)))
    for name, x, width, number, text in _TEXT.findall(picture):
        words = text.replace("&#160;", _BLANK)
        if words.strip(_BLANK) and int(number) < height:
            rows[int(number)].append(Piece(styles[name], _cells(x), _cells(width), words))
    return tuple(map(tuple, rows))


def _cells(length: str) -> int:
    return round(float(length) / _CELL)


def _svg_of(frames: Sequence[Frame], width: float, background: str) -> str:
    ends = [sum(frame.seconds for frame in frames[:place]) for place in range(len(frames) + 1)]
    styles, times, rows = dict[str, str](), dict[tuple[int, int], str](), dict[str, str]()
    body: list[str] = []
    for number in range(len(frames[0].rows)):
        shown = [frame.rows[number] for frame in frames]
        for first, last in _stretches(shown):
            if drawn := _drawn(shown[first], styles, background):
                time = times.setdefault((first, last), f"t{len(times)}")
                row = rows.setdefault(drawn, f"r{len(rows)}")
                top = f"{number * _HEIGHT:.0f}"
                body.append(f'<use href="#{row}" y="{top}" class="{time}"/>')
    sheet = chain(
        (f".{name}{{{style.replace(' ', '')}}}" for style, name in styles.items()),
        (_seen(name, ends[first], ends[last], ends[-1]) for (first, last), name in times.items()),
    )
    drawings = "".join(f'<g id="{name}">{drawn}</g>' for drawn, name in rows.items())
    box = f"{-_MARGIN} {-_MARGIN} {width + 2 * _MARGIN:.0f}"
    height = len(frames[0].rows) * _HEIGHT + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box} {height:.0f}">'
        f"<style>text{{font:{_FONT}}}{''.join(sheet)}</style><defs>{drawings}</defs>"
        f'<rect x="{-_MARGIN}" y="{-_MARGIN}" width="100%" height="100%" rx="10" '
        f'fill="{background}"/>'
        f"{''.join(body)}</svg>\n"
    )


def _stretches(rows: Sequence[Row]) -> Iterable[tuple[int, int]]:
    """Yield intervals of equal rows: the first frame, and the first one with another row."""
    first = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place] != rows[first]:
            yield first, place
            first = place


def _seen(name: str, begin: float, end: float, total: float) -> str:
    """The style of a row that is visible from `begin` to `end`; empty if always visible."""
    if end - begin >= total:
        return ""
    keys = [f"{100 * begin / total:.2f}%{{opacity:1}}", f"{100 * end / total:.2f}%{{opacity:0}}"]
    keys = keys[: 1 if end >= total else 2]
    return (
        f"@keyframes {name}{{{''.join(keys)}}}"
        f".{name}{{opacity:0;animation:{name} {total:.1f}s step-end infinite}}"
    )


def _drawn(row: Row, styles: dict[str, str], background: str) -> str:
    """Draw a row at the top of the picture."""
    drawn = [
        f'<rect x="{piece.column * _CELL:.1f}" width="{piece.width * _CELL:.1f}" height="24.6" '
        f'fill="{piece.style}"/>'
        for piece in row
        if not piece.text and piece.style != background
    ]
    texts = [piece for piece in row if piece.text]
    begin = 0
    for place in range(1, len(texts) + 1):
        before = texts[place - 1]
        if place == len(texts) or texts[place].column - before.column - before.width >= _GAP:
            drawn.append(_placed(texts[begin:place], styles))
            begin = place
    return "".join(drawn)


def _placed(pieces: Sequence[Piece], styles: dict[str, str]) -> str:
    """Draw adjacent pieces."""
    first, last = pieces[0], pieces[-1]
    column, spans = first.column, list[str]()
    for piece in pieces:
        blank = _BLANK * (piece.column - column)
        name = styles.setdefault(piece.style, f"s{len(styles)}")
        spans.append(f'{blank}<tspan class="{name}">{piece.text}</tspan>')
        column = piece.column + piece.width
    width = (last.column + last.width - first.column) * _CELL
    place = f'x="{first.column * _CELL:.1f}" y="19" textLength="{width:.1f}"'
    return f"<text {place}>{''.join(spans)}</text>"
