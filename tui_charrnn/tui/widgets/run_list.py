"""All runs of a folder, newest first, with a preview of the one under the cursor."""

import time
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one

from tui_charrnn.runs.catalogue import RunSummary
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.run_lookout import RunLookout, RunsListed
from tui_charrnn.tui.widgets.run_preview import RunPreview
from tui_charrnn.tui.widgets.run_table import RunTable
from tui_charrnn.viewing.run_rows import is_at_work, run_lines, run_row

NO_RUNS = "There are no runs yet. ^n trains the first one."
_LOOKING = "Looking for runs …"
_ROOMY = 20  # rows from which on the preview may be long
_LOW = 9  # rows below which there is none


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
    """

    table = query_one(RunTable)
    preview = query_one(RunPreview)

    def __init__(self, folder: Path) -> None:
        """Name the runs folder, which need not exist."""
        super().__init__()
        self.border_title = Content("Runs")
        self._lookout = RunLookout(folder, self.post_message)
        self._summaries: dict[str, RunSummary] = {}
        self._sentence = _LOOKING
        """What there is to say where there is no run."""
        self._next_cursor: Path | None = None
        """Where the cursor goes once this run is listed."""

    def compose(self) -> ComposeResult:
        """The table above the preview."""
        yield RunTable()
        yield RunPreview()

    def on_mount(self) -> None:
        """Begin to look."""
        self._show_preview()
        self._lookout.start()

    def on_show(self) -> None:
        """Look while the list is seen."""
        self._lookout.watch(is_watched=True)

    def on_hide(self) -> None:
        """Look no more."""
        self._lookout.watch(is_watched=False)

    def on_unmount(self) -> None:
        """Let the thread end."""
        self._lookout.stop()

    def on_resize(self) -> None:
        """Say as much of the run as there is room for."""
        self._show_preview()

    def on_runs_listed(self, event: RunsListed) -> None:
        """Show what is in the folder now."""
        event.stop()
        now = time.time()
        self._summaries = {str(found.run.path): found for found in _sorted(event.summaries, now)}
        self._sentence = safe_line(event.problem) or NO_RUNS
        rows = {key: run_row(found, now) for key, found in self._summaries.items()}
        self.table.show(rows, cursor=str(self._next_cursor))
        if str(self._next_cursor) in rows:
            self._next_cursor = None
        live = sum(is_at_work(found, now) for found in event.summaries)
        counted = f"{len(rows):,} run{'' if len(rows) == 1 else 's'}"
        self.border_subtitle = Content(f"{counted}, {live} in training" if live else counted)
        self._show_preview()
        self._lookout.taken()

    def on_data_table_row_highlighted(self, event: RunTable.RowHighlighted) -> None:
        """Say something about the run under the cursor."""
        event.stop()
        self._show_preview()

    @property
    def selected(self) -> RunSummary | None:
        """The run under the cursor."""
        return self._summaries.get(self.table.selected or "")

    def look_again(self, cursor: Path | None = None) -> None:
        """List at once, as something was changed; the cursor goes to a run, or stays."""
        self._next_cursor = cursor
        self._lookout.look_now()

    def _show_preview(self) -> None:
        height = self.size.height
        self.preview.display = height >= _LOW
        found = self.selected
        if found is None:
            self.preview.show("", [self._sentence])
            return
        lines = run_lines(found, time.time())
        self.preview.show(self.title_of(found), lines[: 5 if height >= _ROOMY else 2])

    def title_of(self, found: RunSummary) -> str:
        """What the preview of a run is called."""
        return safe_line(found.run.name)


def _sorted(summaries: tuple[RunSummary, ...], now: float) -> list[RunSummary]:
    """Those in training first, the last made above; then as the catalogue has them.

    Two trainers write by turns: sorted by that, their rows would change places all the time.
    """
    live = [found for found in summaries if is_at_work(found, now)]
    live.sort(key=lambda found: found.description.created if found.description else "", reverse=True)
    return live + [found for found in summaries if found not in live]
