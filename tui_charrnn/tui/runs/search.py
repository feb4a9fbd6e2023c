"""Finds the run that the app opens with, in threads: the one that was named, or the best guess."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from textual.message import Message
from textual.message_pump import MessagePump

from tui_charrnn import lazy
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import RunFound
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.text.model_loader import has_weights

DELAY: Final = 0.3
"""Seconds to wait, so that the modules that read runs load after the first characters."""
MOST_DELAYS: Final = 10
"""How often to wait where a busy machine has not loaded the model yet."""


def look_for_run_soon(app: MessagePump, session: Session, is_loading: Callable[[], bool]) -> None:
    """Post a `RunFound` to an app if there is a run worth showing.

    Args:
        app: Receives the message.
        session: Has the folder, which may be on a drive that does not answer, and the model.
        is_loading: Whether the first text is still waited for.
    """

    def search(delays: int) -> None:
        if delays < MOST_DELAYS and is_loading():
            app.set_timer(DELAY, partial(search, delays + 1))
            return
        work = threading.Thread(
            target=look_for_run, args=(session, app.post_message), daemon=True, name="run-search"
        )
        work.start()

    app.set_timer(DELAY, partial(search, 1))


def look_at_run(app: MessagePump, run: RunDirectory) -> None:
    """Post a `RunFound` to an app that says whether the named run has weights.

    Args:
        app: Receives the message.
        run: The run, may be on a drive that does not answer.
    """

    def look(_: BackgroundTask) -> None:
        app.post_message(RunFound(run, was_named=True, has_weights=has_weights(run)))

    BackgroundTask("named-run", look)


def look_for_run(session: Session, post: Callable[[Message], object]) -> None:
    """Find the run of the named model; or else, where none was named, the best."""
    folder = session.runs_folder
    found = lazy.run_of_model(session.model, folder) if session.model else None
    if found is None and not session.model_is_named:
        found = lazy.find_run_to_show(folder)
        if found is None and not any(folder.glob("*/run.json")):
            post(RunFound(None))
    if found is not None:
        post(RunFound(found))
