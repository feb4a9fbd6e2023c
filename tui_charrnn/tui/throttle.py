"""How often the screen is drawn while a training goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.message_pump import MessagePump
    from textual.timer import Timer


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
