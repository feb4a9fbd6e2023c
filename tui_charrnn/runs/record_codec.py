"""Records as lines of events.jsonl, and back."""

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
    """Write a record as one line of JSON, without its line end.

    `at` is the time, for people; no batch has it, as there are so many.

    Raises:
        ValueError: If a number in it is not finite.
    """
    values = {"kind": _NAMES[type(record)], **asdict(record)}
    if at is not None and not isinstance(record, BatchTrained):
        values["at"] = at.isoformat(timespec="seconds")
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
    kind = KINDS.get(values["kind"])
    if kind is None:
        return None
    record = build_checked(kind, values)
    for item in fields(record):
        _check_bounds(item.name, getattr(record, item.name))
    return record


def _check_bounds(name: str, value: Any) -> None:
    """Refuse what no run has, and no reader could add up."""
    for number in value if isinstance(value, tuple) else (value,):
        if name in _STEPS and number is not None and not 0 <= number <= LARGEST_STEP:
            raise ValueError(f"Counts are 0 to {LARGEST_STEP:,}. Received: {name}={number}")
        if isinstance(number, float) and not abs(number) <= LARGEST_NUMBER:
            raise ValueError(f"Numbers are {LARGEST_NUMBER:g} at most. Received: {name}={number}")


_STEP: Final = rb"([1-9][0-9]{0,14})"  # up to LARGEST_STEP
# What float() makes of this is what JSON makes of it, or else float() refuses it. A whole number
# without a point is left to JSON, and so are a sign and an exponent with a plus.
_NUMBER: Final = rb"((?:0|[1-9][0-9]{0,14})(?:\.[0-9]|e-)[0-9e-]{0,23})"
_LINE: Final = re.compile(
    rb'\{"kind":"batch","step":%b,"loss":%b,"learning_rate":%b,"gradient_norm":%b,"elapsed":%b\}\n'
    rb"|([^\n]*)\n" % (_STEP, *[_NUMBER] * 4)
)
_PERIOD: Final = _LINE.groups + 1
"""`re.split` gives what lies between two lines, which is nothing, then the groups of the next."""


@dataclass(frozen=True, slots=True)
class BatchStretch:
    """Batches whose records follow one another: at least one, as a column a field.

    Equal to as many `BatchTrained`, at a fraction of their cost.
    """

    steps: Sequence[int]
    losses: Sequence[float]
    learning_rates: Sequence[float]
    gradient_norms: Sequence[float]
    elapsed: Sequence[float]

    @classmethod
    def of(cls, record: BatchTrained) -> "BatchStretch":
        """A stretch of one batch."""
        return cls(*((value,) for value in astuple(record)))

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def records(self) -> list[BatchTrained]:
        """The same as a record a batch."""
        return list(map(BatchTrained, *self._columns))

    @property
    def newest(self) -> BatchTrained:
        """The last record."""
        return BatchTrained(*(column[-1] for column in self._columns))

    @property
    def _columns(self) -> tuple[Any, ...]:
        """All fields, in the order of those of a record."""
        return self.steps, self.losses, self.learning_rates, self.gradient_norms, self.elapsed


RecordOrBatch: TypeAlias = Record | BatchStretch
"""An item of a log: a record, or many of batches together."""


def split_stretches(lines: bytes) -> list[BatchStretch | bytes]:
    """Take lines apart into stretches of batches, and other lines without their ends.

    Nearly all lines of a long run are batches. One that looks exactly as `encode_record` writes it
    is taken apart by a regular expression; the others are left to `decode_record`.
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
    except ValueError:  # a number that is none after all
        return [*lines.split(b"\n")[:-1]]
    return parts


def _batches(fields: list[bytes], begin: int, end: int) -> list[BatchStretch]:
    """The stretch from one line until another, if there is any between them."""
    if begin == end:
        return []
    stop = end * _PERIOD
    steps, *columns = (fields[begin * _PERIOD + group : stop : _PERIOD] for group in range(1, 6))
    numbers = [list(map(float, column)) for column in columns]
    if not sum(map(sum, numbers)) <= LARGEST_NUMBER:  # none is negative
        raise ValueError("A number is too large.")
    return [BatchStretch(list(map(int, steps)), *numbers)]
