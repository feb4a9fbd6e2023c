"""The line that says what has just happened, or what to do next."""

from textual.widgets import Static

from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.keys.keymap import key_label


class NoteLine(Static):
    """Holds one sentence until the next."""

    DEFAULT_CSS = """
    NoteLine {
        height: auto;
        max-height: 3;
        padding: 0 2;
        color: $text-muted;
        &.-problem { color: $text-warning; }
    }
    """

    def __init__(self) -> None:
        self._said = hint()
        super().__init__(self._said, id="note", markup=False)

    def tell(self, sentence: str, *, is_problem: bool = False) -> None:
        """Say something, or the hint if it is empty; foreign parts are made safe."""
        said = safe_line(sentence) or hint()
        if said != self._said:  # or else the screen is laid out again for nothing
            self._said = said
            self.update(said)
        self.set_class(is_problem, "-problem")


def hint() -> str:
    """What to do when there is nothing to say."""
    train, page = key_label("run.train"), key_label("app.help")
    return f"Type a seed and press Enter · {train} trains on your own text · {page} help"
