"""Work in a thread that nobody waits for, and that can be given up."""

import threading
from collections.abc import Callable


class GivenUpError(Exception):
    """Nobody wants to know any more."""


class Errand:
    """One piece of work in a daemon thread: if it hangs on a dead disk, it keeps nobody."""

    def __init__(self, name: str, work: Callable[["Errand"], None]) -> None:
        """Start at once.

        Args:
            name: Of the thread.
            work: What is to be done; what it raises once it was given up is nobody's business.
        """
        self._given_up = threading.Event()
        self._work = work
        threading.Thread(target=self._run, daemon=True, name=name).start()

    @property
    def is_given_up(self) -> bool:
        """Whether the result is no longer wanted."""
        return self._given_up.is_set()

    def give_up(self) -> None:
        """Say that the result is no longer wanted."""
        self._given_up.set()

    def wait(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            GivenUpError: As soon as the result is no longer wanted.
        """
        if self._given_up.wait(seconds):
            raise GivenUpError

    def check(self) -> None:
        """Go on only while the result is wanted.

        Raises:
            GivenUpError: If it is not.
        """
        if self._given_up.is_set():
            raise GivenUpError

    def _run(self) -> None:
        try:
            self._work(self)
        except GivenUpError:
            return


class Errands:
    """Of several errands of one kind, only the newest is wanted."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._newest: Errand | None = None

    def send(self, work: Callable[[Errand], None]) -> None:
        """Give up the last errand and begin another."""
        self.give_up()
        self._newest = Errand(self._name, work)

    def give_up(self) -> None:
        """Want nothing any more."""
        if self._newest is not None:
            self._newest.give_up()
            self._newest = None
