"""The models that can be talked to by name: those that came along, then those of the runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_charrnn.generation.sources import models_that_came_along
from tui_charrnn.model.header import ModelFacts, read_facts
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.checkpoints import best_or_newest


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model and the name by which `--model` finds it."""

    name: str
    origin: Literal["bundled", "run"]
    facts: ModelFacts


def offered_models(runs_folder: Path) -> Iterator[OfferedModel]:
    """Every model that has a name: the default first, runs newest first.

    A bundled one whose name a run has taken is left out, as the run is what its name leads to.
    Runs that have saved nothing yet are left out too.

    Args:
        runs_folder: Where runs are looked up.

    Raises:
        RunError: If the folder cannot be read.
    """
    runs = [summary.run for summary in list_runs(runs_folder)]
    taken = {run.name for run in runs}
    for name, path in models_that_came_along().items():
        if name not in taken:
            yield OfferedModel(name, "bundled", read_facts(path))
    for run in runs:
        checkpoint = best_or_newest(run)
        path = checkpoint.model if checkpoint else run.live_model
        if path.is_file():
            yield OfferedModel(run.name, "run", read_facts(path))
