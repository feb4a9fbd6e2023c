"""A short text that is shown whole, from its beginning, in the place of the one before."""

from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.tui.text.wrapped_text import TextStyle

_LIMIT = 100_000  # characters


class SampleText(TextView, can_focus=False):
    """Shows a sample; the keys are those of the pane around it."""

    def __init__(self) -> None:
        super().__init__(limit=_LIMIT)
        self._parts: tuple[tuple[str, TextStyle], ...] = ()

    def show(self, *parts: tuple[str, TextStyle]) -> None:
        """Show other text, unless it is what is shown already.

        Args:
            parts: Pieces of the text and why each is there.
        """
        if parts == self._parts:
            return
        self._parts = parts
        self.clear()
        self.follows_end = False  # the beginning is kept in view
        for text, style in parts:
            self.append(text, style)
