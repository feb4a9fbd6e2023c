"""The one screen that is always there: a run, a text that streams, a seed box."""

import functools
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Static

from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.bindings import bindings_of
from tui_charrnn.tui.messages import FirstFrameShown, NewsTold, RunChanged, SeedSubmitted
from tui_charrnn.tui.screens.question import ask_to_stop
from tui_charrnn.tui.session import Session, Source
from tui_charrnn.tui.weights import Wanted, WeightsLoader
from tui_charrnn.tui.widgets.conversation import Conversation
from tui_charrnn.tui.widgets.followed_run import NO_TRAINER, FollowedRun
from tui_charrnn.tui.widgets.key_row import KeyRow
from tui_charrnn.tui.widgets.title_row import TitleRow

TOO_SMALL = "This terminal is too small: charrnn-tui needs 40 columns and 12 rows."


class MainScreen(Screen[None]):
    """Answers what the user asks for; what a run does is told to it by the app."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("main")]
    conversation = query_one(Conversation)
    followed_run = query_one(FollowedRun)

    def __init__(self, session: Session, loader: WeightsLoader) -> None:
        super().__init__()
        self._session = session
        self._loader = loader
        self._waits_for_run = False

    def compose(self) -> ComposeResult:
        """A title row, the run, the conversation, the keys."""
        yield TitleRow()
        with Container(id="stage"):
            yield FollowedRun(self._session)
            yield Conversation(self._session.dial)
        yield Static(TOO_SMALL, id="too-small", markup=False)
        yield KeyRow()

    def on_mount(self) -> None:
        """Let the cursor wait in the seed box; the text begins after the first frame."""
        self.conversation.seed.focus()
        self.watch(self.conversation.spoken, "streaming", self._show_keys)
        self.call_after_refresh(self.post_message, FirstFrameShown())

    def on_seed_submitted(self, event: SeedSubmitted) -> None:
        """Answer a seed text."""
        event.stop()
        self.answer(event.seed_text)

    def answer_when_known(self) -> None:
        """Let a model speak as soon as it is known what the shown run does."""
        self._waits_for_run = True

    def answer(self, seed_text: str | None) -> None:
        """Have a seed text answered; None takes one that suits the model."""
        wanted = Wanted.of(self._session)
        if wanted.source is Source.NEWEST and wanted.is_live and wanted.has_begun:
            self.conversation.tell("Asking the trainer for its newest weights …")
        self.conversation.speak(functools.partial(self._loader.load, wanted), seed_text)

    def open_run(self, run: RunDirectory) -> None:
        """Show a run; its weights can speak from now on."""
        self.followed_run.follow(run)

    def on_run_changed(self, event: RunChanged) -> None:
        """Offer the keys that go with what the run does now."""
        event.stop()
        view = self._session.view
        if self._waits_for_run and view is not None and (view.status or view.problem):
            self._waits_for_run = False
            self.answer(None)
        self.query_one(TitleRow).show(self._session)
        self._show_keys()

    def on_news_told(self, event: NewsTold) -> None:
        """Say what happened in the run."""
        event.stop()
        is_problem = event.news.severity != "information"
        self.conversation.tell(event.news.sentence, is_problem=is_problem)

    def action_source(self) -> None:
        """Let other weights speak from the next seed on."""
        if self._session.view is None:
            self.conversation.tell("There is no run to speak from; F3 starts one.")
            return
        source = self._session.turn_source()
        self.conversation.tell(f"From the next Enter on, {source.value} will speak.")

    def action_checkpoint(self) -> None:
        """Ask the trainer to save now."""
        self.followed_run.ask("checkpoint", "The trainer is asked to save a checkpoint …")

    def action_stop_training(self) -> None:
        """Ask the trainer to save and stop, after a question."""
        if self._session.run is None or not self._session.has_live_run:
            self.conversation.tell(NO_TRAINER)
            return

        def stop(answer: str | None) -> None:
            if answer == "stop":
                self.followed_run.ask("stop", "The trainer is asked to save and stop …")

        self.app.push_screen(ask_to_stop(self._session.run.name), stop)

    def _show_keys(self) -> None:
        """Show the keys that do something now."""
        hidden = {"text.more" if self.conversation.spoken.streaming else "text.stop"}
        if self._session.view is None:
            hidden.add("text.source")
        if not self._session.has_live_run:
            hidden |= {"run.checkpoint", "run.stop"}
        self.query_one(KeyRow).show(hidden)
