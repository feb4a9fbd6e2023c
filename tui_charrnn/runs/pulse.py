"""The heartbeat of a trainer: something that is done every few seconds, in a thread of its own."""

import contextlib
import threading
from collections.abc import Callable


class Pulse:
    """Beats until it is stopped; a beat for which there is no memory is left out."""

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        """Begin.

        Args:
            beat: What is done.
            seconds: Between two beats.
        """
        self._beat, self._seconds = beat, seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; returns when the last beat is done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            with contextlib.suppress(MemoryError):  # a trainer without a pulse looks dead
                self._beat()
