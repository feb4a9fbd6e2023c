"""Finds the run that the app opens with, in threads: the one that was named, or the best guess."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from textual.message import Message
from textual.message_pump import MessagePump

from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import RunFound
from tui_charrnn.tui.session import find_run_to_show
from tui_charrnn.tui.text.model_loader import has_weights

DELAY: Final = 0.3
"""Seconds to wait, so that the modules that read runs load after the first characters."""


def look_for_run_soon(app: MessagePump, runs_folder: Path) -> None:
    """Post a `RunFound` to an app if a folder has a run worth showing.

    Args:
        app: Receives the message.
        runs_folder: The folder, may be on a drive that does not answer.
    """

    def search() -> None:
        work = threading.Thread(
            target=_look, args=(runs_folder, app.post_message), daemon=True, name="run-search"
        )
        work.start()

    app.set_timer(DELAY, search)


def look_at_run(app: MessagePump, run: RunDirectory) -> None:
    """Post a `RunFound` to an app that says whether the named run has weights.

    Args:
        app: Receives the message.
        run: The run, may be on a drive that does not answer.
    """

    def look(_: BackgroundTask) -> None:
        app.post_message(RunFound(run, was_named=True, has_weights=has_weights(run)))

    BackgroundTask("named-run", look)


def _look(runs_folder: Path, post: Callable[[Message], object]) -> None:
    found = find_run_to_show(runs_folder)
    if found is not None:
        post(RunFound(found))
