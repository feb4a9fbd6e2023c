"""Classifies the lines of a trainer's log: noise, plain, good, warning, error."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.json_values import decode_json
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
    build_record,
)
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr, tr_recorded
from tui_charrnn.viewing.formatting import format_ngram
from tui_charrnn.viewing.run_view import RunView, apply_record, as_sentence, format_end

LogKind = Literal["noise", "plain", "good", "warning", "error"]
"""`noise` is what TensorFlow prints at every start, and minor events of a run."""
_END_LINES: Final = 30
"""Number of last lines that are searched for the reason of an end."""
LONGEST_LINE: Final = 1_000
"""Maximum characters of a line that are shown."""

_NATIVE: Final = re.compile(
    r"(?P<new>[IWEF])\d{4} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*: (?P<old>[IWEF]) "
)
"""Prefix of a log line of TensorFlow's native code, in this and earlier versions."""
_HARMLESS: Final = re.compile(
    r"oneDNN|[Uu]nable to register cu|failed call to cuInit|TF-TRT|NUMA node"
    r"|[Cc]ould not find (?:cuda|TensorRT)|computation placer already registered"
    r"|Delay kernel timed out"
)
"""Warnings and errors of TensorFlow at a successful start."""
_PREAMBLE: Final = re.compile(
    r"WARNING: All log messages before absl|To enable the following instructions"
)
_ERROR: Final = re.compile(
    r"Traceback \(most recent call last\)|During handling of the above exception"
    r"|The above exception was the direct cause|Fatal Python error|terminate called|what\(\):"
    r"|(?:Killed|Aborted|Segmentation fault|Bus error|Illegal instruction)\b"
    r"|charrnn-tui: |Error: |(?:CRITICAL|ERROR|FATAL)\b"
    r"|(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)(?:: |$)"
)
_WARNING: Final = re.compile(r"(?:WARNING|WARN)\b|(?:\S+:\d+: )?[A-Z]\w*Warning: ")
_MODULES: Final = re.compile(r"(?:[A-Za-z_]\w*\.)+(?=[A-Z]\w*(?:Error|Exception)\b)")
"""The module before an error's name, removed to save space."""
_KINDS: Final[dict[str, LogKind]] = {"I": "noise", "W": "warning", "E": "error", "F": "error"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line and its kind."""

    text: str
    """Safe to show."""
    kind: LogKind = "plain"


class LogFilter(StrEnum):
    """Which lines are shown, the least selective first; the value is its name."""

    EVERYTHING = "everything"
    WITHOUT_NOISE = "without start-up noise"
    TROUBLE = "warnings and errors"
    ERRORS = "errors"

    @property
    def following(self) -> "LogFilter":
        """The next filter, for a key that cycles through them."""
        kinds = list(LogFilter)
        return kinds[(kinds.index(self) + 1) % len(kinds)]

    def passes(self, kind: LogKind) -> bool:
        """Whether lines of a kind are shown."""
        return _WEIGHTS[kind] >= list(LogFilter).index(self)


_WEIGHTS: Final[dict[LogKind, int]] = {"noise": 0, "plain": 1, "good": 1, "warning": 2, "error": 3}
"""The place of the last filter that shows lines of a kind."""


class LogClassifier:
    """Classifies the lines of a log, in order.

    An indented line has the kind of the line before it, as in a traceback.
    """

    def __init__(self) -> None:
        self._before: LogKind = "plain"

    def classify(self, line: str) -> LogLine:
        """Make the next line safe to show, and classify it."""
        is_indented = line.startswith((" ", "\t")) and line.strip()
        kind = self._before if is_indented else _kind_of(line)
        self._before = kind
        text = safe_line(line[:LONGEST_LINE].expandtabs(4))
        return LogLine(f"{text}…" if len(line) > LONGEST_LINE else text, kind)


def _kind_of(line: str) -> LogKind:
    if native := _NATIVE.match(line):
        is_harmless = _HARMLESS.search(line) is not None
        return "noise" if is_harmless else _KINDS[native["new"] or native["old"]]
    if _PREAMBLE.match(line):
        return "noise"
    if _ERROR.match(line):
        return "error"
    return "warning" if _WARNING.match(line) else "plain"


def _without_modules(line: str) -> str:
    """Shorten the full name of an error at the beginning of a line to its class name."""
    found = _MODULES.match(line[:LONGEST_LINE])
    return line[found.end() :] if found else line


def log_end(log: Sequence[str], count: int) -> list[LogLine]:
    """The last informative lines of a log, oldest first; errors without their modules."""
    classifier = LogClassifier()
    lines = [classifier.classify(_without_modules(line)) for line in log]
    return [line for line in lines if line.kind != "noise" and line.text.strip()][-count:]


def lines_since_start(log: Sequence[str]) -> list[str]:
    """The informative lines of the last of the processes that wrote a log."""
    starts = [number for number, line in enumerate(log) if _PREAMBLE.match(line)]
    return [line.text for line in log_end(log[starts[-1] :] if starts else log, _END_LINES)]


_BATCH: Final = '{"kind":"batch",'
_Entry: TypeAlias = tuple[str, LogKind]
_NO_TIME: Final = " " * len("00:00:00")


class Story:
    """Turns lines of events.jsonl into readable lines, in order.

    `view` is an empty view of the same run; `read` updates it.
    """

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._day = ""
        self._has_trainer = False

    def read(self, line: str) -> list[LogLine]:
        """Return the readable lines for one line of the file: none, one or more.

        Lines that cannot be decoded are skipped.
        """
        if line.startswith(_BATCH):
            return []
        try:
            values = decode_json(line)
            record = build_record(values)
        except ValueError:
            return []
        if record is None:
            return []
        at = _local_time(record.started if isinstance(record, RunStarted) else values.get("at"))
        time = f"{at:%H:%M:%S}" if at is not None else _NO_TIME
        lines = [LogLine(f"{time} {text}", kind) for text, kind in self._entries_of(record)]
        day = tr("{at:%A, %d %B %Y}", at=at) if at is not None else self._day
        if lines and day != self._day:
            self._day = day
            lines.insert(0, LogLine(day, "noise"))
        return lines

    def _entries_of(self, record: Record) -> list[_Entry]:
        best = self._view.best
        notice = apply_record(self._view, record)
        if isinstance(record, RunStarted):
            had_trainer, self._has_trainer = self._has_trainer, True
            host = safe_line(record.host)
            started = tr("Trainer {pid} started on {host}.", pid=record.pid, host=host)
            lost = tr("The previous trainer was lost: it recorded no end.")
            return [(lost, "error"), (started, "plain")] if had_trainer else [(started, "plain")]
        if isinstance(record, SplitEvaluated):
            return [self._score_entry(record, None if best is None else best.loss)]
        if isinstance(record, CheckpointSaved) and best is not None and best.step == record.step:
            return []  # the best score is always saved, and was reported
        if isinstance(record, RunEnded):
            self._has_trainer = False
            end = as_sentence(format_end(self._view, record.reason, record.step))
            return [(end, "good" if record.reason == RunState.FINISHED else "plain")]
        is_slip = isinstance(record, RunReplanned) and notice is not None
        entry = None if is_slip else _format_own(record)
        if entry is None and notice is not None:
            is_pause = isinstance(record, RequestAnswered) and record.request == "pause"
            kind: LogKind = "plain" if notice.severity == "information" else notice.severity
            kind = "warning" if is_pause or is_slip else kind
            entry = notice.sentence, kind
        return [entry] if entry is not None else []

    def _score_entry(self, record: SplitEvaluated, best: float | None) -> _Entry:
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
            name=format_ngram(ngram[0]),
        ), "good"


def _format_own(record: Record) -> _Entry | None:
    """The entry of a record without a notice, or with another text than its notice."""
    sentence = ""
    match record:
        case BaselinesMeasured(best=(order, loss)):
            name = format_ngram(order)
            sentence = tr(
                "N-grams are counted; the best, {name}, has {loss:.3f}.", name=name, loss=loss
            )
        case RunPlanned():
            sentence = _format_plan(record)
        case RunReplanned(total_steps=steps, seconds_per_step=seconds):
            sentence = tr(
                "{steps:,} steps from now on; one takes {seconds:.2g} s.",
                steps=steps,
                seconds=seconds,
            )
        case CheckpointSaved(step=step, seconds=seconds):
            sentence = tr("Step {step:,}: saved in {seconds:.1f} s.", step=step, seconds=seconds)
        case ModelCalibrated(temperature=None, reason=reason):
            sentence = tr("Not calibrated: {reason}", reason=tr_recorded(safe_line(reason)))
        case RunResumed(step=step):
            sentence = tr("Resumes at step {step:,}.", step=step) if step else tr("Starts over.")
    is_minor = isinstance(record, RunReplanned | CheckpointSaved | ModelCalibrated)
    return (sentence, "noise" if is_minor else "plain") if sentence else None


def _format_plan(record: RunPlanned) -> str:
    total, every = record.total_steps, record.evaluate_every
    if not record.early_evaluations:
        return tr("Planned: {steps:,} steps, validated every {every:,}.", steps=total, every=every)
    return tr(
        "Planned: {steps:,} steps, validated every {every:,}, first after {first:,}.",
        steps=total,
        every=every,
        first=record.early_evaluations[0],
    )


def _local_time(at: object) -> datetime | None:
    try:
        return datetime.fromisoformat(at).astimezone() if isinstance(at, str) else None
    except (ValueError, OverflowError, OSError):
        return None
