"""What each kind of record changes in what is known of a run, and what it is worth saying.

A trainer writes records in the order of their steps. Where a file has them otherwise, one that goes
back takes the place of all of its kind that came later, as if the run had been resumed there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from tui_charrnn.metrics import RunningMean
from tui_charrnn.runs.batch_stretch import BatchStretch, Told
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchSizeChosen,
    BatchTrained,
    CheckpointSaved,
    DynamicallyEvaluated,
    LearningRateChanged,
    ModelPublished,
    PathChosen,
    RequestAnswered,
    RunDiverged,
    RunEnded,
    RunFailed,
    RunPlanned,
    RunPreempted,
    RunResumed,
    RunRolledBack,
    RunStarted,
    RunWarned,
    SampleTaken,
    SplitEvaluated,
    StoppedEarly,
)
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tui_charrnn.viewing.run_view import RunView

_REQUEST_WORDS = {
    "checkpoint": "save a checkpoint",
    "publish": "show its weights",
    "learning_rate": "change the learning rate",
    "pause": "pause",
    "resume": "go on",
    "stop": "stop",
}
_SILENT: Final = frozenset({"publish", "learning_rate"})
"""Requests whose answer is no news: the record of what was done tells it, or nobody need know."""
_QUANTITIES: Final = {"loss": "loss", "validation_loss": "validation loss"}


def fold(view: RunView, record: Told) -> Notice | None:
    """Fold one record into what is known; return what it is worth saying."""
    return _FOLDS[type(record)](view, record)


def quantity_words(quantity: str) -> str:
    """What stopped being finite, as records name it, in words."""
    return _QUANTITIES.get(quantity, "gradient")


def _fold_started(view: RunView, _: RunStarted) -> None:
    view.ended, view.diverged, view.failure = None, None, ""


def _fold_baselines(view: RunView, record: BaselinesMeasured) -> None:
    view.baselines = record


def _fold_planned(view: RunView, record: RunPlanned) -> None:
    view.plan = record


def _fold_batch_size(_: RunView, record: BatchSizeChosen) -> Notice:
    tried = (
        f"{size:,} had {speed:,.0f}"
        for size, speed in zip(record.tried, record.characters_per_second, strict=True)
    )
    failure = f"; a larger one failed: {safe_line(record.failure)}" if record.failure else ""
    return Notice(
        f"Batch size {record.batch_size:,}, learning rate {record.learning_rate:.3g} (characters a "
        f"second: {', '.join(tried)}{failure})."
    )


def _fold_path(view: RunView, record: PathChosen) -> None:
    view.path = record


def _fold_batch(view: RunView, record: BatchTrained) -> None:
    _fold_stretch(view, BatchStretch.of(record))


def _fold_stretch(view: RunView, stretch: BatchStretch) -> None:
    view.newest_batch = stretch.newest
    view.step = view.newest_batch.step
    view.losses.extend(stretch.steps, stretch.losses, stretch.elapsed)
    view.smoothed.extend(list(filter(math.isfinite, stretch.losses)))
    view.batches += len(stretch)
    limit = view.description.training.gradient_norm_limit if view.description else None
    if limit is not None:
        view.clipped += sum(map(float(limit).__lt__, stretch.gradient_norms))


def _fold_evaluated(view: RunView, record: SplitEvaluated) -> None:
    if view.evaluations and record.step < view.evaluations[-1].step:
        view.evaluations = [scored for scored in view.evaluations if scored.step <= record.step]
        view.best = _best_of(view.evaluations)
    view.evaluations.append(record)
    if view.best is None or record.loss < view.best.loss:
        view.best = record


def _fold_stopped_early(view: RunView, record: StoppedEarly) -> Notice:
    view.stopped_early = record
    count = f"{record.patience:,} validation{'s' if record.patience > 1 else ''}"
    return Notice(
        f"Stopped early: no lower loss in {count}. Best at step {record.best_step:,}, with "
        f"{record.best_loss:.4f}: its weights are used."
    )


def _fold_followed(_: RunView, record: DynamicallyEvaluated) -> Notice:
    return Notice(f"Dynamic evaluation: {record.loss:.4f} nats per character, learning on the way.")


def _fold_checkpoint(view: RunView, record: CheckpointSaved) -> None:
    if view.checkpoints and record.step < view.checkpoints[-1]:
        view.checkpoints = [saved for saved in view.checkpoints if saved <= record.step]
    view.checkpoints.append(record.step)
    batch = view.newest_batch
    view.checkpoint_elapsed = batch.elapsed if batch is not None else None


def _fold_sample(view: RunView, record: SampleTaken) -> None:
    if view.samples and record.step < view.samples[-1].step:
        view.samples = [sample for sample in view.samples if sample.step <= record.step]
    view.samples.append(record)


def _fold_published(view: RunView, record: ModelPublished) -> None:
    view.published_step = record.step


def _fold_answered(_: RunView, record: RequestAnswered) -> Notice | None:
    message = _sentence(safe_line(record.message))
    if not record.accepted:
        wanted = _REQUEST_WORDS.get(record.request, safe_line(record.request))
        return Notice(f"The trainer refused to {wanted}: {message}", "warning")
    is_told = record.request not in _SILENT
    return Notice(message or "The trainer has done it.") if is_told else None


def _sentence(words: str) -> str:
    """Words of a trainer as a sentence."""
    return words[:1].upper() + words[1:] + ("" if words[-1:] in {"", ".", "!", "?"} else ".")


def _fold_warned(view: RunView, record: RunWarned) -> Notice:
    view.warning = safe_line(record.message)
    return Notice(view.warning, "warning")


def _fold_resumed(view: RunView, record: RunResumed) -> None:
    view.ended, view.diverged, view.failure = None, None, ""
    _drop_after(view, record.step)


def _drop_after(view: RunView, step: int) -> None:
    """Forget what came after a step that training goes on from."""
    view.step, view.stopped_early = step, None
    view.losses.drop_after(step)
    view.evaluations = [scored for scored in view.evaluations if scored.step <= step]
    view.best = _best_of(view.evaluations)
    view.checkpoints = [saved for saved in view.checkpoints if saved <= step]
    view.samples = [sample for sample in view.samples if sample.step <= step]
    view.newest_batch = None
    kept = sum(bucket.count for bucket in view.losses.buckets)
    if view.batches:  # which of them were cut down is not known: as large a share as before
        view.clipped = round(view.clipped * kept / view.batches)
    view.batches = kept
    view.smoothed = RunningMean()
    if view.losses.buckets:  # the mean goes on from the stretch before, not from nothing
        view.smoothed.add(view.losses.buckets[-1].mean)


def _best_of(evaluations: Sequence[SplitEvaluated]) -> SplitEvaluated | None:
    return min(evaluations, key=lambda scored: scored.loss, default=None)


def _fold_changed_rate(view: RunView, record: LearningRateChanged) -> Notice | None:
    view.peak_rate = record.learning_rate
    if record.reason == "divergence":
        return None  # the rollback tells it
    return Notice(f"Peak learning rate {record.learning_rate:g} from step {record.step:,} on.")


def _fold_rolled_back(view: RunView, record: RunRolledBack) -> Notice:
    _drop_after(view, record.to_step)
    view.losses.mark_gap(record.step)
    place = f"step {record.to_step:,}" if record.to_step else "the beginning"
    view.warning = (
        f"The {quantity_words(record.quantity)} became {safe_line(record.value)} at step "
        f"{record.step:,}: back to {place}, peak learning rate {record.learning_rate:g} "
        f"(rollback {record.attempt})."
    )
    return Notice(view.warning, "warning")


def _fold_diverged(view: RunView, record: RunDiverged) -> Notice:
    view.diverged = record
    view.losses.mark_gap(record.step)
    quantity = quantity_words(record.quantity)
    return Notice(f"The {quantity} stopped being a finite number at step {record.step:,}.", "error")


def _fold_failed(view: RunView, record: RunFailed) -> Notice:
    view.failure, view.failure_cause = safe_line(record.message), record.cause
    return Notice(view.failure, "error")


def _fold_preempted(_: RunView, record: RunPreempted) -> Notice:
    cause = safe_line(record.cause)
    return Notice(f"The trainer was told to leave ({cause}): it saves and ends.", "warning")


def _fold_ended(view: RunView, record: RunEnded) -> Notice:
    view.ended = record
    how = f"{safe_line(record.reason)} at {record.step:,}"
    saved = view.checkpoint_step or 0
    if record.reason == RunState.SAVED and saved < record.step:  # another process was lost
        how = f"ended at {record.step:,}, {f'saved at {saved:,}' if saved else 'nothing saved'}"
    return Notice(f"Run {safe_line(view.run.name)}: {how}.")


_FOLDS: Final[Mapping[type[Told], Callable[[RunView, Any], Notice | None]]] = {
    RunStarted: _fold_started,
    BaselinesMeasured: _fold_baselines,
    RunPlanned: _fold_planned,
    BatchSizeChosen: _fold_batch_size,
    PathChosen: _fold_path,
    BatchTrained: _fold_batch,
    BatchStretch: _fold_stretch,
    SplitEvaluated: _fold_evaluated,
    StoppedEarly: _fold_stopped_early,
    DynamicallyEvaluated: _fold_followed,
    SampleTaken: _fold_sample,
    CheckpointSaved: _fold_checkpoint,
    ModelPublished: _fold_published,
    RequestAnswered: _fold_answered,
    RunWarned: _fold_warned,
    RunResumed: _fold_resumed,
    LearningRateChanged: _fold_changed_rate,
    RunRolledBack: _fold_rolled_back,
    RunDiverged: _fold_diverged,
    RunFailed: _fold_failed,
    RunPreempted: _fold_preempted,
    RunEnded: _fold_ended,
}
