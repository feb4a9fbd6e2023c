"""The picture of a screen that a test holds an app against, and waiting until the app is there."""

import re
import time
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until

_LIMIT = 60.0
_STILL = 20
"""Looks in a row that find the same screen, where no picture tells what it comes to."""
_STILL_AT_LAST = 3
"""The same where there is a picture."""


class KeptPicture:
    """One SVG file of a snapshot test.

    Panes are put in, measured and styled one after the other, on a busy machine with pauses between
    them: that nothing changed for a moment does not yet mean that everything is there.
    """

    def __init__(self, file: Path | None) -> None:
        self._svg = _anonymous(file.read_text("utf-8")) if file and file.exists() else None

    async def wait_for(self, pilot: Pilot[Any]) -> None:
        """Wait until the app looks like the picture, or stands still for long without doing so.

        Whether it does look like it is for the test to compare: what is still another screen
        after some seconds is the difference that it reports.
        """
        await _stand_still(pilot, _STILL if self._svg is None else _STILL_AT_LAST)
        deadline = time.monotonic() + _LIMIT
        while self._svg is not None and time.monotonic() < deadline:
            if _anonymous(pilot.app.export_screenshot(simplify=True)) == self._svg:
                return
            await pilot.pause(0.05)


async def _stand_still(pilot: Pilot[Any], looks: int) -> None:
    seen: list[str] = []

    def is_still() -> bool:
        seen.append(screen_text(pilot.app))
        return len(seen) >= looks and len(set(seen[-looks:])) == 1

    await wait_until(pilot, "a screen that stands still", is_still)
    await pilot.pause()


def _anonymous(svg: str) -> str:
    """The picture without the number that every export gives its classes."""
    return re.sub(r"terminal-\d+-", "terminal-", svg).strip()
