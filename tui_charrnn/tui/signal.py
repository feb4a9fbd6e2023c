"""Tells listeners in the same thread that something has changed.

Textual's signal logs an error of a listener and continues; a defect would go unseen.
"""

from collections.abc import Callable


class Signal:
    """Calls its listeners, in the order in which they were connected."""

    def __init__(self) -> None:
        """Have no listener."""
        self._listeners: list[Callable[[], object]] = []

    def connect(self, listener: Callable[[], object]) -> None:
        """Call a listener at every change from now on."""
        self._listeners.append(listener)

    def send(self) -> None:
        """Call every listener."""
        for listener in self._listeners:
            listener()
