"""A pane of the lines in a run's files: wrapped, filtered, and followed to their end."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar, Final, NamedTuple, Protocol, get_args

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import Poller
from tui_charrnn.tui.hints import no_run
from tui_charrnn.tui.keys.keymap import bindings_of, tr_keys
from tui_charrnn.tui.row_views import FollowingScrollView
from tui_charrnn.tui.text.wrapping import TextSanitizer, wrap_line
from tui_charrnn.viewing.formatting import longest_fitting
from tui_charrnn.viewing.log_lines import LogFilter, LogKind, LogLine

LINE_LIMIT: Final = 2_000
"""Maximum number of lines kept."""
COST_LIMIT: Final = 400_000
"""Maximum number of characters kept; those of a line that is not ASCII count more."""
_FOREIGN_COST: Final = 8
"""Cost of a character of a non-ASCII line, although wrapping it is slower by far more."""
_LEAST_COST: Final = 16
_KEPT_FRACTION: Final = 0.9
"""The fraction of a limit to which old lines are dropped, so that dropping is rare."""


class LogRow(NamedTuple):
    """One row of the screen."""

    line: int
    """The number of its line, counted from the first line ever added."""
    text: str
    kind: LogKind
    begins_line: bool
    ends_line: bool


class LogRows:
    """Wrapped and filtered rows of lines; new lines are appended, the oldest are dropped.

    Row numbers count from the first row after the last `arrange`, so they stay valid when old rows
    are dropped.
    """

    def __init__(self, *, line_limit: int = LINE_LIMIT, cost_limit: int = COST_LIMIT) -> None:
        """Start without lines."""
        self.first = 0
        """The number of the oldest row that is kept."""
        self.rows: list[LogRow] = []
        self.is_cut = False
        """Whether older lines were dropped or never read."""
        self.width = 80
        self.filter = LogFilter.EVERYTHING
        self._line_limit, self._cost_limit = line_limit, cost_limit
        self._lines: deque[LogLine] = deque()
        self._first_line = 0
        self._cost = 0

    @property
    def line_count(self) -> int:
        """The number of lines kept, including those that the filter hides."""
        return len(self._lines)

    @property
    def shown_count(self) -> int:
        """The number of lines shown."""
        return sum(row.begins_line for row in self.rows)

    def append(self, lines: Sequence[LogLine]) -> int:
        """Add lines at the end.

        Returns:
            How many rows were dropped at the beginning.
        """
        self.is_cut = self.is_cut or len(lines) > self._line_limit
        for line in lines[-self._line_limit :]:
            is_plain = line.text.isascii()
            shown = line if is_plain else replace(line, text=TextSanitizer().show(line.text))
            self._cost += _cost(shown)
            self.rows += self._wrapped(self._first_line + len(self._lines), shown)
            self._lines.append(shown)
        is_full = len(self._lines) > self._line_limit or self._cost > self._cost_limit
        return self._drop_oldest() if is_full else 0

    def arrange(self, *, width: int, log_filter: LogFilter, anchor: int = 0) -> int:
        """Wrap to another width, or apply another filter.

        Returns:
            The index of the row where the line of the row `anchor` begins now, or of the next line
            that is shown.
        """
        has_anchor = anchor < len(self.rows)
        line = self.rows[anchor].line if has_anchor else self._first_line + len(self._lines)
        self.width, self.filter, self.first = width, log_filter, 0
        lines = enumerate(self._lines, start=self._first_line)
        self.rows = [row for number, each in lines for row in self._wrapped(number, each)]
        return self._begin_of(line)

    def clear(self) -> None:
        """Remove all lines."""
        self._lines.clear()
        self._cost, self.rows, self.first, self.is_cut = 0, [], 0, False

    def _wrapped(self, number: int, line: LogLine) -> Iterator[LogRow]:
        text = line.text
        if self.filter.passes(line.kind):
            for start, end in pairwise([0, *wrap_line(text, self.width), len(text)]):
                yield LogRow(number, text[start:end], line.kind, start == 0, end == len(text))

    def _begin_of(self, line: int) -> int:
        """Return the index of the first row of a line, or of the next line that is shown."""
        return bisect_left(self.rows, line, key=lambda row: row.line)

    def _drop_oldest(self) -> int:
        lines_left = int(self._line_limit * _KEPT_FRACTION)
        cost_left = int(self._cost_limit * _KEPT_FRACTION)
        while len(self._lines) > 1 and (len(self._lines) > lines_left or self._cost > cost_left):
            self._cost -= _cost(self._lines.popleft())
            self._first_line += 1
            self.is_cut = True
        rows = self._begin_of(self._first_line)
        del self.rows[:rows]
        self.first += rows
        return rows


def _cost(line: LogLine) -> int:
    return max(_LEAST_COST, len(line.text) * (1 if line.text.isascii() else _FOREIGN_COST))


POLL_INTERVAL: Final = 0.5  # seconds


class NewLines(NamedTuple):
    """New lines of a log."""

    lines: Sequence[LogLine]
    starts_over: bool
    """Whether the log file was replaced: all that was read from the old one is invalid."""
    is_cut: bool
    """Whether earlier lines were never read: only the end of a long log is."""


class LogSource(Protocol):
    """A source of lines; called in a thread."""

    def read_new(self) -> NewLines:
        """Return the lines since the last call; raises `CharRNNError`."""
        ...


class LogFeed:
    """Reads the new lines of a source, and why it cannot be read."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self._problem = ""
        self._has_shown = False

    def poll(self, show: Callable[[NewLines], None]) -> float:
        """Read once and show what is new."""
        problem = ""
        try:
            new = self._source.read_new()
        except CharRNNError as error:  # a network drive may come back
            problem = str(error)
            line = LogLine(safe_line(f"charrnn-tui: {problem}"), "error")
            new = NewLines([line] if problem != self._problem else [], False, False)
        self._problem = problem
        if new.lines or new.starts_over or not self._has_shown:
            self._has_shown = True
            show(new)
        return POLL_INTERVAL


_SIGNS: Final[dict[LogKind, str]] = {
    "noise": "· ",
    "plain": "  ",
    "good": "✓ ",
    "warning": "! ",
    "error": "✗ ",
}
"""Prefixes of lines, because color alone is not enough."""
_SIGN_WIDTH: Final = 2


class LogPane(FollowingScrollView, can_focus=True):
    """Shows lines of a run and follows their end; reads them only while it is visible."""

    class OutputToggled(Message):
        """The user switches between the story and the output."""

    OWNER: Final = "log"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]
    action_follow = FollowingScrollView.action_scroll_end
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"log-pane--{kind}" for kind in get_args(LogKind)}
    DEFAULT_CSS = """
    LogPane {
        width: 1fr;
        height: 1fr;
        padding: 0 0 0 1;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        &:focus { border: round $primary; }
        color: $foreground;
        & .log-pane--noise { color: $text-muted; text-style: dim; }
        & .log-pane--plain { color: $foreground; }
        & .log-pane--warning { color: $text-warning; }
        & .log-pane--error { color: $text-error; text-style: bold; }
        & .log-pane--good { color: $text-success; }
    }
    """

    def __init__(
        self,
        open_source: Callable[[RunDirectory], LogSource],
        title: str,
        no_lines: str,
        *,
        is_readonly: bool = False,
    ) -> None:
        """Show no run yet; `no_lines` is shown for a run without lines."""
        super().__init__()
        self._open_source, self._title, self._no_lines = open_source, title, no_lines
        self.border_title = Content(title)
        self.rows = LogRows()
        self.sentence = self._no_run = no_run(is_readonly=is_readonly)
        """Safe text to show while there is no line."""
        self._run: RunDirectory | None = None
        self._feed: Poller[NewLines] | None = None
        self._is_seen = False
        self._end: tuple[LogLine, ...] = ()
        """Lines to append after all that is read."""

    def follow(self, run: RunDirectory | None) -> None:
        """Show the log of a run in place of any other; None shows none.

        Nothing changes if the run is followed already.
        """
        if run == self._run:
            return
        self._run = run
        if self._feed is not None:
            self._feed.stop()
        self._feed = None
        self._end = ()
        self.clear()
        self.border_title = Content(
            tr("{title} of run {name}", title=self._title, name=safe_line(run.name))
            if run
            else self._title
        )
        self.sentence = "" if run else self._no_run
        if run is not None:
            poll = LogFeed(self._open_source(run)).poll
            self._feed = Poller("log-feed", poll, self.call_later, self.take_new)
            self._feed.watch(is_watched=self._is_seen)
            self._feed.start()
        self._show_state()

    def show_end(self, lines: Sequence[LogLine] = ()) -> None:
        """Append lines once, after all that has been read; wait until something has been."""
        self._end = (*self._end, *lines)
        if self.rows.line_count and self._end:
            shown, self._end = self._end, ()
            self.append(shown)
            self._show_state()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw; Textual does not always post `Show` to a widget that becomes visible again."""
        if self.display and not self._is_seen:
            self.call_next(self.on_show)
        return super().render_lines(crop)

    def append(self, lines: Sequence[LogLine]) -> None:
        """Add lines at the end."""
        dropped = self.rows.append(lines)
        self.place(len(self.rows.rows), max(self.scroll_offset.y - dropped, 0))
        self.refresh()

    def filter_by(self, log_filter: LogFilter) -> None:
        """Apply another filter."""
        top = self.rows.arrange(
            width=self.rows.width, log_filter=log_filter, anchor=self.scroll_offset.y
        )
        self.place(len(self.rows.rows), top, is_new=True)

    def clear(self) -> None:
        """Remove all lines."""
        self.rows.clear()
        self.follows_end = True
        self.place(0, 0, is_new=True)

    def render_line(self, y: int) -> Strip:
        """Draw a row."""
        width = self.scrollable_content_region.width
        if not self.rows.rows:
            style = self.get_component_rich_style("log-pane--noise")
            row = draw_sentence(self.sentence, y, width, style)
            return row.crop_extend(0, width, self.rich_style)
        index = self.scroll_offset.y + y
        if index >= len(self.rows.rows):
            return Strip.blank(width, self.rich_style)
        number = self.rows.first + index
        strip = self.strips.get(number)
        if strip is None:
            strip = self.strips[number] = self._draw(self.rows.rows[index], number, width)
        return strip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as shown, with its own line breaks and without prefixes."""
        pieces = []
        for index, row in enumerate(self.rows.rows):
            span = selection.get_span(self.rows.first + index)
            if span is not None:
                start, end = span
                pieces.append(row.text[start : None if end < 0 else end])
                pieces.append("\n" if row.ends_line else "")
        return "".join(pieces).removesuffix("\n"), "\n"

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
        """Wrap the lines to another width, with the same line at the top of the pane."""
        width, top = self.scrollable_content_region.width - _SIGN_WIDTH, self.scroll_offset.y
        if width > 0 and width != self.rows.width:
            top = self.rows.arrange(width=width, log_filter=self.rows.filter, anchor=top)
            self.place(len(self.rows.rows), top, is_new=True)
        elif width > 0:
            self.place(len(self.rows.rows), top)
        self._show_state()

    def take_new(self, new: NewLines) -> None:
        """Append new lines."""
        if new.starts_over:
            self.clear()
        self.rows.is_cut = self.rows.is_cut or new.is_cut
        self.append(new.lines)
        self._show_state()
        self.show_end()

    def on_following_scroll_view_follow_changed(
        self, event: FollowingScrollView.FollowChanged
    ) -> None:
        """Show whether the end is followed."""
        event.stop()
        self._show_state()

    def action_toggle_output(self) -> None:
        """Switch between the story and the output of the process."""
        self.post_message(self.OutputToggled())

    def action_turn_filter(self) -> None:
        """Apply the next filter."""
        self.filter_by(self.rows.filter.following)
        self._show_state()

    def _watch(self, *, is_seen: bool) -> None:
        self._is_seen = is_seen
        if self._feed is not None:
            self._feed.watch(is_watched=is_seen)

    def _show_state(self) -> None:
        """Show the filter and the number of lines, or why there are none."""
        lines, shown = self.rows.line_count, self.rows.shown_count
        if self._feed is not None and not shown:
            hidden = tr_keys(
                "None of {lines:,} lines is shown; {log.filter} shows others.", lines=lines
            )
            self.sentence = hidden if lines else self._no_lines
            self.refresh()
        self.border_subtitle = Content(
            format_state(
                self.rows.filter,
                format_line_count(shown, lines, is_cut=self.rows.is_cut),
                follows_end=self.follows_end,
                width=self.outer_size.width - 6,  # the frame
            )
        )

    def _draw(self, row: LogRow, number: int, width: int) -> Strip:
        style = self.get_component_rich_style(f"log-pane--{row.kind}")
        sign = Segment(_SIGNS[row.kind] if row.begins_line else " " * _SIGN_WIDTH, style)
        span = None if self.text_selection is None else self.text_selection.get_span(number)
        parts = [Segment(row.text, style)]
        if span is not None:
            start, end = span[0], len(row.text) if span[1] < 0 else span[1]
            selected = style + self.screen.get_component_rich_style("screen--selection")
            pieces = [row.text[:start], row.text[start:end], row.text[end:]]
            styles = (style, selected, style)
            parts = [Segment(text, each) for text, each in zip(pieces, styles, strict=True)]
        text = Strip([part for part in parts if part.text]).apply_offsets(0, number)
        return Strip([sign, *text]).crop_extend(0, width, self.rich_style)


def draw_sentence(sentence: str, y: int, width: int, style: Style) -> Strip:
    """Return row `y`, from 0, of a sentence that is wrapped to `width` columns."""
    bounds = [0, *wrap_line(sentence, width), len(sentence)]
    return Strip([
        Segment(sentence[bounds[y] : bounds[y + 1]] if y + 1 < len(bounds) else "", style)
    ])


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
