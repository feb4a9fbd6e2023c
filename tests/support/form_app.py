"""The training form by itself, in an app that notes what comes of it."""

import errno
import subprocess
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from tests.support.open_app import RecordingLauncher
from tests.support.waiting import wait_until
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import NewRunRequested, TrainerStarted
from tui_charrnn.tui.new_run import estimate
from tui_charrnn.tui.new_run.fields import FormInput, FormRow, FormSelect
from tui_charrnn.tui.new_run.screen import FormBody, NewRunScreen
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.theme.themed_app import ThemedApp


class FormApp(ThemedApp):
    """Opens a form as soon as it is shown."""

    def __init__(self, folder: Path, launch: RecordingLauncher | None = None) -> None:
        super().__init__()
        self.session = Session(runs_folder=folder / "runs")
        self.launch = launch or RecordingLauncher()
        self.prefill: NewRunRequested | None = None
        self.answers: list[bool] = []
        """Whether the forms that were closed started a run."""
        self.started: TrainerStarted | None = None
        """What the last form returned."""

    def on_mount(self) -> None:
        """Open the first form."""
        self.open_form()

    def open_form(self) -> None:
        """Open a form."""
        form = NewRunScreen(self.session, self.launch, self.prefill)
        self.push_screen(form, self._take)

    def _take(self, started: TrainerStarted | None) -> None:
        self.started = started
        self.answers.append(started is not None)

    @property
    def body(self) -> FormBody:
        """The fields of the form that is open."""
        return self.screen.query_one(FormBody)

    def type_into(self, **fields: str) -> None:
        """Replace what stands in lines, by their ids."""
        for name, value in fields.items():
            fill(self.screen.query_one(f"#{name}", FormInput), value)

    def choose(self, **fields: str) -> None:
        """Choose from lists, by their ids."""
        for name, value in fields.items():
            fill(self.screen.query_one(f"#{name}", FormSelect), value)

    def set(self, **settings: str) -> None:
        """Replace what stands in the fields of settings, by their names; the list is open."""
        for name, value in settings.items():
            fill(self.body.settings.entries[name].field, value)


def idle_task() -> BackgroundTask:
    """A task without work: the test does the work, in its own thread."""
    return BackgroundTask("idle", lambda _: None)


def fill(entry: FormInput | FormSelect, value: str) -> None:
    """Replace the value of a field, as the user would."""
    entry.value = value
    if isinstance(entry, FormInput):
        entry.cursor_position = len(value)


def problem_of(app: ThemedApp, key: str) -> str:
    """The shown problem of a field; the key `form` is for a problem of no field."""
    if key == "form":
        shown = app.screen.query_one("#form-problem", Static)
        return str(shown.content) if shown.display else ""
    rows = [row for row in app.screen.query(FormRow) if row.key == key]
    return rows[0].problem if rows else ""


def facts_of(app: ThemedApp) -> str:
    """The shown facts of the corpus."""
    return str(app.screen.query_one("#corpus-facts", Static).content)


def estimate_of(app: ThemedApp) -> str:
    """The shown estimates for the settings."""
    return str(app.screen.query_one("#preset-facts", Static).content)


async def form_shown(pilot: Pilot[None]) -> None:
    """Wait until the form can be filled in."""
    await wait_until(pilot, "the form", lambda: bool(pilot.app.screen.query("#start")))
    await pilot.pause()


def time_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prevent the form from starting a process that times batches."""

    def refuse(*what: object) -> "subprocess.Popen[str]":
        raise OSError(errno.ENOMEM, "nothing is timed in a test")

    monkeypatch.setattr(estimate, "start_task", refuse)
