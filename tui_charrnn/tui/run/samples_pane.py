"""The samples of a run: texts generated from the pinned seeds over the course of training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from tui_charrnn.runs.records import SampleTaken
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.hints import no_run
from tui_charrnn.tui.keys.keymap import bindings_of, keys_of
from tui_charrnn.tui.sparkline import Mark as BarMark
from tui_charrnn.tui.sparkline import draw_bars
from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.tui.text.wrapped_text import TextStyle
from tui_charrnn.viewing.formatting import longest_fitting
from tui_charrnn.viewing.run_view import RunView
from tui_charrnn.viewing.samples import (
    MAX_PLAYED,
    Scrubber,
    even_places,
    format_absence,
    format_facts,
    losses_at,
    nearest_mark,
    stretched,
)

_SIGNS: Final = {"track": "─", "mark": "•", "current": "●"}
_BARS: Final = ("bar", "later", "point", "baseline")


class SampleSlider(Widget):
    """Draws the loss as bars above a mark for each sample; reports the one under the mouse."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"sample-slider--{part}" for part in (*_SIGNS, *_BARS)}
    DEFAULT_CSS = """
    SampleSlider {
        width: 1fr;
        height: 1;
        & .sample-slider--track { color: $foreground 25%; }
        & .sample-slider--mark { color: $text-muted; }
        & .sample-slider--current { color: $primary; text-style: bold; }
        & .sample-slider--bar { color: $loss; }
        & .sample-slider--later { color: $loss 35%; }
        & .sample-slider--point { color: $foreground; }
        & .sample-slider--baseline { color: $baseline; }
    }
    """

    @dataclass
    class Picked(Message):
        """The user picked a sample with the mouse."""

        index: int

    def __init__(self) -> None:
        super().__init__()
        self._losses: tuple[float, ...] = ()
        self._baseline: float | None = None
        self._current = -1

    def show(self, losses: Sequence[float], current: int, baseline: float | None = None) -> None:
        """Draw samples by their losses, NaN where unknown; `current` is the shown index."""
        self._losses, self._current, self._baseline = tuple(losses), current, baseline
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a row: bars, and the marks in the last one."""
        width, height = self.size
        columns = even_places(len(self._losses), width)
        cells = [(_SIGNS["track"], "track")] * width
        for column in columns:
            cells[column] = _SIGNS["mark"], "mark"
        if columns:
            point = columns[self._current]
            cells[point] = _SIGNS["current"], "current"
            if y < height - 1:
                values = stretched(self._losses, width)
                bars = draw_bars(values, rows=height - 1, baseline=self._baseline)[y]
                cells = [
                    (sign, _bar_part(mark, at - point)) for at, (sign, mark) in enumerate(bars)
                ]
        segments = [
            Segment(sign, self.get_component_rich_style(f"sample-slider--{part}"))
            for sign, part in cells
        ]
        return Strip(segments).simplify().crop_extend(0, width, self.rich_style)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Pick the nearest sample, and capture the mouse."""
        self.capture_mouse()
        self._pick(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Pick the sample under the dragged mouse."""
        if self.app.mouse_captured is self:
            self._pick(event.x)

    def on_mouse_up(self) -> None:
        """Release the mouse."""
        self.release_mouse()

    def _pick(self, column: int) -> None:
        columns = even_places(len(self._losses), self.size.width)
        if columns:
            self.post_message(self.Picked(nearest_mark(columns, column)))


def _bar_part(mark: BarMark, beyond: int) -> str:
    """Return the part that a cell shows, `beyond` columns after the current sample."""
    if not beyond:
        return "point"
    if mark is BarMark.BASELINE:
        return "baseline"
    return "bar" if beyond < 0 else "later"


class SampleText(TextView, can_focus=False):
    """Shows a sample; the keys are those of the pane around it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[tuple[str, TextStyle], ...] = ()

    def show(self, *parts: tuple[str, TextStyle]) -> None:
        """Show a text, unless it is shown already."""
        if parts == self._parts:
            return
        self._parts = parts
        self.clear()
        self.follows_end = False  # the beginning is kept in view
        for text, style in parts:
            self.append(text, style)


def format_place(scrubber: Scrubber, seconds: float | None) -> tuple[str, str]:
    """Return which sample is shown, in long and in short; `seconds` per sample while playing."""
    place = tr(
        "{position:,} of {count:,}", position=scrubber.position + 1, count=len(scrubber.of_seed)
    )
    if seconds is not None:
        return tr("sample {place}, {seconds:g} s each", place=place, seconds=seconds), place
    is_newest = scrubber.index is None
    return tr("sample {place}, the newest" if is_newest else "sample {place}", place=place), place


def fact_row(facts: Sequence[str], places: tuple[str, str], width: int) -> str:
    """Return as many facts of a sample, and its position, as fit in `width` columns."""
    (step, *more), (place, short) = facts, places
    loss = more[-1:]
    return longest_fitting(
        (
            [step, *more, place],
            [step, *more[1:], place],
            [step, *loss, place],
            [step, *loss, short],
            [step, *loss],
            [step],
        ),
        separator=" · ",
        width=width,
    )


_CURVE_ROWS: Final = ((16, 6), (12, 4), (9, 3), (0, 1))
"""Minimum rows of the pane, and the rows of the slider from there on."""
PLAY_INTERVALS: Final = (4.0, 2.0, 1.0, 0.5, 0.25)
"""Seconds per sample during playback, by speed."""


class SamplesPane(Vertical, can_focus=True):
    """Shows the samples of a run one at a time; draws only while it is visible."""

    OWNER: Final = "childhood"
    DEFAULT_CLASSES = "framed"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(OWNER),
        # as in every scrollable pane
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]
    DEFAULT_CSS = """
    SamplesPane {
        width: 1fr;
        height: 1fr;
        padding: 0 1;
        & #sample-facts { height: 1; text-wrap: nowrap; color: $text-muted; }
        &.-roomy #sample-facts { margin-bottom: 1; }
        & SampleText { height: 1fr; }
    }
    """

    slider = query_one(SampleSlider)
    facts = query_one("#sample-facts", Static)
    text = query_one(SampleText)

    def __init__(self, *, is_readonly: bool = False) -> None:
        super().__init__()
        self._no_run = no_run(is_readonly=is_readonly)
        self._view: RunView | None = None
        self._scrubber = Scrubber()
        self._playing: Iterator[int] | None = None
        self._timer: Timer | None = None
        """Shows the next sample; exists only during playback."""
        self._speed = PLAY_INTERVALS.index(1.0)
        self._is_seen = False

    def compose(self) -> ComposeResult:
        """Slider, facts and text of the sample."""
        yield SampleSlider()
        yield Static(id="sample-facts", markup=False)
        yield SampleText()

    def on_text_view_follow_changed(self, event: SampleText.FollowChanged) -> None:
        """Stop the message: a sample does not stream."""
        event.stop()

    def show(self, view: RunView | None) -> None:
        """Show the samples of a run; None shows that there is none."""
        if view is None or self._view is None or view.run != self._view.run:
            self._stop_playing()
            self._scrubber = Scrubber()
        self._view = view
        self._draw()

    def on_show(self) -> None:
        """Draw the newest state."""
        self._is_seen = True
        self._draw()

    def on_hide(self) -> None:
        """Stop playing."""
        self._is_seen = False
        self._stop_playing()

    def on_resize(self) -> None:
        """Show as much as fits."""
        self.call_after_refresh(self._draw)

    def on_key(self, event: events.Key) -> None:
        """Stop playback at any key but those of the speed; the key that plays only stops it."""
        speeds = keys_of("childhood.faster") + keys_of("childhood.slower")
        if self._playing is not None and event.key not in speeds:
            self._stop_playing()
            self._draw()
            if event.key in keys_of("childhood.play"):
                event.stop()

    def on_sample_slider_picked(self, event: SampleSlider.Picked) -> None:
        """Show the picked sample."""
        event.stop()
        self._stop_playing()
        self._scrubber.select(event.index)
        self._draw()

    def action_move(self, by: int) -> None:
        """Show an earlier or a later sample."""
        self._scrubber.move(by)
        self._draw()

    def action_move_to_first(self) -> None:
        """Show the first sample."""
        self._scrubber.select(0)
        self._draw()

    def action_move_to_last(self) -> None:
        """Show the newest sample, and follow new ones."""
        self._scrubber.index = None
        self._draw()

    def action_turn_seed(self, by: int = 1) -> None:
        """Switch to another seed."""
        self._scrubber.turn_seed(by)
        self._draw()

    def action_page(self, by: int) -> None:
        """Scroll a long sample by a page."""
        text = self.text
        text.scroll_to(y=text.scroll_y + by * max(1, text.size.height - 1))

    def action_play(self) -> None:
        """Play the samples one after another, or show the newest if animation is off."""
        count = len(self._scrubber.of_seed)
        order = even_places(min(count, MAX_PLAYED), count)
        if self.app.animation_level == "none" or len(order) < 2:
            self.action_move_to_last()
            return
        self._playing = iter(order)
        self._start_timer()
        self._play_on()

    def action_change_speed(self, by: int) -> None:
        """Play faster or more slowly, now or the next time."""
        self._speed = min(max(self._speed + by, 0), len(PLAY_INTERVALS) - 1)
        if self._playing is not None:
            self._start_timer()
        self._draw()

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(PLAY_INTERVALS[self._speed], self._play_on)

    def _play_on(self) -> None:
        index = next(self._playing, None) if self._playing is not None else None
        if index is None:
            self._stop_playing()
        else:
            self._scrubber.select(index)
        self._draw()

    def _stop_playing(self) -> None:
        self._playing = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _draw(self) -> None:
        if not self._is_seen:
            return
        view, scrubber = self._view, self._scrubber
        if view is not None:
            pinned = view.description.pinned_seeds if view.description else ()
            scrubber.take(view.samples, pinned)
        self.border_title = Content(
            tr("Samples of run {name}", name=safe_line(view.run.name)) if view else tr("Samples")
        )
        self.border_subtitle = Content(format_settings(scrubber, scrubber.sample))
        self._draw_sample()

    def _draw_sample(self) -> None:
        """Draw the current sample, or the reason why there is none."""
        view, scrubber, height = self._view, self._scrubber, self.content_size.height
        # Textual does not always post `Resize` to a widget that is visible for the first time
        self.set_class(height >= 9, "-roomy")  # minimum rows for an empty row
        self.slider.styles.height = next(rows for least, rows in _CURVE_ROWS if height >= least)
        sample = scrubber.sample
        self.slider.display = self.facts.display = sample is not None
        if view is None or sample is None:
            message = self._no_run if view is None else format_absence(view)
            self.text.show((message, "note"))
            return
        losses = losses_at(view, [taken.step for taken in scrubber.of_seed])
        baseline = view.baseline[1] if view.baseline is not None else None
        self.slider.show(losses, scrubber.position, baseline)
        seconds = PLAY_INTERVALS[self._speed] if self._playing is not None else None
        places = format_place(scrubber, seconds)
        self.facts.update(fact_row(format_facts(view, sample), places, self.content_size.width))
        self.text.show((sample.seed_text, "seed"), (sample.text, "generated"))


def format_settings(scrubber: Scrubber, sample: SampleTaken | None) -> str:
    """Return the sampling settings of a sample, and which seed it is if there are several."""
    if sample is None:
        return ""
    seeds, number = len(scrubber.samples), scrubber.seed_number
    parts = [tr("seed {number} of {count}", number=number, count=seeds)] if seeds > 1 else []
    parts.append(tr("temperature {temperature:g}", temperature=sample.temperature))
    return " · ".join([*parts, tr("RNG {seed}", seed=sample.rng_seed)])
