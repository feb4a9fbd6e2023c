"""What lies over the app until it is answered."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Reply = TypeVar("Reply")


class Dialog(ModalScreen[Reply]):
    """A screen over another one that can be closed once, however often that is asked for."""

    def dismiss(self, result: Reply | None = None) -> AwaitComplete:
        """Close it, with an answer; one that is closed, or lies below another, stays as it is.

        Keys come faster than screens go: a second Enter is on its way while the first one closes
        the screen, and would close what lies below.

        Args:
            result: The answer.
        """
        return super().dismiss(result) if self.is_active else AwaitComplete()
