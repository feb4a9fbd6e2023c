"""Finds out in a thread what a typed line names: the disk may be a network's, and not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from textual.message import Message

from tui_charrnn.tui.background import BackgroundTask, LatestTask

if TYPE_CHECKING:
    from collections.abc import Callable

_Found = TypeVar("_Found")


class LookedUp(Message, Generic[_Found], bubble=False):
    """It is known what a line names; exactly one of `found` and `error` is there."""

    def __init__(self, typed: str, found: _Found | None, error: Exception | None) -> None:
        self.typed = typed
        self.found = found
        self.error = error
        super().__init__()


class Lookup(Generic[_Found]):
    """Looks lines up one after another; only the newest one is told of."""

    def __init__(
        self, name: str, find: Callable[[str], _Found], announce: Callable[[Message], object]
    ) -> None:
        """Begin with nothing.

        Args:
            name: Of the threads.
            find: Finds out what a line names; called in a thread.
            announce: Is told by `LookedUp`, from that thread.
        """
        self._find = find
        self._announce = announce
        self._task = LatestTask(name)

    def begin(self, typed: str) -> None:
        """Look a line up, and no longer the one before."""

        def look(task: BackgroundTask) -> None:
            found, failure = None, None
            try:
                found = self._find(typed)
            except Exception as error:  # noqa: BLE001 - the screen shows it, or the app closes by it
                failure = error
            task.check()
            self._announce(LookedUp(typed, found, failure))

        self._task.start(look)

    def end(self) -> None:
        """Look nothing up any more."""
        self._task.cancel()
