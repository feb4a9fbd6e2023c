"""A run of very many batches that nobody trained, as a trainer would have written it."""

import math
import random
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.presets import find_preset
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.lifecycle import create_run
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    RunEnded,
    RunPlanned,
    RunStarted,
    SplitEvaluated,
)
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.vocabulary import choose_vocabulary

EVALUATIONS: Final = 200
_TEXT: Final = "To be, or not to be: that is the question.\n" * 400
_SECONDS_PER_STEP: Final = 0.0837
_LADDER: Final = BaselinesMeasured(
    (0, 1, 2, 3, 4, 5, 6), (4.174, 3.309, 2.486, 2.025, 1.786, 1.669, 1.702)
)


def write_long_run(folder: Path, batches: int) -> RunDirectory:
    """Write a run that has finished after so many batches, and scored held-out text now and then.

    It has no checkpoints: what a viewer reads of it is its records.

    Args:
        folder: Where it is put; its text lies there too.
        batches: How many there are.

    Raises:
        StorageError: If the disk refuses.
    """
    path = folder / "text.txt"
    path.write_text(_TEXT, encoding="utf-8")
    corpus, preset = read_corpus([str(path)]), find_preset("tiny")
    vocabulary = choose_vocabulary(corpus.numbered.occurrences())
    run = create_run(
        folder,
        name=f"batches-{batches}",
        preset="tiny",
        model=preset.model,
        training=preset.training,
        corpus=corpus,
        vocabulary=vocabulary,
        parameter_count=parameter_count(preset.model, len(vocabulary)),
    )
    with RunWriter(run, heartbeat=3600.0) as writer:
        _write_records(writer, batches)
    return run


def _write_records(writer: RunWriter, batches: int) -> None:
    every = max(1, batches // EVALUATIONS)
    noise, best = random.Random(0), math.inf  # noqa: S311 - the same run every time
    writer.append(
        RunStarted(writer.status.pid, socket.gethostname(), datetime.now(UTC).isoformat())
    )
    writer.append(_LADDER)
    writer.append(RunPlanned(batches, max(1, batches // 50), every, 32, None))
    for step in range(1, batches + 1):
        mean = loss_after(step / batches)
        seconds = round(step * _SECONDS_PER_STEP, 3)
        loss, norm = mean + noise.gauss(0.0, 0.05), 0.4 + noise.random()
        writer.append(BatchTrained(step, loss, 0.002, norm, seconds))
        if step % every == 0:
            scored = mean + 0.1
            writer.append(SplitEvaluated(step, scored, scored < best, seconds))
            best = min(best, scored)
    total = batches * _SECONDS_PER_STEP
    writer.set_status(state=RunState.FINISHED, step=batches, total_steps=batches, epoch=50.0)
    writer.append(RunEnded("finished", batches, best, batches, 0, total))


def loss_after(share: float) -> float:
    """A training loss as runs have it, after a share of the run from 0 to 1."""
    return 1.35 + 2.2 * math.exp(-40.0 * share) + 0.6 * math.exp(-3.0 * share)
