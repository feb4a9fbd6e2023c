"""A pane of the lines in a run's files: wrapped, filtered, and followed to their end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, groupby
from typing import ClassVar, Final, NamedTuple, get_args

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.filter import LineFilter
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import Poller
from tui_charrnn.tui.hints import no_run
from tui_charrnn.tui.keys.keymap import bindings_of, tr_keys
from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.tui.text.wrapped_text import WrappedText
from tui_charrnn.tui.text.wrapping import TextSanitizer
from tui_charrnn.viewing.formatting import longest_fitting
from tui_charrnn.viewing.log_lines import LogFilter, LogKind, LogLine

COST_LIMIT: Final = 400_000
"""Maximum number of ASCII characters kept; beyond it, the oldest tenth is dropped."""
_LEAST_COST: Final = 200
"""What a short line counts as, in characters."""
_FOREIGN_COST: Final = 8
"""What a character of a line that is not ASCII counts as: it is wrapped far more slowly."""
POLL_INTERVAL: Final = 0.5  # seconds


class NewLines(NamedTuple):
    """New lines of a log."""

    lines: Sequence[LogLine]
    starts_over: bool
    """Whether the log file was replaced: all that was read from the old one is invalid."""
    is_cut: bool
    """Whether earlier lines were never read: only the end of a long log is."""


class LogFeed:
    """Reads the new lines of a source, and why it cannot be read."""

    def __init__(self, read_new: Callable[[], NewLines]) -> None:
        """Set the source, which raises a `CharRNNError` if it cannot be read."""
        self._read_new = read_new
        self._problem = ""
        self._has_shown = False

    def poll(self, show: Callable[[NewLines], None]) -> float:
        """Read once and show what is new."""
        problem = ""
        try:
            new = self._read_new()
        except CharRNNError as error:  # a network drive may come back
            problem = str(error)
            line = LogLine(safe_line(f"charrnn-tui: {problem}"), "error")
            new = NewLines([line] if problem != self._problem else [], False, False)
        self._problem = problem
        if new.lines or new.starts_over or not self._has_shown:
            self._has_shown = True
            show(new)
        return POLL_INTERVAL


_SIGNS: Final[dict[str, str]] = {"noise": "· ", "good": "✓ ", "warning": "! ", "error": "✗ "}
"""Signs before lines, because color alone is not enough."""


class LogText(TextView, inherit_bindings=False):
    """Shows lines, each behind the sign of its kind, or else a sentence."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", show=False),
        Binding("down", "scroll_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("home", "scroll_home", show=False),
    ]
    GUTTER = 2
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"text-view--{kind}" for kind in get_args(LogKind)}
    DEFAULT_CSS = """
    LogText {
        color: $foreground;
        & .text-view--noise { color: $text-muted; text-style: dim; }
        & .text-view--plain { color: $foreground; }
        & .text-view--warning { color: $text-warning; }
        & .text-view--error { color: $text-error; text-style: bold; }
        & .text-view--good { color: $text-success; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        """The number of lines."""

    @property
    def lines_from_top(self) -> int:
        """The number of lines from the one at the top of the view on."""
        rows = self.wrapped.rows[self.scroll_offset.y :]
        return sum(row.ends_line for row in rows) + 1 if self.count else 0

    def add(self, lines: Sequence[LogLine]) -> None:
        """Append lines."""
        for text, kind in _pieces(lines, is_first=not self.count):
            self.append(text, kind)
        self.count += len(lines)

    def replace(self, lines: Sequence[LogLine], from_top: int, sentence: str = "") -> None:
        """Show other lines, or a sentence if there are none.

        If the end is not followed, `from_top` lines are below the top of the view.
        """
        self.count = len(lines)
        self.wrapped = WrappedText(width=self.wrapped.width, is_sanitized=True)
        for text, kind in _pieces(lines or [LogLine(sentence, "noise")], is_first=True):
            self.wrapped.append(text, kind)
        starts = [0, *(at for at, row in enumerate(self.wrapped.rows, 1) if row.ends_line)]
        self._show_new_rows(starts[max(len(starts) - max(from_top, 1), 0)])

    def render_line(self, y: int) -> Strip:
        """Draw a row behind the sign of the line that begins there."""
        strip = super().render_line(y)
        rows, row = self.wrapped.rows, self.scroll_offset.y + y
        if not self.count or row >= len(rows):
            return strip
        kind = next(
            (style for _, _, style in self.wrapped.styles(self.wrapped.first + row)), "plain"
        )
        begins_line = row == 0 or rows[row - 1].ends_line
        sign = _SIGNS.get(kind, "  ") if begins_line else "  "
        segment = Segment(sign, self.look(f"text-view--{kind}"))
        return Strip([segment, *strip]).crop(0, strip.cell_length)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return all filters: unlike generated text, the lines are translated to ASCII."""
        return Widget.get_line_filters(self)


def _pieces(lines: Sequence[LogLine], *, is_first: bool) -> Iterator[tuple[str, LogKind]]:
    """Yield the text of neighboring lines of one kind."""
    for kind, group in groupby(lines, key=lambda line: line.kind):
        text = "\n".join(line.text for line in group)
        yield text if is_first else f"\n{text}", kind
        is_first = False


def _sanitized(line: LogLine) -> LogLine:
    if line.text.isascii() and "\t" not in line.text:
        return line
    return replace(line, text=TextSanitizer().show(line.text))


def _cost(line: LogLine) -> int:
    return max(_LEAST_COST, len(line.text) * (1 if line.text.isascii() else _FOREIGN_COST))


class LogPane(Vertical):
    """Shows lines of a run and follows their end; reads them only while it is visible."""

    class OutputToggled(Message):
        """The user switches between the story and the output of the process."""

    OWNER: Final = "log"
    DEFAULT_CLASSES = "framed"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]
    DEFAULT_CSS = """
    LogPane {
        width: 1fr;
        height: 1fr;
        padding: 0 0 0 1;
    }
    """

    def __init__(
        self,
        open_source: Callable[[RunDirectory], Callable[[], NewLines]],
        title: str,
        no_lines: str,
        *,
        is_readonly: bool = False,
    ) -> None:
        """Show no run yet; `no_lines` is shown for a run without lines."""
        super().__init__()
        self._open_source, self._title, self._no_lines = open_source, title, no_lines
        self._no_run = no_run(is_readonly=is_readonly)
        self.border_title = Content(title)
        self.text = LogText()
        self.filter = LogFilter.EVERYTHING
        self.lines: list[LogLine] = []
        """The lines kept, including those that the filter hides."""
        self._is_cut = False
        """Whether older lines were dropped or never read."""
        self._run: RunDirectory | None = None
        self._feed: Poller[NewLines] | None = None
        self._is_seen = False
        self._end: Sequence[LogLine] = ()
        """Lines below all that is read."""

    def compose(self) -> ComposeResult:
        """The lines."""
        yield self.text

    def on_mount(self) -> None:
        """Say that no run is shown."""
        if self._run is None:
            self.clear()

    def follow(self, run: RunDirectory | None) -> None:
        """Show the log of a run, unless it is shown already; None shows none."""
        if run == self._run:
            return
        self._run = run
        if self._feed is not None:
            self._feed.stop()
        self._feed = None
        self.border_title = Content(
            tr("{title} of run {name}", title=self._title, name=safe_line(run.name))
            if run
            else self._title
        )
        self.clear()
        if run is not None:
            self.text.replace([], 0)  # nothing is known before the first read
            poll = LogFeed(self._open_source(run)).poll
            self._feed = Poller("log-feed", poll, self.call_later, self.take_new)
            self._feed.watch(is_watched=self._is_seen)
            self._feed.start()

    def show_end(self, lines: Sequence[LogLine]) -> None:
        """Show lines below all that is read, once something is, instead of those before."""
        self.filter_by(self.filter, end=[_sanitized(line) for line in lines])

    @property
    def _all_lines(self) -> list[LogLine]:
        return [*self.lines, *self._end] if self.lines else []

    def append(self, lines: Sequence[LogLine]) -> None:
        """Add lines at the end."""
        most = COST_LIMIT // _LEAST_COST + 1  # one that does not fit, so that lines are dropped
        lines = [_sanitized(line) for line in lines[-most:]]
        is_full = sum(map(_cost, [*self.lines, *lines])) > COST_LIMIT
        if is_full or self._end or not self.text.count:
            self.filter_by(self.filter, lines)
        else:
            self.lines += lines
            self.text.add([line for line in lines if self.filter.passes(line.kind)])
            self._show_state()

    def clear(self) -> None:
        """Remove all lines, and follow the end."""
        self.lines = []
        self.text.count = 0
        self._is_cut = False
        self.text.follows_end = True
        self.filter_by(self.filter)

    def on_show(self) -> None:
        """Resume reading."""
        self._watch(is_seen=True)

    def on_hide(self) -> None:
        """Pause reading."""
        self._watch(is_seen=False)

    def on_unmount(self) -> None:
        """Stop the thread."""
        if self._feed is not None:
            self._feed.stop()

    def on_resize(self) -> None:
        """Fit the state to the width."""
        self._show_state()

    def take_new(self, new: NewLines) -> None:
        """Append new lines."""
        if new.starts_over:
            self.clear()
        self._is_cut = self._is_cut or new.is_cut
        self.append(new.lines)

    def on_text_view_follow_changed(self, event: LogText.FollowChanged) -> None:
        """Show whether the end is followed."""
        event.stop()
        self._show_state()

    def action_follow(self) -> None:
        """Follow the end again."""
        self.text.follows_end = True

    def action_toggle_output(self) -> None:
        """Switch between the story and the output of the process."""
        self.post_message(self.OutputToggled())

    def action_turn_filter(self) -> None:
        """Apply the next filter."""
        self.filter_by(self.filter.following)

    def _watch(self, *, is_seen: bool) -> None:
        self._is_seen = is_seen
        if self._feed is not None:
            self._feed.watch(is_watched=is_seen)

    def filter_by(
        self,
        log_filter: LogFilter,
        new: Sequence[LogLine] = (),
        end: Sequence[LogLine] | None = None,
    ) -> None:
        """Add lines, drop the oldest, and show the others and the end that a filter passes.

        The line at the top of the pane stays there, or the next line that is shown. If no line was
        shown, the last one is.
        """
        from_top = self.text.lines_from_top
        shown = [at for at, line in enumerate(self._all_lines) if self.filter.passes(line.kind)]
        top = shown[-from_top] if from_top else len(self.lines)
        self.filter = log_filter
        self.lines += new
        self._end = self._end if end is None else end
        below = [line for line in self._all_lines[top:] if log_filter.passes(line.kind)]
        costs = list(accumulate(map(_cost, reversed(self.lines)), initial=0))
        if costs[-1] > COST_LIMIT:
            self._is_cut = True
            del self.lines[: -max(bisect_right(costs, COST_LIMIT * 9 // 10) - 1, 1)]
        lines = self._all_lines
        passed = [line for line in lines if log_filter.passes(line.kind)]
        sentence = self._no_run if self._run is None else self._no_lines
        if lines:
            sentence = tr_keys(
                "None of {lines:,} lines is shown; {log.filter} shows others.", lines=len(lines)
            )
        self.text.replace(passed, len(below), sentence)
        self._show_state()

    def _show_state(self) -> None:
        """Show the filter and the number of lines."""
        count = format_line_count(self.text.count, len(self._all_lines), is_cut=self._is_cut)
        self.border_subtitle = Content(
            format_state(
                self.filter,
                count,
                follows_end=self.text.follows_end,
                width=self.outer_size.width - 6,  # the frame
            )
        )


def format_line_count(shown: int, lines: int, *, is_cut: bool) -> str:
    """Return the number of lines shown, as text."""
    if not lines:
        return ""
    if shown == lines and is_cut:
        return tr("last {lines:,} line" if lines == 1 else "last {lines:,} lines", lines=lines)
    if shown == lines:
        return tr("{lines:,} line" if lines == 1 else "{lines:,} lines", lines=lines)
    if is_cut:
        return tr("{shown:,} of the last {lines:,} lines", shown=shown, lines=lines)
    return tr("{shown:,} of {lines:,} lines", shown=shown, lines=lines)


def format_state(log_filter: LogFilter, count: str, *, follows_end: bool, width: int) -> str:
    """Return the filter, the line count and whether the end is followed, in `width` columns."""
    wanted, paused = tr(log_filter.value), "" if follows_end else tr("paused")
    return longest_fitting(
        (
            (wanted, count, paused and tr("paused, End follows")),
            (wanted, paused and tr("paused, End follows")),
            (wanted, paused),
            (paused or wanted,),
        ),
        separator=" · ",
        width=width,
    )
