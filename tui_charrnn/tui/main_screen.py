"""The one screen that is always there: a run, a text that streams, a seed box, and other panes."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Resize
from textual.getters import query_one
from textual.reactive import var
from textual.widgets import Static

from tui_charrnn.tui.chrome.key_row import KeyRow
from tui_charrnn.tui.chrome.note_line import NoteLine
from tui_charrnn.tui.chrome.pane_tabs import PANES, PaneTabs
from tui_charrnn.tui.chrome.sizes import TOO_SMALL, is_too_small
from tui_charrnn.tui.chrome.title_row import TitleRow
from tui_charrnn.tui.history.recalling import Recalling
from tui_charrnn.tui.keys.bindings import bindings_of
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.keys.live_keys import idle_keys, labels_now
from tui_charrnn.tui.messages import (
    NoteWritten,
    NoticePosted,
    PaneRequested,
    RunChanged,
    RunCompared,
    RunMoved,
    SeedSubmitted,
)
from tui_charrnn.tui.panes import PaneHost
from tui_charrnn.tui.run_controls import Steering
from tui_charrnn.tui.session import Session, Source
from tui_charrnn.tui.tape.taping import Taping
from tui_charrnn.tui.text.model_loader import ModelRequest
from tui_charrnn.tui.text.text_pane import TextPane
from tui_charrnn.tui.throttle import Throttle
from tui_charrnn.tui.xray.probing import Probing
from tui_charrnn.tui.xray.xraying import Xraying

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.tui.text.model_loader import ModelLoader
    from tui_charrnn.viewing.run_view import RunView

PROGRESS_INTERVAL: Final = 1.0
"""Seconds between two drawings while nothing but batches comes."""


class MainScreen(Recalling, Taping, Xraying, Probing, Steering):
    """Answers what the user asks for; what a run does is told to it by a follower."""

    AUTO_FOCUS = "SeedBox"  # before the first frame: styles everything once, not twice
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("main")]
    pane: var[str] = var("text")
    """Which of `PANES` is open."""
    note = query_one(NoteLine)
    pane_host = query_one(PaneHost)
    text_pane = query_one(TextPane)

    def __init__(self, session: Session, loader: ModelLoader) -> None:
        super().__init__(classes="-pane-text")
        self.session = session
        self._loader = loader
        self._waits_for_run = False
        self._has_come_up = False
        self._drawing = Throttle(self, self._draw_run, PROGRESS_INTERVAL)

    @property
    def focus_chain(self) -> list[Widget]:
        """What Tab goes through: from the seed into the text that it begins, then the panes."""
        chain = super().focus_chain
        seed, text = self.text_pane.seed, self.text_pane.spoken
        if seed in chain and text in chain:
            chain.remove(seed)
            chain.insert(chain.index(text), seed)
        return chain

    def compose(self) -> ComposeResult:
        """Title, tabs, the panes, the note, the keys; the status once there is a run."""
        yield TitleRow()
        yield PaneTabs()
        yield PaneHost(self.session)
        yield NoteLine()
        yield KeyRow()

    def update_node_styles(self, animate: bool = True) -> None:
        """Style all again, but as the screen comes up: each part has just been styled then."""
        if self._has_come_up:
            super().update_node_styles(animate)
        self._has_come_up = True

    def on_mount(self) -> None:
        """The text begins after the first frame, with the cursor in the seed box."""
        for name in ("streaming", "match_words"):
            self.watch(self.text_pane.spoken, name, self._show_keys)
        self.call_after_refresh(self._place_cursor)

    def watch_pane(self) -> None:
        """Show the pane that is open."""
        self.pane_host.open(self.pane)  # first: it brings the style of the panes
        for name in PANES:
            self.set_class(name == self.pane, f"-pane-{name}")
        self.query_one(PaneTabs).show(self.pane)
        self._show_run()

    def on_resize(self, event: Resize) -> None:
        """Say that a terminal is too small; once it is not, give the open pane back its focus."""
        if is_too_small(event.size) and not self.query("#too-small"):
            self.mount(Static(TOO_SMALL, id="too-small", markup=False))
        if self.focused is None:
            self.call_after_refresh(self.pane_host.focus_on, self.pane)

    def on_descendant_focus(self) -> None:
        """Offer the keys of what has the focus."""
        self._show_keys()

    def on_seed_submitted(self, event: SeedSubmitted) -> None:
        """Answer a seed text."""
        event.stop()
        self.answer(event.seed_text)

    def answer_when_known(self) -> None:
        """Let a model speak as soon as it is known what the shown run does."""
        self._waits_for_run = True

    def answer(self, seed_text: str | None) -> None:
        """Have a seed text answered; None takes one that suits the model."""
        wanted = ModelRequest.of(self.session)
        if wanted.source is Source.NEWEST and wanted.is_live and wanted.has_begun:
            self.tell("Asking the trainer for its newest weights …")
        self.text_pane.speak(functools.partial(self._loader.load, wanted), seed_text)

    def open_run(self, run: RunDirectory | None) -> None:
        """Show a run; its weights can speak from now on."""
        other = self.compared_view
        if other is not None and other.run == run:
            self.compared.follow(None)
        self.follower.follow(run)
        self.session.view = self.follower.view

    def on_run_changed(self, event: RunChanged) -> None:
        """Draw what is known, and offer the keys that go with what the run does now."""
        event.stop()
        view = self.session.view
        if self._waits_for_run and view is not None and (view.status or view.problem):
            self._waits_for_run = False
            self.answer(None)
        self._drawing.request(self._news())

    def on_run_compared(self, event: RunCompared) -> None:
        """Draw another run's loss over that of the shown one."""
        event.stop()
        self.compared.follow(event.run)
        if event.run is not None:
            self.action_show("training")

    def on_run_moved(self, event: RunMoved) -> None:
        """Follow the shown run to its new name, or no longer if it was thrown away."""
        event.stop()
        if self.session.run == event.before:
            self.open_run(event.after)

    def on_pane_requested(self, event: PaneRequested) -> None:
        """Open a pane."""
        event.stop()
        self.action_show(event.pane)

    def on_notice_posted(self, event: NoticePosted) -> None:
        """Say what happened in the run."""
        event.stop()
        self.tell(event.notice.sentence, is_problem=event.notice.severity != "information")
        self.pane_host.add_notice(event.notice)

    def on_note_written(self, event: NoteWritten) -> None:
        """Say what there is to say about the text."""
        event.stop()
        self.tell(event.sentence, is_problem=event.is_problem)

    def tell(self, sentence: str, *, is_problem: bool = False) -> None:
        """Say something in the line below the panes."""
        self.note.tell(sentence, is_problem=is_problem)

    def action_show(self, pane: str) -> None:
        """Open a pane and give it the focus."""
        if not self.is_mounted:  # a key that was faster than the first frame
            self.call_after_refresh(self.action_show, pane)
            return
        self.pane = pane
        self.pane_host.focus_on(pane)

    def action_stop(self) -> None:
        """Stop the text; where there is none, come back to it."""
        if self.text_pane.leave():
            return
        spoken = self.text_pane.spoken
        if spoken.streaming or spoken.is_opening:
            spoken.stop()
        else:
            self.action_show("text")

    def action_more(self) -> None:
        """Go on with the text from where it stopped."""
        self.text_pane.go_on()

    def action_speed(self) -> None:
        """Go on to the next pace."""
        self.text_pane.cycle_speed()

    def action_warm(self, difference: float) -> None:
        """Change the temperature, at once and also in the middle of a text."""
        self.text_pane.warm(difference)

    def action_source(self) -> None:
        """Let other weights speak from the next seed on."""
        if self.session.view is None:
            self.tell(f"There is no run to speak from; {key_label('run.train')} starts one.")
            return
        source = self.session.turn_source()
        self.tell(f"From the next Enter on, {source.value} will speak.")

    def _place_cursor(self) -> None:
        """Let input methods compose in the seed box, which had the focus before it had a place."""
        if self.text_pane.seed.has_focus:
            self.app.cursor_position = self.text_pane.seed.cursor_screen_offset

    def _news(self) -> object:
        """What is drawn at once when it changes; the rest is progress."""
        return (
            _news_of(self.session.view),
            _news_of(self.compared_view),
            self.asked_for,
        )

    def _show_run(self) -> None:
        self._drawing.draw_now()

    def _draw_run(self) -> None:
        view, now = self.session.view, time.monotonic()
        asked = self.asked_for
        self.query_one(TitleRow).show(self.session)
        self.pane_host.show(view, self.compared_view, now, asked)
        if view is not None or self._status is not None:
            trouble = self.pane_host.trouble if view is not None else ""
            self.status.show(view, now, asked, trouble)
        self.set_class(view is not None, "-has-run")  # last: the studio brings the style of it
        self._show_keys()

    def _show_keys(self) -> None:
        """Show the keys that do something now."""
        spoken = self.text_pane.spoken
        streaming, searching = spoken.streaming, bool(spoken.match_words)
        idle = idle_keys(self.session, is_streaming=streaming, is_searching=searching)
        room = self.pane_host.pane_of(self.focused)
        self.query_one(KeyRow).show(idle, room, labels_now(self.session))


def _news_of(view: RunView | None) -> object:
    if view is None:
        return None
    return (
        (view.run, view.description, view.state, view.life, view.ended, view.diverged),
        (view.failure, view.problem, view.warning, view.batches > 0, view.checkpoint_step),
        (len(view.evaluations), len(view.samples)),
    )
