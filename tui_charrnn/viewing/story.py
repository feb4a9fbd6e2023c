"""What happened in a run, one line a record worth a line, each with its local time."""

from datetime import datetime
from typing import Final, TypeAlias

from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.json_values import decode_json
from tui_charrnn.runs.record_codec import decode_record
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    CheckpointSaved,
    ModelCalibrated,
    Record,
    RequestAnswered,
    RunEnded,
    RunPlanned,
    RunReplanned,
    RunResumed,
    RunStarted,
    SplitEvaluated,
)
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr, tr_recorded
from tui_charrnn.viewing.log_lines import LogKind, LogLine
from tui_charrnn.viewing.run_view import RunView, apply_record
from tui_charrnn.viewing.run_words import gram_words

_BATCH: Final = '{"kind":"batch",'
_Words: TypeAlias = tuple[str, LogKind]
ENDS: Final = {
    RunState.FINISHED: "Finished at step {step:,}.",
    RunState.STOPPED: "Stopped at step {step:,}.",
    RunState.SAVED: "Saved at step {step:,}.",
    RunState.INTERRUPTED: "Interrupted at step {step:,}.",
    RunState.DIVERGED: "Diverged at step {step:,}.",
    RunState.FAILED: "Failed at step {step:,}.",
}
"""By the reason of a record; translated where a line is made."""
_NO_TIME: Final = " " * len("00:00:00")
_SEVERITIES: Final[dict[str, LogKind]] = {
    "information": "plain",
    "warning": "warning",
    "error": "error",
}


class Story:
    """Turns the lines of events.jsonl into lines for people, in their order.

    Args:
        view: Of the same run, with nothing read yet; it grows.
    """

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._day = ""
        self._has_trainer = False

    def read(self, line: str) -> list[LogLine]:
        """The lines that a line of the file is worth: none, one, or more.

        What cannot be read is passed over, as every reader does.
        """
        if line.startswith(_BATCH):
            return []
        try:
            values, record = decode_json(line), decode_record(line)
        except ValueError:
            return []
        if record is None:
            return []
        at = _local_time(record.started if isinstance(record, RunStarted) else values.get("at"))
        time = f"{at:%H:%M:%S}" if at is not None else _NO_TIME
        lines = [LogLine(f"{time} {words}", kind) for words, kind in self._tell(record)]
        day = tr("{at:%A, %d %B %Y}", at=at) if at is not None else self._day
        if lines and day != self._day:
            self._day = day
            lines.insert(0, LogLine(day, "noise"))
        return lines

    def _tell(self, record: Record) -> list[_Words]:
        best = self._view.best
        notice = apply_record(self._view, record)
        if isinstance(record, RunStarted):
            had_trainer, self._has_trainer = self._has_trainer, True
            host = safe_line(record.host)
            begun = tr("Trainer {pid} started on {host}.", pid=record.pid, host=host)
            lost = tr("The trainer before it was lost: it left no record of its end.")
            return [(lost, "error"), (begun, "plain")] if had_trainer else [(begun, "plain")]
        if isinstance(record, SplitEvaluated):
            return [self._tell_score(record, None if best is None else best.loss)]
        if isinstance(record, CheckpointSaved) and best is not None and best.step == record.step:
            return []  # the best score is always saved, and was told
        if isinstance(record, RunEnded):
            self._has_trainer = False
        is_slip = isinstance(record, RunReplanned) and notice is not None
        words = None if is_slip else _own_words(record)
        if words is None and notice is not None:
            is_pause = isinstance(record, RequestAnswered) and record.request == "pause"
            kind = "warning" if is_pause or is_slip else _SEVERITIES[notice.severity]
            words = notice.sentence, kind
        return [words] if words is not None else []

    def _tell_score(self, record: SplitEvaluated, best: float | None) -> _Words:
        step, loss, ngram = record.step, record.loss, self._view.baseline
        if self._view.best is not record:
            return tr("Step {step:,}: validation {loss:.3f}.", step=step, loss=loss), "plain"
        if ngram is None or record.loss >= ngram[1] or (best and best < ngram[1]):
            return tr(
                "Step {step:,}: validation {loss:.3f}, the best so far.", step=step, loss=loss
            ), "good"
        return tr(
            "Step {step:,}: validation {loss:.3f}, better than the best {name}.",
            step=step,
            loss=loss,
            name=gram_words(ngram[0]),
        ), "good"


def _own_words(record: Record) -> _Words | None:
    """The line of a record that has no notice while it is watched, or another one."""
    words: _Words | None = None
    match record:
        case BaselinesMeasured():
            order, loss = record.best
            counted = tr(
                "N-grams are counted; the best, {name}, has {loss:.3f}.",
                name=gram_words(order),
                loss=loss,
            )
            words = counted, "plain"
        case RunPlanned():
            words = _plan_words(record), "plain"
        case RunReplanned():
            planned = tr(
                "{steps:,} steps from now on; one takes {seconds:.2g} s.",
                steps=record.total_steps,
                seconds=record.seconds_per_step,
            )
            words = planned, "noise"
        case CheckpointSaved(step=step, seconds=seconds):
            saved = tr("Step {step:,}: saved in {seconds:.1f} s.", step=step, seconds=seconds)
            words = saved, "noise"
        case ModelCalibrated(temperature=None):
            words = (
                tr("Not calibrated: {reason}", reason=tr_recorded(safe_line(record.reason))),
                "noise",
            )
        case RunResumed(step=step):
            place = tr("Goes on from step {step:,}.", step=step) if step else tr("Begins anew.")
            words = place, "plain"
        case RunEnded():
            words = _end_words(record), "good" if record.reason == RunState.FINISHED else "plain"
    return words


def _plan_words(record: RunPlanned) -> str:
    total, every = record.total_steps, record.evaluate_every
    if not record.early_evaluations:
        return tr("Planned: {steps:,} steps, validated every {every:,}.", steps=total, every=every)
    return tr(
        "Planned: {steps:,} steps, validated every {every:,}, first after {first:,}.",
        steps=total,
        every=every,
        first=record.early_evaluations[0],
    )


def _end_words(record: RunEnded) -> str:
    if record.reason in ENDS:
        return tr(ENDS[RunState(record.reason)], step=record.step)
    reason = safe_line(record.reason).capitalize()
    return tr("{reason} at step {step:,}.", reason=reason, step=record.step)


def _local_time(at: object) -> datetime | None:
    try:
        return datetime.fromisoformat(at).astimezone() if isinstance(at, str) else None
    except (ValueError, OverflowError, OSError):
        return None
