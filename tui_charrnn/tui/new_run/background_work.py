"""What the training form has done in threads; the screen is told by messages."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.reader import read_description
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import (
    CorpusProgressed,
    NewRunRequested,
    PreparationFailed,
    RunPrepared,
)
from tui_charrnn.tui.new_run.form_values import FormValues, NewRun
from tui_charrnn.tui.new_run.prefill import values_of_run
from tui_charrnn.tui.new_run.start import Launch, Permission, WithdrawnError, start_run

Announce = Callable[[Message], object]


@dataclass
class PrefillRead(Message):
    """It is known how a run was made, or why that cannot be known."""

    values: FormValues | None
    error: Exception | None = None


def read_prefill(prefill: NewRunRequested, announce: Announce) -> None:
    """Tell, from a thread, with what a run is made once more."""

    def read(task: BackgroundTask) -> None:
        if (run := prefill.run) is None:
            return
        try:
            found = PrefillRead(values_of_run(run, read_description(run), prefill.changes))
        except (CharRNNError, OSError) as error:
            found = PrefillRead(None, error)
        task.check()
        announce(found)

    BackgroundTask("form-prefill", read)


def prepare_run(
    new: NewRun, folder: Path, launch: Launch, permission: Permission, announce: Announce
) -> None:
    """Make a run and start its trainer in a thread; nothing is told once that was given up."""

    def tell_progress(done: int, total: int | None) -> None:
        permission.check()
        announce(CorpusProgressed(done, total))

    def prepare() -> None:
        try:
            run, trainer = start_run(new, folder, launch, tell_progress, permission)
        except WithdrawnError:
            return
        except Exception as error:  # noqa: BLE001 - the form shows it, or the app closes by it
            announce(PreparationFailed(error))
        else:
            announce(RunPrepared(run, trainer))

    threading.Thread(target=prepare, daemon=True, name="run-preparation").start()
