"""Records as lines of events.jsonl, and back."""

import json
from dataclasses import asdict, fields
from typing import Any, Final

from tui_charrnn.runs.json_values import build_checked, decode_json
from tui_charrnn.runs.records import (
    LARGEST_NUMBER,
    LARGEST_STEP,
    BaselinesMeasured,
    BatchSizeChosen,
    BatchTrained,
    CheckpointSaved,
    DynamicallyEvaluated,
    LearningRateChanged,
    MemoryMeasured,
    ModelPublished,
    PathChosen,
    Record,
    RequestAnswered,
    RunDiverged,
    RunEnded,
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

_KINDS: Final[dict[str, type[Record]]] = {
    "started": RunStarted,
    "baselines": BaselinesMeasured,
    "planned": RunPlanned,
    "replanned": RunReplanned,
    "batch_size_chosen": BatchSizeChosen,
    "path_chosen": PathChosen,
    "batch": BatchTrained,
    "evaluated": SplitEvaluated,
    "stopped_early": StoppedEarly,
    "dynamically_evaluated": DynamicallyEvaluated,
    "sampled": SampleTaken,
    "memory_measured": MemoryMeasured,
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
_STEPS: Final = frozenset({
    "step",
    "to_step",
    "best_step",
    "total_steps",
    "steps_per_epoch",
    "evaluate_every",
    "early_evaluations",
    "half",
    "tenth",
    "reach",
})
"""Fields that count steps or characters."""


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
            value of the wrong kind, a number out of its bounds.
    """
    values = decode_json(line)
    if not isinstance(values, dict) or not isinstance(values.get("kind"), str):
        raise ValueError(f"A record is an object with a kind. Received: {line[:80]!r}")
    kind = _KINDS.get(values["kind"])
    if kind is None:
        return None
    record = build_checked(kind, values)
    for item in fields(record):
        _check_bounds(item.name, getattr(record, item.name))
    return record


def _check_bounds(name: str, value: Any) -> None:
    """Refuse what no run has, and no reader could add up.

    Raises:
        ValueError: If a number is out of its bounds.
    """
    for number in value if isinstance(value, tuple) else (value,):
        if name in _STEPS and number is not None and not 0 <= number <= LARGEST_STEP:
            raise ValueError(f"Counts are 0 to {LARGEST_STEP:,}. Received: {name}={number}")
        if isinstance(number, float) and not abs(number) <= LARGEST_NUMBER:
            raise ValueError(f"Numbers are {LARGEST_NUMBER:g} at most. Received: {name}={number}")
