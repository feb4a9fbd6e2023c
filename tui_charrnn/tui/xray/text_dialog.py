"""The box into which a text is pasted that the model is to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static

from tui_charrnn.errors import CharRNNError
from tui_charrnn.paths import find_file
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import Dialog, LookedUp, Lookup
from tui_charrnn.tui.text.external_text import LONGEST
from tui_charrnn.tui.text.seed_input import SeedInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widgets import TextArea

_LONGEST_PATH: Final = 4096
"""Characters of a line that may be a path."""
_PATHS: Final = ("/", "~/", "./", "../")
"""What begins a line that can hardly be anything but a path."""


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
            padding: 0 1;
            width: 76;
            height: auto;
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

    def __init__(self) -> None:
        super().__init__()
        self._lookup = Lookup("text-lookup", find_external, self.post_message)
        self._reply: str | Path | None = None
        """What is returned; None while that is not known, or there is nothing to read."""
        self._is_submitted = False

    def compose(self) -> ComposeResult:
        """The question, the field, and what will be read."""
        with Vertical(id="given", classes="box") as box:
            box.border_title = Content(tr("X-ray a text"))
            box.border_subtitle = Content(tr("Enter reads it · Esc leaves it"))
            yield Static(
                tr(
                    "Paste a text, or give the path of its file. The model reads it, and colors "
                    "tell what it made of every character; {count:,} at most are read.",
                    count=LONGEST,
                ),
                markup=False,
            )
            yield ExternalTextInput(placeholder=tr("a text, or a path"))
            yield Static("", id="given-words", markup=False)

    def on_mount(self) -> None:
        """Let the cursor wait in the field."""
        self.field.focus()

    def on_unmount(self) -> None:
        """Let the thread end."""
        self._lookup.end()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Find out what will be read as one types; of what cannot be a path, at once."""
        event.stop()
        self._is_submitted, self._reply = False, None
        text = self.field.text
        if may_be_path(text):
            self._lookup.begin(text)
        else:
            self._lookup.end()
            self._show(text if text.strip() else None)

    def on_looked_up(self, event: LookedUp[str | Path]) -> None:
        """Say what will be read, or what is wrong with a path, if it is still the same."""
        event.stop()
        if event.typed != self.field.text:
            return
        if event.error is not None and not isinstance(event.error, CharRNNError):
            raise event.error
        as_text = tr("A space before it has the line itself read.")
        self._show(event.found, f"{event.error} {as_text}" if event.error else "")

    def on_seed_input_submitted(self, event: SeedInput.Submitted) -> None:
        """Take the text, or the file, unless there is none; wait until that is known."""
        event.stop()
        self._is_submitted = True
        self._reply_if_ready()

    def on_seed_input_shortened(self, event: SeedInput.Shortened) -> None:
        """Do nothing: how much is read is shown anyway."""
        event.stop()

    def action_give_up(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def _show(self, found: str | Path | None, problem: str = "") -> None:
        self._reply = found
        self.words.update(safe_line(problem) if problem else _words_for(found))
        self.words.set_class(bool(problem), "-problem")
        self._reply_if_ready()

    def _reply_if_ready(self) -> None:
        if self._is_submitted and self._reply is not None:
            self.dismiss(self._reply)


def may_be_path(text: str) -> bool:
    """Whether a text is one line that is short enough for a path."""
    line = text.strip()
    return bool(line) and len(line) <= _LONGEST_PATH and len(line.splitlines()) == 1


def find_external(text: str) -> str | Path:
    """The file that one line names, or the line itself if it is a text; asks the disk.

    Raises:
        CharRNNError: If it can hardly be anything but a path, and there is no such file.
    """
    try:
        return find_file(text.strip(), tr("The text"))
    except CharRNNError:
        if text.startswith(_PATHS):
            raise
        return text


def _words_for(found: str | Path | None) -> str:
    if isinstance(found, Path):
        return tr("The file {name} will be read.", name=safe_line(found.name))
    if not found:
        return ""
    if len(found) > LONGEST:
        return tr("The first {count:,} characters will be read.", count=LONGEST)
    return tr("{count:,} characters will be read.", count=len(found))


def find_corpus(typed: str) -> str:
    """The path of a text that was typed, in full; an empty line stands for itself.

    Raises:
        CharRNNError: If there is no such file.
    """
    return str(find_file(typed, tr("The text"))) if typed else ""
