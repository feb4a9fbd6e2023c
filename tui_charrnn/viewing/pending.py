"""Requests that a trainer has not answered yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tui_charrnn.runs.record_codec import RecordOrBatch
from tui_charrnn.runs.records import RequestAnswered

PATIENCE: Final = 5.0
"""Seconds after which a missing answer is worth a sentence: a trainer looks between two batches."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that waits for its answer."""

    id: str
    request: str
    words: str
    """What is asked for, as in `asked to save`; safe to show."""
    asked_at: float
    """Seconds, on the viewer's monotonic clock."""


class PendingRequests:
    """Knows what was asked, and what of it was answered."""

    def __init__(self) -> None:
        self._waiting: dict[str, Pending] = {}
        self._told: set[str] = set()

    def add(self, pending: Pending) -> None:
        """Remember that something was asked."""
        self._waiting[pending.id] = pending

    def drop(self, identifier: str) -> None:
        """Forget a request that could not be sent."""
        self._waiting.pop(identifier, None)

    def take(self, records: Iterable[RecordOrBatch]) -> None:
        """Strike out what the records answer."""
        for record in records:
            if isinstance(record, RequestAnswered):
                self._waiting.pop(record.id, None)

    def clear(self) -> None:
        """Forget everything, as after the end of the trainer."""
        self._waiting.clear()

    def is_waiting(self, request: str) -> bool:
        """Whether a request of this kind waits."""
        return any(pending.request == request for pending in self._waiting.values())

    @property
    def words(self) -> str:
        """What is waited for, in words; empty if nothing is."""
        return ", ".join(dict.fromkeys(pending.words for pending in self._waiting.values()))

    def overdue(self, now: float) -> list[Pending]:
        """What has waited for longer than `PATIENCE` at `now`; each is reported once."""
        late = [
            pending
            for pending in self._waiting.values()
            if now - pending.asked_at >= PATIENCE and pending.id not in self._told
        ]
        self._told.update(pending.id for pending in late)
        return late
