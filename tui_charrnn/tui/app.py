"""The app: opens, routes what is about the whole of it, and leaves."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import BindingType

from tui_charrnn import lazy
from tui_charrnn.crash import report_crash
from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.folders import state_folder
from tui_charrnn.preferences import read_sampling, resolve
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import language_of, set_language, tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.chrome import HEIGHTS, SHOW_PROBLEMS, WIDTHS, size_classes
from tui_charrnn.tui.keys.keymap import activate_keymap, bindings_of, key_label, keymap_of
from tui_charrnn.tui.main_screen import MainScreen
from tui_charrnn.tui.messages import (
    FirstFrameShown,
    NewRunRequested,
    ResumeRequested,
    RunFound,
    RunOpened,
    TrainerStarted,
)
from tui_charrnn.tui.runs.search import look_at_run, look_for_run_soon
from tui_charrnn.tui.session import READ_ONLY, Session, Source, session_for
from tui_charrnn.tui.terminal import TerminalGuard
from tui_charrnn.tui.text.model_loader import ModelLoader
from tui_charrnn.tui.textual_patches import (
    add_action_target,
    close_after_crash,
    is_closing,
    is_of_removed,
    tolerant_driver,
)
from tui_charrnn.tui.theme.themed_app import ThemedApp
from tui_charrnn.tui.theme.themes import fitting_theme

if TYPE_CHECKING:  # the first frame does not wait for them
    import subprocess
    from collections.abc import Mapping

    from textual.command import Provider
    from textual.screen import Screen

    from tui_charrnn.tui.new_run.screen import Launch
    from tui_charrnn.tui.text_pane import TextPane


def _launch_trainer(run: RunDirectory) -> subprocess.Popen[bytes]:
    return lazy.launch_trainer(run)


def _key_commands() -> type[Provider]:
    return lazy.KeyCommands


_REQUEST_PATIENCE: Final = 2.0
"""Seconds in which a request that was asked for is written before the app ends."""


class CharRNNApp(ThemedApp):
    """Shows a run that another process trains, and generates text with a model."""

    TITLE = "charrnn-tui"
    CSS_PATH = "charrnn.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("app")]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_key_commands}
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(
        self,
        session: Session,
        *,
        run: RunDirectory | None = None,
        launch: Launch | None = None,
        loader: ModelLoader | None = None,
    ) -> None:
        """Name what is to be opened."""
        preferences = session.preferences
        super().__init__(
            driver_class=tolerant_driver(),
            is_ascii=preferences.ascii,
            reduces_motion=preferences.reduced_motion,
        )
        self.session = session
        activate_keymap(session.keys, is_ascii=preferences.ascii)
        self.set_keymap(keymap_of(session.keys))
        self.problems: tuple[str, ...] = ()
        """What is not right in the settings, safe to show."""
        self.exit_message = ""
        """What is to be said on the terminal once the app has left it."""
        self.exit_work: Callable[[], str] | None = None
        """What is to be done once it has left, and says what came of it: it may wait for a disk."""
        self._run_to_open = run
        self._launch = launch or _launch_trainer
        self._loader = loader or ModelLoader()
        self._loop_to_leave: asyncio.AbstractEventLoop | None = None
        self.main = MainScreen(session, self._loader)
        add_action_target(self, "text_pane")

    @property
    def text_pane(self) -> TextPane:
        """The target of every action that begins with `text_pane.`: F8 acts in any pane."""
        return self.main.text_pane

    def get_default_screen(self) -> Screen[None]:
        """The main screen, as the style sheet has it in a terminal of this size."""
        self.main.add_class(*size_classes(self.size), update=False)
        return self.main

    def on_load(self) -> None:
        """Put on the theme before any style sheet is read; say what is not right in it."""
        problems = [*map(safe_line, self.session.problems), *self.apply_theme(self.session.theme)]
        self.problems = tuple(problems)
        words = problems[0] if len(problems) == 1 else ""
        if len(problems) > 1:
            words = tr(
                "The settings have {count} problems: {palette} and then “{command}”.",
                count=len(problems),
                palette=key_label("app.palette"),
                command=tr(SHOW_PROBLEMS),
            )
        if words:
            self.notify(words, severity="warning", timeout=15, markup=False)

    def action_show_problems(self) -> None:
        """Show all that is not right in the settings."""
        self.push_screen(lazy.list_problems(self.problems))

    def on_mount(self) -> None:
        """Be ready to leave; draw everything anew once the shell has let the program come back."""
        self._loop_to_leave = asyncio.get_running_loop()
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def on_ready(self) -> None:
        """Tell that the screen has been laid out, once it has drawn that as well."""
        self.main.call_later(self.post_message, FirstFrameShown())

    def on_first_frame_shown(self) -> None:
        """Look in a thread at the run that was named, or for one, and let a model generate."""
        if self._run_to_open is not None:
            look_at_run(self, self._run_to_open)
            return
        self.main.begin()
        text = self.text_pane.text  # an app that is left meanwhile has no pane any more
        look_for_run_soon(self, self.session, lambda: text.is_loading)

    def on_run_found(self, event: RunFound) -> None:
        """Show it, unless another one has been opened meanwhile; one that was named generates."""
        if self.session.view is not None or is_closing(self.main):
            return
        if event.run is None:
            self.main.pane_host.show_teaser()
            return
        if event.was_named and event.has_weights:
            self.session.source = Source.NEWEST
        self.main.open_run(event.run)
        if event.was_named:
            self.main.answer_when_known()

    def action_help(self) -> None:
        """List all keys; once, however often that is asked for while the list is opened."""
        if not isinstance(self.screen, lazy.HelpScreen):
            self.push_screen(lazy.HelpScreen())

    def action_help_quit(self) -> None:
        """Say which key quits, to somebody who pressed Ctrl+C."""
        words = tr("{key} quits; a training goes on.", key=key_label("app.quit"))
        self.notify(words, markup=False)

    def action_train(self) -> None:
        """Open the form for a new run."""
        self.on_new_run_requested(None)

    def on_new_run_requested(self, event: NewRunRequested | None) -> None:
        """Open the form, filled in as a run was made."""
        self.push_screen(lazy.NewRunScreen(self.session, self._launch, event), self._show_started)

    def on_run_opened(self, event: RunOpened) -> None:
        """Show another run."""
        self.main.open_run(event.run)
        self.main.action_show("training")

    def on_resume_requested(self, event: ResumeRequested) -> None:
        """Let a trainer go on with a run, and show it; not where the user came only to look."""
        if self.session.is_readonly:
            self.main.tell(tr(READ_ONLY))
            return
        launch, run = self._launch, event.run

        def start(_: BackgroundTask) -> None:
            try:
                started = TrainerStarted(run, launch(run), event.sentence)
            except CharRNNError as error:
                started = TrainerStarted(run, error)
            self.post_message(started)

        BackgroundTask("trainer-start", start)

    def on_trainer_started(self, event: TrainerStarted) -> None:
        """Show the run that a trainer goes on with, or say why there is none."""
        if isinstance(event.outcome, CharRNNError):
            self.main.tell(str(event.outcome), is_problem=True)
            return
        self.session.trainers[event.run.path] = event.outcome
        self.main.open_run(event.run)
        self.main.action_show("training")
        self.main.tell(event.sentence or tr("Resumed {name}.", name=event.run.name))

    def search_themes(self) -> None:
        """Let the reader choose a theme by looking at it."""
        self.push_screen(lazy.ThemeScreen())

    async def action_quit(self) -> None:
        """Leave; with a run that trains, ask what becomes of it."""
        others = self.session.trained_elsewhere()
        is_readonly = self.session.is_readonly
        if self.session.run is not None and self.session.has_live_run and not is_readonly:
            if not any(screen.id == "leaving" for screen in self.screen_stack):
                names = [run.name for run in others]
                question = lazy.ask_to_leave(self.session.run.name, names)
                question.id = "leaving"
                self.push_screen(question, self._leave_run)
        else:
            if others:
                self.exit_work = partial(lazy.leave_others, others)
            self.exit()

    def leave(self, code: int) -> None:
        """Exit with a code; may be called from a signal handler."""
        if self._loop_to_leave is not None:
            self._loop_to_leave.call_soon_threadsafe(self.exit, None, code)

    def _leave_run(self, answer: str | None) -> None:
        if self.session.run is not None and answer:
            run, others = self.session.run, self.session.trained_elsewhere()

            def report() -> str:
                shown = lazy.stop_run(run) if answer == "stop" else lazy.leave_run(run)
                return "\n".join(filter(None, (shown, lazy.leave_others(others))))

            self.exit_work = report
            self.exit()

    def _show_started(self, has_started: bool | None) -> None:
        if has_started and self.session.started is not None:
            self.main.open_run(self.session.started)
            self.main.tell(
                tr(
                    "Training starts: {run}. {source} generates with the run itself.",
                    run=self.session.started_words,
                    source=key_label("text.source"),
                )
            )

    def _handle_exception(self, error: Exception) -> None:
        """Leave with three lines instead of Textual's traceback, which shows variables."""
        if is_of_removed(error):
            return
        if close_after_crash(self, error, int(ExitCode.UNEXPECTED)):
            self.exit_message = report_crash(error, state_folder())


def run_app(  # noqa: PLR0913 (the app is opened by exactly these, each named by the caller)
    run: Path | None,
    runs_folder: Path,
    model: str | None,
    *,
    readonly: bool = False,
    is_ascii: bool = False,
    tape: Path | None = None,
    xray: Path | None = None,
    seed_file: Path | None = None,
    sampling: Mapping[str, str | None] | None = None,
    opens_tour: bool = False,
    language: str | None = None,
) -> int:
    """Open the app in this terminal.

    Args:
        run: The run directory to show; None shows one that is being trained, if there is one.
        runs_folder: Where runs are kept.
        model: The model that generates: a file, a run or a name; None is the preferred one.
        readonly: Whether nothing is asked of trainers.
        is_ascii: Whether frames and charts are drawn in ASCII, whatever the settings say.
        tape: The file of a tape to open.
        xray: The file of a text to be read and colored.
        seed_file: The file of the first seed text.
        sampling: Settings of the text that the command line names, as text.
        opens_tour: Whether it opens on its guided tour.
        language: Of everything that is shown; None is the preferred one.

    Returns:
        The exit code.
    """
    # One vector times one matrix a character: more threads cost more than they give. NumPy reads
    # this when it is imported, which is after the first frame.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    preferred, rules = read_sampling(sampling or {})
    flags = {"model": model, "ascii": is_ascii or None, "language": language, **preferred}
    found = resolve(flags)
    set_language(language_of(found.preferences.language, os.environ))
    if found.problems:  # again, in that language
        found = resolve(flags)
    session = session_for(found, runs_folder, is_readonly=readonly)
    session.settings.sampling = replace(session.settings.sampling, **rules)
    session.tape, session.xray, session.seed_file = tape, xray, seed_file
    session.opens_tour = opens_tour
    app = CharRNNApp(session, run=RunDirectory(run) if run else None)
    session.theme, problem = fitting_theme(session.theme, app.console.color_system)
    session.problems += (problem,) if problem else ()
    with TerminalGuard(app.leave):
        app.run(mouse=session.preferences.mouse)
    app.main.finish_requests(_REQUEST_PATIENCE)
    message = app.exit_work() if app.exit_work and not app.exit_message else app.exit_message
    if message:
        sys.stderr.write(message + "\n")
    return app.return_code or 0
