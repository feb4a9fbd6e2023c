"""Which run the app shows when it opens; imported in a thread, after the first frame."""

import time
from pathlib import Path
from typing import Final

from tui_charrnn.errors import CharRNNError, RunError
from tui_charrnn.paths import parse_path
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import judge_at_a_glance
from tui_charrnn.translation import tr

_RECENT: Final = 7 * 86_400.0
"""Seconds in which a run that has ended is still shown when the app opens."""
_DEPTH: Final = 3
"""Folders above the model of a checkpoint: RUN/checkpoints/step-00008000/model.safetensors."""


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
        summaries = [found for found in list_runs(runs_folder) if found.problem is None]
    except RunError:
        return None
    now = time.time()
    for summary in summaries:
        if summary.status is None:
            continue
        if judge_at_a_glance(summary.status, now - summary.modified) in {"alive", "silent"}:
            return summary.run
    recent = (found.run for found in summaries if now - found.modified < _RECENT)
    return next(recent, None)
