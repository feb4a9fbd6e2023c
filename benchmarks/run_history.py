"""What the records of a run tell, as a benchmark needs it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.record_reading import read_new
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    CheckpointSaved,
    Record,
    RunResumed,
    SplitEvaluated,
)


@dataclass(slots=True)
class RunHistory:
    """The records of one run so far."""

    baselines: BaselinesMeasured | None = None
    last_batch: BatchTrained | None = None
    evaluations: list[SplitEvaluated] = field(default_factory=list)
    checkpoints: list[CheckpointSaved] = field(default_factory=list)

    def take(self, records: Sequence[Record]) -> None:
        """Take in what came since the last time."""
        for record in records:
            match record:
                case BaselinesMeasured():
                    self.baselines = record
                case BatchTrained():
                    self.last_batch = record
                case SplitEvaluated():
                    self.evaluations.append(record)
                case CheckpointSaved():
                    self.checkpoints.append(record)
                case RunResumed():
                    kept = [past for past in self.evaluations if past.step <= record.step]
                    self.evaluations = kept
                case _:
                    pass

    @property
    def best(self) -> SplitEvaluated | None:
        """The evaluation with the lowest loss, the first of several."""
        return min(self.evaluations, key=lambda record: record.loss, default=None)

    def loss_at(self, seconds: float) -> float | None:
        """Validation loss after a time of work, between the two evaluations around it.

        Args:
            seconds: Of work on the run.

        Returns:
            The straight line between them at that time; None outside of the first and the last.
        """
        earlier = [record for record in self.evaluations if record.elapsed <= seconds]
        later = [record for record in self.evaluations if record.elapsed >= seconds]
        if not earlier or not later:
            return None
        before, after = earlier[-1], later[0]
        if after.elapsed <= before.elapsed:
            return after.loss
        share = (seconds - before.elapsed) / (after.elapsed - before.elapsed)
        return before.loss + share * (after.loss - before.loss)


def read_history(run: RunDirectory) -> RunHistory:
    """All that a run has recorded until now.

    Raises:
        RunError: If its records cannot be read.
    """
    history, reader = RunHistory(), RunReader(run)
    while records := read_new(reader):
        history.take(records)
    return history
