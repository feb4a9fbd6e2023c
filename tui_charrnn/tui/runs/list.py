"""The list of all runs of a folder, with a preview of the one under the cursor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.catalogue import RunSummary, WatchedFolder
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import Poller
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.messages import RunPinned
from tui_charrnn.tui.row_views import GAP, Cell, CursorView
from tui_charrnn.tui.sparkline import small_curve
from tui_charrnn.viewing.formatting import age_width, counted, fitted
from tui_charrnn.viewing.run_rows import run_lines, run_row

if TYPE_CHECKING:
    from tui_charrnn.viewing.run_rows import RunRow

INTERVAL: Final = 2.0  # seconds
_STATE: Final = 14  # columns of the state, with an empty one before it
_LEAST_NAME: Final = 8  # columns
_WIDEST_NAME: Final = 40  # columns
_WIDEST: Final = 24  # columns of the corpus and of the curve
_KINDS: Final = {"●": "live", "║": "paused", "✗": "trouble"}
"""State mark to the suffix of its component class."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table; widths are in terminal cells."""

    key: str
    label: str
    width: int
    least: int = 0
    """The narrowest table that shows this column."""


COLUMNS: Final = (
    _Column("state", "state", _STATE),
    _Column("name", "run", 0),
    _Column("corpus", "corpus", 12, 72),
    _Column("step", "step", 11, 92),
    _Column("best", "best", 6),
    _Column("curve", "curve", 8, 64),
    _Column("age", "age", 0, 48),
)


class RunTable(CursorView):
    """Shows one row for each run; the cursor follows its run when rows move."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "cursor-view--curve",
        "cursor-view--live",
        "cursor-view--paused",
        "cursor-view--trouble",
    }
    DEFAULT_CSS = """
    RunTable {
        height: 1fr;
        & .cursor-view--curve { color: $loss; }
        & .cursor-view--live { color: $text-success; }
        & .cursor-view--paused { color: $text-warning; }
        & .cursor-view--trouble { color: $text-error; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, RunRow] = {}

    @property
    def selected(self) -> str | None:
        """The key of the run under the cursor."""
        return next(islice(self._rows, self.cursor, None), None)

    def show(self, rows: Mapping[str, RunRow], *, cursor: str | None = None) -> None:
        """Show runs by their keys, with the cursor on the run `cursor` or else where it was.

        The position of the view is kept unless the cursor or the number of runs changes.
        """
        target = cursor if cursor in rows else self.selected
        is_changed = [*rows.items()] != [*self._rows.items()]
        self._rows = dict(rows)
        place = [*rows].index(target) if target and target in rows else self.cursor
        if cursor in rows or (len(rows), place) != (self.count, self.cursor):
            self.take_count(len(rows), place)
        elif is_changed:
            self.refresh()

    def cells(self, index: int, width: int) -> list[Cell]:
        """Return the cells of a run that fit; the first one has an empty column before it."""
        row = next(islice(self._rows.values(), index, None))
        cells = [Cell(f" {row.mark} {row.state}", _STATE, _KINDS.get(row.mark, "text"))]
        for column in _fitting(width)[1:]:
            if column.key != "curve":
                cells.append(Cell(str(getattr(row, column.key)), column.width))
            else:
                kind = "curve" if row.curve else "text"
                cells.append(Cell(small_curve(row.curve, column.width), column.width, kind))
        return cells


class RunHeading(Widget):
    """The labels of the columns of a `RunTable`."""

    DEFAULT_CSS = "RunHeading { height: 1; color: $text-muted; }"

    def render(self) -> Content:
        """Return the labels of the columns that fit beside the scrollbar of the table."""
        columns = _fitting(self.size.width - 1)
        labels = [fitted(f" {tr(columns[0].label).capitalize()}", _STATE)]
        labels += [fitted(tr(each.label).capitalize(), each.width) for each in columns[1:]]
        return Content((" " * GAP).join(labels))


def _fitting(width: int) -> tuple[_Column, ...]:
    """Return the columns that fit; name, corpus and curve share the remaining width."""
    fitting = [column for column in COLUMNS if width >= column.least]
    if fitting[-1].key == "age":
        fitting[-1] = replace(fitting[-1], width=age_width())
    left = width - sum(column.width + GAP for column in fitting)
    name = max(_LEAST_NAME, min(_WIDEST_NAME, left))
    more = max(0, (left - name) // 2)
    widths = {"name": name, "corpus": min(_WIDEST, 12 + more), "curve": min(_WIDEST, 8 + more)}
    return tuple(replace(column, width=widths.get(column.key, column.width)) for column in fitting)


class RunsListing(NamedTuple):
    """The content of a runs folder, ready to be shown."""

    summaries: dict[str, RunSummary]
    """The runs in display order, by path."""
    rows: dict[str, RunRow]
    """Their table rows, by path."""
    live: int
    """The number of runs in training, which come first."""
    problem: str = ""
    """Why the folder cannot be read; empty if it can."""


def prepare(found: list[RunSummary], now: float) -> RunsListing:
    """Order runs for the table: runs in training by creation time, newest first; then the rest.

    Sorted by the last write, the rows of two runs in training would keep changing places.
    """
    live = [summary for summary in found if summary.is_at_work(now)]
    live.sort(key=_created, reverse=True)
    at_work = {summary.run for summary in live}
    rest = [summary for summary in found if summary.run not in at_work]
    summaries = {str(summary.run.path): summary for summary in live + rest}
    rows = {key: run_row(summary, now) for key, summary in summaries.items()}
    return RunsListing(summaries, rows, len(live))


def _created(summary: RunSummary) -> str:
    return summary.description.created if summary.description else ""


class RunList(Vertical):
    """The table of runs above the preview, updated by a thread while it is visible."""

    DEFAULT_CLASSES = "framed"
    DEFAULT_CSS = """
    RunList {
        height: 1fr;
        & #run-preview {
            height: auto;
            border-top: solid $foreground 25%;
            border-title-color: $foreground;
            color: $text-muted;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        &.-empty RunTable { height: 1; }
        &.-empty #run-preview {
            height: 1fr;
            border: none;
            text-wrap: wrap;
            text-align: center;
            content-align: center middle;
        }
    }
    """

    def __init__(
        self, folder: Path, remark: Callable[[RunDirectory], str], *, is_readonly: bool = False
    ) -> None:
        """Prepare a list of a folder; `remark` returns a safe text for the preview of a run."""
        super().__init__()
        self.heading = RunHeading()
        self.table = RunTable()
        self.preview = Static(id="run-preview", markup=False)
        """The description of the run under the cursor."""
        self.border_title = Content(tr("Runs"))
        self.summaries: dict[str, RunSummary] = {}
        """The listed runs in display order, by path."""
        self._folder = WatchedFolder(folder)
        self._watcher = Poller("runs-watcher", self._list, self.call_later, self.take_listing)
        self._remark = remark
        self._is_readonly = is_readonly
        self._empty_text = tr("Looking for runs …")
        """The text if no run is listed."""
        self._counted = ""
        self._status = ""
        self.filter_text = ""
        """The words that all listed runs contain in name, corpus, preset, tags or note."""
        self.pinned: tuple[RunDirectory, ...] = ()
        """The pinned run, drawn in every chart; more than one if another program pinned some."""
        self._listed: RunsListing | None = None
        self._next_cursor: Path | None = None
        """The run to move the cursor to once it is listed."""

    def compose(self) -> ComposeResult:
        """Yield the heading, the table and the preview."""
        yield self.heading
        yield self.table
        yield self.preview

    def on_mount(self) -> None:
        """Start the thread."""
        self.show_preview()
        self._watcher.watch(is_watched=False)
        self._watcher.start()

    def on_show(self) -> None:
        """Resume the thread."""
        self._watcher.watch(is_watched=True)

    def on_hide(self) -> None:
        """Pause the thread."""
        self._watcher.watch(is_watched=False)

    def on_unmount(self) -> None:
        """Stop the thread."""
        self._watcher.stop()

    def on_resize(self) -> None:
        """Show as many lines of the preview as fit."""
        self.show_preview()

    def _list(self, show: Callable[[RunsListing], None]) -> float:
        """List the folder, which may be missing, in the thread."""
        try:
            listed = prepare(self._folder.list_runs(), time.time())
        except (CharRNNError, OSError) as error:  # e.g. a network drive, which may come back
            listed = RunsListing({}, {}, 0, str(error))
        show(listed)
        return INTERVAL

    def take_listing(self, listed: RunsListing) -> None:
        """Show a new listing of the folder, and post a change of the pinned run."""
        self._listed = listed
        pinned = [found.run for found in listed.summaries.values() if found.labels.pinned]
        self.pinned, before = tuple(sorted(pinned, key=lambda run: run.name)), self.pinned
        if self.pinned[:1] != before[:1]:
            self.post_message(RunPinned(next(iter(self.pinned), None)))
        self._show_listed()

    def filter(self, words: str) -> None:
        """List only the runs that contain all of these words; an empty text lists all."""
        self.filter_text = words
        self._show_listed()

    def _show_listed(self) -> None:
        if (listed := self._listed) is None:
            return
        found = {
            path: summary
            for path, summary in listed.summaries.items()
            if summary.has_all_words(self.filter_text)
        }
        rows = {path: row for path, row in listed.rows.items() if path in found}
        self.summaries = found
        self._empty_text = safe_line(listed.problem) or no_runs(is_readonly=self._is_readonly)
        if listed.rows and not rows:
            self._empty_text = tr_keys("No run has these words. {runs.filter} changes them.")
        self.table.show(rows, cursor=str(self._next_cursor))
        if str(self._next_cursor) in listed.rows:  # also if the filter hides it
            self._next_cursor = None
        title = tr("Runs")
        self.border_title = Content(
            f"{title} · {safe_line(self.filter_text)}" if self.filter_text else title
        )
        self._counted = _counted(len(rows), listed.live)
        self.show_status(self._status)
        self.show_preview()

    def on_cursor_view_cursor_moved(self, event: CursorView.CursorMoved) -> None:
        """Describe the run under the cursor."""
        event.stop()
        self.show_preview()

    @property
    def selected(self) -> RunSummary | None:
        """The run under the cursor."""
        return self.summaries.get(self.table.selected or "")

    def drop(self, path: Path) -> None:
        """List a run no longer that was moved or deleted; a key must not act on it once more."""
        if self._listed is not None:
            self._listed.summaries.pop(str(path), None)
            self._listed.rows.pop(str(path), None)
            self._show_listed()

    def list_again(self, cursor: Path | None = None) -> None:
        """List the folder immediately, then move the cursor to a run if one is given."""
        self._next_cursor = cursor
        self._watcher.wake()

    def show_status(self, status: str) -> None:
        """Show a status in the border, or the number of runs if it is empty."""
        self._status = status
        self.border_subtitle = Content(status or self._counted)

    def show_preview(self) -> None:
        """Describe the run under the cursor, or show why none is listed."""
        height, found = self.size.height, self.selected
        self.set_class(found is None, "-empty")
        self.heading.display = found is not None
        self.preview.display = height >= 9 or found is None
        title, lines = "", [self._empty_text]
        if found is not None:
            title = " · ".join(filter(None, (safe_line(found.run.name), self._remark(found.run))))
            unused = height - len(self.summaries) - 2  # the header and the border between
            lines = run_lines(found, time.time())[: max(unused, 5 if height >= 20 else 2)]
        self.preview.border_title = Content(title)
        text = "\n".join(lines)
        if text != self.preview.content:  # an update lays the screen out again
            self.preview.update(text)


def no_runs(*, is_readonly: bool = False) -> str:
    """Return the hint for a folder without runs."""
    if is_readonly:
        return tr("There are no runs yet.")
    return tr_keys("There are no runs yet. {run.train} trains the first one.")


def _counted(count: int, live: int) -> str:
    """Format the number of runs, and of those in training."""
    runs = counted(count, "run")
    return tr("{runs}, {count} in training", runs=runs, count=live) if live else runs
