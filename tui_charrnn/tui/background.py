"""Background tasks: daemon threads that can be cancelled."""

import threading
from collections.abc import Callable


class CancelledError(Exception):
    """The task was cancelled."""


class BackgroundTask:
    """Work in a daemon thread: it cannot keep the app open when a disk does not answer."""

    def __init__(self, name: str, work: Callable[["BackgroundTask"], None]) -> None:
        """Start the work.

        Args:
            name: The name of the thread.
            work: Called in the thread with this task; a `CancelledError` that it raises ends it.
        """
        self._cancelled = threading.Event()
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until the work has ended, but no longer than so many seconds."""
        self._thread.join(seconds)

    @property
    def is_cancelled(self) -> bool:
        """Whether the result is no longer wanted."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Mark the result as no longer wanted; the work ends when it checks next."""
        self._cancelled.set()

    def wait(self, seconds: float) -> None:
        """Wait, in the work.

        Raises:
            CancelledError: As soon as the task is cancelled.
        """
        if self._cancelled.wait(seconds):
            raise CancelledError

    def gives_up(self, seconds: float) -> bool:
        """Wait, in the work; whether the task was cancelled meanwhile."""
        return self._cancelled.wait(seconds)

    def check(self) -> None:
        """Return if the result is still wanted.

        Raises:
            CancelledError: If the task was cancelled.
        """
        if self._cancelled.is_set():
            raise CancelledError

    def _run(self) -> None:
        try:
            self._work(self)
        except CancelledError:
            return


class LatestTask:
    """Tasks of one kind, of which only the newest is wanted."""

    def __init__(self, name: str) -> None:
        """Start none yet.

        Args:
            name: The name of the threads.
        """
        self._name = name
        self._newest: BackgroundTask | None = None

    def start(self, work: Callable[[BackgroundTask], None]) -> None:
        """Cancel the last task and start another."""
        self.cancel()
        self._newest = BackgroundTask(self._name, work)

    def cancel(self) -> None:
        """Cancel the newest task."""
        if self._newest is not None:
            self._newest.cancel()
            self._newest = None
