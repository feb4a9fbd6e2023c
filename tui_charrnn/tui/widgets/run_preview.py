"""A few lines about the run under the cursor."""

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

_LINKS: Final = (
    "[@click=press('open')]Open[/]  [@click=press('compare')]Compare[/]  "
    "[@click=press('resume')]Resume[/]"
)


class RunPreview(Static):
    """Shows what is known of a run, and offers with the mouse what most is done with one."""

    DEFAULT_CSS = """
    RunPreview {
        height: auto;
        border-top: solid $foreground 25%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground;
        color: $text-muted;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        link-style: none;
        link-color: $foreground;
        link-background-hover: $panel;
        link-style-hover: none;
    }
    """

    class Pressed(Message):
        """Something is wanted of the run: an action of the pane, by its name."""

        def __init__(self, action: str) -> None:
            self.action = action
            super().__init__()

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def show(self, title: str, lines: Sequence[str]) -> None:
        """Show a run.

        Args:
            title: Its name, safe to show; empty if there is no run.
            lines: What there is to say, safe to show.
        """
        self.border_title = Content(title)
        self.border_subtitle = Content.from_markup(_LINKS) if title else Content("")
        self.update("\n".join(lines))

    def action_press(self, action: str) -> None:
        """Want something of the run."""
        self.post_message(self.Pressed(action))
