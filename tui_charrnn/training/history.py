"""What earlier trainers of a run wrote down and a later one goes by."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import LineTail
from tui_charrnn.runs.record_codec import decode_record
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    CheckpointSaved,
    LearningRateChanged,
    Record,
    RunPlanned,
    RunResumed,
    RunRolledBack,
)
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.schedule import RateChange, with_changes

_BATCH: Final = '{"kind":"batch",'
"""How nearly all lines begin; none of them says anything here, and decoding them takes long."""


@dataclass(frozen=True, slots=True)
class History:
    """A run is planned and its baselines counted once; its learning rate changed when it did."""

    planned: RunPlanned | None = None
    measured: BaselinesMeasured | None = None
    saved_step: int = 0
    """Of the newest checkpoint that was recorded."""
    changes: tuple[RateChange, ...] = ()
    rollbacks: int = 0

    def after(self, record: Record) -> "History":
        """The history with one more record."""
        new: dict[str, Any] = {}
        match record:
            case RunPlanned():
                new = {"planned": record}
            case BaselinesMeasured():
                new = {"measured": record}
            case CheckpointSaved():
                new = {"saved_step": record.step}
            case RunResumed():
                new = {"saved_step": min(self.saved_step, record.step)}
            case LearningRateChanged():
                new = self._changed(record.step, record.learning_rate)
            case RunRolledBack():  # a trainer may have died before it recorded the change too
                new = self._changed(record.to_step + 1, record.learning_rate)
                new["saved_step"] = min(self.saved_step, record.to_step)
                new["rollbacks"] = record.attempt
        return replace(self, **new)

    def _changed(self, step: int, learning_rate: float) -> dict[str, Any]:
        return {"changes": with_changes(self.changes, [RateChange(step, learning_rate)])}

    def bring_up_to_date(self, progress: Progress) -> None:
        """Let a checkpoint's progress know what was decided after it was saved.

        The steps after it are trained again, each with the learning rate that it had.
        """
        later = [change for change in self.changes if change.from_step > progress.step]
        progress.changes = with_changes(progress.changes, later)
        progress.rollbacks = max(progress.rollbacks, self.rollbacks)


def read_history(run: RunDirectory) -> History:
    """Fold a run's records.

    Raises:
        RunError: If the file is there and cannot be read.
    """
    history = History()
    for line in _lines(run):
        if line and not line.startswith(_BATCH):
            try:
                record = decode_record(line)
            except ValueError:  # torn by a trainer that was killed
                continue
            history = history if record is None else history.after(record)
    return history


def _lines(run: RunDirectory) -> Iterator[str]:
    tail, behind = LineTail(run.events), -1
    while tail.behind != behind:  # it falls until only a torn line is left
        behind = tail.behind
        yield from tail.read_new_lines()
