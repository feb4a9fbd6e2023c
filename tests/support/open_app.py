"""The app as the tests open it: on a tiny model, in a runs folder of its own."""

import subprocess
import sys
from pathlib import Path

from tests.support.command import PATIENCE
from tests.support.themed_app import streamed
from tests.support.tiny_model import TINY_VOCABULARY, tiny_model_file
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.run.run_card import TextLines
from tui_charrnn.tui.session import GenerationSettings, Session


class RecordingLauncher:
    """Stands in for the launcher: notes the runs and starts nothing that trains."""

    def __init__(self) -> None:
        self.runs: list[RunDirectory] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, run: RunDirectory) -> "subprocess.Popen[bytes]":
        """Note the run; the process waits until its input is closed."""
        self.runs.append(run)
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        """Let the processes end and wait for them."""
        for process in self.processes:
            process.communicate(timeout=PATIENCE)


def tiny_app(
    folder: Path,
    *,
    run: RunDirectory | None = None,
    vocabulary: str = TINY_VOCABULARY,
    launch: RecordingLauncher | None = None,
) -> CharRNNApp:
    """An app that generates with a tiny random model; its runs are in `folder/runs`."""
    folder.mkdir(parents=True, exist_ok=True)
    model = tiny_model_file(folder / "tiny.safetensors", vocabulary=vocabulary)
    session = Session(runs_folder=folder / "runs", model=str(model))
    return CharRNNApp(session, run=run, launch=launch or RecordingLauncher())


def settings_of(app: CharRNNApp) -> GenerationSettings:
    """The pace and the temperature of the app's text."""
    return app.session.settings


def shown_text(app: CharRNNApp) -> str:
    """The seeds and the generated text that the app shows."""
    return streamed(app.main.text_pane.view)


def note_of(app: CharRNNApp) -> str:
    """The line below the panes."""
    return str(app.main.note.content)


def run_text_of(app: CharRNNApp) -> str:
    """All that is written about the run that is shown."""
    parts = app.main.query("StatusLine TextLines, RunCard TextLines").results(TextLines)
    return "\n".join(str(part.content) for part in parts)
