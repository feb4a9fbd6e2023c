"""The line that says what has just happened, or what to do next."""

from typing import Final

from textual.widgets import Static

from tui_charrnn.safe_text import safe_line

HINT: Final = "Type a seed and press Enter · ^n trains on your own text · F1 help"


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
        super().__init__(HINT, id="note", markup=False)

    def tell(self, sentence: str, *, is_problem: bool = False) -> None:
        """Say something, or the hint if it is empty; foreign parts are made safe."""
        self.update(safe_line(sentence) or HINT)
        self.set_class(is_problem, "-problem")
