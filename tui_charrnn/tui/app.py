"""The app: opens, routes what is about the whole of it, and leaves."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen

from tui_charrnn.crash import report_crash, state_folder
from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.preferences.resolution import resolve
from tui_charrnn.runs.launcher import launch_trainer
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.bindings import bindings_of
from tui_charrnn.tui.farewell import leave_run, stop_run
from tui_charrnn.tui.keymap import key_words, keymap_of, put_in_force
from tui_charrnn.tui.messages import NewRunRequested, ResumeRequested, RunFound, RunOpened
from tui_charrnn.tui.palette import key_commands
from tui_charrnn.tui.screens.help import HelpScreen
from tui_charrnn.tui.screens.main import MainScreen
from tui_charrnn.tui.screens.question import ask_to_leave
from tui_charrnn.tui.session import Session, Source, find_run_to_show, session_for
from tui_charrnn.tui.terminal import TerminalGuard, tolerant_driver
from tui_charrnn.tui.theme_choice import put_on_theme
from tui_charrnn.tui.themed_app import ThemedApp
from tui_charrnn.tui.weights import WeightsLoader
from tui_charrnn.tui.widgets.run_follower import READ_ONLY

if TYPE_CHECKING:  # brings the catalogue of texts, see `action_train`
    from tui_charrnn.tui.new_run import Launch


class CharRNNApp(ThemedApp):
    """Shows a run that another process trains, and lets a model speak."""

    TITLE = "charrnn-tui"
    CSS_PATH = "charrnn.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("app")]
    SCREENS: ClassVar[dict[str, Callable[[], Screen[Any]]]] = {"help": HelpScreen}
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared without ClassVar by Textual
        (0, "-too-narrow"),
        (40, "-small"),
        (60, "-narrow"),
        (110, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - declared without ClassVar by Textual
        (0, "-too-low"),
        (12, "-flat"),
        (16, "-low"),
        (20, "-medium"),
        (30, "-high"),
    ]

    def __init__(
        self,
        session: Session,
        *,
        run: RunDirectory | None = None,
        launch: "Launch" = launch_trainer,
        loader: WeightsLoader | None = None,
    ) -> None:
        """Name what is to be opened.

        Args:
            session: What is open, filled as the app goes on.
            run: A run to show from the start; None looks for one that is being trained.
            launch: Starts a trainer on a run directory.
            loader: Finds and loads the weights that speak.
        """
        super().__init__(
            driver_class=tolerant_driver(),
            is_ascii=session.is_ascii,
            reduces_motion=session.reduces_motion,
        )
        self.session = session
        put_in_force(session.keys)
        self.set_keymap(keymap_of(session.keys))
        self.farewell = ""
        """What is to be said on the terminal once the app has left it."""
        self._run_to_open = run
        self._launch = launch
        self._loader = loader or WeightsLoader()
        self._loop_to_leave: asyncio.AbstractEventLoop | None = None
        self.main = MainScreen(session, self._loader)

    def get_default_screen(self) -> Screen[None]:
        """The main screen."""
        return self.main

    def on_mount(self) -> None:
        """Put on the theme, so that the first frame wears it."""
        self._loop_to_leave = asyncio.get_running_loop()
        put_on_theme(self, self.session.theme)
        for problem in self.session.problems:
            self.notify(safe_line(problem), severity="warning", timeout=15, markup=False)
        if self._run_to_open is not None and has_weights(self._run_to_open):
            self.session.source = Source.NEWEST

    def on_first_frame_shown(self) -> None:
        """Show the run that was named, or look for one in a thread, and let a model speak."""
        if self._run_to_open is not None:
            self.main.open_run(self._run_to_open)
            self.main.answer_when_known()
            return
        threading.Thread(
            target=look_for_run,
            args=(self.session.runs_folder, self.post_message),
            daemon=True,
            name="run-search",
        ).start()
        self.main.answer(None)

    def on_run_found(self, event: RunFound) -> None:
        """Show it, unless another run has been opened meanwhile."""
        if self.session.view is None:
            self.main.open_run(event.run)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every key of the app that can be pressed here, then Textual's own commands."""
        main = self.main if screen is self.main else None
        focused = main.focused if main else None
        yield from key_commands(self, main, focused, self.main.studio.room_of(focused))
        yield from super().get_system_commands(screen)

    def action_train(self) -> None:
        """Open the form for a new run."""
        self._open_form(None)

    def on_new_run_requested(self, event: NewRunRequested) -> None:
        """Open the form, filled in as a run was made."""
        self._open_form(event)

    def on_run_opened(self, event: RunOpened) -> None:
        """Show another run."""
        self.main.open_run(event.run)
        self.main.action_show("training")

    def on_resume_requested(self, event: ResumeRequested) -> None:
        """Let a trainer go on with a run, and show it; not where the user came only to look."""
        if self.session.is_readonly:
            self.main.tell(READ_ONLY)
            return
        try:
            self.session.trainers[event.run.path] = self._launch(event.run)
        except CharRNNError as error:
            self.main.tell(str(error), is_problem=True)
            return
        self.main.open_run(event.run)
        self.main.action_show("training")
        self.main.tell(f"A trainer goes on with {event.run.name}.")

    async def action_quit(self) -> None:
        """Leave; with a run that trains, ask what becomes of it."""
        if self.session.run is not None and self.session.has_live_run:
            if not any(screen.id == "leaving" for screen in self.screen_stack):
                question = ask_to_leave(self.session.run.name)
                question.id = "leaving"
                self.push_screen(question, self._leave_run)
        else:
            self.exit()

    def leave(self, code: int) -> None:
        """Exit with a code; may be called from a signal handler."""
        if self._loop_to_leave is not None:
            self._loop_to_leave.call_soon_threadsafe(self.exit, None, code)

    def _open_form(self, prefill: NewRunRequested | None) -> None:
        # deferred: the catalogue of texts brings the network modules, 50 ms of the first frame
        from tui_charrnn.tui.screens.new_run import NewRunScreen  # noqa: PLC0415 - as said

        form = NewRunScreen(self.session, self._launch, prefill)
        self.push_screen(form, self._show_started)

    def _leave_run(self, answer: str | None) -> None:
        if self.session.run is not None and answer:
            self.farewell = (stop_run if answer == "stop" else leave_run)(self.session.run)
            self.exit()

    def _show_started(self, has_started: bool | None) -> None:
        if has_started and self.session.started is not None:
            self.main.open_run(self.session.started)
            words = f"Training starts: {self.session.started_words}."
            self.main.tell(f"{words} {key_words('text.source')} lets the run itself speak.")

    def _handle_exception(self, error: Exception) -> None:
        """Leave with three lines instead of Textual's traceback, which shows variables."""
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self.farewell = report_crash(error, state_folder())
        self._return_code = int(ExitCode.UNEXPECTED)
        self._close_messages_no_wait()


def look_for_run(runs_folder: Path, announce: Callable[[Message], object]) -> None:
    """Tell of the run in a folder that is worth showing, if there is one."""
    found = find_run_to_show(runs_folder)
    if found is not None:
        announce(RunFound(found))


def has_weights(run: RunDirectory) -> bool:
    """Whether a run has weights that can speak, at a glance."""
    return run.latest.exists() or run.live_model.exists()


def run_app(
    run: Path | None,
    runs_folder: Path,
    model: str | None,
    *,
    readonly: bool = False,
    is_ascii: bool = False,
) -> int:
    """Open the app in this terminal.

    Args:
        run: The run directory to show; None shows one that is being trained, if there is one.
        runs_folder: Where runs are kept.
        model: The model that speaks: a file, a run or a name; None is the preferred one.
        readonly: Whether nothing is asked of trainers.
        is_ascii: Whether frames and charts are drawn in ASCII, whatever the settings say.

    Returns:
        The exit code.
    """
    # One vector times one matrix a character: more threads cost more than they give. NumPy reads
    # this when it is imported, which is after the first frame.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    flags = {"model": model, "ascii": is_ascii or None}
    session = session_for(resolve(flags), runs_folder, is_readonly=readonly)
    app = CharRNNApp(session, run=RunDirectory(run) if run else None)
    with TerminalGuard(app.leave):
        app.run(mouse=session.preferences.mouse)
    if app.farewell:
        sys.stderr.write(app.farewell + "\n")
    return app.return_code or 0
