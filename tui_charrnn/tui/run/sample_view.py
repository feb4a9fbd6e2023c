"""One sample of a run: where among the others it stands, what is known of it, its text."""

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.getters import query_one
from textual.widgets import Static

from tui_charrnn.tui.run.sample_slider import SampleSlider
from tui_charrnn.tui.run.sample_text import SampleText
from tui_charrnn.viewing.childhood import Scrubber, absence_words, fact_words
from tui_charrnn.viewing.run_view import RunView
from tui_charrnn.viewing.run_words import longest_fitting

_ROOMY: Final = 9
"""Rows from which on one of them may be empty."""


class SampleView(Vertical):
    """Draws the sample at which a `Scrubber` stands, or says why there is none."""

    DEFAULT_CSS = """
    SampleView {
        & #sample-facts { height: 1; text-wrap: nowrap; color: $text-muted; }
        &.-roomy #sample-facts { margin-bottom: 1; }
        & SampleText { height: 1fr; }
    }
    """

    slider = query_one(SampleSlider)
    facts = query_one("#sample-facts", Static)
    text = query_one(SampleText)

    def compose(self) -> ComposeResult:
        """The slider, one row about the sample, the sample."""
        yield SampleSlider()
        yield Static(id="sample-facts", markup=False)
        yield SampleText()

    def on_resize(self) -> None:
        """Leave a row empty where there is room for it."""
        self._fit()

    def on_following_scroll_view_follow_changed(self, event: SampleText.FollowChanged) -> None:
        """Keep it here: it means nothing for a text that stands still."""
        event.stop()

    def show(self, view: RunView | None, scrubber: Scrubber, *, is_playing: bool) -> None:
        """Draw another sample, or the same with what is known by now."""
        self._fit()  # Textual does not always send a resize to what is seen for the first time
        sample = scrubber.sample
        self.slider.display = self.facts.display = sample is not None
        if view is None or sample is None:
            self.text.show((absence_words(view), "note"))
            return
        self.slider.show([taken.step for taken in scrubber.of_seed], scrubber.position)
        facts = fact_words(view, sample)
        places = place_words(scrubber, is_playing=is_playing)
        self.facts.update(fact_row(facts, places, self.content_size.width))
        self.text.show((sample.seed_text, "seed"), (sample.text, "generated"))

    def _fit(self) -> None:
        self.set_class(self.size.height >= _ROOMY, "-roomy")


def place_words(scrubber: Scrubber, *, is_playing: bool) -> tuple[str, str]:
    """Which sample of how many is shown, at length and in short."""
    place = f"{scrubber.position + 1:,} of {len(scrubber.of_seed):,}"
    if is_playing:
        return f"sample {place}, playing", place
    return f"sample {place}{', the newest' if scrubber.index is None else ''}", place


def fact_row(facts: Sequence[str], places: tuple[str, str], width: int) -> str:
    """The facts of a sample and its place, as many as a row of so many columns has room for.

    Args:
        facts: The step first, the loss last.
        places: Which sample it is, at length and in short.
        width: Columns of the row.
    """
    (step, *more), (place, short) = facts, places
    loss = more[-1:]
    return longest_fitting(
        ([step, *more, place], [step, *loss, place], [step, *loss, short], [step, *loss], [step]),
        separator=" · ",
        width=width,
    )
