"""Rows that tell of a run in any corner of the app: how far it is, how good, what is wrong."""

from textual.app import ComposeResult
from textual.containers import Container
from textual.getters import query_one

from tui_charrnn.tui.run.loss_sparkline import LossSparkline
from tui_charrnn.tui.run.words import Words
from tui_charrnn.viewing import run_words as words
from tui_charrnn.viewing.run_view import RunView

_BAR_WIDTH = 12  # columns
_LEAST_CURVE = 8  # columns of the curve and the gap beside it


class StatusLine(Container):
    """Draws a `RunView` in two rows, and in a third what is wrong; hidden until there is one."""

    DEFAULT_CSS = """
    StatusLine {
        layout: grid;
        grid-size: 2;
        grid-columns: 1fr auto;
        grid-rows: 1 1 auto;
        grid-gutter: 0 2;
        height: auto;
        padding: 0 1;
        &.-empty { display: none; }
        & #run-state { column-span: 2; height: 1; text-wrap: nowrap; }
        & #run-numbers { width: auto; height: 1; text-wrap: nowrap; }
        & #run-trouble { column-span: 2; height: auto; max-height: 3; display: none; }
        &.-live #run-state { color: $text-success; }
        &.-failed #run-state, &.-failed #run-trouble { color: $text-error; }
    }
    """

    state = query_one("#run-state", Words)
    numbers = query_one("#run-numbers", Words)
    trouble = query_one("#run-trouble", Words)
    losses = query_one(LossSparkline)

    def __init__(self) -> None:
        super().__init__()
        self._view: RunView | None = None
        self._now = 0.0
        self._asked = ""
        self._trouble = ""
        self.add_class("-empty")

    def compose(self) -> ComposeResult:
        """State, losses as a line, numbers, trouble."""
        yield Words(id="run-state")
        yield LossSparkline()
        yield Words(id="run-numbers")
        yield Words(id="run-trouble")

    def on_resize(self) -> None:
        """Say as much as there is room for now."""
        self.call_after_refresh(self._draw)

    def show(self, view: RunView | None, now: float, asked: str, trouble: str) -> None:
        """Draw what is known of a run.

        Args:
            view: The run; None hides the line.
            now: Seconds, monotonic.
            asked: What the trainer has not answered yet.
            trouble: What is wrong, or what to do next; empty while it trains.
        """
        self._view, self._now, self._asked, self._trouble = view, now, asked, trouble
        self.set_class(view is None, "-empty")
        self._draw()

    def _draw(self) -> None:
        view, width = self._view, self.content_size.width
        if view is None or not width:  # it is drawn once there is room
            return
        self.trouble.display = bool(self._trouble)
        self.trouble.say(self._trouble)
        self.state.say(progress_words(view, self._now, self._asked, width))
        self.numbers.say(words.loss_words(view, width - _LEAST_CURVE))
        self.set_class(view.is_live, "-live")
        self.set_class(words.state_mark(view) == "✗", "-failed")
        self.call_after_refresh(self._draw_curve)  # the numbers leave it more room or less

    def _draw_curve(self) -> None:
        width, view = self.losses.width_for_columns, self._view
        if view is not None and width:
            self.losses.show(view.losses.columns(width))


def progress_words(view: RunView, now: float, asked: str, width: int) -> str:
    """How far a run is, in one row: as much of it as there is room for."""
    share = words.fraction(view)
    state = f"{words.state_mark(view)} {words.state_words(view, now)}"
    state += f" ({asked})" if asked else ""
    step = words.step_words(view) if view.step else ""
    epoch = words.epoch_words(view)
    percent = f"{share:.0%}" if share is not None else ""
    bar = f"▕{words.bar(share or 0.0, _BAR_WIDTH)}▏{percent}" if words.needs_bar(view) else ""
    left = words.left_words(view)
    speed = words.speed_words(view) if view.is_live else ""
    return words.longest_fitting(
        (
            [state, step, epoch, bar, left, speed],
            [state, step, epoch, percent, left, speed],
            [state, step, epoch, percent, left],
            [state, step, bar, left],
            [state, percent, left],
        ),
        separator="  ",
        width=width,
    )
