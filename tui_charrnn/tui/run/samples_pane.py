"""The childhood pane: how a run went on with its pinned seeds, from noise until now."""

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.geometry import Region
from textual.getters import query_one
from textual.strip import Strip

from tui_charrnn.runs.records import SampleTaken
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.keys.bindings import bindings_of
from tui_charrnn.tui.run.sample_slider import SampleSlider
from tui_charrnn.tui.run.sample_view import SampleView
from tui_charrnn.viewing.childhood import Scrubber, playing_order
from tui_charrnn.viewing.run_view import RunView

PLAY_INTERVAL: Final = 0.25
"""Seconds that a sample is seen while they are played."""


class SamplesPane(Container, can_focus=True):
    """Goes through the samples of a run; draws only while it is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("childhood"),
        # as in all that scrolls
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]
    DEFAULT_CSS = """
    SamplesPane {
        width: 1fr;
        height: 1fr;
        padding: 0 1;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        &:focus { border: round $primary; }
    }
    """

    sample_view = query_one(SampleView)

    def __init__(self) -> None:
        super().__init__()
        self._view: RunView | None = None
        self._scrubber = Scrubber()
        self._playing: Iterator[int] | None = None
        self._is_seen = False

    def compose(self) -> ComposeResult:
        """All of it is drawn by one widget."""
        yield SampleView()

    def on_mount(self) -> None:
        """Prepare the timer that plays; it rests until then."""
        self._timer = self.set_interval(PLAY_INTERVAL, self._play_on, pause=True)

    def show(self, view: RunView | None) -> None:
        """Take over what is known of a run; None shows that there is none."""
        if view is None or self._view is None or view.run != self._view.run:
            self._stop_playing()
            self._scrubber = Scrubber()
        self._view = view
        self._draw()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw; Textual does not always say that what was hidden is seen again.

        Args:
            crop: What of the pane is to be drawn.
        """
        if self.display and not self._is_seen:
            self.call_next(self.on_show)
        return super().render_lines(crop)

    def on_show(self) -> None:
        """Catch up with what is known."""
        self._is_seen = True
        self._draw()

    def on_hide(self) -> None:
        """Rest."""
        self._is_seen = False
        self._stop_playing()

    def on_resize(self) -> None:
        """Say as much as there is room for."""
        self.call_after_refresh(self._draw)

    def on_key(self, event: events.Key) -> None:
        """Stop playing at any key; the key that plays does no more than that."""
        if self._playing is not None:
            self._stop_playing()
            self._draw()
            if event.key == "space":
                event.stop()

    def on_sample_slider_picked(self, event: SampleSlider.Picked) -> None:
        """Show the sample that the mouse points at."""
        event.stop()
        self._stop_playing()
        self._scrubber.stand_at(event.index)
        self._draw()

    def action_move(self, by: int) -> None:
        """Show an earlier or a later sample."""
        self._scrubber.move(by)
        self._draw()

    def action_move_to_first(self) -> None:
        """Show the first sample."""
        self._scrubber.stand_at(0)
        self._draw()

    def action_move_to_last(self) -> None:
        """Show the newest sample, and those that follow."""
        self._scrubber.index = None
        self._draw()

    def action_turn_seed(self, by: int = 1) -> None:
        """Look at another seed."""
        self._scrubber.turn_seed(by)
        self._draw()

    def action_page(self, by: int) -> None:
        """Scroll a sample that has no room, by a page."""
        text = self.sample_view.text
        text.scroll_to(y=text.scroll_y + by * max(1, text.size.height - 1))

    def action_play(self) -> None:
        """Show the samples one after another, or the newest at once where nothing may move."""
        order = playing_order(len(self._scrubber.of_seed))
        if self.app.animation_level == "none" or len(order) < 2:
            self.action_move_to_last()
            return
        self._playing = iter(order)
        self._timer.resume()
        self._play_on()

    def _play_on(self) -> None:
        index = next(self._playing, None) if self._playing is not None else None
        if index is None:
            self._stop_playing()
        else:
            self._scrubber.stand_at(index)
        self._draw()

    def _stop_playing(self) -> None:
        if self._playing is not None:
            self._playing = None
            self._timer.pause()

    def _draw(self) -> None:
        if not self._is_seen:
            return
        view, scrubber = self._view, self._scrubber
        if view is not None:
            pinned = view.description.pinned_seeds if view.description else ()
            scrubber.take(view.samples, pinned)
        self.border_title = Content(
            f"Childhood of run {safe_line(view.run.name)}" if view else "Childhood"
        )
        self.border_subtitle = Content(setting_words(scrubber, scrubber.sample))
        self.sample_view.show(view, scrubber, is_playing=self._playing is not None)


def setting_words(scrubber: Scrubber, sample: SampleTaken | None) -> str:
    """How the samples were drawn, and which seed of several it is."""
    if sample is None:
        return ""
    seeds = len(scrubber.samples)
    parts = [f"seed {scrubber.seed_number} of {seeds}"] if seeds > 1 else []
    return " · ".join([*parts, f"temperature {sample.temperature:g}", f"RNG {sample.rng_seed}"])
