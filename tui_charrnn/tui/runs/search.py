"""Finds the run that the app opens with, in threads: the one that was named, or the best guess."""

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
"""Seconds to wait, so that the modules that read runs load after the first characters."""
MOST_DELAYS: Final = 10
"""How often to wait where a busy machine has not loaded the model yet."""
_RECENT: Final = 7 * 86_400.0
"""Seconds in which a run that has ended is still shown when the app opens."""
_DEPTH: Final = 3
"""Folders above the model of a checkpoint: RUN/checkpoints/step-00008000/model.safetensors."""


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
        else:
            BackgroundTask("run-search", lambda _: look_for_run(session, app.post_message))

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
    found = run_of_model(session.model, folder) if session.model else None
    if found is None and not session.model_is_named:
        found = find_run_to_show(folder)
        if found is None and not any(folder.glob("*/run.json")):
            post(RunFound(None))
    if found is not None:
        post(RunFound(found))


def run_of_model(model: str, runs_folder: Path) -> RunDirectory | None:
    """The run that a model is of, as it is named for `--model`; None if it is of none.

    It names a run, a file in it, or a run of the folder.
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
    """The run of a folder that its user most likely comes back to.

    The most lately written one that is being trained; or else the newest, unless it is older than
    a week.
    """
    try:
        summaries = [found for found in lazy.list_runs(runs_folder) if found.problem is None]
    except RunError:
        return None
    now = time.time()
    for summary in summaries:
        if summary.status is None:
            continue
        if lazy.judge_at_a_glance(summary.status, now - summary.modified) in {"alive", "silent"}:
            return summary.run
    recent = (found.run for found in summaries if now - found.modified < _RECENT)
    return next(recent, None)
