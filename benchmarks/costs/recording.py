"""What recording every batch costs: the loop with its records, and the engine alone."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.costs.trainers import endless_run
from benchmarks.rounds import mirrored
from tui_charrnn.runs.control import take_requests
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import BatchTrained
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.corpus import Corpus
from tui_charrnn.training.loop import Batch, BatchResult, batch_at
from tui_charrnn.training.preparation import cut_material, prepare_text

if TYPE_CHECKING:  # loaded where it is needed: TensorFlow
    from tui_charrnn.training.engine.engine import Engine

_BATCHES = 32  # different ones, again and again
_RECORDS = 2_000


@dataclass(slots=True)
class RecordingResult:
    """Seconds per batch, one value a period, and per record."""

    alone: list[float] = field(default_factory=list)
    recorded: list[float] = field(default_factory=list)
    seconds_per_record: float = 0.0
    """Of what is done beside a batch, timed by itself."""


def measure_recording(
    folder: Path, preset: str, corpus: Corpus, *, rounds: int, seconds: float
) -> RecordingResult:
    """Train the same batches with and without records, in turns.

    Args:
        folder: Where the run is put.
        preset: Name of the preset that is trained.
        corpus: The text.
        rounds: Periods of either kind.
        seconds: Of a period.
    """
    run = endless_run(folder, preset, corpus)
    description = read_description(run)
    text = prepare_text(run, description)
    material = cut_material(text, description.training)
    batches = [batch_at(material, description.training, step) for step in range(1, _BATCHES + 1)]
    engine = _build_engine(run, len(text.vocabulary), material.batch_size)
    result = RecordingResult()
    count = max(1, round(seconds / _train(engine, batches, _BATCHES)))

    def alone() -> None:
        result.alone.append(_train(engine, batches, count))

    def recorded() -> None:
        with RunWriter(run) as writer:  # with its heartbeat, which is a part of what it costs
            record = _recorder(run, writer)
            result.recorded.append(_train(engine, batches, count, record))

    for number in range(rounds):
        for period in mirrored(alone, recorded, number):
            period()
    with RunWriter(run) as writer:
        result.seconds_per_record = _time_records(_recorder(run, writer))
    return result


def _build_engine(run: RunDirectory, vocabulary_size: int, batch_size: int) -> "Engine":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # deferred: the other measurements of this command need no TensorFlow in this process
    from tui_charrnn.training.engine.engine import Engine  # noqa: PLC0415  see above
    from tui_charrnn.training.engine.path_choice import choose_path  # noqa: PLC0415  see above
    from tui_charrnn.training.engine.paths import (  # noqa: PLC0415  see above
        RunSize,
        configure_devices,
    )

    description = read_description(run)
    model, config = description.model, description.training
    device = configure_devices(config.threads, batch_size)
    size = RunSize(vocabulary_size, batch_size, description.corpus.training_characters)
    path = choose_path(device, model, config, size).path
    return Engine(model, config, vocabulary_size, batch_size, path)


def _train(
    engine: "Engine",
    batches: list[Batch],
    count: int,
    record: Callable[[int, BatchResult], None] | None = None,
) -> float:
    """Seconds per batch; the first, in which caches are cold, is not counted."""
    engine.train_batches(batches[:1], 1, [1e-4])
    started = time.perf_counter()
    for step in range(1, count + 1):
        (result,) = engine.train_batches([batches[step % len(batches)]], step, [1e-4])
        if record is not None:
            record(step, result)
    return (time.perf_counter() - started) / count


def _recorder(run: RunDirectory, writer: RunWriter) -> Callable[[int, BatchResult], None]:
    """What a session does beside every batch: look for requests, record, tell how far it is."""
    started = time.monotonic()

    def record(step: int, result: BatchResult) -> None:
        take_requests(run)
        elapsed = time.monotonic() - started
        writer.append(BatchTrained(step, result.loss, 1e-4, result.gradient_norm, elapsed))
        writer.set_status(
            state=RunState.TRAINING,
            step=step,
            total_steps=10**6,
            epoch=step / 1_000,
            eta=elapsed,
            characters_per_second=step / max(elapsed, 1e-9),
            elapsed=elapsed,
        )

    return record


def _time_records(record: Callable[[int, BatchResult], None]) -> float:
    result = BatchResult(1.234567890123, 0.123456789012)
    started = time.perf_counter()
    for step in range(1, _RECORDS + 1):
        record(step, result)
    return (time.perf_counter() - started) / _RECORDS
