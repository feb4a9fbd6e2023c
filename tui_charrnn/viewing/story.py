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
from tui_charrnn.viewing.log_lines import LogKind, LogLine
from tui_charrnn.viewing.run_view import RunView, apply_record
from tui_charrnn.viewing.run_words import gram_words

_BATCH: Final = '{"kind":"batch",'
_Words: TypeAlias = tuple[str, LogKind]
_LOST: Final[_Words] = (
    "The trainer before it was lost: it left no record of its end.",
    "error",
)
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
        day = f"{at:%A, %d %B %Y}" if at is not None else self._day
        if lines and day != self._day:
            self._day = day
            lines.insert(0, LogLine(day, "noise"))
        return lines

    def _tell(self, record: Record) -> list[_Words]:
        best = self._view.best
        notice = apply_record(self._view, record)
        if isinstance(record, RunStarted):
            had_trainer, self._has_trainer = self._has_trainer, True
            begun = f"Trainer {record.pid} started on {safe_line(record.host)}."
            return [_LOST, (begun, "plain")] if had_trainer else [(begun, "plain")]
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
        words = f"Step {record.step:,}: validation {record.loss:.3f}"
        if self._view.best is not record:
            return f"{words}.", "plain"
        ngram = self._view.baseline
        if ngram is not None and record.loss < ngram[1] and not (best and best < ngram[1]):
            return f"{words}, better than the best {gram_words(ngram[0])}.", "good"
        return f"{words}, the best so far.", "good"


def _own_words(record: Record) -> _Words | None:
    """What is told of a record that is worth no notice while it is watched, or another one."""
    words: _Words | None = None
    match record:
        case BaselinesMeasured():
            order, loss = record.best
            words = f"N-grams are counted; the best, {gram_words(order)}, has {loss:.3f}.", "plain"
        case RunPlanned():
            every = record.evaluate_every
            plan = f"Planned: {record.total_steps:,} steps, validated every {every:,}"
            early = [f"first after {step:,}" for step in record.early_evaluations[:1]]
            words = f"{', '.join([plan, *early])}.", "plain"
        case RunReplanned():
            seconds = f"{record.seconds_per_step:.2g} s"
            words = f"{record.total_steps:,} steps from now on; one takes {seconds}.", "noise"
        case CheckpointSaved():
            words = f"Step {record.step:,}: saved in {record.seconds:.1f} s.", "noise"
        case ModelCalibrated(temperature=None):
            words = f"Not calibrated: {safe_line(record.reason)}", "noise"
        case RunResumed():
            place = f"Goes on from step {record.step:,}." if record.step else "Begins anew."
            words = place, "plain"
        case RunEnded():
            is_finished = record.reason == RunState.FINISHED
            reason = safe_line(record.reason).capitalize()
            words = f"{reason} at step {record.step:,}.", "good" if is_finished else "plain"
    return words


def _local_time(at: object) -> datetime | None:
    try:
        return datetime.fromisoformat(at).astimezone() if isinstance(at, str) else None
    except (ValueError, OverflowError, OSError):
        return None
