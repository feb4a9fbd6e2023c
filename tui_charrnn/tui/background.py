"""Work beside the screen: tasks that can be cancelled, polling, and drawing that is held back."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from textual.message_pump import MessagePump
    from textual.timer import Timer


_News = TypeVar("_News")
_Found = TypeVar("_Found")


class CancelledError(Exception):
    """The task was cancelled."""


class BackgroundTask:
    """Work in a daemon thread: it cannot keep the app open when a disk does not answer."""

    def __init__(self, name: str, work: Callable[[BackgroundTask], None]) -> None:
        """Start the work.

        Args:
            name: The name of the thread.
            work: Called in the thread with this task; a `CancelledError` that it raises ends it.
        """
        self._cancelled = threading.Event()
        self._woken = threading.Event()
        # in the context of who starts it: the user's keys, which sentences name, are part of it
        run, args = contextvars.copy_context().run, (self._run, work)
        self._thread = threading.Thread(target=run, args=args, daemon=True, name=name)
        self._thread.start()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the work has ended, but no longer than so many seconds."""
        self._thread.join(seconds)

    @property
    def is_cancelled(self) -> bool:
        """Whether the result is no longer wanted."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Mark the result as no longer wanted; the work ends when it checks next."""
        self._cancelled.set()
        self._woken.set()

    def wake(self) -> None:
        """Have `wait_for` look again."""
        self._woken.set()

    def wait_for(self, find: Callable[[], _Found | None]) -> _Found:
        """Wait, in the work, until something is found; `find` is called again at every `wake`.

        Raises:
            CancelledError: As soon as the task is cancelled.
        """
        while True:
            self._woken.clear()
            self.check()
            if (found := find()) is not None:
                return found
            self._woken.wait()

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

    def _run(self, work: Callable[[BackgroundTask], None]) -> None:
        try:
            work(self)
        except CancelledError:
            return


class Poller(Generic[_News]):
    """A daemon thread that looks at something now and then, and rests while nobody watches.

    It waits until the screen has taken what it found: a long log fills in piece by piece, and a
    screen that stands still is not buried.
    """

    def __init__(
        self, name: str, call_later: Callable[..., object], take: Callable[[_News], object]
    ) -> None:
        """Prepare; `start` begins.

        Args:
            name: The name of the thread.
            call_later: Of the widget that shows what is found; safe to call from any thread.
            take: Takes what is found, on the side of the screen.
        """
        self._name = name
        self._call_later = call_later
        self._take = take
        self._is_watched = True
        self._is_stopped = False
        self._waking = threading.Event()
        self._taken = threading.Event()

    def look(self) -> float:
        """Look once, in the thread; returns the seconds until the next look."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, daemon=True, name=self._name).start()

    def stop(self) -> None:
        """End the thread; nothing is shown after this."""
        self._is_stopped = True
        self._waking.set()
        self._taken.set()

    def watch(self, *, is_watched: bool) -> None:
        """Set whether anybody watches."""
        self._is_watched = is_watched
        self._waking.set()

    def wake(self) -> None:
        """Look at once."""
        self._waking.set()

    def show(self, news: _News) -> None:
        """Have the screen take news, and wait until it did, in the thread."""
        self._taken.clear()
        if not self._is_stopped:
            self._call_later(self._show, news)
            self._taken.wait()

    def _show(self, news: _News) -> None:
        if not self._is_stopped:
            self._take(news)
        self._taken.set()

    def _run(self) -> None:
        while not self._is_stopped:
            self._waking.wait(self.look() if self._is_watched else None)
            self._waking.clear()


class LatestTask:
    """Tasks of one kind, of which only the newest is wanted."""

    def __init__(self, name: str) -> None:
        """Start none yet."""
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


class Throttle:
    """Lets news be drawn at once, and mere progress once an interval.

    Each drawing takes some 20 ms of a core from the training that is watched. Where the batch is
    cut into a part for each core, the others wait for the one that was held up.
    """

    def __init__(
        self,
        owner: MessagePump,
        draw: Callable[[], None],
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Draw nothing yet.

        Args:
            owner: Whose timer is used.
            draw: Draws what is known.
            interval: Seconds between two drawings of progress.
            clock: Seconds, monotonic.
        """
        self._owner = owner
        self._draw = draw
        self._interval = interval
        self._clock = clock
        self._news: object = None
        self._drawn_at = -interval
        self._timer: Timer | None = None

    def request(self, news: object) -> None:
        """Draw now if `news` is another value than it was at the last drawing, or else in time."""
        wait = self._drawn_at + self._interval - self._clock()
        if news != self._news or wait <= 0:
            self._news = news
            self.draw_now()
        elif self._timer is None:
            self._timer = self._owner.set_timer(wait, self.draw_now)

    def draw_now(self) -> None:
        """Draw, whatever was drawn when."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._drawn_at = self._clock()
        self._draw()


class Signal:
    """Calls its listeners, in the order in which they were connected, in the same thread.

    Textual's signal logs an error of a listener and continues; a defect would go unseen.
    """

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
