"""The state of one run for its viewers, reduced from its records and its status."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from tui_charrnn.durations import format_round_duration
from tui_charrnn.metrics import LossHistory, RunningMean
from tui_charrnn.runs.description import RunDescription, RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import AT_WORK, Verdict
from tui_charrnn.runs.reader import BatchStretch, RecordOrBatch
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchSizeChosen,
    BatchTrained,
    CheckpointSaved,
    DynamicallyEvaluated,
    LearningRateChanged,
    MemoryMeasured,
    ModelCalibrated,
    PathChosen,
    RequestAnswered,
    RunDiverged,
    RunEnded,
    RunExtended,
    RunFailed,
    RunPlanned,
    RunPreempted,
    RunReplanned,
    RunResumed,
    RunRolledBack,
    RunStarted,
    RunWarned,
    SampleTaken,
    SplitEvaluated,
    StoppedEarly,
)
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr, tr_recorded
from tui_charrnn.viewing.formatting import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Stepped = TypeVar("_Stepped", SplitEvaluated, SampleTaken, MemoryMeasured)


@dataclass(frozen=True, slots=True)
class Notice:
    """An event of a run that is shown to the user."""

    sentence: str
    """Safe to show."""
    severity: Literal["information", "warning", "error"] = "information"
    is_finish: bool = False
    """Whether the run finished as planned."""


@dataclass(slots=True)
class RunView:
    """Everything that the app shows of one run; updated by `take` and `observe`."""

    run: RunDirectory
    description: RunDescription | None = None
    status: RunStatus | None = None
    life: Verdict = "silent"
    state_since: float = 0.0
    """When the current state was first seen, in seconds of the viewer's monotonic clock."""
    losses: LossHistory = field(default_factory=LossHistory)
    """Training loss of every batch, nats per character; and where it was not finite."""
    smoothed: RunningMean = field(default_factory=RunningMean)
    step: int = 0
    plan: RunPlanned | None = None
    """With the newest total of steps."""
    extensions: list[RunExtended] = field(default_factory=list)
    """Each extension of the finished run, oldest first."""
    announced_steps: int = 0
    """The total of steps that the user was last informed of."""
    path: PathChosen | None = None
    """The chosen GPU implementation; None on a CPU."""
    baselines: BaselinesMeasured | None = None
    """The ladder of n-gram models, scored on the same held-out text."""
    evaluations: list[SplitEvaluated] = field(default_factory=list)
    best: SplitEvaluated | None = None
    """The lowest held-out loss, the first of equals; early evaluations do not count."""
    checkpoints: list[int] = field(default_factory=list)
    """Steps of saved checkpoints, oldest first; most files are pruned by now."""
    checkpoint_elapsed: float | None = None
    """Seconds of training until the newest checkpoint, if known."""
    samples: list[SampleTaken] = field(default_factory=list)
    """Of all pinned seeds, oldest first."""
    memories: list[MemoryMeasured] = field(default_factory=list)
    """Measurements of how far back the weights look, oldest first."""
    newest_batch: BatchTrained | None = None
    gradient_norms: LossHistory = field(default_factory=LossHistory)
    """Of every batch, before clipping."""
    learning_rates: LossHistory = field(default_factory=LossHistory)
    """Of every batch."""
    clipped: LossHistory = field(default_factory=LossHistory)
    """1 for a batch with a clipped gradient, else 0."""
    peak_rate: float | None = None
    """The peak learning rate since its last change; None if it never changed."""
    problem: str = ""
    """Why the run directory cannot be read now, safe to show."""
    warning: str = ""
    """The newest warning, safe to show."""
    stopped_early: StoppedEarly | None = None
    calibrated: ModelCalibrated | None = None
    """The calibration of the best model, or why there is none; None before the end."""
    diverged: RunDiverged | None = None
    failed: RunFailed | None = None
    ended: RunEnded | None = None
    printed: tuple[str, ...] = ()
    """The last lines that the trainer's process printed, unfiltered."""
    exit_code: int | None = None
    """That of the trainer's process, negative if a signal ended it; None if it is unknown, for
    example because another program started the trainer."""

    @property
    def state(self) -> RunState:
        """The trainer's state in its last report."""
        return self.status.state if self.status else RunState.CREATED

    @property
    def is_live(self) -> bool:
        """Whether a trainer is at work on the run, as far as is known."""
        has_ended = self.ended is not None or self.diverged is not None or self.failed is not None
        return self.state.is_live and self.life in AT_WORK and not has_ended

    @property
    def seldom_changing(self) -> tuple[object, ...]:
        """All but the newest batches, to compare by `==`: its change is drawn immediately."""
        return (
            (self.run, self.description, self.state, self.life, self.ended, self.diverged),
            (self.failed, self.problem, self.warning, self.batches > 0, self.losses.gaps),
            (self.plan, self.total_steps, self.baselines, self.checkpoint_step),
            (len(self.checkpoints), len(self.evaluations), len(self.samples)),
        )

    @property
    def has_lost_trainer(self) -> bool:
        """Whether the trainer vanished before the end of the run."""
        return self.state.is_live and self.life == "lost" and self.ended is None

    @property
    def total_steps(self) -> int | None:
        """The planned number of steps; None if unknown."""
        planned = self.plan.total_steps if self.plan is not None else None
        # while the disk is full, the record of a longer plan is late
        if self.status is not None and (planned is None or self.status.step > planned):
            return self.status.total_steps
        return planned

    @property
    def share_done(self) -> float | None:
        """The share of the planned steps that is done, 0 to 1; None before it is planned."""
        total = self.total_steps
        return min(1.0, self.step / total) if total else None

    @property
    def epoch(self) -> float | None:
        """Passes over the training text at `step`; None if unknown."""
        if self.plan is not None and self.plan.steps_per_epoch:
            return self.step / self.plan.steps_per_epoch  # the status is up to two seconds older
        return self.status.epoch if self.status is not None else None

    @property
    def planned_rate(self) -> float | None:
        """The initial peak learning rate; None if unknown."""
        if self.plan is not None and self.plan.learning_rate is not None:
            return self.plan.learning_rate
        return self.description.training.learning_rate if self.description else None

    @property
    def validation(self) -> SplitEvaluated | None:
        """The newest evaluation of the held-out text."""
        return self.evaluations[-1] if self.evaluations else None

    @property
    def baseline(self) -> tuple[int, float] | None:
        """The best n-gram model: its order, and its loss on the same held-out text."""
        return self.baselines.best if self.baselines is not None else None

    @property
    def requested_time(self) -> float | None:
        """Requested seconds of training; None if the length is steps or epochs."""
        if self.extensions:
            last = self.extensions[-1]
            return None if last.train_time is None else last.elapsed + last.train_time
        return self.description.training.train_time if self.description else None

    def is_early(self, scored: SplitEvaluated) -> bool:
        """Whether an evaluation is an early one, after which no checkpoint is saved."""
        return self.plan is not None and scored.step in self.plan.early_evaluations

    @property
    def checkpoint_step(self) -> int | None:
        """The step of the newest checkpoint."""
        return self.checkpoints[-1] if self.checkpoints else None

    @property
    def batches(self) -> int:
        """Number of batches read, without those dropped by a rollback or resume."""
        return sum(bucket.count for bucket in self.learning_rates.buckets)

    @property
    def clipped_share(self) -> float | None:
        """The share of batches with a clipped gradient, 0 to 1; None before the first."""
        buckets = self.clipped.buckets
        return sum(bucket.total for bucket in buckets) / self.batches if buckets else None

    @property
    def lead(self) -> float | None:
        """Nats per character by which the best validation loss beats the best n-gram model.

        None for a model that reads both directions: it knows what no n-gram model knows.
        """
        if self.baseline is None or self.best is None:
            return None
        if self.description is not None and self.description.model.reads_both:
            return None
        return self.baseline[1] - self.best.loss

    def take(self, records: Iterable[RecordOrBatch]) -> list[Notice]:
        """Apply records in order; return the notices for the user."""
        notices = [apply_record(self, record) for record in records]
        return [notice for notice in notices if notice is not None]

    def forget(self) -> None:
        """Drop all records, before they are read again."""
        fresh = RunView(self.run)
        for item in fields(self):
            if item.name not in {"run", "description", "status", "life", "state_since"}:
                setattr(self, item.name, getattr(fresh, item.name))

    def observe(self, status: RunStatus | None, life: Verdict, now: float) -> None:
        """Apply a status of the trainer, seen at `now` (seconds, monotonic)."""
        if status is not None:
            if self.status is None or status.state != self.status.state:
                self.state_since = now
            self.status = status
            if self.ended is None:  # not the step shown before: a rollback lowers it
                read = self.newest_batch.step if self.newest_batch is not None else 0
                self.step = max(read, status.step)
        self.life = life


REFUSALS: Final = {
    "checkpoint": "The trainer refused to save a checkpoint: {reason}",
    "publish": "The trainer refused to show its weights: {reason}",
    "learning_rate": "The trainer refused to change the learning rate: {reason}",
    "pause": "The trainer refused to pause: {reason}",
    "resume": "The trainer refused to resume: {reason}",
    "stop": "The trainer refused to stop: {reason}",
}
_SILENT: Final = frozenset({"publish", "learning_rate"})
"""Requests without a notice when accepted: another record has one, or none is needed."""
_ANNOUNCED_CHANGE: Final = 0.2
"""Relative change of the total of steps from which on the user is informed."""
QUANTITIES: Final = {"loss": "loss", "validation_loss": "validation loss"}


def apply_record(view: RunView, record: RecordOrBatch) -> Notice | None:
    """Apply one record to the view; return the notice for the user, if any."""
    if isinstance(record, BatchTrained):
        record = BatchStretch.of(record)
    reducer = _REDUCERS.get(type(record))
    return None if reducer is None else reducer(view, record)


def format_divergence(record: RunDiverged | RunRolledBack) -> str:
    """The sentence on a quantity that stopped being finite."""
    return tr(
        "The {quantity} became {value} at step {step:,}.",
        quantity=tr(QUANTITIES.get(record.quantity, "gradient")),
        value=safe_line(record.value),
        step=record.step,
    )


def _apply_started(view: RunView, _: RunStarted) -> None:
    view.ended = view.diverged = view.failed = None


def _apply_baselines(view: RunView, record: BaselinesMeasured) -> None:
    view.baselines = record


def _apply_planned(view: RunView, record: RunPlanned) -> None:
    view.plan, view.announced_steps = record, record.total_steps


def _apply_replanned(view: RunView, record: RunReplanned) -> Notice | None:
    if view.plan is None:
        return None
    view.plan = replace(view.plan, total_steps=record.total_steps)
    before, asked = view.announced_steps, view.requested_time
    if asked is None or abs(record.total_steps - before) <= _ANNOUNCED_CHANGE * before:
        return None
    view.announced_steps = record.total_steps
    sentence = tr(
        "{total:,} steps instead of {before:,} fit {time}: this machine is busier than when it was "
        "timed."
        if record.total_steps < before
        else "{total:,} steps instead of {before:,} fit {time}: this machine is less busy than "
        "when it was timed.",
        total=record.total_steps,
        before=before,
        time=format_round_duration(asked),
    )
    return Notice(sentence)


def format_extension(record: RunExtended) -> str:
    """How much longer a run is, and how its learning rate continues."""
    more, total = record.total_steps - record.step + 1, record.total_steps
    if record.train_time is None:
        longer = tr("Extended by {steps} to {total:,}", steps=counted(more, "step"), total=total)
    else:
        time = format_round_duration(record.train_time)
        longer = tr(
            "Extended by {time}, about {more:,} steps, to {total:,}",
            time=time,
            more=more,
            total=total,
        )
    rate = f"{record.learning_rate:.3g}"
    if not record.warmup_steps:
        return tr("{longer}; the rate stays at {rate}.", longer=longer, rate=rate)
    steps = counted(record.warmup_steps, "step")
    return tr(
        "{longer}; the rate rises to {rate} in {steps}, then falls.",
        longer=longer,
        rate=rate,
        steps=steps,
    )


def _apply_extended(view: RunView, record: RunExtended) -> Notice:
    if view.plan is not None:
        view.plan = replace(view.plan, total_steps=record.total_steps)
    view.announced_steps, view.peak_rate = record.total_steps, record.learning_rate
    view.extensions.append(record)
    return Notice(format_extension(record))


def _apply_batch_size(_: RunView, record: BatchSizeChosen) -> Notice:
    tried = ", ".join(
        tr("{size:,} had {speed:,.0f}", size=size, speed=speed)
        for size, speed in zip(record.tried, record.characters_per_second, strict=True)
    )
    if record.failure:
        failure = tr_recorded(safe_line(record.failure))
        tried = tr("{tried}; a larger one failed: {failure}", tried=tried, failure=failure)
    sentence = tr(
        "Batch size {size:,}, learning rate {rate:.3g} (characters a second: {tried}).",
        size=record.batch_size,
        rate=record.learning_rate,
        tried=tried,
    )
    return Notice(sentence)


def _apply_path(view: RunView, record: PathChosen) -> None:
    view.path = record


def _apply_stretch(view: RunView, stretch: BatchStretch) -> None:
    view.newest_batch = stretch.newest
    view.step = view.newest_batch.step
    steps, elapsed, norms = stretch.steps, stretch.elapsed, stretch.gradient_norms
    view.losses.extend(steps, stretch.losses, elapsed)
    view.gradient_norms.extend(steps, norms, elapsed)
    view.learning_rates.extend(steps, stretch.learning_rates, elapsed)
    view.smoothed.extend(list(filter(math.isfinite, stretch.losses)))
    limit = view.description.training.gradient_norm_limit if view.description else None
    if limit is not None:
        view.clipped.extend(steps, list(map(float(limit).__lt__, norms)), elapsed)


def _apply_evaluated(view: RunView, record: SplitEvaluated) -> None:
    if view.evaluations and record.step < view.evaluations[-1].step:
        view.evaluations = _until(view.evaluations, record.step)
        view.best = _best_of(view)
    view.evaluations.append(record)
    if not view.is_early(record) and (view.best is None or record.loss < view.best.loss):
        view.best = record


def _apply_stopped_early(view: RunView, record: StoppedEarly) -> Notice:
    view.stopped_early = record
    sentence = tr(
        "Stopped early: no lower loss in {validations}. Best at step {step:,}, with {loss:.4f}: "
        "its weights are used.",
        validations=counted(record.patience, "validation"),
        step=record.best_step,
        loss=record.best_loss,
    )
    return Notice(sentence)


def _apply_dynamic_evaluation(_: RunView, record: DynamicallyEvaluated) -> Notice:
    sentence = tr(
        "Dynamic evaluation: {loss:.4f} nats per character, with weights that learn from the text.",
        loss=record.loss,
    )
    return Notice(sentence)


def _apply_calibration(view: RunView, record: ModelCalibrated) -> Notice | None:
    view.calibrated = record
    if record.temperature is None or record.loss_before is None or record.loss is None:
        return None
    words = tr(
        "temperature {temperature:.3f}, {before:.3f} to {after:.3f} nats on held-out text it was "
        "not fitted on",
        temperature=record.temperature,
        before=record.loss_before,
        after=record.loss,
    )
    return Notice(tr("Calibrated: {words}.", words=words))


def _apply_checkpoint(view: RunView, record: CheckpointSaved) -> None:
    if view.checkpoints and record.step < view.checkpoints[-1]:
        view.checkpoints = [saved for saved in view.checkpoints if saved <= record.step]
    view.checkpoints.append(record.step)
    batch = view.newest_batch
    view.checkpoint_elapsed = batch.elapsed if batch is not None else None


def _apply_sample(view: RunView, record: SampleTaken) -> None:
    if view.samples and record.step < view.samples[-1].step:
        view.samples = _until(view.samples, record.step)
    view.samples.append(record)


def _apply_memory(view: RunView, record: MemoryMeasured) -> None:
    view.memories = _until(view.memories, record.step - 1)
    view.memories.append(record)


def _apply_answered(_: RunView, record: RequestAnswered) -> Notice | None:
    message = as_sentence(tr_recorded(safe_line(record.message)))
    if not record.accepted:
        if record.request in REFUSALS:
            return Notice(tr(REFUSALS[record.request], reason=message), "warning")
        request = safe_line(record.request)
        refusal = tr("The trainer refused to {request}: {reason}", request=request, reason=message)
        return Notice(refusal, "warning")
    return None if record.request in _SILENT else Notice(message or tr("Done."))


def as_sentence(words: str) -> str:
    """Capitalize words, as a trainer's message, and end them with a full stop."""
    return words[:1].upper() + words[1:] + ("" if words[-1:] in {"", ".", "!", "?"} else ".")


def _apply_warned(view: RunView, record: RunWarned) -> Notice:
    view.warning = tr_recorded(safe_line(record.message))
    return Notice(view.warning, "warning")


def _apply_resumed(view: RunView, record: RunResumed) -> None:
    view.ended = view.diverged = view.failed = None
    _drop_after(view, record.step)


def _drop_after(view: RunView, step: int) -> None:
    """Drop everything after the step from which training continues."""
    view.step, view.stopped_early, view.calibrated = step, None, None
    for history in (view.losses, view.gradient_norms, view.learning_rates, view.clipped):
        history.drop_after(step)
    view.evaluations = _until(view.evaluations, step)
    view.best = _best_of(view)
    view.checkpoints = [saved for saved in view.checkpoints if saved <= step]
    view.samples, view.memories = _until(view.samples, step), _until(view.memories, step)
    view.newest_batch = None
    view.smoothed = RunningMean()
    if view.losses.buckets:  # continue the mean from the last kept bucket
        view.smoothed.add(view.losses.buckets[-1].mean)


def _until(records: list[_Stepped], step: int) -> list[_Stepped]:
    return [record for record in records if record.step <= step]


def _best_of(view: RunView) -> SplitEvaluated | None:
    candidates = (scored for scored in view.evaluations if not view.is_early(scored))
    return min(candidates, key=lambda scored: scored.loss, default=None)


def _apply_changed_rate(view: RunView, record: LearningRateChanged) -> Notice | None:
    view.peak_rate = record.learning_rate
    if record.reason == "divergence":
        return None  # the rollback has its own notice
    rate, step = record.learning_rate, record.step
    return Notice(tr("Peak learning rate {rate:g} from step {step:,} on.", rate=rate, step=step))


def _apply_rolled_back(view: RunView, record: RunRolledBack) -> Notice:
    _drop_after(view, record.to_step)
    view.losses.mark_gap(record.step)
    to_step = f"{record.to_step:,}"
    view.warning = tr(
        "{problem} Back to {place}, peak learning rate {rate:g} (rollback {attempt}).",
        problem=format_divergence(record),
        place=tr("step {step}", step=to_step) if record.to_step else tr("the beginning"),
        rate=record.learning_rate,
        attempt=record.attempt,
    )
    return Notice(view.warning, "warning")


def _apply_diverged(view: RunView, record: RunDiverged) -> Notice:
    view.diverged = record
    view.losses.mark_gap(record.step)
    return Notice(format_divergence(record), "error")


def _apply_failed(view: RunView, record: RunFailed) -> Notice:
    view.failed = record
    return Notice(tr_recorded(safe_line(record.message)), "error")


def _apply_preempted(_: RunView, record: RunPreempted) -> Notice:
    cause = tr_recorded(safe_line(record.cause))
    sentence = tr("The trainer was asked to exit ({cause}): it saves and ends.", cause=cause)
    return Notice(sentence, "warning")


def _apply_ended(view: RunView, record: RunEnded) -> Notice:
    view.ended = record
    how = format_end(view, record.reason, record.step)
    sentence = tr("Run {name}: {how}.", name=safe_line(view.run.name), how=how)
    return Notice(sentence, is_finish=record.reason == RunState.FINISHED)


def format_end(view: RunView, reason: str, step: int) -> str:
    """How a run ended at a step, and what is saved; `reason` as in `RunEnded`, or `lost`."""
    state, saved = tr(safe_line(reason)), view.checkpoint_step or 0
    # with steps, a process was lost; without, the run ended while it loaded
    is_behind = reason == RunState.SAVED and (saved < step or not step)
    if is_behind:
        state = tr("ended")
    how = tr("{state} before its first step", state=state)
    if step:
        how = tr("{state} at step {step:,}", state=state, step=step)
    if is_behind and saved:
        how = tr("{how}, saved at step {step:,}", how=how, step=saved)
    elif is_behind:
        how = tr("{how}, nothing saved", how=how)
    return how


_REDUCERS: Final[Mapping[type[RecordOrBatch], Callable[[RunView, Any], Notice | None]]] = {
    RunStarted: _apply_started,
    BaselinesMeasured: _apply_baselines,
    RunPlanned: _apply_planned,
    RunReplanned: _apply_replanned,
    RunExtended: _apply_extended,
    BatchSizeChosen: _apply_batch_size,
    PathChosen: _apply_path,
    BatchStretch: _apply_stretch,
    SplitEvaluated: _apply_evaluated,
    StoppedEarly: _apply_stopped_early,
    DynamicallyEvaluated: _apply_dynamic_evaluation,
    ModelCalibrated: _apply_calibration,
    SampleTaken: _apply_sample,
    MemoryMeasured: _apply_memory,
    CheckpointSaved: _apply_checkpoint,
    RequestAnswered: _apply_answered,
    RunWarned: _apply_warned,
    RunResumed: _apply_resumed,
    LearningRateChanged: _apply_changed_rate,
    RunRolledBack: _apply_rolled_back,
    RunDiverged: _apply_diverged,
    RunFailed: _apply_failed,
    RunPreempted: _apply_preempted,
    RunEnded: _apply_ended,
}
