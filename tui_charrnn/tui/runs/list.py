"""All runs of a folder, newest first, with a preview of the one under the cursor."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one

from tui_charrnn.runs.catalogue import RunSummary
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.runs.preview import RunPreview
from tui_charrnn.tui.runs.table import RunTable
from tui_charrnn.tui.runs.watcher import RunsListed, RunsWatcher
from tui_charrnn.viewing.run_rows import run_lines

_LOOKING: Final = "Looking for runs …"
_ROOMY: Final = 20  # rows from which on the preview may be long
_LOW: Final = 9  # rows below which there is none


class RunList(Vertical):
    """Looks into the folder while it is seen, in a thread."""

    DEFAULT_CSS = """
    RunList {
        height: 1fr;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        &:focus-within { border: round $primary; }
    }
    RunList.-empty {
        & RunTable { height: 1; }
        & RunPreview {
            height: 1fr;
            border: none;
            text-wrap: wrap;
            text-align: center;
            content-align: center middle;
        }
    }
    """

    table = query_one(RunTable)
    preview = query_one(RunPreview)

    def __init__(self, folder: Path, remark: Callable[[RunDirectory], str]) -> None:
        """Name what is listed.

        Args:
            folder: The runs folder, which need not exist.
            remark: What is to be said of a run beside its name, safe to show; may be empty.
        """
        super().__init__()
        self.border_title = Content("Runs")
        self.summaries: dict[str, RunSummary] = {}
        """The runs in their order, by their paths."""
        self._watcher = RunsWatcher(folder, self.post_message)
        self._remark = remark
        self._sentence = _LOOKING
        """What there is to say where there is no run."""
        self._counted = ""
        self._doing = ""
        self._next_cursor: Path | None = None
        """Where the cursor goes once this run is listed."""

    def compose(self) -> ComposeResult:
        """The table above the preview."""
        yield RunTable()
        yield RunPreview()

    def on_mount(self) -> None:
        """Begin to look."""
        self.show_preview()
        self._watcher.start()

    def on_show(self) -> None:
        """Look while the list is seen."""
        self._watcher.watch(is_watched=True)

    def on_descendant_focus(self) -> None:
        """Look again: Textual does not tell of every time that a pane is shown."""
        self._watcher.watch(is_watched=True)

    def on_hide(self) -> None:
        """Look no more."""
        self._watcher.watch(is_watched=False)

    def on_unmount(self) -> None:
        """Let the thread end."""
        self._watcher.stop()

    def on_resize(self) -> None:
        """Say as much of the run as there is room for."""
        self.show_preview()

    def on_runs_listed(self, event: RunsListed) -> None:
        """Show what is in the folder now."""
        event.stop()
        self.summaries = event.summaries
        self._sentence = safe_line(event.problem) or no_runs()
        self.table.show(event.rows, cursor=str(self._next_cursor))
        if str(self._next_cursor) in event.rows:
            self._next_cursor = None
        self._counted = _counted(len(event.rows), event.live)
        self.show_doing(self._doing)
        self.show_preview()
        self._watcher.taken()

    def on_data_table_row_highlighted(self, event: RunTable.RowHighlighted) -> None:
        """Say something about the run under the cursor."""
        event.stop()
        self.show_preview()

    @property
    def selected(self) -> RunSummary | None:
        """The run under the cursor."""
        return self.summaries.get(self.table.selected or "")

    def look_again(self, cursor: Path | None = None) -> None:
        """List at once, as something was changed; the cursor goes to a run, or stays."""
        self._next_cursor = cursor
        self._watcher.look_now()

    def show_doing(self, words: str) -> None:
        """Show at the border what is being done, or else how many runs there are."""
        self._doing = words
        self.border_subtitle = Content(words or self._counted)

    def show_preview(self) -> None:
        """Say something about the run under the cursor, or why there is none."""
        height, found = self.size.height, self.selected
        self.set_class(found is None, "-empty")
        self.table.show_header = found is not None
        self.preview.display = height >= _LOW or found is None
        if found is None:
            self.preview.show("", [self._sentence])
            return
        lines = run_lines(found, time.time())
        name = " · ".join(filter(None, (safe_line(found.run.name), self._remark(found.run))))
        self.preview.show(name, lines[: 5 if height >= _ROOMY else 2])


def no_runs() -> str:
    """What to say where a folder holds no run."""
    return f"There are no runs yet. {key_label('run.train')} trains the first one."


def _counted(count: int, live: int) -> str:
    """How many runs there are."""
    counted = f"{count:,} run{'' if count == 1 else 's'}"
    return f"{counted}, {live} in training" if live else counted
