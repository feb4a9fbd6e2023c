"""What earlier trainers of a run wrote down and a later one goes by."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from tui_charrnn.metrics import LossHistory
from tui_charrnn.runs.description import CURVE_LENGTH
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.record_codec import BatchStretch
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    CheckpointSaved,
    LearningRateChanged,
    PathChosen,
    Record,
    RunExtended,
    RunPlanned,
    RunReplanned,
    RunResumed,
    RunRolledBack,
    SampleTaken,
)
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.plan import Horizon, Plan, RateChange, recorded_plan, with_changes

_FIELDS: Final[dict[type, str]] = {
    RunPlanned: "planned",
    PathChosen: "chosen",
    BaselinesMeasured: "measured",
}
"""Where the newest record of a kind is kept."""


@dataclass(frozen=True, slots=True)
class History:
    """What matters of a run's records to a trainer that continues from one of its steps.

    A run is planned and its baselines counted once; its learning rate changed when it did.
    """

    planned: RunPlanned | None = None
    measured: BaselinesMeasured | None = None
    chosen: PathChosen | None = None
    """How a GPU computed it last."""
    saved_step: int = 0
    """Of the newest checkpoint that was recorded."""
    changes: tuple[RateChange, ...] = ()
    horizons: tuple[Horizon, ...] = ()
    """Lengths of the run after the first, those of its extensions among them."""
    extensions: tuple[RunExtended, ...] = ()
    rollbacks: int = 0
    step: int = 0
    """The step that the trainer continues from; 0 is the beginning."""
    sampled: frozenset[str] = frozenset()
    """Pinned seeds that were sampled at that step."""
    losses: LossHistory = field(
        default_factory=lambda: LossHistory(2 * CURVE_LENGTH), compare=False
    )
    """Of the batches so far; the same object in every later history."""

    @property
    def plan(self) -> Plan | None:
        """How long the run is, if that was recorded."""
        return None if self.planned is None else recorded_plan(self.planned)

    def after(self, record: Record) -> "History":
        """The history with one more record."""
        new: dict[str, Any] = {}
        match record:
            case RunPlanned() | PathChosen() | BaselinesMeasured():
                new = {_FIELDS[type(record)]: record}
            case RunReplanned() | RunExtended():
                new = self._replanned(record)
            case CheckpointSaved():
                new = {"saved_step": record.step}
            case SampleTaken() if record.step == self.step:
                new = {"sampled": self.sampled | {record.seed_text}}
            case RunResumed():
                new = self._back_at(record.step)
            case LearningRateChanged():
                new = self._changed(record.step, record.learning_rate)
            case RunRolledBack():  # a trainer may have died before it recorded the change too
                new = self._changed(record.to_step + 1, record.learning_rate)
                new |= self._back_at(record.to_step) | {"rollbacks": record.attempt}
        return replace(self, **new)

    def _back_at(self, step: int) -> dict[str, Any]:
        """What came after a step is void."""
        self.losses.drop_after(step)
        sampled = self.sampled if self.step <= step else frozenset()
        return {"saved_step": min(self.saved_step, step), "sampled": sampled}

    def _replanned(self, record: RunReplanned | RunExtended) -> dict[str, Any]:
        horizon = Horizon(record.step, record.total_steps)
        new: dict[str, Any] = {"horizons": with_changes(self.horizons, [horizon])}
        if isinstance(record, RunReplanned):
            return new
        new |= self._changed(record.step, record.learning_rate)
        return new | {"extensions": (*self.extensions, record)}

    def _changed(self, step: int, learning_rate: float) -> dict[str, Any]:
        return {"changes": with_changes(self.changes, [RateChange(step, learning_rate)])}

    def update_progress(self, progress: Progress) -> None:
        """Let a checkpoint's progress know what was decided after it was saved.

        The steps after it are trained again, each with the learning rate that it had; `replan`
        does the same for the length of the run.
        """
        later = [change for change in self.changes if change.from_step > progress.step]
        progress.changes = with_changes(progress.changes, later)
        progress.rollbacks = max(progress.rollbacks, self.rollbacks)

    def replan(self, plan: Plan, step: int) -> None:
        """Let the plan of a checkpoint know the lengths that were decided after its step."""
        for horizon in self.horizons:
            if horizon.from_step > step:
                plan.replan(horizon)
        plan.extensions = self.extensions or plan.extensions


def read_history(run: RunDirectory, step: int = 0) -> History:
    """Fold a run's records; a trainer will continue at the step.

    Raises:
        RunError: If the file is there and cannot be read.
    """
    history, reader, behind = History(step=step), RunReader(run), -1
    while reader.behind != behind:  # it falls until only a torn line is left
        behind = reader.behind
        for item in reader.read_new_stretches():
            if isinstance(item, BatchTrained):  # with a number that stretches leave out, as 1e+18
                history.losses.append(item.step, item.loss)
            elif isinstance(item, BatchStretch):
                for at, loss in zip(item.steps, item.losses, strict=True):
                    history.losses.append(at, loss)
            else:
                history = history.after(item)
    history.losses.drop_after(step)
    return history
