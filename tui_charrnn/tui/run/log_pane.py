"""The log pane: what a trainer's process printed, and what happened in its run."""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Final, Literal

from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.keys.bindings import bindings_of
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.run.log_feed import LogFeed, LogRead
from tui_charrnn.tui.run.log_view import LogView
from tui_charrnn.viewing.log_lines import LogFilter, LogKind, LogLine
from tui_charrnn.viewing.run_words import longest_fitting

_FRAME: Final = 6
"""Columns of the frame that no words can take."""
Severity = Literal["information", "warning", "error"]
_NO_RUN: Final = "No run is shown, so there is no log."
_NO_LINES: Final = "The trainer has printed nothing yet."
_KINDS: Final[dict[Severity, LogKind]] = {
    "information": "note",
    "warning": "warning",
    "error": "error",
}


class LogPane(LogView):
    """Follows the log of the run that is shown; it is read only while it is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("log")]
    action_follow = LogView.action_scroll_end
    DEFAULT_CSS = """
    LogPane {
        width: 1fr;
        height: 1fr;
        padding: 0 0 0 1;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        &:focus { border: round $primary; }
    }
    """

    def __init__(self, clock: Callable[[], datetime] = datetime.now) -> None:
        """Wait for a run.

        Args:
            clock: The local time, for the notes.
        """
        super().__init__()
        self.border_title = Content("Log")
        self.sentence = _NO_RUN
        self._clock = clock
        self._feed: LogFeed | None = None
        self._is_seen = False
        self._is_whole = True
        """Whether all of the log is here, from its first line on."""

    def follow(self, run: RunDirectory | None) -> None:
        """Show the log of a run from now on, in the place of any other; None shows none.

        Asked again for the same run, it goes on.
        """
        if run == (self._feed.run if self._feed else None):
            return
        if self._feed is not None:
            self._feed.stop()
        self._feed = LogFeed(run, self.post_message) if run is not None else None
        self._is_whole = True
        self.clear()
        self.border_title = Content(f"Log of run {safe_line(run.name)}" if run else "Log")
        self.sentence = "" if run else _NO_RUN
        if self._feed is not None:
            self._feed.watch(is_watched=self._is_seen)
            self._feed.start()
        self._show_state()

    def note(self, sentence: str, severity: Severity = "information") -> None:
        """Put down that something happened now in the run; without a run, nothing did."""
        if self._feed is not None:
            text = safe_line(f"{self._clock():%H:%M:%S} {sentence}")
            self._feed.note(LogLine(text, _KINDS[severity]))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw; Textual does not always say that what was hidden is seen again.

        Args:
            crop: What of the pane is to be drawn.
        """
        if self.display and not self._is_seen:
            self.call_next(self.on_show)
        return super().render_lines(crop)

    def on_show(self) -> None:
        """Read what has come since."""
        self._watch(is_seen=True)

    def on_hide(self) -> None:
        """Read no more."""
        self._watch(is_seen=False)

    def on_unmount(self) -> None:
        """Let the thread end."""
        if self._feed is not None:
            self._feed.stop()

    def on_resize(self) -> None:
        """Say as much as there is room for."""
        self._show_state()

    def on_log_read(self, event: LogRead) -> None:
        """Take over what is new."""
        event.stop()
        if event.feed is self._feed:
            if event.starts_over:
                self.clear()
            self._is_whole = event.is_whole
            self.append(event.lines)
            self._show_state()
        event.feed.taken()

    def on_following_scroll_view_follow_changed(self, event: LogView.FollowChanged) -> None:
        """Say whether the end is followed."""
        event.stop()
        self._show_state()

    def action_turn_filter(self) -> None:
        """Show other lines."""
        self.filter_by(self.rows.filter.following)
        self._show_state()

    def _watch(self, *, is_seen: bool) -> None:
        self._is_seen = is_seen
        if self._feed is not None:
            self._feed.watch(is_watched=is_seen)

    def _show_state(self) -> None:
        """Say which lines are shown, and why if there is none."""
        lines, shown = self.rows.line_count, self.rows.shown_count
        if self._feed is not None and not shown:
            others = key_label("log.filter")
            self.sentence = (
                f"None of {lines:,} lines is shown; {others} shows others." if lines else _NO_LINES
            )
            self.refresh()
        is_cut = self.rows.is_cut or not self._is_whole
        self.border_subtitle = Content(
            state_words(
                self.rows.filter,
                count_words(shown, lines, is_cut=is_cut),
                follows_end=self.follows_end,
                width=self.outer_size.width - _FRAME,
            )
        )


def count_words(shown: int, lines: int, *, is_cut: bool) -> str:
    """How many lines of a log are shown.

    Args:
        shown: Lines that the filter lets through.
        lines: Lines that are kept.
        is_cut: Whether the log has more lines before them.
    """
    if not lines:
        return ""
    unit = "line" if lines == 1 else "lines"
    if shown == lines:
        return f"last {lines:,} {unit}" if is_cut else f"{lines:,} {unit}"
    return f"{shown:,} of {'the last ' if is_cut else ''}{lines:,} {unit}"


def state_words(log_filter: LogFilter, count: str, *, follows_end: bool, width: int) -> str:
    """Which lines are shown and whether the end is followed, in so many columns."""
    wanted, held = log_filter.value, "" if follows_end else "held"
    return longest_fitting(
        (
            (wanted, count, held and "held, End follows"),
            (wanted, held and "held, End follows"),
            (wanted, held),
            (held or wanted,),
        ),
        separator=" · ",
        width=width,
    )
