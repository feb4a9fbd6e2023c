"""What is known of one run: its records and its status, folded into numbers to be drawn."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from tui_charrnn.metrics import LossHistory, RunningMean
from tui_charrnn.runs.batch_stretch import Told
from tui_charrnn.runs.description import RunDescription, RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import Verdict
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    PathChosen,
    RunDiverged,
    RunEnded,
    RunPlanned,
    SampleTaken,
    SplitEvaluated,
    StoppedEarly,
)
from tui_charrnn.viewing.folds import fold
from tui_charrnn.viewing.notices import Notice


@dataclass(slots=True)
class RunView:
    """Everything that the app shows of one run; a value that grows with `take` and `observe`."""

    run: RunDirectory
    description: RunDescription | None = None
    status: RunStatus | None = None
    life: Verdict = "silent"
    state_since: float = 0.0
    """When the present state was first seen, seconds on the viewer's monotonic clock."""
    losses: LossHistory = field(default_factory=LossHistory)
    """Training loss of every batch, nats per character; and where it was not finite."""
    smoothed: RunningMean = field(default_factory=RunningMean)
    step: int = 0
    plan: RunPlanned | None = None
    path: PathChosen | None = None
    """How a GPU computes it; None on a processor."""
    baselines: BaselinesMeasured | None = None
    """The ladder of n-gram models, scored on the same held-out text."""
    evaluations: list[SplitEvaluated] = field(default_factory=list)
    best: SplitEvaluated | None = None
    """The lowest score of the held-out text, the first of equals."""
    checkpoints: list[int] = field(default_factory=list)
    """Steps after which a checkpoint was saved, oldest first; most are pruned by now."""
    checkpoint_elapsed: float | None = None
    """Seconds of work on the run until the newest of them, as far as is known."""
    samples: list[SampleTaken] = field(default_factory=list)
    """Of all pinned seeds, oldest first."""
    newest_batch: BatchTrained | None = None
    batches: int = 0
    """How many batches were read, those of dropped stretches left out."""
    clipped: int = 0
    """How many of them had a gradient that was cut down."""
    peak_rate: float | None = None
    """The peak of the learning rate since it was last changed; None if it never was."""
    published_step: int | None = None
    problem: str = ""
    """Why the run directory cannot be read now, safe to show."""
    warning: str = ""
    """The newest, safe to show."""
    stopped_early: StoppedEarly | None = None
    diverged: RunDiverged | None = None
    failure: str = ""
    failure_cause: str = ""
    """Safe to show."""
    ended: RunEnded | None = None

    @property
    def state(self) -> RunState:
        """What the trainer last said it is doing."""
        return self.status.state if self.status else RunState.CREATED

    @property
    def is_live(self) -> bool:
        """Whether a trainer is at work on it, as far as can be told."""
        has_ended = self.ended is not None or self.diverged is not None or bool(self.failure)
        return self.state.is_live and self.life in {"alive", "silent"} and not has_ended

    @property
    def total_steps(self) -> int | None:
        """How many steps the run will have, once that is planned."""
        if self.plan is not None:
            return self.plan.total_steps
        return self.status.total_steps if self.status else None

    @property
    def planned_rate(self) -> float | None:
        """The peak of the learning rate that the run was begun with; None if nothing is known."""
        if self.plan is not None and self.plan.learning_rate is not None:
            return self.plan.learning_rate
        return self.description.training.learning_rate if self.description else None

    @property
    def validation(self) -> SplitEvaluated | None:
        """The newest score of the held-out text."""
        return self.evaluations[-1] if self.evaluations else None

    @property
    def baseline(self) -> tuple[int, float] | None:
        """The best n-gram model: its order, and its loss on the same held-out text."""
        return self.baselines.best if self.baselines is not None else None

    @property
    def checkpoint_step(self) -> int | None:
        """The step of the newest checkpoint."""
        return self.checkpoints[-1] if self.checkpoints else None

    @property
    def clipped_share(self) -> float | None:
        """The share of batches whose gradient was cut down, 0 to 1, or None before the first."""
        return self.clipped / self.batches if self.batches else None

    @property
    def lead(self) -> float | None:
        """Nats per character by which the best validation loss beats the best n-gram model."""
        if self.baseline is None or self.best is None:
            return None
        return self.baseline[1] - self.best.loss

    def take(self, records: Iterable[Told]) -> list[Notice]:
        """Fold records in, in their order, and say what is worth a sentence."""
        news = []
        for record in records:
            told = fold(self, record)
            if told is not None:
                news.append(told)
        return news

    def forget(self) -> None:
        """Drop all records; they are read again."""
        fresh = RunView(self.run)
        for item in fields(self):
            if item.name not in {"run", "description", "status", "life", "state_since"}:
                setattr(self, item.name, getattr(fresh, item.name))

    def observe(self, status: RunStatus | None, life: Verdict, now: float) -> None:
        """Take over what the trainer says it is doing, seen at `now` (seconds, monotonic)."""
        if status is not None:
            if self.status is None or status.state != self.status.state:
                self.state_since = now
            self.status = status
            if self.ended is None:  # not the step shown before: a run may have gone back
                read = self.newest_batch.step if self.newest_batch is not None else 0
                self.step = max(read, status.step)
        self.life = life
