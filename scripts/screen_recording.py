"""A short film of the app as one SVG file: no script in it, CSS alone shows row after row.

It is put together from the pictures that Textual exports. A row of the screen that stays the same
for many frames is written once, with the time in which it is seen, so that a film takes little more
room than a few pictures.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

from textual.app import App

_HEIGHT: Final = 24.4
"""Of a row, in the units of an exported picture."""
_MARGIN: Final = 12
_FONT: Final = "20px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_LOOK: Final = re.compile(r"\.terminal-(r\d+) \{ ([^}]*?);? \}")
_GROUND: Final = re.compile(r'<rect fill="([^"]*)" x="([^"]*)" y="([^"]*)" width="([^"]*)"')
_TEXT: Final = re.compile(
    r'<text class="terminal-(r\d+)" x="([^"]*)" y="[^"]*" textLength="([^"]*)" '
    r'clip-path="url\(#terminal-line-(\d+)\)">([^<]*)</text>'
)
_SPACE: Final = "&#160;"

Row = tuple[tuple[str, ...], ...]
"""Of a row: (color, x, width) of what lies behind, then (look, x, width, text) of the texts."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the screen shows, and for how long."""

    rows: tuple[Row, ...]
    seconds: float


class Recording:
    """Takes frames of an app."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._frames: list[Frame] = []

    def take(self, seconds: float) -> None:
        """Let what the screen shows now be seen for so many seconds."""
        picture = re.sub(r"terminal-\d+-", "terminal-", self._app.export_screenshot(simplify=True))
        self._frames.append(Frame(_rows_of(picture, self._app.size.height), seconds))

    def write(self, path: Path) -> None:
        """Write the film, which begins again at its end."""
        ground = self._app.theme_variables["background"]
        path.write_text(_film(self._frames, self._app.size.width * 12.2, ground), "utf-8")


def _rows_of(picture: str, height: int) -> tuple[Row, ...]:
    looks = dict(_LOOK.findall(picture))
    rows: list[list[tuple[str, ...]]] = [[] for _ in range(height)]
    for color, x, y, width in _GROUND.findall(picture):
        rows[round((float(y) - 1.5) / _HEIGHT)].append((color, x, width))
    for name, x, width, number, text in _TEXT.findall(picture):
        if text.replace(_SPACE, "").strip() and int(number) < height:
            rows[int(number)].append((looks[name], x, width, text))
    return tuple(map(tuple, rows))


def _film(frames: Sequence[Frame], width: float, ground: str) -> str:
    ends = [sum(frame.seconds for frame in frames[:place]) for place in range(len(frames) + 1)]
    looks, times, body = dict[str, str](), dict[tuple[int, int], str](), list[str]()
    for number in range(len(frames[0].rows)):
        shown = [frame.rows[number] for frame in frames]
        for first, last in _stretches(shown):
            if shown[first]:
                name = times.setdefault((first, last), f"t{len(times)}")
                drawn = "".join(_drawn(piece, number, looks, ground) for piece in shown[first])
                body.append(f'<g class="{name}">{drawn}</g>')
    sheet = chain(
        (f".{name}{{{look.replace(' ', '')}}}" for look, name in looks.items()),
        (_seen(name, ends[first], ends[last], ends[-1]) for (first, last), name in times.items()),
    )
    box = f"{-_MARGIN} {-_MARGIN} {width + 2 * _MARGIN:.0f}"
    height = len(frames[0].rows) * _HEIGHT + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box} {height:.0f}">'
        f"<style>text{{font:{_FONT}}}{''.join(sheet)}</style>"
        f'<rect x="{-_MARGIN}" y="{-_MARGIN}" width="100%" height="100%" rx="10" fill="{ground}"/>'
        f"{''.join(body)}</svg>\n"
    )


def _stretches(rows: Sequence[Row]) -> Iterable[tuple[int, int]]:
    """Where a row stays the same: its first frame, and the first one that has another row."""
    first = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place] != rows[first]:
            yield first, place
            first = place


def _seen(name: str, begin: float, end: float, total: float) -> str:
    """The style of what is seen during a part of the film; all of it has none."""
    if end - begin >= total:
        return ""
    keys = [f"{100 * begin / total:.2f}%{{opacity:1}}", f"{100 * end / total:.2f}%{{opacity:0}}"]
    keys = keys[: 1 if end >= total else 2]
    return (
        f"@keyframes {name}{{{''.join(keys)}}}"
        f".{name}{{opacity:0;animation:{name} {total:.1f}s step-end infinite}}"
    )


def _drawn(piece: tuple[str, ...], number: int, looks: dict[str, str], ground: str) -> str:
    top = number * _HEIGHT
    if len(piece) == 3:
        color, x, width = piece
        if color == ground:
            return ""
        return f'<rect x="{x}" y="{top:.1f}" width="{width}" height="24.6" fill="{color}"/>'
    look, x, width, text = piece
    name = looks.setdefault(look, f"s{len(looks)}")
    return (
        f'<text class="{name}" x="{x}" y="{top + 19:.1f}" textLength="{width}" '
        f'xml:space="preserve">{text}</text>'
    )
