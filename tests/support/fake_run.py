"""Run directories as a trainer writes them, with the real writer and without TensorFlow.

run = fake_run(folder, losses=[3.0, 2.5, 2.0], evaluations={2: 2.6, 3: 2.2})   # has ended
with FakeTrainer(created_run(folder)) as trainer:                              # is live
    trainer.start()
    trainer.train(3.0, 2.5)
"""

import itertools
import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.support.fake_trainer import FakeTrainer
from tests.support.tiny_model import tiny_config
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.lifecycle import create_run
from tui_charrnn.runs.liveness import boot_id
from tui_charrnn.runs.reader import read_status
from tui_charrnn.runs.records import RunResumed, RunStarted
from tui_charrnn.runs.storage import Storage
from tui_charrnn.text.corpus import Corpus, Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.vocabulary import choose_vocabulary

__all__ = [
    "FakeTrainer",
    "created_run",
    "fake_corpus",
    "fake_run",
    "lose_trainer",
    "resume_fake_run",
]

FAKE_TEXT: Final = "to be, or not to be: that is the question.\n" * 40
DEAD_PID: Final = 4_194_305
"""One more than the largest number that Linux gives a process."""


def fake_corpus(
    folder: Path, text: str = FAKE_TEXT, name: str = "fake.txt", records: str = "none"
) -> Corpus:
    """A corpus file in a folder, read."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_corpus([str(path)], Reading(records=records))


def created_run(
    folder: Path,
    *,
    name: str | None = "fake",
    text: str = FAKE_TEXT,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    pinned_seeds: tuple[str, ...] = (),
) -> RunDirectory:
    """A run without a trainer so far; its corpus is in `folder/.corpora`."""
    training = training or TrainingConfig(batch_size=4, sequence_length=16, steps=100)
    corpus = fake_corpus(folder / ".corpora", text, records=training.records)
    vocabulary = choose_vocabulary(
        corpus.numbered.occurrences(),
        min_count=training.min_count,
        max_vocabulary=training.max_vocabulary,
        has_records=training.has_records,
    )
    model = model or tiny_config()
    return create_run(
        folder,
        name=name,
        preset="tiny",
        model=model,
        training=training,
        corpus=corpus,
        vocabulary=vocabulary,
        parameter_count=parameter_count(model, len(vocabulary)),
        pinned_seeds=pinned_seeds,
    )


def fake_run(
    folder: Path,
    *,
    name: str | None = "fake",
    text: str = FAKE_TEXT,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    losses: Sequence[float] = (3.0, 2.5, 2.0),
    evaluations: Mapping[int, float] | None = None,
    end: str | None = "finished",
) -> RunDirectory:
    """A run with the given losses, one a step, that ended.

    Args:
        folder: Where the run is put.
        name: Name of the run.
        text: Its corpus.
        model: Its network; a tiny one if none.
        training: Its settings.
        losses: Training losses, one a batch.
        evaluations: Validation losses by step; after each a checkpoint is saved.
        end: How it ended, one of the reasons of `RunEnded`; None: the trainer was not heard of
            again after the last batch (see `lose_trainer`).
    """
    run = created_run(folder, name=name, text=text, model=model, training=training)
    evaluations = evaluations or {}
    with FakeTrainer(run, total_steps=max(1, len(losses))) as trainer:
        trainer.start()
        for step, loss in zip(itertools.count(1), losses, strict=False):
            trainer.train(loss)
            if step in evaluations:
                is_best = trainer.evaluate(evaluations[step])
                trainer.save(evaluations[step], is_best=is_best)
        if end == "diverged":
            trainer.diverge()
        elif end == "failed":
            trainer.fail("Something went wrong.")
        elif end is not None:
            trainer.end(end)
    return run


def lose_trainer(run: RunDirectory) -> None:
    """Make a run look as if its trainer, on this machine, had been killed while it trained."""
    status = read_status(run) or RunStatus(state=RunState.TRAINING)
    lost = replace(
        status, state=RunState.TRAINING, pid=DEAD_PID, host=socket.gethostname(), boot_id=boot_id()
    )
    Storage().write_atomically(run.status, encode_json(lost.to_json()))


def resume_fake_run(run: RunDirectory, step: int) -> FakeTrainer:
    """A trainer that resumes a run from the checkpoint of a step."""
    trainer = FakeTrainer(run)
    trainer.append(
        RunStarted(trainer.writer.status.pid, socket.gethostname(), "2026-01-02T04:04:05+00:00")
    )
    trainer.append(RunResumed(step))
    trainer.step = step
    return trainer
