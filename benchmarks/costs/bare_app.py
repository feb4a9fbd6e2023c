"""The least that Textual can show: an app with one label. Run as a program."""

from typing import Final

from textual.app import App, ComposeResult
from textual.widgets import Label

LABEL: Final = "one label"


class BareApp(App[None]):
    """What any Textual app takes to start."""

    def compose(self) -> ComposeResult:
        """One label."""
        yield Label(LABEL)


if __name__ == "__main__":
    BareApp().run()
