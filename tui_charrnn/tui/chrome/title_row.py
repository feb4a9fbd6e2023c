"""The row at the top: the program, and what is open in it."""

from textual.content import Content
from textual.widgets import Static

from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.session import Session

TAGLINE = "a character LSTM that you can watch and talk to"
_NAME = "▍charrnn-tui"


class TitleRow(Static):
    """Shows the name of the program and of the run."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._about = ""

    def show(self, session: Session) -> None:
        """Name what is open."""
        view = session.view
        about = TAGLINE
        if view is not None:
            about = f"run {safe_line(view.run.name)}"
            if view.description is not None:
                about += f" on {safe_line(view.description.corpus.name)}"
                about += f" · preset {safe_line(view.description.preset)}"
        if about != self._about:
            self._about = about
            row = Content.assemble((_NAME, "bold $primary"), f"  {about}")
            self.update(row, layout=False)  # it keeps its row, and the width of the screen
