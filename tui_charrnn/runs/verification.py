"""Verify a run directory by its hashes and records, without writing anything."""

import os
from dataclasses import dataclass, field

from tui_charrnn.errors import RunError, reason_of
from tui_charrnn.runs.checkpoints import list_checkpoints, read_manifest, read_pointer
from tui_charrnn.runs.file_system import file_system, is_missing
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.reader import BatchStretch, RunReader
from tui_charrnn.runs.records import (
    Record,
    RunEnded,
    RunResumed,
    RunRolledBack,
    RunStarted,
)


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """The result of verifying one checkpoint."""

    name: str
    """Folder name."""
    step: int
    has_model: bool
    """Whether its model file is intact, so that it can generate text."""
    is_whole: bool
    """Whether training can resume from it."""
    problem: str = ""
    """What is damaged; empty if it is complete."""


@dataclass(slots=True)
class EventFacts:
    """The result of verifying events.jsonl."""

    records: int = 0
    starts: int = 0
    """Number of trainer starts."""
    last_step: int = 0
    missing: list[tuple[int, int]] = field(default_factory=list)
    """Ranges of steps without a record, as (first, last)."""
    repeated: int = 0
    """Steps with more than one record although no resume or rollback repeated them."""
    unreadable: int = 0
    """Lines that are not records. A killed trainer may leave one."""
    half_line: int = 0
    """Bytes of an incomplete last line."""
    has_ended: bool = False
    """Whether the last record is `RunEnded`."""
    problem: str = ""
    """Why the file cannot be read; empty if it can."""

    def take(self, item: Record | BatchStretch) -> None:
        """Count one record or a stretch of batches."""
        if isinstance(item, BatchStretch):
            self.has_ended = False
            self.records += len(item)
            for step in item.steps:
                if step > self.last_step + 1:
                    self.missing.append((self.last_step + 1, step - 1))
                self.repeated += step <= self.last_step
                self.last_step = max(self.last_step, step)
            return
        self.records += 1
        self.has_ended = isinstance(item, RunEnded)
        match item:
            case RunStarted():
                self.starts += 1
            case RunResumed():
                self._go_back(item.step)
            case RunRolledBack():
                self._go_back(item.to_step)

    def _go_back(self, step: int) -> None:
        self.last_step = min(step, self.last_step)
        self.missing = [(first, min(last, step)) for first, last in self.missing if first <= step]


def verify_events(run: RunDirectory) -> EventFacts:
    """Read all records of a run, and check that every step has exactly one."""
    facts, reader = EventFacts(), RunReader(run)
    try:
        file_system().lstat(run.events)  # a missing file has no records, for a reader
        for item in reader.read_all():
            facts.take(item)
    except OSError as error:
        reason = f"it cannot be read: {reason_of(error)}"
        facts.problem = "it is missing" if is_missing(error) else reason
    except RunError as error:
        facts.problem = str(error)
    facts.unreadable, facts.half_line = reader.unreadable, reader.behind
    return facts


def verify_checkpoints(run: RunDirectory) -> list[CheckpointFacts]:
    """Compare every checkpoint's files with the hashes in its manifest; newest first.

    The result includes checkpoints that a pointer names but that have no folder.
    """
    found = list(map(_verify, list_checkpoints(run)))
    known = {facts.step for facts in found}
    for pointer in (read_pointer(run, run.latest), read_pointer(run, run.best)):
        if pointer is not None and pointer.step not in known:
            known.add(pointer.step)
            name = run.checkpoint(pointer.step).path.name
            found.append(CheckpointFacts(name, pointer.step, False, False, "it is gone"))
    return sorted(found, key=lambda facts: -facts.step)


def damaged_pointers(run: RunDirectory) -> list[str]:
    """Return which of latest.json and best.json exist but name no checkpoint."""
    return [
        path.name
        for path in (run.latest, run.best)
        if os.path.lexists(path) and read_pointer(run, path) is None
    ]


def _verify(checkpoint: CheckpointDirectory) -> CheckpointFacts:
    name, step = checkpoint.path.name, checkpoint.step
    manifest = read_manifest(checkpoint)
    if manifest is None:
        return CheckpointFacts(name, step, False, False, "its manifest.json cannot be used")
    sealed = {checkpoint.model: manifest.model, checkpoint.training: manifest.training}
    damaged = [
        path for path, seal in sealed.items() if not seal.fits(path, inside=checkpoint.run_path)
    ]
    names = " and ".join(path.name for path in damaged)
    problem = f"{names} not as written" if damaged else ""
    return CheckpointFacts(name, step, checkpoint.model not in damaged, not damaged, problem)
