"""The history of a run: what a trainer that continues it needs from its records.

Earlier trainers recorded decisions about later steps, which are repeated.
"""

from dataclasses import dataclass, field
from typing import Final

from tui_charrnn.metrics import LossHistory
from tui_charrnn.runs.description import CURVE_LENGTH
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import BatchStretch, RunReader
from tui_charrnn.runs.records import (
    BaselinesMeasured,
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
"""Fields that store the newest record of a kind."""


@dataclass(slots=True)
class RunHistory:
    """The state of a run that a trainer needs to continue from a step, reduced from its records."""

    planned: RunPlanned | None = None
    measured: BaselinesMeasured | None = None
    chosen: PathChosen | None = None
    """The last compute path on a GPU."""
    saved_step: int = 0
    """Step of the newest recorded checkpoint."""
    changes: tuple[RateChange, ...] = ()
    horizons: tuple[Horizon, ...] = ()
    """Later lengths of the run, including extensions."""
    extensions: tuple[RunExtended, ...] = ()
    rollbacks: int = 0
    step: int = 0
    """The step that the trainer continues from; 0 is the beginning."""
    sampled: frozenset[str] = frozenset()
    """Pinned seeds already sampled at that step."""
    losses: LossHistory = field(
        default_factory=lambda: LossHistory(2 * CURVE_LENGTH), compare=False
    )
    """Losses of the batches so far."""

    @property
    def plan(self) -> Plan | None:
        """The recorded plan; None if there is none."""
        return None if self.planned is None else recorded_plan(self.planned)

    def take(self, record: Record) -> None:
        """Apply one record, except batches."""
        match record:
            case RunPlanned() | PathChosen() | BaselinesMeasured():
                setattr(self, _FIELDS[type(record)], record)
            case RunReplanned() | RunExtended():
                self._change_length(record)
            case CheckpointSaved():
                self.saved_step = record.step
            case SampleTaken() if record.step == self.step:
                self.sampled |= {record.seed_text}
            case RunResumed():
                self._go_back(record.step)
            case LearningRateChanged():
                self._change_rate(record.step, record.learning_rate)
            case RunRolledBack():  # a trainer may have died before it recorded the change too
                self._change_rate(record.to_step + 1, record.learning_rate)
                self._go_back(record.to_step)
                self.rollbacks = record.attempt

    def _change_length(self, record: RunReplanned | RunExtended) -> None:
        self.horizons = with_changes(self.horizons, [Horizon(record.step, record.total_steps)])
        if isinstance(record, RunExtended):
            self._change_rate(record.step, record.learning_rate)
            self.extensions = (*self.extensions, record)

    def _change_rate(self, step: int, learning_rate: float) -> None:
        self.changes = with_changes(self.changes, [RateChange(step, learning_rate)])

    def _go_back(self, step: int) -> None:
        """Discard everything after a step."""
        self.losses.drop_after(step)
        self.saved_step = min(self.saved_step, step)
        if self.step > step:
            self.sampled = frozenset()

    def update_progress(self, progress: Progress) -> None:
        """Add changes recorded after the checkpoint to its progress.

        The steps after it are trained again with their original learning rates; `replan` does the
        same for the length of the run.
        """
        later = [change for change in self.changes if change.from_step > progress.step]
        progress.changes = with_changes(progress.changes, later)
        progress.rollbacks = max(progress.rollbacks, self.rollbacks)

    def replan(self, plan: Plan, step: int) -> None:
        """Add lengths recorded after a checkpoint's step to its plan."""
        for horizon in self.horizons:
            if horizon.from_step > step:
                plan.replan(horizon)
        plan.extensions = self.extensions or plan.extensions


def read_history(run: RunDirectory, step: int = 0) -> RunHistory:
    """Read a run's records, for a trainer that continues from `step`.

    Raises:
        RunError: If the file exists and cannot be read.
    """
    history = RunHistory(step=step)
    for item in RunReader(run).read_all():
        if isinstance(item, BatchStretch):
            history.losses.extend(item.steps, item.losses, item.elapsed)
        else:
            history.take(item)
    history.losses.drop_after(step)
    return history
