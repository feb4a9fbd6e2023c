"""What can be done to a run from the list; each chore may wait for a disk and runs in a thread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from tui_charrnn.runs.archive import archive_name, export_run, free_path
from tui_charrnn.runs.upkeep import list_trash, rename_run, restore_run, trash_run
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.background import CancelledError
from tui_charrnn.user_folders import home_folder
from tui_charrnn.viewing.formatting import format_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.text.progress import Progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a chore."""

    sentence: str
    """Safe to show."""
    before: RunDirectory | None = None
    """Where the run was, if it is elsewhere now."""
    after: RunDirectory | None = None
    """Where it is now; None: in the trash."""


class ActionProgressed(Message):
    """So much of a chore is done."""

    def __init__(self, percent: int) -> None:
        self.percent = percent
        super().__init__()


class ActionDone(Message):
    """A chore came to its end; exactly one of the two is there."""

    def __init__(self, outcome: Outcome | None, error: Exception | None) -> None:
        self.outcome = outcome
        self.error = error
        super().__init__()


def perform(action: Callable[[], Outcome], announce: Callable[[Message], object]) -> None:
    """Do a chore and tell what came of it, also of one that failed or was given up."""
    try:
        done = ActionDone(action(), None)
    except CancelledError:
        done = ActionDone(Outcome("Given up; nothing is left of it."), None)
    except Exception as error:  # noqa: BLE001 - the pane tells it, or the app closes by it
        done = ActionDone(None, error)
    announce(done)


def rename(run: RunDirectory, name: str) -> Outcome:
    """Give a run another name.

    Raises:
        CharRNNError: If that cannot be.
    """
    renamed = rename_run(run, name)
    return Outcome(f"{_name(run)} is called {_name(renamed)} now.", run, renamed)


def throw_away(run: RunDirectory, undo: str) -> Outcome:
    """Move a run into the trash.

    Args:
        run: The run.
        undo: The key that brings it back.

    Raises:
        CharRNNError: If that cannot be.
    """
    trash_run(run)
    return Outcome(f"{_name(run)} is in the trash; {undo} brings it back.", run)


def bring_back(folder: Path) -> Outcome:
    """Bring the run back that was thrown away last.

    Raises:
        CharRNNError: If there is none, or it cannot be.
    """
    trashed = list_trash(folder)
    run = restore_run(folder)
    has_other_name = trashed and trashed[0].name != run.name
    was = f", as there is another {safe_line(trashed[0].name)} by now" if has_other_name else ""
    return Outcome(f"{_name(run)} is back{was}.", after=run)


def pack(run: RunDirectory, folder: Path, progress: Progress) -> Outcome:
    """Export a run into a folder, under a name that is free.

    Raises:
        CharRNNError: If that cannot be.
    """
    made = export_run(run, free_path(folder / archive_name(run)), progress=progress)
    return Outcome(f"Packed into {safe_line(str(made.path))}, {format_size(made.size)}.")


def folder_for_archives() -> Path:
    """The current folder, or the user's home if nothing can be written there."""
    try:
        here = Path.cwd()
    except OSError:  # it was removed
        return home_folder()
    return here if os.access(here, os.W_OK) else home_folder()


def _name(run: RunDirectory) -> str:
    return safe_line(run.name)
