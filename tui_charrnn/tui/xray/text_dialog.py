"""The box into which a text is pasted that the model is to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static

from tui_charrnn.errors import DataError
from tui_charrnn.paths import find_file
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.dialogs.dialog import Dialog
from tui_charrnn.tui.text.external_text import LONGEST
from tui_charrnn.tui.text.seed_input import SeedInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widgets import TextArea

_LONGEST_PATH: Final = 4096
"""Characters of a line that may be a path."""
_PATHS: Final = ("/", "~/", "./", "../")
"""What begins a line that can hardly be anything but a path."""
_NO_FILE: Final = "There is no such file. A space before it has the line itself read."


class ExternalTextInput(SeedInput):
    """A field for a text of any number of lines; Enter takes it."""

    LONGEST: ClassVar[int] = LONGEST + 1


class ExternalTextScreen(Dialog["str | Path | None"]):
    """Asks for a text, pasted or by the path of its file; None if it is left by Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Cancel", show=False)]
    DEFAULT_CSS = """
    ExternalTextScreen {
        align: center middle;
        & #given {
            border: round $primary;
            border-title-color: $primary;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
            background: $surface;
            padding: 0 1;
            width: 76;
            max-width: 100%;
            height: auto;
            max-height: 100%;
        }
        & Static { height: auto; }
        & ExternalTextInput {
            height: 10;
            max-height: 10;
            border: none;
            background: $surface;
            padding: 0;
        }
        & #given-words {
            color: $text-muted;
            &.-problem { color: $text-warning; }
        }
    }
    """

    field = query_one(ExternalTextInput)
    words = query_one("#given-words", Static)

    def compose(self) -> ComposeResult:
        """The question, the field, and what will be read."""
        with Vertical(id="given") as box:
            box.border_title = Content("X-ray a text")
            box.border_subtitle = Content("Enter reads it · Esc leaves it")
            yield Static(
                "Paste a text, or give the path of its file. The model reads it, and colors tell "
                f"what it made of every character; {LONGEST:,} at most are read.",
                markup=False,
            )
            yield ExternalTextInput(placeholder="a text, or a path")
            yield Static("", id="given-words", markup=False)

    def on_mount(self) -> None:
        """Let the cursor wait in the field."""
        self.field.focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Say what will be read as one types."""
        event.stop()
        self.words.update(self._said())
        self.words.set_class(is_missing(self.field.text), "-problem")

    def on_seed_input_submitted(self, event: SeedInput.Submitted) -> None:
        """Take the text, or the file, unless there is none."""
        event.stop()
        path = path_of(event.text)
        if event.text.strip() and not is_missing(event.text):
            self.dismiss(event.text if path is None else path)

    def on_seed_input_shortened(self, event: SeedInput.Shortened) -> None:
        """Heed nothing: how much is read is said anyway."""
        event.stop()

    def action_give_up(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def _said(self) -> str:
        text = self.field.text
        path = path_of(text)
        if path is not None:
            return safe_line(f"The file {path.name} will be read.")
        if not text.strip():
            return ""
        if is_missing(text):
            return _NO_FILE
        if len(text) > LONGEST:
            return f"The first {LONGEST:,} characters will be read."
        return f"{len(text):,} characters will be read."


def path_of(text: str) -> Path | None:
    """The file that a text names; None if it is a text itself."""
    line = text.strip()
    if not line or "\n" in line or "\0" in line or len(line) > _LONGEST_PATH:
        return None
    try:
        return find_file(line, "The text")
    except DataError:
        return None


def is_missing(text: str) -> bool:
    """Whether a text looks like the path of a file that is not there."""
    is_path = text.startswith(_PATHS) and len(text.strip().splitlines()) == 1
    return is_path and path_of(text) is None
