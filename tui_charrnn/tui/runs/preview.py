"""A few lines about the run under the cursor."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static


class RunPreview(Static):
    """Shows what is known of a run, below a line with its name."""

    DEFAULT_CSS = """
    RunPreview {
        height: auto;
        border-top: solid $foreground 25%;
        border-title-color: $foreground;
        color: $text-muted;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def show(self, title: str, lines: Sequence[str]) -> None:
        """Show a run.

        Args:
            title: Its name, safe to show; empty if there is no run.
            lines: What there is to say, safe to show.
        """
        self.border_title = Content(title)
        self.update("\n".join(lines))
