"""The runs pane alone, in an app that keeps what the pane asks for."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.support.shown_screen import screen_rows
from tests.support.themed_app import ThemedApp
from tests.support.waiting import wait_until
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import activate_keymap, keymap_of, remap
from tui_charrnn.tui.messages import (
    NoteWritten,
    ResumeRequested,
    RunCompared,
    RunMoved,
    RunOpened,
    RunPinned,
)
from tui_charrnn.tui.runs.list import RunList
from tui_charrnn.tui.runs.pane import RunsPane
from tui_charrnn.tui.session import Session


class Host(ThemedApp):
    """Holds the pane, and keeps what it asks for."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        activate_keymap(session.keys)
        self.set_keymap(keymap_of(session.keys))
        self.session = session
        self.pane = RunsPane(session)
        self.told: list[str] = []
        self.asked: list[tuple[str, RunDirectory | None]] = []
        self.pinned: list[str | None] = []
        self.moved: list[tuple[RunDirectory, RunDirectory | None]] = []

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_note_written(self, event: NoteWritten) -> None:
        self.told.append(event.sentence)

    def on_run_opened(self, event: RunOpened) -> None:
        self.asked.append(("open", event.run))

    def on_run_compared(self, event: RunCompared) -> None:
        self.asked.append(("compare", event.run))

    def on_run_pinned(self, event: RunPinned) -> None:
        self.pinned.append(event.run.name if event.run else None)

    def on_resume_requested(self, event: ResumeRequested) -> None:
        self.asked.append(("resume", event.run))
        self.told += filter(None, [event.sentence])

    def on_run_moved(self, event: RunMoved) -> None:
        self.moved.append((event.before, event.after))


@asynccontextmanager
async def pane(
    folder: Path,
    *,
    size: tuple[int, int] = (80, 24),
    readonly: bool = False,
    keys: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    """The pane, once it shows the folder.

    Args:
        folder: Where the runs are.
        size: Of the terminal.
        readonly: Whether the user came only to look.
        keys: The user's own, by what they do.
    """
    table, _ = remap(keys or {})
    app = Host(Session(runs_folder=folder, is_readonly=readonly, keys=table))
    async with app.run_test(size=size) as pilot:
        await listed(app, pilot, app.pane.runs)
        app.pane.runs.table.focus()
        yield app, pilot


async def listed(app: App[Any], pilot: Pilot[None], runs: RunList) -> None:
    """Wait until the screen shows what is in the folder: its first run, or why there is none.

    Before its first frame a screen shows neither that nor that the folder is being looked into.
    """

    def is_shown() -> bool:
        if not runs.border_subtitle:  # how many there are
            return False
        place = (runs.table if runs.summaries else runs.preview).region
        rows = screen_rows(app)[place.y : place.bottom]
        words = "".join(row.strip("\N{BOX DRAWINGS LIGHT VERTICAL} ") for row in rows)
        return bool(words) and tr("Looking for runs …") not in words

    await wait_until(pilot, "a listing", is_shown)
    await pilot.pause()  # the columns fit the size by then


async def press(app: Host, pilot: Pilot[None], key: str, answer: str) -> None:
    """Press a key and wait for a note that contains these words."""
    await pilot.press(key)
    await wait_until(pilot, f"{answer!r} after {key}", lambda: answer in " ".join(app.told))


async def asked(pilot: Pilot[None], kind: type[object]) -> None:
    await wait_until(pilot, f"a {kind.__name__}", lambda: isinstance(pilot.app.screen, kind))


def names(folder: Path) -> list[str]:
    return sorted(found.run.name for found in list_runs(folder))


def contents(run: RunDirectory) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(run.path.rglob("*"))
    }
