"""Below the fields of a form: what is wrong with all of it, what the field at hand is, buttons."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.getters import query_one
from textual.widgets import Button, Static

from tui_charrnn.safe_text import safe_line


class FormFooter(Vertical):
    """Always in sight, however far the fields are scrolled."""

    DEFAULT_CSS = """
    FormFooter {
        height: auto;
        #form-advice { height: 2; margin-top: 1; color: $text-muted; }
        #form-problem { height: auto; display: none; color: $text-error; }
        #form-actions { height: 1; Button { margin-right: 2; } }
        #form-progress { width: 1fr; height: 1; color: $text-muted; text-wrap: nowrap; }
    }
    """

    _advice = query_one("#form-advice", Static)
    _button = query_one("#start", Button)
    _problem = query_one("#form-problem", Static)
    _progress = query_one("#form-progress", Static)

    def compose(self) -> ComposeResult:
        """Problem, advice, buttons."""
        yield Static("", id="form-problem", markup=False)
        yield Static("", id="form-advice", markup=False)
        with Horizontal(id="form-actions"):
            yield Button("Start training", id="start", variant="primary", compact=True)
            yield Button("Cancel", id="cancel", compact=True)
            yield Static("", id="form-progress", markup=False)

    @property
    def is_occupied(self) -> bool:
        """Whether nothing can be started now."""
        return self._button.disabled

    def advise(self, advice: str) -> None:
        """Say what is to be known of the field at hand."""
        self._advice.update(safe_line(advice))

    def complain(self, problem: str) -> None:
        """Say what is wrong that is no field's fault; an empty sentence takes it back."""
        self._problem.update(f"✗ {safe_line(problem)}" if problem else "")
        self._problem.display = bool(problem)

    def occupy(self, words: str) -> None:
        """Say what is being done, and let nothing be started meanwhile; empty for its end."""
        self._button.disabled = bool(words)
        self._progress.update(safe_line(words))
