"""The run card: everything that is known of the run that is shown, as rows."""

import textwrap

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.getters import query_one

from tui_charrnn.tui.run.loss_sparkline import LossSparkline
from tui_charrnn.tui.run.words import Words
from tui_charrnn.viewing import run_words as words
from tui_charrnn.viewing.card_rows import Row, card_rows, detail_rows
from tui_charrnn.viewing.run_view import RunView

_LABEL_WIDTH = 11  # columns
_ROOMY = 60  # columns from which on two rows stand side by side


class RunCard(VerticalScroll):
    """Draws a `RunView`: one row a number, or two columns of them where it is broad and low."""

    DEFAULT_CSS = """
    RunCard {
        height: auto;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        & Static { width: 100%; height: auto; }
        & #card-head { color: $foreground; text-wrap: nowrap; }
        &.-live #card-head { color: $text-success; }
        &.-failed #card-head { color: $text-error; }
        & LossSparkline { height: 2; width: 100%; margin-bottom: 1; }
        & #card-warning { color: $text-warning; }
    }
    """

    head = query_one("#card-head", Words)
    losses = query_one(LossSparkline)
    body = query_one("#card-body", Words)
    warning = query_one("#card-warning", Words)

    def __init__(self) -> None:
        super().__init__(can_focus=False)
        self.border_title = Content("Training")
        self._view: RunView | None = None
        self._now = 0.0
        self._asked = ""
        self._advice = ""

    def compose(self) -> ComposeResult:
        """State and progress, the newest losses, numbers, the newest warning."""
        yield Words(id="card-head")
        yield LossSparkline()
        yield Words(id="card-body")
        yield Words(id="card-warning")

    def on_resize(self) -> None:
        """Arrange the rows anew."""
        self.call_after_refresh(self._draw)

    def show(self, view: RunView | None, now: float, asked: str, advice: str) -> None:
        """Draw what is known of a run; see `StatusLine.show`.

        Args:
            view: The run, if there is one.
            now: Seconds, monotonic.
            asked: What the trainer has not answered yet.
            advice: How to go on with a run that was left before its end.
        """
        self._view, self._now, self._asked, self._advice = view, now, asked, advice
        self._draw()

    def _draw(self) -> None:
        view, width = self._view, self.scrollable_content_region.width
        if view is None or not width:
            return
        is_broad = width >= _ROOMY
        for part in (self.head, self.losses):  # where it is broad, the status line shows them
            part.display = not is_broad
        self.head.say(_head(view, self._now, self._asked, width))
        self.losses.show(view.losses.columns(width))
        rows = [*words.score_rows(view), *detail_rows(view)] if is_broad else card_rows(view)
        lines = _side_by_side(rows, width) if is_broad else _one_below_another(rows, width)
        for sentence in (words.lead_words(view), self._advice):
            if sentence and not is_broad:  # where it is broad, the status line says it
                lines += ["", sentence]
        self.body.say("\n".join(lines))
        self.warning.display = bool(view.warning) and view.is_live
        self.warning.say(view.warning)
        self.set_class(view.is_live, "-live")
        self.set_class(words.state_mark(view) == "✗", "-failed")


def _head(view: RunView, now: float, asked: str, width: int) -> str:
    lines = [f"{words.state_mark(view)} {words.state_words(view, now)}"]
    share = words.fraction(view)
    if share is not None and words.needs_bar(view):
        lines.append(f"{words.bar(share, max(1, width - 6))} {share:4.0%}")
    return "\n".join([*lines, *([asked] if asked else [])])


def _one_a_row(rows: list[Row]) -> list[str]:
    return [f"{label:<{_LABEL_WIDTH}}{value}" for label, value in rows]


def _one_below_another(rows: list[Row], width: int) -> list[str]:
    """A row each; a long value goes on below its beginning."""
    indent = " " * _LABEL_WIDTH
    return [
        line
        for row in _one_a_row(rows)
        for line in textwrap.wrap(row, max(width, 2 * _LABEL_WIDTH), subsequent_indent=indent)
    ]


def _side_by_side(rows: list[Row], width: int) -> list[str]:
    """The rows in two columns, read downward."""
    cells = _one_a_row(rows)
    height = -(-len(cells) // 2)
    right = [*cells[height:], ""][:height]
    column = width // 2
    return [
        f"{left[: column - 1]:<{column}}{beside[: width - column]}".rstrip()
        for left, beside in zip(cells[:height], right, strict=False)
    ]
