"""Finds the run to show when the app opens, in a thread: the named one or the best candidate."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from textual.message import Message
from textual.message_pump import MessagePump

from tui_charrnn import lazy
from tui_charrnn.errors import CharRNNError, RunError
from tui_charrnn.paths import parse_path
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import RunFound
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.text.model_loader import has_weights

DELAY: Final = 0.3
"""Seconds to wait, so that the modules that read runs load after the first characters appear."""
MOST_DELAYS: Final = 10
"""Most times to wait while the model is still loading, as on a busy machine."""
_RECENT: Final = 7 * 86_400.0
"""Age in seconds up to which a run that has ended is shown when the app opens."""
_DEPTH: Final = 3
"""Depth of a model file in its run: RUN/checkpoints/step-00008000/model.safetensors."""


def look_for_run_soon(app: MessagePump, session: Session, is_loading: Callable[[], bool]) -> None:
    """Post a `RunFound` to an app once its first text appears, if there is a run to show.

    Args:
        app: Receives the message.
        session: Its runs folder, possibly on a drive that hangs, and its model.
        is_loading: Returns whether the first text has not appeared yet.
    """

    def search(delays: int) -> None:
        if delays < MOST_DELAYS and is_loading():
            app.set_timer(DELAY, partial(search, delays + 1))
        else:
            BackgroundTask("run-search", lambda _: look_for_run(session, app.post_message))

    app.set_timer(DELAY, partial(search, 1))


def look_at_run(app: MessagePump, run: RunDirectory) -> None:
    """Post a `RunFound` to an app, with whether the named run has weights.

    Args:
        app: Receives the message.
        run: The named run, possibly on a drive that hangs.
    """

    def look(_: BackgroundTask) -> None:
        app.post_message(RunFound(run, was_named=True, has_weights=has_weights(run)))

    BackgroundTask("named-run", look)


def look_for_run(session: Session, post: Callable[[Message], object]) -> None:
    """Find the run of the model, or the best run if no model was named, and post it."""
    folder = session.runs_folder
    found = run_of_model(session.model, folder) if session.model else None
    if found is None and not session.model_is_named:
        found = find_run_to_show(folder)
        if found is None and not any(folder.glob("*/run.json")):
            post(RunFound(None))
    if found is not None:
        post(RunFound(found))


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
