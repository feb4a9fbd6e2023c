"""The x-ray's legend, and what the model expected of one character."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui_charrnn.tui.renderables.alternative_rows import bar, character_words, percent
from tui_charrnn.tui.renderables.xray_rows import place_rows, place_words
from tui_charrnn.tui.widgets.xray_text import LOOKS
from tui_charrnn.viewing.xray import Measure, next_measure

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui_charrnn.tui.widgets.conversation import Conversation
    from tui_charrnn.tui.widgets.spoken_text import SpokenText
    from tui_charrnn.tui.widgets.xray_text import XrayPlace

_ROOMY: Final = 96
"""Columns of the conversation from which on there is room for the panel beside the text."""
_NAME: Final = 9  # columns of a character's name
_NUMBER: Final = 8  # columns of its probability


class XrayLegend(Vertical):
    """Below the text: what the levels mean; where there is no panel, one character's numbers."""

    DEFAULT_CSS = """
    XrayLegend {
        height: auto;
        padding: 0 1;
        & Static { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-roomy #xray-line { display: none; }
    }
    """

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(id="xray-legend")
        self._conversation = conversation
        self._text = conversation.spoken

    def compose(self) -> ComposeResult:
        """The levels, and the character."""
        yield Static(id="xray-levels", markup=False)
        yield Static(id="xray-line", markup=False)

    def on_mount(self) -> None:
        """Follow the text."""
        self.watch(self._text, "measure", self._show_measure)
        self.watch(self._text, "seen", self._show_seen)

    def on_resize(self) -> None:
        """Show the panel where there is room for it now."""
        fit_xray(self._conversation)

    def _show_measure(self, measure: Measure | None) -> None:
        if measure is not None:
            self.query_one("#xray-levels", Static).update(legend(measure))

    def _show_seen(self, seen: XrayPlace | None) -> None:
        words = "Reading …" if self._text.shown else "Nothing was said yet."
        if seen is not None:
            name = name_of(self._text, seen.index)
            words = place_words(name, seen.prediction, seen.running, seen.count)
        self.query_one("#xray-line", Static).update(words)


class XrayPanel(Static):
    """Beside the text: a character's numbers, and what else the model expected, as bars."""

    DEFAULT_CSS = """
    XrayPanel {
        dock: right;
        width: 40;
        height: 100%;
        padding: 0 1;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        text-wrap: nowrap;
    }
    """

    def __init__(self, text: SpokenText) -> None:
        super().__init__(id="xray-panel", markup=False)
        self._text = text

    def on_mount(self) -> None:
        """Follow the text."""
        self.border_title = Content("X-ray")
        self.watch(self._text, "seen", self._show_seen)

    def on_resize(self) -> None:
        """Show as many characters as there is room for."""
        self._show_seen(self._text.seen)

    def _show_seen(self, seen: XrayPlace | None) -> None:
        if seen is None:
            self.border_title = Content("X-ray")
            self.update("")
            return
        name = name_of(self._text, seen.index)
        self.border_title = Content(f"X-ray · character {seen.position + 1:,}: {name}")
        numbers = [
            Content(f"{name:<12} {value:>14}")
            for name, value in place_rows(seen.prediction, seen.running, seen.count)
        ]
        head = Content("expected by the model").stylize("$note-text")
        count = max(self.size.height - len(numbers) - 2, 0)
        rows = [self._row(seen, *one) for one in seen.prediction.alternatives[:count]]
        self.update(Content("\n").join([*numbers, Content(""), head, *rows]))

    def _row(self, seen: XrayPlace, index: int, probability: float) -> Content:
        name = Content(name_of(self._text, index))
        width = max(self.size.width - _NAME - _NUMBER - 4, 1)
        strength = "bold" if index == seen.index else ""
        return Content.assemble(
            ("▸ " if index == seen.index else "  ", "bold"),
            name.stylize(strength) if strength else name,
            " " * max(_NAME - name.cell_length, 0),
            " ",
            (f"{bar(probability, width):<{width}}", "$accent"),
            (f" {percent(probability):>{_NUMBER}}", strength),
        )


def legend(measure: Measure) -> Content:
    """What the levels of a measure mean, each as its characters look."""
    parts = [Content(f"{measure.name}, {measure.unit} ")]
    for words, (color, style) in zip(measure.level_words(), LOOKS, strict=True):
        parts.append(Content(words).stylize(f"{color} {'' if style == 'none' else style}".strip()))
    return Content(" ").join(parts)


def name_of(text: SpokenText, index: int) -> str:
    """A character of the vocabulary that speaks, safe to show."""
    opening = text.speech.opening if text.speech is not None else None
    if opening is None:
        return ""
    is_ascii = bool(getattr(text.app, "is_ascii", False))
    return character_words(opening.vocabulary[index], is_ascii=is_ascii)


def turn_xray(conversation: Conversation) -> None:
    """Color the text of a conversation by the next measure; after the last, by none."""
    text = conversation.spoken
    text.measure = next_measure(text.measure)
    if not conversation.query(XrayLegend):
        conversation.mount(XrayLegend(conversation), after=text)
        conversation.mount(XrayPanel(text))
    fit_xray(conversation)


def fit_xray(conversation: Conversation) -> None:
    """Show the panel where there is room for it, else one line; neither without a measure."""
    is_on = conversation.spoken.measure is not None
    has_room = conversation.size.width >= _ROOMY
    for legend_row in conversation.query(XrayLegend):
        legend_row.display = is_on
        legend_row.set_class(has_room, "-roomy")
    for panel in conversation.query(XrayPanel):
        panel.display = is_on and has_room
