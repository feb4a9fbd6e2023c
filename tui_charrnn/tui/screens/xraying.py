"""The x-ray of the text: turned on from the keyboard, fitted to the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

if TYPE_CHECKING:
    from tui_charrnn.tui.widgets.conversation import Conversation


class Xraying(Screen[None]):
    """A screen with a conversation whose text can be colored by what the model expected."""

    if TYPE_CHECKING:  # what the screen has
        conversation: Conversation

    def action_xray(self) -> None:
        """Color the text by the next measure; after the last, by none."""
        # deferred: needed by those who use the x-ray only
        from tui_charrnn.tui.widgets.xray_panel import turn_xray  # noqa: PLC0415 - as said

        turn_xray(self.conversation)
