"""Background threads: cancellable tasks and polling; and throttled drawing."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from textual.message_pump import MessagePump
    from textual.timer import Timer


_Update = TypeVar("_Update")
_Found = TypeVar("_Found")


class CancelledError(Exception):
    """The task was cancelled."""


class BackgroundTask:
    """Work in a daemon thread, so that a disk that does not respond cannot keep the app open."""

    def __init__(self, name: str, work: Callable[[BackgroundTask], None]) -> None:
        """Start the work in a thread of that name; it may raise `CancelledError` to end."""
        self._cancelled = threading.Event()
        self._committing = threading.Lock()
        self._is_committed = False
        self._woken = threading.Event()
        # in a copy of the caller's context: it holds the user's keymap, which sentences name
        run, args = contextvars.copy_context().run, (self._run, work)
        self._thread = threading.Thread(target=run, args=args, daemon=True, name=name)
        self._thread.start()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the work has ended, for at most `seconds`; None waits without a limit."""
        self._thread.join(seconds)

    @property
    def is_cancelled(self) -> bool:
        """Whether the task was cancelled."""
        return self._cancelled.is_set()

    def cancel(self) -> bool:
        """Cancel the task; the work ends at its next check. Return False if it is too late."""
        with self._committing:
            if not self._is_committed:
                self._cancelled.set()
        self._woken.set()
        return not self._is_committed

    def commit(self) -> None:
        """Finish the work in any case: `cancel` returns False from now on.

        Raises:
            CancelledError: If the task was cancelled before.
        """
        with self._committing:
            self.check()
            self._is_committed = True

    def wake(self) -> None:
        """Make `wait_for` call `find` again."""
        self._woken.set()

    def wait_for(self, find: Callable[[], _Found | None]) -> _Found:
        """Block the work until `find` returns a value; every `wake` calls it again.

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
        """Block the work for some seconds.

        Raises:
            CancelledError: As soon as the task is cancelled.
        """
        if self._cancelled.wait(seconds):
            raise CancelledError

    def is_cancelled_after(self, seconds: float) -> bool:
        """Block the work for some seconds; return whether the task was cancelled meanwhile."""
        return self._cancelled.wait(seconds)

    def check(self) -> None:
        """Raise `CancelledError` if the task was cancelled."""
        if self._cancelled.is_set():
            raise CancelledError

    def deliver(
        self, call_later: Callable[..., object], take: Callable[..., object], *results: object
    ) -> None:
        """Call `take` with results on the screen's thread, unless the task is cancelled by then.

        `call_later` is that of a widget.

        Raises:
            CancelledError: If the task is cancelled already.
        """
        self.check()

        def take_unless_cancelled() -> None:
            if not self.is_cancelled:
                take(*results)

        call_later(take_unless_cancelled)

    def _run(self, work: Callable[[BackgroundTask], None]) -> None:
        with contextlib.suppress(CancelledError):
            work(self)


class Poller(Generic[_Update]):
    """A daemon thread that polls something, and pauses while its result is not visible.

    It waits until the screen has handled each update: a long log appears piece by piece, and
    updates do not queue up while the screen is blocked.
    """

    def __init__(
        self,
        name: str,
        poll: Callable[[Callable[[_Update], None]], float],
        call_later: Callable[..., object],
        take: Callable[[_Update], object],
    ) -> None:
        """Prepare the thread; `start` runs it.

        Args:
            name: The name of the thread.
            poll: Polls once, in the thread; returns the seconds until the next poll. It receives
                a function that passes an update to `take` and waits until it is handled.
            call_later: `call_later` of the widget that shows the updates; safe in any thread.
            take: Handles an update in the screen's thread.
        """
        self._name = name
        self._poll = poll
        self._call_later = call_later
        self._take = take
        self._is_watched = True
        self._is_stopped = False
        self._waking = threading.Event()
        self._taken = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, daemon=True, name=self._name).start()

    def stop(self) -> None:
        """End the thread; no update is shown after this."""
        self._is_stopped = True
        self._waking.set()
        self._taken.set()

    def watch(self, *, is_watched: bool) -> None:
        """Set whether the result is visible; polling pauses while it is not."""
        self._is_watched = is_watched
        self._waking.set()

    def wake(self) -> None:
        """Poll now."""
        self._waking.set()

    def _show(self, update: _Update) -> None:
        self._taken.clear()
        if not self._is_stopped:
            self._call_later(self._pass_on, update)
            self._taken.wait()

    def _pass_on(self, update: _Update) -> None:
        if not self._is_stopped:
            self._take(update)
        self._taken.set()

    def _run(self) -> None:
        while not self._is_stopped:
            self._waking.wait(self._poll(self._show) if self._is_watched else None)
            self._waking.clear()


class LatestTask:
    """Runs tasks of one kind; a new task cancels the previous one."""

    def __init__(self, name: str) -> None:
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
    """Draws changes of a state immediately, and other progress at most once per interval.

    Each drawing takes about 20 ms of a core from a training on this machine. If a batch is split
    over all cores, the other cores wait for the delayed one.
    """

    def __init__(self, owner: MessagePump, draw: Callable[[], None], interval: float) -> None:
        """Draw nothing yet; `interval` is in seconds, and `owner` has the timer."""
        self._owner = owner
        self._draw = draw
        self._interval = interval
        self._state: object = None
        self._drawn_at = -interval
        self._timer: Timer | None = None

    def request(self, state: object) -> None:
        """Draw now if `state` has changed since the last drawing, else after the interval."""
        wait = self._drawn_at + self._interval - time.monotonic()
        if state != self._state or wait <= 0:
            self._state = state
            self.draw_now()
        elif self._timer is None:
            self._timer = self._owner.set_timer(wait, self.draw_now)

    def draw_now(self) -> None:
        """Draw immediately."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._drawn_at = time.monotonic()
        self._draw()


class Signal:
    """Calls its listeners, in the order in which they were connected, in the same thread.

    Textual's signal logs an error of a listener and continues; a defect would go unseen.
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[[], object]] = []

    def connect(self, listener: Callable[[], object]) -> None:
        """Call `listener` at every `send` from now on."""
        self._listeners.append(listener)

    def send(self) -> None:
        """Call every listener."""
        for listener in self._listeners:
            listener()
