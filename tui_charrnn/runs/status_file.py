"""The writing end of state.json: replaced as a whole, with a beat that rises every time."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

from tui_charrnn.errors import StorageError
from tui_charrnn.runs.description import RunStatus
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.storage import Storage

_AT_ONCE: Final = ("state", "message", "degraded")
"""Fields whose change people wait for."""
_ROOM: Final = 8192
"""Bytes that are kept for the next status, so that a full disk does not silence the trainer."""


class StatusFile:
    """Holds what the trainer is doing, and writes it down, on a full disk too.

    Safe to use from several threads; whoever changes a number never waits for the disk.
    """

    def __init__(self, path: Path, storage: Storage, status: RunStatus) -> None:
        self._path, self._storage, self._status = path, storage, status
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self.problem: str | None = None
        """Why the last write failed, or None if it did not."""

    @property
    def status(self) -> RunStatus:
        """What is to be written next."""
        return self._status

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change some fields; a new state or message is written at once, the others later.

        Raises:
            TypeError: If there is no such field.
            ValueError: If a number is not finite.
        """
        encode_json({name: _plain(value) for name, value in changes.items()})
        with self._guard:
            before = self._status
            self._status = replace(before, **changes)
            is_urgent = any(getattr(before, n) != getattr(self._status, n) for n in _AT_ONCE)
        if is_urgent:
            self.write()

    def write(self) -> None:
        """Write the status with a risen beat; a refusal is remembered."""
        with self._writing:
            with self._guard:
                self._status = replace(self._status, beat=self._status.beat + 1)
                status = self._status
            data = encode_json(status.to_json())
            try:
                self._storage.write_atomically(self._path, data, room_for_next=_ROOM)
            except StorageError as error:
                self.problem = str(error)
            else:
                self.problem = None

    def close(self) -> None:
        """Write it for the last time, and keep no more room."""
        self.write()
        self._storage.give_room_back(self._path)


def _plain(value: Any) -> Any:
    """A field's value as JSON holds it."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
