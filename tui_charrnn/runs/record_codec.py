"""Records as lines of events.jsonl, and back."""

import json
from dataclasses import asdict
from typing import Final

from tui_charrnn.runs.json_values import build_checked, decode_json
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    CheckpointSaved,
    DynamicallyEvaluated,
    LearningRateChanged,
    ModelPublished,
    Record,
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
)

_KINDS: Final[dict[str, type[Record]]] = {
    "started": RunStarted,
    "baselines": BaselinesMeasured,
    "planned": RunPlanned,
    "batch": BatchTrained,
    "evaluated": SplitEvaluated,
    "dynamically_evaluated": DynamicallyEvaluated,
    "sampled": SampleTaken,
    "checkpointed": CheckpointSaved,
    "published": ModelPublished,
    "answered": RequestAnswered,
    "warned": RunWarned,
    "resumed": RunResumed,
    "learning_rate_changed": LearningRateChanged,
    "rolled_back": RunRolledBack,
    "diverged": RunDiverged,
    "failed": RunFailed,
    "preempted": RunPreempted,
    "ended": RunEnded,
}
_NAMES: Final = {record: kind for kind, record in _KINDS.items()}


def encode_record(record: Record) -> str:
    """Write a record as one line of JSON, without its line end.

    Raises:
        ValueError: If a number in it is not finite.
    """
    values = {"kind": _NAMES[type(record)], **asdict(record)}
    return json.dumps(values, allow_nan=False, ensure_ascii=True, separators=(",", ":"))


def decode_record(line: str) -> Record | None:
    """Read a record from a line, or return None for a kind that this version does not know.

    Fields that are not known are passed over, as a later version may have added them.

    Raises:
        ValueError: If the line is not a record at all: not JSON, no kind, a field missing, a
            value of the wrong kind.
    """
    values = decode_json(line)
    if not isinstance(values, dict) or not isinstance(values.get("kind"), str):
        raise ValueError(f"A record is an object with a kind. Received: {line[:80]!r}")
    record = _KINDS.get(values["kind"])
    return build_checked(record, values) if record else None
