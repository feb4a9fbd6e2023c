"""The x-ray panel: one character's prediction, states and gates, on pages."""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from textual.app import App
from textual.color import Color
from textual.content import Content
from textual.widgets import Static

from tui_charrnn.generation.calibration import Reliability
from tui_charrnn.generation.neuron import GATE_NAMES, Probe
from tui_charrnn.lens.reading import LayerView, Prediction
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import Throttle
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.text.alternative_rows import (
    FORBIDDEN,
    FORBIDDEN_MARK,
    character_row,
    mark_of,
)
from tui_charrnn.tui.text.streamed_text import LOOKS, ScaleName
from tui_charrnn.tui.text.tape_text import TapeText
from tui_charrnn.tui.xray.color_layer import XrayColors, XrayPlace
from tui_charrnn.tui.xray.colorings import (
    CANDIDATE_SCALE,
    GATE_SCALE,
    NAME,
    VALUE,
    full_scale,
    neuron_scale,
)
from tui_charrnn.tui.xray.heat_map import HeatMap, Palette, heat_rows, rows_needed, scale_row
from tui_charrnn.viewing.formatting import format_character, longest_fitting, padded, percent
from tui_charrnn.viewing.probability_rows import reliability_lines

STREAMING_INTERVAL: Final = 0.3
"""Seconds between two drawings while the text streams, because drawing slows generation."""
_FEW_COLORS: Final = frozenset({None, "standard"})
"""Rich color systems with at most sixteen colors."""
_LEAST_EXPECTED: Final = 4
"""Minimum rows of the prediction below another page."""
_LEAST_INSIDE: Final = 3
"""Minimum rows of a heat map below another page, without its header."""
_NAME: Final = 9  # columns of a character's name
_NUMBER: Final = 8  # columns of its probability

Kind = Literal["expected", "state", "gates", "hits"]


class Page(NamedTuple):
    """A page of the panel."""

    kind: Kind
    layer: int = 0
    """The layer of states or gates."""
    is_only: bool = True
    """Whether the network has one layer."""

    @property
    def title(self) -> str:
        """The title of the page."""
        name = tr(self.kind)
        return name if self.is_only else f"{name} {self.layer}"


_SCALE_QUANTILE: Final = 0.95
"""Quantile of a layer's absolute states that ends the scale; a few outliers are clipped."""
_LEAST_HITS: Final = 13
"""Rows of the reliability diagram."""


class XrayPanel(Static):
    """The panel beside the text, or below it if there is less room; see `XrayLegend.fit`."""

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

    def __init__(self, colors: XrayColors) -> None:
        super().__init__(id="xray-panel", markup=False)
        self.display = False
        self.page = 0
        """Index of the current page."""
        self._colors = colors
        self._will_redraw = False
        self._drawing = Throttle(self, self.redraw, STREAMING_INTERVAL)

    @property
    def pages(self) -> list[Page]:
        """The pages for the current model."""
        loaded = self._colors.text.loaded
        if loaded is None:
            return [Page("expected"), Page("hits")]
        config = loaded.model.config
        kinds: tuple[Kind, ...] = ("state",) if config.cell == "rnn" else ("state", "gates")
        layers, is_only = range(config.layer_count), config.layer_count == 1
        inside = [Page(kind, layer, is_only) for layer in layers for kind in kinds]
        return [Page("expected"), *inside, Page("hits")]

    def on_mount(self) -> None:
        """Follow the colors and the text."""
        self.border_title = Content(tr("X-ray"))
        self._colors.changed.connect(self._redraw_soon)
        self.watch(self._colors.text.view, "streaming", self._redraw_soon)

    def on_resize(self) -> None:
        """Show as much as there is room for."""
        self.redraw()

    def turn_page(self) -> bool:
        """Turn to the next page, which `redraw` shows; return whether it is the first again."""
        self.page = (self.page + 1) % len(self.pages)
        return self.page == 0

    def _redraw_soon(self) -> None:
        """Combine several changes into one drawing; draw rarely while the text streams."""
        if self._colors.text.view.streaming:
            self._drawing.request(None)
        elif not self._will_redraw:
            self._will_redraw = True
            self.call_later(self._drawing.draw_now)

    def redraw(self) -> None:
        """Draw the panel for the current character."""
        self._will_redraw = False
        seen, pages = self._colors.seen, self.pages
        page = min(self.page, len(pages) - 1)
        width, height = self.size
        if seen is None or not self.display or width < 1:
            self.border_title = Content(tr("X-ray"))
            self._colors.shows = frozenset({pages[page].kind} if self.display else ())
            self.update("", layout=False)
            return
        name = self._name_of(seen.index)
        rows: list[Content] = []
        tabs = tabs_row(pages, page, tr_keys("{speech.xray_page}"), width)
        number = seen.position + 1
        title = Content(tr("X-ray · character {number:,}: {name}", number=number, name=name))
        if self.has_class("-below"):  # the legend's line shows the numbers
            title = title.append(" · ").append(tabs)
        else:
            rows += [tabs, *self._numbers(seen), Content("")]
        self.border_title = title
        rows += self._page_rows(seen, pages, page, height - len(rows))
        self.update(Content("\n").join(rows[:height]), layout=False)

    def _numbers(self, seen: XrayPlace) -> list[Content]:
        expected = seen.prediction
        rows = [
            (tr("probability"), percent(expected.probability)),
            (tr("surprise"), tr("{bits:.2f} bits", bits=expected.surprise)),
            (tr("entropy"), tr("{bits:.2f} bits", bits=expected.entropy)),
            format_mean(self._colors.text, seen),
        ]
        numbers = [
            Content(f"{padded(name, NAME)} {padded(value, VALUE, to_right=True)}")
            for name, value in rows
        ]
        levels = self._colors.levels
        if levels is not None:
            width = self.size.width
            numbers += levels.rows(seen.branch, seen.position, width, self.size.height // 3)
        return numbers

    def _page_rows(
        self, seen: XrayPlace, pages: list[Page], first: int, height: int
    ) -> list[Content]:
        """Return the rows of a page, and of the pages after it that fit below."""
        rows: list[Content] = []
        palette, width = palette_of(self.app), self.size.width
        shown = set[str]()
        for number, page in enumerate(pages[first:] + pages[:first]):
            room = height - len(rows) - (1 if number else 0)
            maps = self._maps(page) if page.kind in {"state", "gates"} else []
            needed = _LEAST_HITS if page.kind == "hits" else _least_rows(maps, width, palette)
            if room < (needed if number else 1):
                continue
            rows += [Content("")] if number else []
            shown.add(page.kind)
            if page.kind == "hits":
                reading = self._colors.reading
                reliability = None if reading is None else reading.reliability
                rows += hits_rows(reliability, width, room)
            elif page.kind == "expected":
                rows += expected_rows(seen, width, room, self._name_of)
            elif maps is None:
                rows.append(Content(tr("Reading …")).stylize("$note-text"))
            else:
                rows += [*heat_rows(maps, width, room - 1, palette), scale_row(maps, palette)]
        self._colors.shows = frozenset(shown)
        return rows

    def _name_of(self, index: int) -> str:
        return name_of(self._colors.text, self.app, index)

    def _maps(self, page: Page) -> list[HeatMap] | None:
        """Return the heat maps of a layer; None if its states are not known yet."""
        snapshot, levels = self._colors.snapshot, self._colors.levels
        if snapshot is None or page.layer >= len(snapshot.layers):
            return None
        probe = getattr(levels, "probe", None)
        return maps_of(page, snapshot.layers[page.layer], probe)


def palette_of(app: App[object]) -> Palette | None:
    """Return the colors of the app's theme; None if signs must be drawn instead."""
    if app.no_color or getattr(app, "is_ascii", False) or app.current_theme.ansi:
        return None
    if app.console.color_system in _FEW_COLORS:
        return None
    names = "background", "xray-negative", "xray-positive"
    return Palette(*(Color.parse(app.theme_variables[name]) for name in names))


def _least_rows(maps: list[HeatMap] | None, width: int, palette: Palette | None) -> int:
    """Return the minimum rows of a page below another one."""
    if maps is None:
        return 1
    if not maps:
        return _LEAST_EXPECTED
    return rows_needed(maps, width, palette, _LEAST_INSIDE) + 1


def name_of(text: TapeText, app: App[object], index: int) -> str:
    """Return a character by its vocabulary index, safe to show."""
    if text.loaded is None:
        return ""
    character = text.loaded.model.vocabulary.characters[index]
    return format_character(character, is_ascii=bool(getattr(app, "is_ascii", False)))


def hits_rows(reliability: Reliability | None, width: int, height: int) -> list[Content]:
    """Return the reliability diagram of the read characters, in `height` rows at most."""
    bins = [] if reliability is None else reliability.bins
    count = sum(each.symbols for each in bins)
    head, error = tr("{count:,} characters examined", count=count), None
    if reliability is not None:
        error = reliability.error
    is_low = height < _LEAST_HITS
    if is_low:  # only non-empty bins, the most confident first
        bins = [each for each in reversed(bins) if each.symbols]
    lines = list(reliability_lines(bins, error, width))
    if is_low and error is not None:  # the last line, which would be cut off
        head += f" · {lines.pop()}"
    return [Content(head).stylize("$note-text"), *map(Content, lines)][:height]


def maps_of(page: Page, view: LayerView, probe: Probe | None) -> list[HeatMap]:
    """Return the states or gates of a layer, with the coloring unit marked."""

    def marked(part: str) -> int | None:
        is_here = probe is not None and (probe.layer, probe.part) == (page.layer, part)
        return probe.unit if is_here and probe is not None else None

    if page.kind == "gates":
        return [
            HeatMap(
                name=tr(name),
                values=values.tolist(),
                scale=CANDIDATE_SCALE if part == "g" else GATE_SCALE,
                middle=0.0 if part == "g" else 0.5,
                reach=1.0 if part == "g" else 0.5,
                ends=(tr("shut, -1"), tr("open, 1")),
                marked=marked(part),
                has_mean=part != "g",
            )
            for part, values in view.items()
            if (name := GATE_NAMES.get(part))
        ]
    names = {"h": tr("hidden state h"), "c": tr("cell state c")}
    maps = []
    for part, values in ((part, view[part]) for part in names if part in view):
        full = full_scale(float(np.quantile(abs(values), _SCALE_QUANTILE, method="lower")))
        label = f"{names[part]} ±{full:g}"
        ends = tr("below 0"), tr("above 0")
        scale = neuron_scale(full)
        maps.append(HeatMap(label, values.tolist(), scale, 0.0, full, ends, marked(part)))
    return maps


def format_mean(text: TapeText, seen: XrayPlace) -> tuple[str, str]:
    """Format a mean surprise: the number of last characters, and bits per character or jamo."""
    name = tr("last {count}", count=seen.count)
    if text.opening is not None and text.opening.is_jamo:
        return name, tr("{bits:.2f} bits/jamo", bits=seen.running)
    return name, tr("{bits:.2f} bits/char", bits=seen.running)


def format_place(
    name: str, expected: Prediction, mean: tuple[str, str], width: int, more: str = ""
) -> str:
    """Format a character's numbers in one line; the last ones are left out if it is too narrow.

    `name` is the character, `more` a text before the numbers, both safe to show; for `mean` see
    `format_mean`.
    """
    words = [
        more,
        f"{percent(expected.probability)}, {tr('{bits:.2f} bits', bits=expected.surprise)}",
        tr("entropy {bits:.2f}", bits=expected.entropy),
        ": ".join(mean),
    ]
    first, *others = filter(None, words)
    parts = [f"{name}: {first}", *others]
    choices = (parts[:count] for count in range(len(parts), 0, -1))
    return longest_fitting(choices, separator=" · ", width=width)


def expected_rows(
    seen: XrayPlace, width: int, height: int, name_of: Callable[[int], str]
) -> list[Content]:
    """Return a header, and a bar for each predicted character, the likeliest first."""
    words = tr("expected by the model")
    if any(index in seen.forbidden for index, _ in seen.prediction.alternatives):
        words += f"; {FORBIDDEN_MARK} {tr(FORBIDDEN)}"
    head = Content(words).stylize("$note-text")
    bar_width = max(width - _NAME - _NUMBER - 4, 1)
    rows = [
        character_row(
            mark_of(is_chosen=index == seen.index, is_forbidden=index in seen.forbidden),
            "",
            name_of(index),
            (share, bar_width),
            f"{percent(share):>{_NUMBER}}",
        )
        for index, share in seen.prediction.alternatives[: max(height - 1, 0)]
    ]
    return [head, *rows][:height]


def legend_row(scale: ScaleName, head: str, words: Sequence[str], keys: str = "") -> Content:
    """Return the labels of a coloring's levels in their styles; empty labels are left out."""
    parts = [Content(f"{head} ")]
    for label, (color, style) in zip(words, LOOKS[scale], strict=False):
        if label:
            look = f"{color} {'' if style == 'none' else style}".strip()
            parts.append(Content(label).stylize(look))
    row = Content(" ").join(parts)
    return row.append(Content(f"  {keys}").stylize("$note-text")) if keys else row


def tabs_row(pages: Sequence[Page], now: int, key: str, width: int) -> Content:
    """Return the page titles, the current one bold, and the key that turns pages."""
    names = [
        Content(page.title).stylize("bold underline" if number == now else "$note-text")
        for number, page in enumerate(pages)
    ]
    row = Content(" · ").join(names).append(f"  {key}")
    if row.cell_length <= width:
        return row
    place = tr("page {number} of {count}", number=now + 1, count=len(pages))
    return names[now].append(f" · {place}  {key}")
