"""The tape of the text: gone back over from the keyboard, opened from a file."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.screen import Screen

from tui_charrnn.tui.session import Source
from tui_charrnn.tui.text.model_loader import ModelRequest

if TYPE_CHECKING:
    from pathlib import Path

    from tui_charrnn.tui.messages import TapeRequested
    from tui_charrnn.tui.session import Session
    from tui_charrnn.tui.text.generation_thread import LoadedModel, Recording, Wait
    from tui_charrnn.tui.text.model_loader import ModelLoader
    from tui_charrnn.tui.text.text_pane import TextPane


class Taping(Screen[None]):
    """A screen with a conversation whose text can be gone back over."""

    if TYPE_CHECKING:  # what the screen has
        session: Session
        text_pane: TextPane
        pane: str
        _loader: ModelLoader

        def answer(self, seed_text: str | None) -> None:
            """Have a seed text answered; None takes one that suits the model."""

        def action_show(self, pane: str) -> None:
            """Open a pane and give it the focus."""

        def xray_text(self, given: str | Path) -> None:
            """Have the model read a text, and color it."""

    def begin(self) -> None:
        """Open the tape or the text that was named, or let a model speak."""
        if self.session.tape is not None:
            self.open_tape(self.session.tape)
        elif self.session.xray is not None:
            self.xray_text(self.session.xray)
        else:
            self.answer(None)

    def on_tape_requested(self, event: TapeRequested) -> None:
        """Open the tape of a file."""
        event.stop()
        self.open_tape(event.path)

    def open_tape(self, path: Path) -> None:
        """Open the tape of a file, by the model that spoke on it if that is there."""
        wanted = ModelRequest.of(self.session)
        work = functools.partial(_recording, path, self._loader, wanted)
        self.text_pane.speak(work, None)

    def action_text(self) -> None:
        """Show the text; where it or the seed has the focus, go back over it, and return."""
        text_pane = self.text_pane
        has_tape = text_pane.home is not text_pane.seed
        at_hand = {text_pane.seed, text_pane.spoken}
        if self.pane == "text" and self.focused in at_hand and not has_tape:
            text_pane.open_tape()
            return
        if self.pane == "text" and has_tape:
            text_pane.close_tape()
        self.action_show("text")


def _recording(path: Path, loader: ModelLoader, wanted: ModelRequest, wait: Wait) -> Recording:
    from tui_charrnn.tui.tape.files import recording  # noqa: PLC0415 - brings NumPy

    def load(model: str | None, wait: Wait) -> LoadedModel:
        named = replace(wanted, source=Source.DEFAULT, model=model)
        return loader.load(wanted if model is None else named, wait)

    return recording(path, wait, load)
