"""Takes a text of the history away: into the clipboard, or into a file with its settings."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tui_charrnn.hangul import join_syllables
from tui_charrnn.history.rows import entry_values
from tui_charrnn.safe_text import safe_text
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.terminal import LONGEST_COPY, takes_copies
from tui_charrnn.tui.text.saving import save_copy, texts_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.app import App

    from tui_charrnn.history.generation import Entry

    Tell = Callable[[str, bool], object]
    """Says a sentence, and whether it is about a problem; called in threads too."""


def copy_entry(app: App[object], entry: Entry, tell: Tell) -> None:
    """Copy a text as it is shown; where the terminal may not take it, save it as well."""
    text = safe_text(entry.generation.seed_text + entry.generation.text)
    app.copy_to_clipboard(text)
    if takes_copies(os.environ) and len(text.encode()) <= LONGEST_COPY:
        tell(f"Copied {len(text):,} characters.", False)
        return
    _write(
        lambda: save_copy(texts_folder(), text),
        f"Copied {len(text):,} characters, if this terminal lets programs; also saved to",
        "Copied, if this terminal lets programs; not also saved:",
        tell,
    )


def save_entry(entry: Entry, tell: Tell) -> None:
    """Save a text exactly, and all that it came from beside it, as JSON."""
    text = join_syllables(entry.generation.seed_text + entry.generation.text)
    files = {
        ".txt": text.encode(errors="backslashreplace"),
        ".json": (json.dumps(entry_values(entry), indent=2) + "\n").encode(),
    }
    stem = f"text-{entry.time.astimezone():%Y%m%d-%H%M%S}"
    _write(
        lambda: write_new(texts_folder(), stem, files),
        f"Saved {len(text):,} characters, with their settings beside, to",
        "The text could not be saved:",
        tell,
    )


def _write(save: Callable[[], Path], done: str, refused: str, tell: Tell) -> None:
    """Write in a thread, then say where the file is, or why there is none."""

    def work(_: BackgroundTask) -> None:
        try:
            path = save()
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            tell(f"{refused} {error.strerror or error}{where}.", True)
        else:
            tell(f"{done} {path}", False)

    BackgroundTask("history-file", work)
