"""The Textual app: start-up, app-wide messages and actions, and exit."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from rich.console import Console
from textual import constants
from textual.binding import BindingType

from tui_charrnn import lazy
from tui_charrnn.crash import report_crash
from tui_charrnn.errors import CharRNNError, ExitCode, RunError
from tui_charrnn.folders import state_folder
from tui_charrnn.paths import parse_path
from tui_charrnn.preferences import read_sampling, resolve
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import language_of, set_language, tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.chrome import HEIGHTS, SHOW_PROBLEMS, WIDTHS, size_classes
from tui_charrnn.tui.keys.keymap import activate_keymap, bindings_of, keymap_of, tr_keys
from tui_charrnn.tui.main_screen import MainScreen
from tui_charrnn.tui.messages import (
    NewRunRequested,
    NoteWritten,
    ResumeRequested,
    RunOpened,
    TrainerStarted,
)
from tui_charrnn.tui.session import READ_ONLY, Session, WeightsSource, session_for
from tui_charrnn.tui.terminal import TerminalGuard
from tui_charrnn.tui.text.model_loader import has_weights
from tui_charrnn.tui.textual_patches import (
    add_action_target,
    close_after_crash,
    is_closing,
    is_of_removed,
    tolerant_driver,
)
from tui_charrnn.tui.theme.themed_app import ThemedApp
from tui_charrnn.tui.theme.themes import fitting_theme

if TYPE_CHECKING:  # not needed for the first frame
    from collections.abc import Mapping

    from textual.command import Provider
    from textual.screen import Screen

    from tui_charrnn.tui.dialogs import QuestionScreen
    from tui_charrnn.tui.new_run.screen import Launch
    from tui_charrnn.tui.text_pane import TextPane


_REQUEST_TIMEOUT: Final = 2.0
"""Seconds to wait at exit until pending requests to trainers are written."""
DELAY: Final = 0.3
"""Seconds to wait, so that the modules that read runs load after the first characters appear."""
MOST_DELAYS: Final = 10
"""Most times to wait while the model is still loading, as on a busy machine."""
_RECENT: Final = 7 * 86_400.0
"""Age in seconds up to which a run that has ended is shown when the app opens."""
_DEPTH: Final = 3
"""Depth of a model file in its run: RUN/checkpoints/step-00008000/model.safetensors."""


class CharRNNApp(ThemedApp):
    """Shows a run that another process trains, and generates text with a model."""

    TITLE = "charrnn-tui"
    CSS_PATH = "charrnn.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("app")]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        lambda: lazy.KeyCommands
    }
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(
        self,
        session: Session,
        *,
        run: RunDirectory | None = None,
        launch: Launch | None = None,
    ) -> None:
        """Store what to open; all work starts when the app runs.

        `run` is the run to show; None searches for one. `launch` starts trainers.
        """
        preferences = session.preferences
        super().__init__(
            driver_class=tolerant_driver(),
            is_ascii=preferences.ascii,
            reduces_motion=preferences.reduced_motion,
        )
        self.session = session
        activate_keymap(session.keys, is_ascii=preferences.ascii)
        self.set_keymap(keymap_of(session.keys))
        # here, before any event is handled: the user's themes may be on a disk that hangs
        theme_problems = self.apply_theme(session.theme)
        self.problems = (*map(safe_line, session.problems), *theme_problems)
        """Problems in the settings, as safe text."""
        self.exit_report: Callable[[], str] = str
        """Called after the app has closed; returns a message to print. It may block on a disk."""
        self._run_to_open = run
        self._launch = launch
        self._loop_to_leave: asyncio.AbstractEventLoop | None = None
        self.main = MainScreen(session)
        add_action_target(self, "text_pane")

    @property
    def text_pane(self) -> TextPane:
        """The target of all `text_pane.` actions, so that their keys act in every pane."""
        return self.main.text_pane

    def get_default_screen(self) -> Screen[None]:
        """Return the main screen, with the classes for the size of the terminal."""
        self.main.add_class(*size_classes(self.size), update=False)
        return self.main

    def on_load(self) -> None:
        """Warn about problems in the settings."""
        problems = self.problems
        message = problems[0] if len(problems) == 1 else ""
        if len(problems) > 1:
            message = tr_keys(
                "The settings have {count} problems: {app.palette} and then “{command}”.",
                count=len(problems),
                command=tr(SHOW_PROBLEMS),
            )
        if message:
            self.notify(message, severity="warning", timeout=15, markup=False)

    def action_show_problems(self) -> None:
        """List all problems in the settings, in place of the notification about them."""
        self.clear_notifications()
        self.push_screen(lazy.list_problems(self.problems))

    def on_mount(self) -> None:
        """Store the event loop for `leave`; redraw when the app resumes after a suspend."""
        self._loop_to_leave = asyncio.get_running_loop()
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def on_ready(self) -> None:
        """Begin the slow work after the first frame is drawn."""
        self.main.call_later(self.begin)

    def begin(self) -> None:
        """Open the named run, or generate text while a thread searches for a run."""
        if self._run_to_open is not None:
            run = self._run_to_open

            def look(_: BackgroundTask) -> None:  # a run may be on a drive that hangs
                self.call_later(self._show_named, run, has_weights(run))

            BackgroundTask("named-run", look)
            return
        self.main.begin()
        texts = self.text_pane.texts  # read now: the pane is missing once the app closes

        def search(task: BackgroundTask) -> None:
            wait_while(lambda: texts.is_starting, task)
            look_for_run(self.session, partial(self.call_later, self.show_found))

        BackgroundTask("run-search", search)

    def _show_named(self, run: RunDirectory, has_weights: bool) -> None:
        """Show the run that the command line named, and generate; not if another one is open."""
        if self.session.view is not None:
            return
        if has_weights:
            self.session.source = WeightsSource.NEWEST
        self.main.open_run(run)
        self.main.generate_when_known()

    def show_found(self, run: RunDirectory | None) -> None:
        """Show a run, unless another one is open; None if there is none."""
        if self.session.view is not None or is_closing(self.main):
            return
        if run is None:
            self.main.pane_host.show_teaser()
        else:
            self.main.open_run(run)

    def action_help(self) -> None:
        """Open the help screen, unless it is open already."""
        if not isinstance(self.screen, lazy.HelpScreen):
            self.push_screen(lazy.HelpScreen())

    def action_help_quit(self) -> None:
        """Show which key quits; Textual binds this to Ctrl+C."""
        message = tr_keys("{app.quit} quits; training continues.")
        self.notify(message, markup=False)

    def action_train(self) -> None:
        """Open the form for a new run."""
        self.on_new_run_requested(None)

    def on_new_run_requested(self, event: NewRunRequested | None) -> None:
        """Open the new-run form; an event prefills it from a run. Refuse in a read-only session."""
        if self.session.is_readonly:
            self.main.note.show_note(tr(READ_ONLY))
            return
        self.push_screen(
            lazy.NewRunScreen(self.session, self._launch or lazy.launch_trainer, event),
            self.main.show_start,
        )

    def on_run_opened(self, event: RunOpened) -> None:
        """Show another run."""
        self.main.open_run(event.run)
        self.main.action_show("training")

    def on_resume_requested(self, event: ResumeRequested) -> None:
        """Start a trainer in a thread to resume a run; refuse in a read-only session."""
        if self.session.is_readonly:
            self.main.note.show_note(tr(READ_ONLY))
            return
        launch, run = self._launch or lazy.launch_trainer, event.run

        def start(_: BackgroundTask) -> None:
            try:
                can_generate = not lazy.read_description(run).model.reads_both
                has_checkpoint = run.latest.exists()
                trainer = launch(run)
            except CharRNNError as error:
                self.main.post_message(NoteWritten(str(error), is_problem=True))
                return
            sentence = event.sentence or tr("Resumed {name}.", name=run.name)
            self.main.post_message(
                TrainerStarted(run, trainer, sentence, can_generate, has_checkpoint)
            )

        BackgroundTask("trainer-start", start)

    def search_themes(self) -> None:
        """Open the theme picker."""
        self.push_screen(lazy.ThemeScreen())

    async def action_quit(self) -> None:
        """Quit; ask first if the shown run is training."""
        others = self.session.trained_elsewhere()
        is_readonly = self.session.is_readonly
        if self.session.run is not None and self.session.has_live_run and not is_readonly:
            if _leave_question(self) is None:
                names = [run.name for run in others]
                question = lazy.ask_to_leave(self.session.run.name, names)
                question.id = "leaving"
                self.push_screen(question, partial(_leave_run, self))
        else:
            if others:
                self.exit_report = partial(lazy.format_all_continuing, others)
            self.exit()

    async def on_run_changed(self) -> None:
        """Reword the question before the app quits if the run has ended meanwhile."""
        run, question = self.session.run, _leave_question(self)
        if run is not None and question is not None and not self.session.has_live_run:
            names = [other.name for other in self.session.trained_elsewhere()]
            await question.ask_instead(lazy.ask_to_leave(run.name, names, has_ended=True))

    def leave(self, code: int) -> None:
        """Exit with a code; safe to call from a signal handler."""
        if self._loop_to_leave is not None:
            self._loop_to_leave.call_soon_threadsafe(self.exit, None, code)

    def _handle_exception(self, error: Exception) -> None:
        """Close with a short error report instead of Textual's traceback, which shows variables."""
        if is_of_removed(error):
            return
        if close_after_crash(self, error, int(ExitCode.UNEXPECTED)):
            message = report_crash(error, state_folder())
            self.exit_report = lambda: message


def wait_while(is_loading: Callable[[], bool], task: BackgroundTask) -> None:
    """Block a task until the first text appears, or the model loads for too long."""
    for _ in range(MOST_DELAYS):
        task.wait(DELAY)
        if not is_loading():
            return


def look_for_run(session: Session, show: Callable[[RunDirectory | None], object]) -> None:
    """Find the run of the model, or the best run if no model was named, and show it."""
    folder = session.runs_folder
    found = run_of_model(session.model, folder) if session.model else None
    if found is None and not session.model_is_named:
        found = find_run_to_show(folder)
        if found is None and not any(folder.glob("*/run.json")):
            show(None)
    if found is not None:
        show(found)


def run_of_model(model: str, runs_folder: Path) -> RunDirectory | None:
    """Return the run that a value of `--model` belongs to; None if it belongs to none.

    The value is the path of a run or of a file in it, or the name of a run of the folder.
    """
    try:
        path = parse_path(model, tr("The model")).absolute()
        places = [path, *path.parents[:_DEPTH]]
        if not path.exists():
            places = [runs_folder / model] if Path(model).name == model else []
        runs = map(RunDirectory, places)
        return next((run for run in runs if run.description.is_file()), None)
    except (CharRNNError, OSError):
        return None


def find_run_to_show(runs_folder: Path) -> RunDirectory | None:
    """Return the run of a folder to show when the app opens; None if there is none.

    The most recently written run in training; otherwise the newest of the last week.
    """
    try:
        summaries = [found for found in lazy.list_runs(runs_folder) if found.problem is None]
    except RunError:
        return None
    now = time.time()
    in_training = (found.run for found in summaries if found.is_at_work(now))
    recent = (found.run for found in summaries if now - found.modified < _RECENT)
    return next(in_training, None) or next(recent, None)


def run_app(  # noqa: PLR0913 (one parameter per command-line option)
    runs_folder: Path,
    options: Mapping[str, Any] | None = None,
    *,
    run: Path | None = None,
    readonly: bool = False,
    tape: Path | None = None,
    xray: Path | None = None,
    seed_file: Path | None = None,
    opens_tour: bool = False,
) -> int:
    """Open the app in this terminal, and return the exit code.

    `options` are preferences and sampling settings of the command line by name; None if not given.
    Without `run`, a run that is training is shown, if there is one. See `Session` for the others.
    """
    # Generation multiplies one vector by one matrix per character, so more threads slow it down.
    # NumPy reads this variable on import, which happens after the first frame.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    flags, rules = read_sampling(options or {})
    found = resolve(flags)
    set_language(language_of(found.preferences.language, os.environ))
    if found.problems:  # resolve again: the problems are sentences in the chosen language
        found = resolve(flags)
    session = session_for(found, runs_folder, is_readonly=readonly)
    session.settings.sampling = replace(session.settings.sampling, **rules)
    session.tape, session.xray, session.seed_file = tape, xray, seed_file
    session.opens_tour = opens_tour
    color_system: Any = constants.COLOR_SYSTEM  # Rich's type is narrower than Textual's
    terminal = Console(color_system=color_system, force_terminal=True)
    session.theme, problem = fitting_theme(session.theme, terminal.color_system)
    session.problems += (problem,) if problem else ()
    app = CharRNNApp(session, run=RunDirectory(run) if run else None)
    with TerminalGuard(app.leave):
        app.run(mouse=session.preferences.mouse)
    app.main.finish_requests(_REQUEST_TIMEOUT)
    if message := app.exit_report():
        sys.stderr.write(message + "\n")
    return app.return_code or 0


def _leave_question(app: CharRNNApp) -> QuestionScreen | None:
    """Return the question before the app quits, while it is open."""
    opened = (screen for screen in app.screen_stack if screen.id == "leaving")
    return cast("QuestionScreen | None", next(opened, None))


def _leave_run(app: CharRNNApp, answer: str | None) -> None:
    """Quit by the answer to that question: `leave` or `stop`, else not."""
    if app.session.run is None or not answer:
        return
    run, others = app.session.run, app.session.trained_elsewhere()

    def report() -> str:
        if answer != "stop":
            return lazy.format_all_continuing([run, *others])
        return "\n".join(filter(None, (lazy.stop_run(run), lazy.format_all_continuing(others))))

    app.exit_report = report
    app.exit()
