"""The main screen: the panes, the status of the run, the note and the keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus, Resize
from textual.getters import query_one
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Static

from tui_charrnn import lazy
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import Throttle
from tui_charrnn.tui.chrome import (
    PANES,
    TALL,
    TOO_SMALL,
    KeyRow,
    NoteLine,
    PaneTabs,
    TitleRow,
    idle_keys,
    is_too_small,
    labels_now,
)
from tui_charrnn.tui.hints import first_hint, hint_for, hint_for_tool
from tui_charrnn.tui.keys.keymap import bindings_of, owner_of, tr_keys
from tui_charrnn.tui.messages import (
    KeysChanged,
    NoteWritten,
    PaneRequested,
    RunCompared,
    RunMoved,
    RunPinned,
    TrainerStarted,
)
from tui_charrnn.tui.panes import PaneHost
from tui_charrnn.tui.session import Session, WeightsSource
from tui_charrnn.tui.text.model_loader import ModelRequest
from tui_charrnn.tui.text_pane import TextPane
from tui_charrnn.tui.textual_patches import is_closing

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.tui.pages.page import Page
    from tui_charrnn.tui.run.controls import RunControls
    from tui_charrnn.tui.run.run_card import StatusLine
    from tui_charrnn.tui.text.generation_dialogs import ModelChoice
    from tui_charrnn.tui.text.seed_input import SeedInput
    from tui_charrnn.viewing.run_view import RunView

_EXPLAINING: Final = {"-tape", "-neurons", "-xray"}
"""Classes of the text pane while a tool that explains the text needs room."""
PROGRESS_INTERVAL: Final = 1.0
"""Seconds between two drawings while only batches arrive."""


class MainScreen(Screen[None]):
    """Lays out the panes, routes messages between them, and shows the followed run."""

    AUTO_FOCUS = "SeedInput"  # focus before the first frame: everything is styled only once
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("main")]
    pane: var[str] = var("text")
    """The open pane, one of `PANES`."""
    note = query_one(NoteLine)
    pane_host = query_one(PaneHost)
    text_pane = query_one(TextPane)

    def __init__(self, session: Session) -> None:
        super().__init__(classes="-pane-text")
        self.session = session
        self._status: StatusLine | None = None
        self._run_controls: RunControls | None = None
        self._waits_for_run = False
        self._is_source_told = False
        """Whether a note about generating with the started run was shown."""
        self._was_styled = self._will_be_styled = False
        self._drawing = Throttle(self, self._draw_run, PROGRESS_INTERVAL)

    @property
    def focus_chain(self) -> list[Widget]:
        """The order of Tab: the seed box, the text that it begins, then the panes."""
        chain = super().focus_chain
        seed, text = self.text_pane.seed, self.text_pane.view
        if seed in chain and text in chain:
            chain.remove(seed)
            chain.insert(chain.index(text), seed)
        return chain

    @property
    def run_controls(self) -> RunControls:
        """Follows runs and handles the keys that control one; created on first use."""
        if self._run_controls is None:
            self._run_controls = controls = lazy.RunControls(self.session)
            self.mount(controls)
            # mounted now, not in compose: their threads post messages through the app
            followers = controls.follower, controls.compared, controls.pinned
            controls.mount(*followers, controls.announcer)
        return self._run_controls

    @property
    def status(self) -> StatusLine:
        """The status rows of the shown run; created on first use."""
        if self._status is None:
            self._status = lazy.StatusLine()
            self.mount(self._status, before=self.query_one(PaneTabs))
        return self._status

    def compose(self) -> ComposeResult:
        """Title, tabs, panes, note and keys; the status rows are mounted with a run."""
        yield TitleRow()
        yield PaneTabs()
        yield PaneHost(self.session)
        yield NoteLine(first_hint(is_readonly=self.session.is_readonly))
        yield KeyRow()

    def update_node_styles(self, animate: bool = True) -> None:
        """Style all widgets once for all changes that arrive together, as from a held key.

        Skip the first call, as the screen opens: every widget has just been styled then.
        """

        def style_all() -> None:
            self._will_be_styled = False
            super(MainScreen, self).update_node_styles(animate)

        if self._was_styled and not self._will_be_styled:
            self._will_be_styled = self.call_later(style_all)
        self._was_styled = True

    def on_mount(self) -> None:
        """Watch the text, and place the cursor in the seed box after the first frame."""
        self.watch(self.text_pane.view, "streaming", self._show_keys)
        self.call_after_refresh(_place_cursor, self.text_pane.seed)

    def watch_pane(self) -> None:
        """Show the pane that is open."""
        self.pane_host.open(self.pane)  # first: it loads the style sheet of the panes
        for name in PANES:
            self.set_class(name == self.pane, f"-pane-{name}")
        self.query_one(PaneTabs).show(self.pane)
        self.note.clear()
        self._drawing.draw_now()

    def on_resize(self, event: Resize) -> None:
        """Show a message if the terminal is too small; give the focus back to the open pane."""
        self._show_keys()
        if is_too_small(event.size) and not self.query("#too-small"):
            self.mount(Static(tr(TOO_SMALL), id="too-small", markup=False))
        if self.focused is None:
            self.call_after_refresh(self.pane_host.focus_on, self.pane)

    def generate_when_known(self) -> None:
        """Generate as soon as the state of the shown run is known."""
        self._waits_for_run = True

    def begin(self) -> None:
        """Open the tape, text or seed file that the command line named, or generate text."""
        if self.session.tape is not None:
            self.text_pane.open_tape(self.session.tape)
        elif self.session.xray is not None:
            self.text_pane.read_text(self.session.xray)
        elif self.session.seed_file is not None:
            self.text_pane.seed.open_file(self.session.seed_file)
        else:
            self.text_pane.generate(None)
        if self.session.opens_tour:
            self.action_page("learn")

    def open_run(self, run: RunDirectory | None) -> None:
        """Show a run; None shows none. Do nothing while the app closes."""
        if is_closing(self):  # threads that search for runs or start trainers may still report
            return
        controls, (other, _) = self.run_controls, self._others
        if other is not None and other.run == run:
            controls.compared.follow(None)
        if self.session.run is not None:  # a note about the text stays when the first run is found
            self.note.clear()
            if self.session.has_live_run:
                controls.announcer.leave(self.session.run)
        controls.show(run)
        self.session.view = controls.follower.view
        if run is not None:
            self.session.left_training.pop(run.path, None)
            self.pane_host.select_run(run)

    def on_trainer_started(self, event: TrainerStarted) -> None:
        """Show a resumed run."""
        event.stop()
        self.action_show("training")
        self.show_start(event)

    def show_start(self, event: TrainerStarted | None) -> None:
        """Show a run that was started or resumed, and when its model starts to generate.

        None if the form was closed.
        """
        if event is None:
            return
        session, sentence = self.session, event.sentence
        session.trainers[event.run.path] = event.trainer
        self.open_run(event.run)
        generates = event.can_generate and session.takes_started
        session.started = event.run if generates else None
        self._is_source_told = event.has_checkpoint
        if generates and event.has_checkpoint:
            sentence += " " + _format_next(WeightsSource.NEWEST)
        elif generates:
            sentence += " " + tr_keys(
                "It generates from its first checkpoint on; {text.source} chooses another model."
            )
        elif event.can_generate:
            sentence += " " + tr_keys("{text.source} generates with the run itself.")
        self.note.show_note(sentence)

    def on_run_changed(self) -> None:
        """Draw the run, and the keys that fit its state."""
        view = self.session.view
        if self._waits_for_run and view is not None and (view.status or view.problem):
            self._waits_for_run = False
            if not self.text_pane.texts.has_started:  # else the user was faster
                self.text_pane.generate(None)
        if view is not None:
            self.run_controls.announcer.observe(view)
        if self.session.follows_started and not self._is_source_told:
            self._is_source_told = True
            self.note.show_note(_format_next(self.session.next_source))
        views = view, *self._others
        seldom_changing = [each.seldom_changing if each else None for each in views]
        self._drawing.request((seldom_changing, self._pending_requests))

    @on(RunPinned)
    @on(RunCompared)
    def draw_over(self, event: RunCompared | RunPinned) -> None:
        """Draw the loss of the compared or the pinned run over that of the shown one."""
        event.stop()
        if isinstance(event, RunPinned):
            self.run_controls.pinned.follow(event.run)
            return
        self.run_controls.compared.follow(event.run)
        if event.run is not None:
            self.action_show("training")

    def on_run_moved(self, event: RunMoved) -> None:
        """Follow the shown run under its new name; show none if it was deleted."""
        event.stop()
        if self.session.started == event.before:
            self.session.started = event.after
        if self.session.run == event.before:
            self.open_run(event.after)

    def on_pane_requested(self, event: PaneRequested) -> None:
        """Open a pane."""
        event.stop()
        if event.keeps_focus:
            self.pane = event.pane
        else:
            self.action_show(event.pane)

    def on_note_written(self, event: NoteWritten) -> None:
        """Show the note."""
        event.stop()
        self.note.show_note(event.sentence, is_problem=event.is_problem, lasts=event.lasts)

    def action_show(self, pane: str) -> None:
        """Open a pane and give it the focus."""
        if not self.is_mounted:  # a key was pressed before the first frame
            self.call_after_refresh(self.action_show, pane)
            return
        self.pane = pane
        self.pane_host.focus_on(pane)

    def action_zoom(self) -> None:
        """Give the focused pane the whole screen, or show all panes again."""
        if owner_of(self.focused) == "chart":  # it may be beside the text, which is the open pane
            self.pane = "training"
        self.toggle_class("-zoomed")
        self._show_keys()

    def action_page(self, name: str, lesson: int | None = None) -> None:
        """Open a page over this screen; `learn` begins the guided tour.

        `lesson` is the index of the page in the tour; None outside the tour.
        """
        if name == "learn":
            lesson = (lesson or 0) % len(lazy.LESSONS)
            name = lazy.LESSONS[lesson].page
        pane = self.text_pane
        context = lazy.PageContext(
            session=self.session,
            loader=pane.loader,
            request=ModelRequest.of(self.session),
            text=pane.text,
            at=pane.cursor.at,
            seed_text=pane.seed.text,
        )
        opened: Page = getattr(lazy, f"{name.capitalize()}Page")(context)
        if lesson is not None:
            opened.show_lesson(lesson)

        def continue_tour(turned: int | None) -> None:
            if lesson is not None and turned:
                self.action_page("learn", lesson + turned)
            elif lesson is not None:  # the keys that the lessons name act here
                pane.view.focus()

        self.app.push_screen(opened, continue_tour)

    def action_text(self) -> None:
        """Show the text; if it or the seed has the focus, open or close the tape."""
        text_pane = self.text_pane
        has_tape = text_pane.home is not text_pane.seed
        text_widgets = {text_pane.seed, text_pane.view}
        if self.pane == "text" and self.focused in text_widgets and not has_tape:
            text_pane.action_tape()
            return
        if self.pane == "text" and has_tape:
            text_pane.close_tape()
        self.action_show("text")

    async def action_run(self, action: str) -> None:
        """Run an action that controls the run."""
        await self.run_controls.run_action(action)

    def action_source(self) -> None:
        """Choose the model that generates from the next seed on."""
        session = self.session

        def take(chosen: ModelChoice) -> None:
            session.source, session.model = chosen
            session.started = None
            source = session.source_name
            self.note.show_note(
                tr("From the next Enter on, {source} will generate.", source=source)
            )
            self.text_pane.show_source()

        lazy.ModelScreen(session).open(self.app, take)

    def finish_requests(self, seconds: float) -> None:
        """Wait until all requests to trainers are written, for at most `seconds`."""
        if self._run_controls is not None:
            self._run_controls.finish_requests(seconds)

    @property
    def _others(self) -> tuple[RunView | None, RunView | None]:
        """The compared run, and the pinned one unless it is shown or compared already."""
        if self._run_controls is None:
            return None, None
        compared, pinned = self._run_controls.compared.view, self._run_controls.pinned.view
        drawn = {each.run for each in (self.session.view, compared) if each is not None}
        return compared, None if pinned is None or pinned.run in drawn else pinned

    @property
    def _pending_requests(self) -> str:
        """The requests that the trainer has not answered yet, as text."""
        return self._run_controls.pending_text if self._run_controls is not None else ""

    def _draw_run(self) -> None:
        view, now = self.session.view, time.monotonic()
        pending = self._pending_requests
        self.query_one(TitleRow).show(self.session)
        self.pane_host.show(view, *self._others, now, pending)
        if view is not None or self._status is not None:
            trouble = self.pane_host.trouble if view is not None else ""
            self.status.show(view, now, pending, trouble)
        self.text_pane.show_source()
        self.set_class(view is not None, "-has-run")  # last: the style sheet is loaded above
        self._show_keys()

    @on(DescendantFocus)
    @on(KeysChanged)
    def _show_keys(self) -> None:
        """Show hint and keys that apply now; hide chart and card where a tool needs their room."""
        pane, is_zoomed = self.text_pane, self.has_class("-zoomed")
        explains = self.pane == "text" and bool(pane.classes & _EXPLAINING)
        gives_way = is_zoomed or (explains and self.size.height < TALL)
        has_teaser = bool(self.pane_host.query("Teaser"))
        self.set_class(has_teaser, "-teaser")
        self.set_class((has_teaser or self.has_class("-has-run")) and not gives_way, "-sidebar")
        owner = owner_of(self.focused)
        is_searching = owner == "search" or (owner == "speech" and pane.is_searching)
        idle = idle_keys(self.session, is_streaming=pane.view.streaming, is_searching=is_searching)
        labels = labels_now(self.session, is_zoomed=is_zoomed, is_searching=is_searching)
        opening = pane.text.opening
        is_jamo = opening is not None and opening.is_jamo
        tool = hint_for_tool(pane.classes, is_jamo=is_jamo) if self.pane == "text" else ""
        self.note.show_hint(tool or hint_for(self.pane, self.session))
        self.query_one(KeyRow).show(idle, owner, labels)


def _place_cursor(seed: SeedInput) -> None:
    """Set the cursor for input methods: the seed box got the focus before its layout."""
    if seed.has_focus:
        seed.app.cursor_position = seed.cursor_screen_offset


def _format_next(source: WeightsSource) -> str:
    return tr_keys(
        "From the next Enter on, {source} will generate; {text.source} chooses another model.",
        source=tr(source.value),
    )
