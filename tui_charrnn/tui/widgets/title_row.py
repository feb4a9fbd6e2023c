"""The row at the top: the program, and what is open in it."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.widgets.words import Words

TAGLINE = "a character LSTM that you can watch and talk to"


class TitleRow(Horizontal):
    """Shows the name of the program and of the run."""

    def compose(self) -> ComposeResult:
        """The mark, the name, what is open."""
        yield Static("▍charrnn-tui", id="title-name", markup=False)
        yield Words(id="title-about")

    def show(self, session: Session) -> None:
        """Name what is open."""
        view = session.view
        about = TAGLINE
        if view is not None:
            about = f"run {safe_line(view.run.name)}"
            if view.description is not None:
                about += f" on {safe_line(view.description.corpus.name)}"
                about += f" · preset {safe_line(view.description.preset)}"
        self.query_one("#title-about", Words).say(about)
