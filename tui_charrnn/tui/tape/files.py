"""Tapes as files: all continuations of a text, with what it takes to continue any of them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tui_charrnn import __version__
from tui_charrnn.errors import CharRNNError, DataError
from tui_charrnn.generation.tape_file import fingerprint, tape_document
from tui_charrnn.runs.json_values import read_bounded
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.text.generation_result import Recording
from tui_charrnn.tui.text.model_loader import LoadedModel, Wait
from tui_charrnn.tui.text.saving import write_new

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui_charrnn.generation.tape import Tape
    from tui_charrnn.tui.text.generation_result import Opening

_STEM: Final = "tape"
_LONGEST: Final = 1 << 29
"""Bytes of a tape that is opened: one of a million characters takes some 25 million."""


def save_tape(folder: Path, tape: Tape, opening: Opening) -> Path:
    """Write a tape with all its branches, and which model generated it, as JSON.

    Args:
        folder: Where to; it is made if need be.
        tape: It may be written to meanwhile.
        opening: How it began.

    Returns:
        The path.

    Raises:
        OSError: If the disk refuses; nothing is left behind then.
    """
    now = datetime.datetime.now(datetime.UTC)
    file = opening.loaded.file
    with tape.held_still():
        document = tape_document(tape)
    about = {
        "program": f"charrnn-tui {__version__}",
        "saved": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "model_label": opening.label,
        "model_file": str(file.absolute()) if file is not None else None,
    }
    content = json.dumps(about | document, allow_nan=False) + "\n"
    stem = f"{_STEM}-{now.astimezone():%Y%m%d-%H%M%S}"
    return write_new(folder, stem, {".json": content.encode()})


def newest_tape(folder: Path) -> Path | None:
    """The tape that was saved last in a folder, by its name."""
    try:
        return max(folder.glob(f"{_STEM}-*.json"), default=None)
    except OSError:
        return None


def recording(path: Path, wait: Wait, load: Callable[[str | None, Wait], LoadedModel]) -> Recording:
    """A tape from a file, and the model that generated it; for a thread that may wait.

    Args:
        path: The file.
        wait: Waits for a number of seconds and says whether to give up.
        load: Loads the model of a file, or the default one.

    Raises:
        OSError: If it cannot be read.
        CharRNNError: If it is no tape, or its model is not there.
    """
    document = _read(path)
    named = document.get("model_file")
    for model in [named, None] if isinstance(named, str) else [None]:
        try:
            loaded = load(model, wait)
        except CharRNNError:
            continue
        if fingerprint(loaded.model) == document["model"]:
            return Recording(loaded, document)
    gone = tr("The model that spoke on this tape is not there any more, or was replaced.")
    if isinstance(named, str):
        gone = tr(
            "The model that spoke on this tape, {model}, is not there any more, or was replaced.",
            model=safe_line(named),
        )
    advice = tr(
        "Open the app with it (--model), then the tape. Received: {path}", path=safe_line(str(path))
    )
    raise DataError(f"{gone} {advice}")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(read_bounded(path, _LONGEST))
    except (ValueError, RecursionError) as error:
        raise _no_tape(path) from error
    if not isinstance(document, Mapping) or not isinstance(document.get("model"), str):
        raise _no_tape(path)
    return document


def _no_tape(path: Path) -> DataError:
    return DataError(tr("This is not a tape: {path}", path=safe_line(str(path))))
