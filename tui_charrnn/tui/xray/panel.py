"""What is known of one character: what was expected, states and gates, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.color import Color
from textual.content import Content
from textual.reactive import var
from textual.widgets import Static

from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.text.alternative_rows import character_words
from tui_charrnn.tui.throttle import Throttle
from tui_charrnn.tui.xray.heat_map import Palette, heat_rows, rows_needed, scale_row
from tui_charrnn.tui.xray.pages import EXPECTED, Page, maps_of, pages_of
from tui_charrnn.tui.xray.rows import expected_rows, place_rows, tabs_row

if TYPE_CHECKING:
    from textual.app import App

    from tui_charrnn.tui.text.spoken_text import SpokenText
    from tui_charrnn.tui.xray.heat_map import HeatMap
    from tui_charrnn.tui.xray.places import XrayPlace

STREAMING_INTERVAL: Final = 0.3
"""Seconds between two drawings while the text streams, whose time they take."""
_FEW_COLORS: Final = frozenset({None, "standard"})
"""What Rich says of a terminal that has sixteen colors, or none."""
_LEAST_EXPECTED: Final = 4
"""Rows from which on what was expected is worth being shown below another page."""
_LEAST_INSIDE: Final = 3
"""The same of a heat map, without its head."""


class XrayPanel(Static):
    """Beside the text, or below it where there is less room; `fit_xray` says which."""

    DEFAULT_CSS = """
    XrayPanel {
        dock: right;
        width: 40%;
        min-width: 40;
        max-width: 64;
        height: 100%;
        padding: 0 1;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        &.-below {
            dock: none;
            width: 100%;
            max-width: 100%;
            border: none;
            border-top: round $foreground 25%;
        }
    }
    """

    page: var[int] = var(0, init=False)
    """Which page is shown."""

    def __init__(self, text: SpokenText) -> None:
        super().__init__(id="xray-panel", markup=False)
        self._text = text
        self._will_redraw = False
        self._drawing = Throttle(self, self.redraw, STREAMING_INTERVAL)

    @property
    def pages(self) -> list[Page]:
        """The pages that there are for the model that speaks."""
        opening = self._text.generation.opening if self._text.generation is not None else None
        if opening is None:
            return [EXPECTED]
        config = opening.loaded.model.config
        return pages_of(config.layer_count, has_gates=config.cell != "rnn")

    def on_mount(self) -> None:
        """Follow the text."""
        self.border_title = Content("X-ray")
        for name in ("seen", "snapshot", "legend", "additions", "streaming"):
            self.watch(self._text, name, self._redraw_soon)

    def on_resize(self) -> None:
        """Show as much as there is room for."""
        self.redraw()

    def watch_page(self) -> None:
        """Show another page."""
        self.redraw()

    def turn_page(self) -> bool:
        """Go on to the next page; after the last comes the first.

        Returns:
            Whether it is the first again.
        """
        self.page = (self.page + 1) % len(self.pages)
        return self.page == 0

    def _redraw_soon(self) -> None:
        """Draw once for all that becomes known at the same time, rarely while the text streams."""
        if self._text.streaming:
            self._drawing.request(None)
        elif not self._will_redraw:
            self._will_redraw = True
            self.call_later(self._drawing.draw_now)

    def redraw(self) -> None:
        """Show what is known of the character that the text has in view."""
        self._will_redraw = False
        seen, pages = self._text.seen, self.pages
        page = min(self.page, len(pages) - 1)
        width, height = self.size
        if seen is None or not self.display or width < 1:
            self.border_title = Content("X-ray")
            self._text.wants_snapshot = self.display and pages[page] != EXPECTED
            self.update("", layout=False)
            return
        name = self._name_of(seen.index)
        rows: list[Content] = []
        tabs = tabs_row(pages, page, key_label("speech.xray_page"), width)
        title = Content(f"X-ray · character {seen.position + 1:,}: {name}")
        if self.has_class("-below"):  # the line above has the numbers
            title = title.append(" · ").append(tabs)
        else:
            rows += [tabs, *self._numbers(seen), Content("")]
        self.border_title = title
        rows += self._paged(seen, pages, page, height - len(rows))
        self.update(Content("\n").join(rows[:height]), layout=False)

    def _numbers(self, seen: XrayPlace) -> list[Content]:
        numbers = [
            Content(f"{name:<12} {value:>14}")
            for name, value in place_rows(seen.prediction, seen.running, seen.count)
        ]
        levels = self._text.levels
        if levels is not None:
            width = self.size.width
            numbers += levels.rows(seen.branch, seen.position, width, self.size.height // 3)
        return numbers

    def _paged(self, seen: XrayPlace, pages: list[Page], first: int, height: int) -> list[Content]:
        """A page, and below it those after it that there is room for."""
        rows: list[Content] = []
        palette, width = palette_of(self.app), self.size.width
        wants_snapshot = False
        for number, page in enumerate(pages[first:] + pages[:first]):
            room = height - len(rows) - (1 if number else 0)
            maps = [] if page == EXPECTED else self._maps(page)
            if room < (_needed(maps, width, palette) if number else 1):
                continue
            rows += [Content("")] if number else []
            if page == EXPECTED:
                rows += expected_rows(seen, width, room, self._name_of)
            else:
                wants_snapshot = True
                rows += _snapshot_rows(maps, width, room, palette)
        self._text.wants_snapshot = wants_snapshot
        return rows

    def _name_of(self, index: int) -> str:
        return name_of(self._text, index)

    def _maps(self, page: Page) -> list[HeatMap] | None:
        """What there is of a layer; None as long as that is not known."""
        snapshot, levels = self._text.snapshot, self._text.levels
        if snapshot is None or page.layer >= len(snapshot.layers):
            return None
        probe = getattr(levels, "probe", None)
        return maps_of(page, snapshot.layers[page.layer], probe)


_COLORS: Final = ("background", "xray-negative", "xray-positive")


def palette_of(app: App[object]) -> Palette | None:
    """The colors of the theme that an app wears; None where signs are to be drawn."""
    if app.no_color or getattr(app, "is_ascii", False) or app.current_theme.ansi:
        return None
    if app.console.color_system in _FEW_COLORS:
        return None
    colors = app.theme_variables
    return Palette(*(Color.parse(colors[name]) for name in _COLORS))


def _needed(maps: list[HeatMap] | None, width: int, palette: Palette | None) -> int:
    """Rows from which on a page is worth being shown below another one."""
    if maps is None:
        return 1
    if not maps:
        return _LEAST_EXPECTED
    return rows_needed(maps, width, palette, _LEAST_INSIDE) + 1


def _snapshot_rows(
    maps: list[HeatMap] | None, width: int, height: int, palette: Palette | None
) -> list[Content]:
    if maps is None:
        return [Content("Reading …").stylize("$note-text")]
    return [*heat_rows(maps, width, height - 1, palette), scale_row(maps, palette)]


def name_of(text: SpokenText, index: int) -> str:
    """A character of the vocabulary that speaks, safe to show."""
    opening = text.generation.opening if text.generation is not None else None
    if opening is None:
        return ""
    is_ascii = bool(getattr(text.app, "is_ascii", False))
    return character_words(opening.vocabulary[index], is_ascii=is_ascii)
