"""What a model does inside: its neurons, listed, colored by and held from the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from tui_charrnn.paths import find_file

if TYPE_CHECKING:
    from tui_charrnn.tui.text.text_pane import TextPane


class Probing(Screen[None]):
    """A screen with a conversation whose model can be looked into."""

    if TYPE_CHECKING:  # what the screen has
        text_pane: TextPane

        def action_show(self, pane: str) -> None:
            """Open a pane and give it the focus."""

    def action_earlier(self, by: int) -> None:
        """Go to the text that was begun before the one in sight (-1), or after it (1)."""
        self.text_pane.spoken.action_earlier(by)

    def action_corpus(self) -> None:
        """Ask for a text, and mark what is copied from it."""
        # deferred: needed by those who ask for it only
        from tui_charrnn.tui.dialogs.ask_text import AskTextScreen  # noqa: PLC0415 - as said
        from tui_charrnn.tui.xray.legend import compare_with  # noqa: PLC0415 - as said

        def compare(typed: str | None) -> None:
            if typed is not None:
                compare_with(self.text_pane, typed)

        question = "A file to compare with; an empty line takes what the model was trained on."
        screen = AskTextScreen("Originality", question, "", find=find_corpus)
        self.app.push_screen(screen, compare)

    def action_neurons(self) -> None:
        """List the neurons that follow something in a text."""
        self.text_pane.open_neurons()
        self.action_show("text")


def find_corpus(typed: str) -> str:
    """The path of a text that was typed, in full; an empty line stands for itself.

    Raises:
        CharRNNError: If there is no such file.
    """
    return str(find_file(typed, "The text")) if typed else ""
