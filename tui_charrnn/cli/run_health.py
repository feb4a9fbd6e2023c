"""Finds out how a run directory is: every part of it, and nothing in it is changed."""

import time
from dataclasses import dataclass
from pathlib import Path

from tui_charrnn.errors import CharRNNError, RunError
from tui_charrnn.paths import is_file, is_folder, parse_path
from tui_charrnn.runs.catalogue import find_run
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.foreign_parts import foreign_parts
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import Verdict, judge_at_a_glance
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.run_corpus import absent_texts, read_run_corpus
from tui_charrnn.runs.verification import (
    CheckpointFacts,
    EventFacts,
    damaged_pointers,
    verify_checkpoints,
    verify_events,
)


@dataclass(frozen=True, slots=True)
class Health:
    """All that was found out about a run."""

    run: RunDirectory
    description: RunDescription | None
    description_problem: str
    status: RunStatus | None
    status_problem: str
    trainer: Verdict | None
    """Whether one is at work; None if nothing can be known."""
    events: EventFacts
    checkpoints: list[CheckpointFacts]
    damaged_pointers: list[str]
    corpus_problem: str
    """Why the text cannot be trained on any more; empty if it can."""
    corpus_remark: str
    """What else is to be said of it."""
    foreign_parts: str = ""
    """Which of its files and folders are links, pipes or devices; empty if none is."""

    @property
    def resumable(self) -> CheckpointFacts | None:
        """The newest checkpoint that training can go on from."""
        return next((facts for facts in self.checkpoints if facts.is_whole), None)

    @property
    def is_at_work(self) -> bool:
        """Whether a trainer is writing the run, as far as can be seen."""
        return self.trainer in {"alive", "silent"}


def find_remains(name_or_path: str, folder: Path) -> RunDirectory:
    """As `find_run`, and a folder too that was a run and has lost its run.json.

    Raises:
        RunError: If there is neither.
    """
    try:
        return find_run(name_or_path, folder)
    except RunError:
        for path in (folder / name_or_path, parse_path(name_or_path, "The run", error=RunError)):
            if is_file(RunDirectory(path).events) or is_folder(RunDirectory(path).checkpoints):
                return RunDirectory(path)
        raise


def examine_run(run: RunDirectory) -> Health:
    """Look a run over; nothing in it is changed."""
    description, description_problem = None, ""
    try:
        description = read_description(run)
    except RunError as error:
        description_problem = str(error)
    status, status_problem = None, ""
    try:
        status = read_status(run)
    except RunError as error:
        status_problem = str(error)
    problem, remark = _corpus_words(run, description)
    return Health(
        run=run,
        description=description,
        description_problem=description_problem,
        status=status,
        status_problem=status_problem,
        trainer=_judge_trainer(run, status),
        events=verify_events(run),
        checkpoints=verify_checkpoints(run),
        damaged_pointers=damaged_pointers(run),
        corpus_problem=problem,
        corpus_remark=remark,
        foreign_parts=foreign_parts(run),
    )


def _judge_trainer(run: RunDirectory, status: RunStatus | None) -> Verdict | None:
    if status is None or not status.pid:
        return None
    try:
        age = time.time() - run.status.stat().st_mtime
    except OSError:  # replaced this very moment
        age = 0.0
    return judge_at_a_glance(status, max(0.0, age))


def _corpus_words(run: RunDirectory, description: RunDescription | None) -> tuple[str, str]:
    """What is wrong with the text of a run, and what else is to be said; nothing is downloaded."""
    if description is None:
        return "", "not looked for, as run.json does not say which it is"
    reference = description.corpus
    try:
        if absent := absent_texts(reference.sources):
            return "", f"{', '.join(absent)} is not on this machine and will be fetched"
        read_run_corpus(run, reference, may_download=False)
    except CharRNNError as error:
        return str(error), ""
    return "", f"the same as at the beginning, SHA-256 {reference.sha256[:16]}..."
