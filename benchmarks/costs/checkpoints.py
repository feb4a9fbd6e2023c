"""How long a checkpoint holds training up."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.costs.trainers import endless_run, working_trainer
from benchmarks.run_history import read_history
from tui_charrnn.runs.reader import read_description
from tui_charrnn.text.corpus import Corpus

INTERVAL: Final = 2.0
"""Seconds between two checkpoints, so that a benchmark sees several."""
_PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class CheckpointResult:
    """The checkpoints of one run."""

    preset: str
    parameter_count: int
    seconds: Sequence[float]
    """That training stood still for each."""


def measure_checkpoints(
    folder: Path, preset: str, corpus: Corpus, *, count: int
) -> CheckpointResult:
    """Train a preset until some checkpoints are durable.

    Args:
        folder: Where the run is put: on the disk that is of interest.
        preset: Name of the preset.
        corpus: The text.
        count: How many checkpoints.

    Raises:
        RunError: If the trainer ended before.
    """
    run = endless_run(folder, preset, corpus, checkpoint_interval=INTERVAL)
    with working_trainer(run) as trainer:
        trainer.wait_until(
            f"its checkpoint number {count}",
            lambda: len(read_history(run).checkpoints) >= count,
            _PATIENCE,
        )
    seconds = [record.seconds for record in read_history(run).checkpoints]
    return CheckpointResult(preset, read_description(run).parameter_count, seconds)
