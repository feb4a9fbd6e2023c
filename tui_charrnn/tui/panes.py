"""The panes of the main screen; the style sheet decides which are visible side by side."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.css.query import NoMatches
from textual.getters import query_one
from textual.widget import Widget

from tui_charrnn import lazy
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.messages import KeysChanged
from tui_charrnn.tui.text_pane import TextPane

if TYPE_CHECKING:
    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.tui.run.failure_card import FailureCard
    from tui_charrnn.tui.run.loss_chart import Charts
    from tui_charrnn.tui.run.run_card import RunCard
    from tui_charrnn.tui.run.run_log import RunLog
    from tui_charrnn.tui.run.samples_pane import SamplesPane
    from tui_charrnn.tui.runs.pane import RunsPane
    from tui_charrnn.tui.session import Session
    from tui_charrnn.viewing.failures import Failure
    from tui_charrnn.viewing.run_view import RunView

_STYLE: Final = Path(__file__).parent / "panes.tcss"
_W = TypeVar("_W", bound=Widget)


class PaneHost(Container):
    """Holds the text pane, and mounts each other pane when it is first opened.

    Hidden panes keep their text and state, so a terminal may be resized at any time.
    """

    stage = query_one("#stage", Vertical)
    side = query_one("#side", Vertical)
    text_pane = query_one(TextPane)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._pane = "text"
        self._chart: Charts | None = None
        self._childhood: SamplesPane | None = None
        self._log: RunLog | None = None
        self._runs: RunsPane | None = None
        self._card: RunCard | None = None
        self._failures: FailureCard | None = None
        self.trouble = ""
        """What is wrong with the shown run, or how to resume it; may be empty."""

    def compose(self) -> ComposeResult:
        """The text pane; the side with the run card is mounted with a run."""
        with Vertical(id="stage"):
            yield TextPane(self._session)

    def open(self, pane: str) -> None:
        """Open a pane; mount it if it is opened for the first time."""
        self._pane = pane
        match pane:
            case "training":
                self._mount_chart()
            case "runs":
                self._runs = self._runs or self._mount_pane(lazy.RunsPane(self._session), pane)
            case "childhood":
                if self._childhood is None:
                    samples = lazy.SamplesPane(is_readonly=self._session.is_readonly)
                    self._childhood = self._mount_pane(samples, pane)
            case "log":
                if self._log is None:
                    log = lazy.RunLog(is_readonly=self._session.is_readonly)
                    self._log = self._mount_pane(log, pane)

    def select_run(self, run: RunDirectory) -> None:
        """Move the cursor of the list of runs to a run, once it is listed."""
        if self._runs is not None:
            self._runs.runs.list_again(run.path)

    def focus_on(self, pane: str) -> None:
        """Focus a pane after the next refresh, unless another one is open by then."""
        target = self.text_pane.home if pane == "text" else self.query_one(f"#pane-{pane}")
        target.call_after_refresh(self._focus_first, pane, target)

    def show(
        self,
        view: RunView | None,
        other: RunView | None,
        pinned: RunView | None,
        now: float,
        pending: str,
    ) -> None:
        """Draw the shown run, with the compared and the pinned one; see `StatusLine.show`."""
        if self._log is not None:
            self._log.follow(view.run if view is not None else None)
        if view is not None or self._card is not None:
            card = self.card  # first: a failure is mounted above it
            card.show(view, pinned, now, pending, self._advise(view) if view is not None else "")
        if view is not None or self._chart is not None:
            self._mount_chart().show(view, other, pinned)
        if self._childhood is not None and self._pane == "childhood":
            self._childhood.show(view)

    def _advise(self, view: RunView) -> str:
        """Show what is wrong with a run; return how to resume one that stopped without an error."""
        failure = lazy.diagnose(view)
        if failure is not None and self._session.is_readonly:
            remedies = tuple(each for each in failure.remedies if each.id == "log")
            failure = replace(failure, remedies=remedies)
        advice = lazy.format_advice(view)
        self.trouble = advice
        if failure is not None:
            self.trouble = f"{failure.sentence} " + tr_keys("{pane.training} shows what helps.")
        self._show_failure(failure, view.printed)
        if self._log is not None:
            is_over = failure is not None and not (view.is_live or view.problem)
            is_recorded = view.failed is not None or view.diverged is not None
            sentence = failure.sentence if failure is not None and not is_recorded else ""
            self._log.show_end(sentence if is_over else "", view.printed if is_over else ())
        return advice

    def _show_failure(self, failure: Failure | None, log: tuple[str, ...]) -> None:
        self.set_class(failure is not None, "-in-trouble")
        if failure is not None and self._failures is None:
            self._failures = lazy.FailureCard()
            self.side.mount(self._failures, before=0)
        if self._failures is not None:
            self._failures.show(failure, log)

    def _focus_first(self, pane: str, widget: Widget) -> None:
        """Focus a pane, or the first of its widgets that can be focused."""
        parts = [widget, *widget.query("*")]
        target = next((part for part in parts if part.focusable), None)
        if target is not None and pane == self._pane:
            target.focus()

    def _load_css(self) -> None:
        """Load the style sheet of the panes, unless it is loaded."""
        sheet, place = self.app.stylesheet, (str(_STYLE), "")
        if not sheet.has_source(*place):
            sheet.add_source(_STYLE.read_text(encoding="utf-8"), read_from=place)

    def _mount_pane(self, widget: _W, pane: str) -> _W:
        self._load_css()
        widget.id = f"pane-{pane}"
        first = self.text_pane if pane == "training" else None
        self.stage.mount(widget, before=first)
        return widget

    @property
    def card(self) -> RunCard:
        """The card of the shown run; created on first use."""
        if self._card is None:
            self.query("Teaser").remove()
            self._card = self._mount_at_side(lazy.RunCard())
        return self._card

    def show_teaser(self) -> None:
        """Show a recorded training at the side until there is a run."""
        with suppress(NoMatches):  # the app is closing
            self._mount_at_side(lazy.Teaser(is_readonly=self._session.is_readonly))
            self.post_message(KeysChanged())

    def _mount_at_side(self, widget: _W) -> _W:
        self._load_css()
        if not self.query("#side"):
            self.mount(Vertical(id="side"))
        self.side.mount(widget)
        return widget

    def _mount_chart(self) -> Charts:
        if self._chart is None:
            preferences = self._session.preferences
            glyphs = "ascii" if preferences.ascii else preferences.glyphs
            charts = lazy.Charts(glyphs, is_readonly=self._session.is_readonly)
            self._chart = self._mount_pane(charts, "training")
        return self._chart
