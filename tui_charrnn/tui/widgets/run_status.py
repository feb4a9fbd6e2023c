"""The run that is shown: a card where there is room, two rows where there is not."""

from textual.app import ComposeResult
from textual.containers import Container
from textual.getters import query_one
from textual.widgets import Static

from tui_charrnn.tui.widgets.loss_sparkline import LossSparkline
from tui_charrnn.viewing import run_words as words
from tui_charrnn.viewing.run_view import RunView

_LABEL_WIDTH = 11  # columns of the card's labels
_BAR_WIDTH = 12  # columns of the bar in the row
_LEAST_CURVE = 8  # columns of the curve and the gap beside it
_CARD_HEIGHT = 8  # rows from which on it is a card


class RunStatus(Container):
    """Draws a `RunView`; hidden until there is one."""

    state = query_one("#run-state", Static)
    numbers = query_one("#run-numbers", Static)
    losses = query_one(LossSparkline)
    trouble = query_one("#run-trouble", Static)

    def __init__(self) -> None:
        super().__init__()
        self._view: RunView | None = None
        self._now = 0.0
        self.border_title = "Training"
        self.display = False

    def compose(self) -> ComposeResult:
        """State, losses as a line, numbers, and what went wrong."""
        yield Static(id="run-state", markup=False)
        yield LossSparkline()
        yield Static(id="run-numbers", markup=False)
        yield Static(id="run-trouble", markup=False)

    def on_resize(self) -> None:
        """Draw anew: a card and a row say different things."""
        if self._view is not None:
            self.call_after_refresh(self._draw)

    def show(self, view: RunView, now: float) -> None:
        """Draw what is known of a run at `now` (seconds, monotonic)."""
        self._view, self._now = view, now
        self.display = True
        self._draw()

    def _draw(self) -> None:
        view = self._view
        if view is None:
            return
        is_card = self.size.height >= _CARD_HEIGHT
        lines = _card_lines if is_card else _row_lines
        state, numbers = lines(view, self._now, self.size.width)
        self.state.update(state)
        self.numbers.update(numbers)
        trouble, advice = words.trouble_words(view), words.advice_words(view)
        self.trouble.update(trouble or advice)
        self.trouble.display = bool(trouble or advice)
        self.trouble.set_class(bool(trouble), "-problem")
        self.call_after_refresh(self._draw_curve)  # the numbers leave it more room or less
        self.set_class(view.is_live, "-live")
        self.set_class(words.state_mark(view) == "✗", "-failed")

    def _draw_curve(self) -> None:
        width, view = self.losses.width_for_columns, self._view
        if view is not None and width:
            baseline = view.baseline[1] if view.baseline else None
            self.losses.show(view.losses.columns(width), baseline=baseline)


def _needs_bar(view: RunView) -> bool:
    """Whether a bar tells more than the state: not of a run that has come to its end."""
    share = words.fraction(view)
    return share is not None and (view.is_live or share < 1)


def _row_lines(view: RunView, now: float, width: int) -> tuple[str, str]:
    """The two rows: how far it is, and how good; as much of it as there is room for."""
    share = words.fraction(view)
    state = f"{words.state_mark(view)} {words.state_words(view, now)}"
    step = words.step_words(view) if view.step else ""
    epoch = words.epoch_words(view)
    percent = f"{share:.0%}" if share is not None else ""
    bar = f"▕{words.bar(share or 0.0, _BAR_WIDTH)}▏{percent}" if _needs_bar(view) else ""
    left = words.left_words(view)
    speed = words.speed_words(view) if view.is_live else ""
    progress = words.longest_fitting(
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
    return progress, words.loss_words(view, width - _LEAST_CURVE)


def _card_lines(view: RunView, now: float, width: int) -> tuple[str, str]:
    """The card: one row a number."""
    head = [f"{words.state_mark(view)} {words.state_words(view, now)}"]
    share = words.fraction(view)
    if share is not None and _needs_bar(view):
        head.append(f"{words.bar(share, max(1, width - 6))} {share:4.0%}")
    rows = [
        ("step", words.step_words(view).removeprefix("step ") if view.step else ""),
        ("epoch", words.epoch_words(view).removeprefix("epoch ")),
        ("time left", words.left_words(view).removesuffix(" left")),
        ("speed", words.speed_words(view) if view.is_live else ""),
        *words.loss_rows(view),
        ("network", words.network_words(view)),
    ]
    body = [f"{label:<{_LABEL_WIDTH}}{value}" for label, value in rows if value]
    if lead := words.lead_words(view):
        body += ["", lead]
    return "\n".join(head), "\n".join(body)
