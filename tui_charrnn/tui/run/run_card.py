"""The run card and the status line of a run."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tui_charrnn.translation import format_percent, tr
from tui_charrnn.tui.sparkline import Mark, draw_bars
from tui_charrnn.tui.text.wrapping import wrapped
from tui_charrnn.viewing import run_formatting
from tui_charrnn.viewing.formatting import bar, longest_fitting
from tui_charrnn.viewing.run_formatting import Row, card_groups, detail_rows
from tui_charrnn.viewing.run_view import RunView


class LossSparkline(Widget):
    """Draws one bar per column; see `draw_bars` for the scale."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"loss-sparkline--{mark}" for mark in Mark}
    DEFAULT_CSS = """
    LossSparkline {
        width: 1fr;
        height: 1;
        & .loss-sparkline--bar { color: $loss; }
        & .loss-sparkline--clipped { color: $loss 60%; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._values: Callable[[int], Sequence[float]] | None = None

    def show(self, values: Callable[[int], Sequence[float]]) -> None:
        """Draw what `values` returns for a width: one value per column, the oldest first."""
        self._values = values
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a row."""
        width, height = self.size
        if self._values is None or not width or not 0 <= y < height:
            return Strip.blank(width, self.rich_style)
        cells = draw_bars(self._values(width), rows=height)[y]
        segments = [
            Segment(text, self.get_component_rich_style(f"loss-sparkline--{mark}"))
            for text, mark in cells
        ]
        return Strip(segments).simplify().crop_extend(0, width, self.rich_style)


class TextLines(Static):
    """Shows plain text; lays the screen out again only if the size of the text changes."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)

    def show(self, words: str | Content) -> None:
        """Show a text; the same text costs nothing, because its style follows from it."""
        text, before = str(words), str(self.content)
        if text != before:
            self.update(words, layout=_line_widths(text) != _line_widths(before))


def _line_widths(text: str) -> list[int]:
    """Return the width of each line in columns."""
    return list(map(cell_len, text.split("\n")))


_LABEL_WIDTH = 11  # columns
_ROOMY = 60  # minimum columns for two rows side by side
_CURVE_HEIGHT = 3  # rows, with the empty one below it


class RunCard(VerticalScroll):
    """Draws a `RunView`: one row per value, or two columns of rows if it is broad."""

    DEFAULT_CLASSES = "framed"
    DEFAULT_CSS = """
    RunCard {
        height: auto;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        & Static { width: 100%; height: auto; }
        & #card-head { color: $foreground; text-wrap: nowrap; }
        &.-live #card-head { color: $text-success; }
        &.-paused #card-head { color: $text-warning; }
        &.-failed #card-head { color: $text-error; }
        & LossSparkline { height: 2; width: 100%; margin-bottom: 1; }
        & #card-warning { color: $text-warning; }
    }
    """

    head = query_one("#card-head", TextLines)
    losses = query_one(LossSparkline)
    body = query_one("#card-body", TextLines)
    warning = query_one("#card-warning", TextLines)

    def __init__(self) -> None:
        super().__init__(can_focus=False)
        self.border_title = Content(tr("Training"))
        self._known: tuple[RunView, RunView | None, float, str, str] | None = None
        """The last arguments of `show`."""

    def compose(self) -> ComposeResult:
        """State and progress, the losses, values, the newest warning."""
        yield TextLines(id="card-head")
        yield LossSparkline()
        yield TextLines(id="card-body")
        yield TextLines(id="card-warning")

    def on_resize(self) -> None:
        """Arrange the rows again."""
        self.call_after_refresh(self._draw)

    def show(
        self, view: RunView | None, pinned: RunView | None, now: float, pending: str, advice: str
    ) -> None:
        """Draw a run; see `StatusLine.show`. `advice` is how to resume it."""
        self._known = None if view is None else (view, pinned, now, pending, advice)
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        if self._known is None or not width:
            return
        view, pinned, now, pending, advice = self._known
        is_broad = width >= _ROOMY
        has_status = is_broad or any(line.display for line in self.screen.query(StatusLine))
        for part in (self.head, self.losses):  # the status line shows them
            part.display = not has_status
        head = _head(view, now, pending, width)
        self.head.show(head)
        self.losses.show(view.losses.columns)
        if has_status:  # it shows the rest, and the chart the pinned run
            rows = detail_rows(view)
            lines = (
                _side_by_side(rows, width) if is_broad else _one_below_another({"": rows}, width)
            )
        else:
            groups = card_groups(view, pinned)
            sentences = [*filter(None, (run_formatting.format_lead(view), advice))]
            below = sum(1 + len(wrapped(sentence, width)) for sentence in sentences)
            lines = _one_below_another(groups, width, has_headings=True)
            room = self.scrollable_content_region.height - len(head.splitlines()) - _CURVE_HEIGHT
            if len(lines) + below > room:
                lines = _one_below_another(groups, width)
            lines += [Content(line) for sentence in sentences for line in ("", sentence)]
        self.body.show(Content("\n").join(lines))
        self.warning.display = bool(view.warning) and view.is_live
        self.warning.show(view.warning)
        _set_state_classes(self, view)


def _set_state_classes(widget: Widget, view: RunView) -> None:
    widget.set_class(view.is_live, "-live")
    widget.set_class(run_formatting.state_mark(view) == "✗", "-failed")
    widget.set_class(run_formatting.state_mark(view) == "║", "-paused")


def _head(view: RunView, now: float, pending: str, width: int) -> str:
    lines = [f"{run_formatting.state_mark(view)} {run_formatting.format_state(view, now)}"]
    share = view.share_done
    if share is not None and run_formatting.needs_bar(view):
        room = max(1, width - 7)
        lines.append(f"{bar(share, room):<{room}} {format_percent(share):>5}")
    return "\n".join([*lines, *([pending] if pending else [])])


def _labeled(row: Row, width: int) -> list[Content]:
    """Return a row with a dim label; a long value wraps below its beginning."""
    label = tr(row[0])
    label += " " * max(1, _LABEL_WIDTH - cell_len(label))
    first, *others = wrapped(row[1], max(width - cell_len(label), _LABEL_WIDTH)) or [""]
    indent = " " * _LABEL_WIDTH
    return [Content.assemble((label, "dim"), first), *(Content(indent + each) for each in others)]


def _one_below_another(
    groups: dict[str, list[Row]], width: int, *, has_headings: bool = False
) -> list[Content]:
    """Return the rows one below another, optionally with a heading above all groups but one."""
    lines: list[Content] = []
    for name, rows in groups.items():
        if has_headings and lines:
            heading = f"{tr(name)} "
            rule = "─" * (width - cell_len(heading))
            lines.append(Content.styled(heading + rule, "dim"))
        for row in rows:
            lines += _labeled(row, width)
    return lines


def _side_by_side(rows: list[Row], width: int) -> list[Content]:
    """Return the rows in two columns, read downward."""
    column = width // 2
    left = [line for row in rows[: -(-len(rows) // 2)] for line in _labeled(row, column - 1)]
    right = [line for row in rows[-(-len(rows) // 2) :] for line in _labeled(row, width - column)]
    return [
        Content.assemble(one, " " * (column - one.cell_length), other).rstrip()
        for one, other in zip_longest(left, right, fillvalue=Content(""))
    ]


_BAR_WIDTH = 12  # columns
_LEAST_CURVE = 8  # columns of the curve and the gap beside it


class StatusLine(Container):
    """Draws a run in two rows, and its problem in a third; hidden while there is no run."""

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
        &.-paused #run-state { color: $text-warning; }
        &.-failed #run-state, &.-failed #run-trouble { color: $text-error; }
    }
    """

    state = query_one("#run-state", TextLines)
    numbers = query_one("#run-numbers", TextLines)
    trouble = query_one("#run-trouble", TextLines)
    losses = query_one(LossSparkline)

    def __init__(self) -> None:
        super().__init__()
        self._known: tuple[RunView | None, float, str, str] = None, 0.0, "", ""
        """The last arguments of `show`."""
        self.add_class("-empty")

    def compose(self) -> ComposeResult:
        """State, losses, numbers, problem."""
        yield TextLines(id="run-state")
        yield LossSparkline()
        yield TextLines(id="run-numbers")
        yield TextLines(id="run-trouble")

    def on_resize(self) -> None:
        """Show as much as fits now."""
        self.call_after_refresh(self._draw)

    def show(self, view: RunView | None, now: float, pending: str, trouble: str) -> None:
        """Draw a run; None hides the line.

        `pending` are the requests without an answer; `trouble` is the problem or how to resume.
        """
        self._known = view, now, pending, trouble
        self.set_class(view is None, "-empty")
        self._draw()

    def _draw(self) -> None:
        (view, now, pending, trouble), width = self._known, self.content_size.width
        if view is None or not width:  # drawn once it has a size
            return
        self.trouble.display = bool(trouble)
        self.trouble.show(trouble)
        self.state.show(format_progress(view, now, pending, width))
        self.numbers.show(run_formatting.format_losses(view, width - _LEAST_CURVE))
        _set_state_classes(self, view)
        self.losses.show(view.losses.columns)


def format_progress(view: RunView, now: float, pending: str, width: int) -> str:
    """Return the progress of a run in one row: as much of it as fits in `width` columns."""
    share = view.share_done
    state = f"{run_formatting.state_mark(view)} {run_formatting.format_state(view, now)}"
    state += f" ({pending})" if pending else ""
    step = run_formatting.format_step(view) if view.step else ""
    epoch = run_formatting.format_epoch(view)
    percent = format_percent(share) if share is not None else ""
    drawn = f"▕{bar(share or 0.0, _BAR_WIDTH):<{_BAR_WIDTH}}▏{percent}"
    done = drawn if run_formatting.needs_bar(view) else ""
    left = run_formatting.format_time_left(view)
    speed = run_formatting.format_speed(view) if view.is_live else ""
    return longest_fitting(
        (
            [state, step, epoch, done, left, speed],
            [state, step, epoch, percent, left, speed],
            [state, step, epoch, percent, left],
            [state, step, done, left],
            [state, percent, left],
        ),
        separator="  ",
        width=width,
    )
