"""The x-ray of the text: turned on from the keyboard, fitted to the terminal, of any text."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from textual.screen import Screen

from tui_charrnn.tui.text.model_loader import ModelRequest

if TYPE_CHECKING:
    from pathlib import Path

    from tui_charrnn.tui.session import Session
    from tui_charrnn.tui.text.model_loader import ModelLoader
    from tui_charrnn.tui.text.text_pane import TextPane


class Xraying(Screen[None]):
    """A screen with a conversation whose text can be colored by what went on in the model.

    All imports are deferred: needed by those who use the x-ray only.
    """

    if TYPE_CHECKING:  # what the screen has
        session: Session
        text_pane: TextPane
        pane: str
        _loader: ModelLoader

        def tell(self, sentence: str, *, is_problem: bool = False) -> None:
            """Say something in the line below the panes."""

    def action_xray(self) -> None:
        """Color the text in the next way; after the last, in none."""
        from tui_charrnn.tui.xray.legend import turn_xray  # noqa: PLC0415 - as said

        turn_xray(self.text_pane)

    def action_xray_page(self) -> None:
        """Show the next page of the panel."""
        from tui_charrnn.tui.xray.legend import turn_page  # noqa: PLC0415 - as said

        turn_page(self.text_pane)

    def action_xray_unit(self, step: int) -> None:
        """Color by the neuron or gate so many units on."""
        from tui_charrnn.tui.xray.legend import step_unit  # noqa: PLC0415 - as said

        step_unit(self.text_pane, step)

    def action_xray_pick(self) -> None:
        """Ask for the name of a neuron or a gate, and color by it."""
        from tui_charrnn.tui.xray.picking import ask_for_unit  # noqa: PLC0415 - as said

        ask_for_unit(self.app, self.text_pane, self.tell)

    def action_xray_read(self) -> None:
        """Ask for a text, and have it read."""
        from tui_charrnn.tui.xray.text_dialog import ExternalTextScreen  # noqa: PLC0415 - as said

        def read(given: str | Path | None) -> None:
            if given is not None:
                self.xray_text(given)

        self.app.push_screen(ExternalTextScreen(), read)

    def xray_text(self, given: str | Path) -> None:
        """Have the model read a text, and color it.

        Args:
            given: The text, or the file that it is in.
        """
        from tui_charrnn.tui.text.external_text import prepared  # noqa: PLC0415 - as said
        from tui_charrnn.tui.xray.legend import begin_xray  # noqa: PLC0415 - as said

        wanted = ModelRequest.of(self.session)
        self.text_pane.close_tape()
        work = functools.partial(prepared, given, functools.partial(self._loader.load, wanted))
        self.text_pane.speak(work, None)
        begin_xray(self.text_pane)
        self.pane = "text"
        self.call_after_refresh(self.text_pane.spoken.focus)  # not the seed, as is usual
