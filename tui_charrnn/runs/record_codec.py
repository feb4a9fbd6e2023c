"""Encode records as lines of events.jsonl, and decode them."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import datetime
from typing import Any, Final, TypeAlias

from tui_charrnn.runs.json_values import build_checked, decode_json
from tui_charrnn.runs.records import KINDS, LARGEST_NUMBER, LARGEST_STEP, BatchTrained, Record

_NAMES: Final = {record: kind for kind, record in KINDS.items()}
_STEPS: Final = frozenset({
    "step",
    "to_step",
    "best_step",
    "total_steps",
    "warmup_steps",
    "steps_per_epoch",
    "evaluate_every",
    "early_evaluations",
    "half",
    "tenth",
    "reach",
})
"""Fields that count steps or characters."""


def encode_record(record: Record, at: datetime | None = None) -> str:
    """Encode a record as one line of JSON, without a line end.

    `at` is the time, for display; batches, which are many, omit it.

    Raises:
        ValueError: If a number in it is not finite.
    """
    values = {"kind": _NAMES[type(record)], **asdict(record)}
    if at is not None and not isinstance(record, BatchTrained):
        values["at"] = at.isoformat(timespec="seconds")
    return json.dumps(values, allow_nan=False, ensure_ascii=True, separators=(",", ":"))


def decode_record(line: str) -> Record | None:
    """Decode a line; return None for a kind that this version does not know.

    Unknown fields are ignored, as a later version may have added them.

    Raises:
        ValueError: If the line is not a record: not JSON, no kind, a missing field, a value of the
            wrong type, or a number out of bounds.
    """
    values = decode_json(line)
    if not isinstance(values, dict) or not isinstance(values.get("kind"), str):
        raise ValueError(f"A record is an object with a kind. Received: {line[:80]!r}")
    kind = KINDS.get(values["kind"])
    if kind is None:
        return None
    record = build_checked(kind, values)
    for item in fields(record):
        _check_bounds(item.name, getattr(record, item.name))
    return record


def _check_bounds(name: str, value: Any) -> None:
    """Refuse numbers that no run produces and that could overflow in readers."""
    for number in value if isinstance(value, tuple) else (value,):
        if name in _STEPS and number is not None and not 0 <= number <= LARGEST_STEP:
            raise ValueError(f"Counts are 0 to {LARGEST_STEP:,}. Received: {name}={number}")
        if isinstance(number, float) and not abs(number) <= LARGEST_NUMBER:
            raise ValueError(f"Numbers are {LARGEST_NUMBER:g} at most. Received: {name}={number}")


_STEP: Final = rb"([1-9][0-9]{0,14})"  # up to LARGEST_STEP
# For every match, float() either equals the JSON value or raises. Numbers without a point, with a
# sign, or with a plus in the exponent do not match and are left to the JSON parser.
_NUMBER: Final = rb"((?:0|[1-9][0-9]{0,14})(?:\.[0-9]|e-)[0-9e-]{0,23})"
_LINE: Final = re.compile(
    rb'\{"kind":"batch","step":%b,"loss":%b,"learning_rate":%b,"gradient_norm":%b,"elapsed":%b\}\n'
    rb"|([^\n]*)\n" % (_STEP, *[_NUMBER] * 4)
)
_PERIOD: Final = _LINE.groups + 1
"""Items of `re.split` per line: the (empty) text before it, then its groups."""


@dataclass(frozen=True, slots=True)
class BatchStretch:
    """One or more consecutive batch records, one column per field.

    Equivalent to a list of `BatchTrained`, at a fraction of the cost.
    """

    steps: Sequence[int]
    losses: Sequence[float]
    learning_rates: Sequence[float]
    gradient_norms: Sequence[float]
    elapsed: Sequence[float]

    @classmethod
    def of(cls, record: BatchTrained) -> "BatchStretch":
        """Return a stretch of one batch."""
        return cls(*((value,) for value in astuple(record)))

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def records(self) -> list[BatchTrained]:
        """The batches as single records."""
        return list(map(BatchTrained, *self._columns))

    @property
    def newest(self) -> BatchTrained:
        """The last record."""
        return BatchTrained(*(column[-1] for column in self._columns))

    @property
    def _columns(self) -> tuple[Any, ...]:
        """All columns, in the field order of `BatchTrained`."""
        return self.steps, self.losses, self.learning_rates, self.gradient_norms, self.elapsed


RecordOrBatch: TypeAlias = Record | BatchStretch
"""An item of a log: a record, or several batches combined."""


def split_stretches(lines: bytes) -> list[BatchStretch | bytes]:
    """Split lines into stretches of batches, and other lines without their ends.

    Nearly all lines of a long run are batches. Lines exactly as written by `encode_record` are
    parsed by a regular expression; the others are left to `decode_record`.
    """
    fields = _LINE.split(lines)
    others = fields[_PERIOD - 1 :: _PERIOD]
    parts: list[BatchStretch | bytes] = []
    begin = 0
    try:
        for place in [place for place, line in enumerate(others) if line is not None]:
            parts += _batches(fields, begin, place)
            parts.append(others[place])
            begin = place + 1
        parts += _batches(fields, begin, len(others))
    except ValueError:  # not a valid number after all
        return [*lines.split(b"\n")[:-1]]
    return parts


def _batches(fields: list[bytes], begin: int, end: int) -> list[BatchStretch]:
    """Return the stretch of the lines from `begin` to `end`, in a list; empty if there are none."""
    if begin == end:
        return []
    stop = end * _PERIOD
    steps, *columns = (fields[begin * _PERIOD + group : stop : _PERIOD] for group in range(1, 6))
    numbers = [list(map(float, column)) for column in columns]
    if not sum(map(sum, numbers)) <= LARGEST_NUMBER:  # none is negative
        raise ValueError("A number is too large.")
    return [BatchStretch(list(map(int, steps)), *numbers)]
