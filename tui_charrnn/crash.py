"""What is left of a crash: a file with the traceback, and three lines on the terminal."""

import datetime
import traceback
from pathlib import Path

import platformdirs

from tui_charrnn import __version__
from tui_charrnn.safe_text import safe_line


def state_folder() -> Path:
    """Where the program keeps what is nobody's work, such as crash reports."""
    return Path(platformdirs.user_state_dir("charrnn-tui"))


def report_crash(error: BaseException, folder: Path) -> str:
    """Write the traceback into a file and return the lines that tell of it.

    The traceback is written without the values of variables: those hold the user's texts.
    """
    now = datetime.datetime.now(datetime.UTC)
    path = folder / f"crash-{now:%Y%m%d-%H%M%S-%f}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"charrnn-tui {__version__}, {now:%Y-%m-%d %H:%M:%S} UTC\n\n"]
        lines += traceback.format_exception(error)
        path.write_text("".join(lines), encoding="utf-8", errors="backslashreplace")
        where = f"What happened is written in {safe_line(str(path))}"
    except OSError as refusal:
        where = f"No report could be written: {safe_line(str(refusal))}"
    said = safe_line(f"{type(error).__name__}: {error}")[:300]
    return (
        f"charrnn-tui met a defect of its own and had to close: {said}\n"
        f"{where}\n"
        "A run that was training goes on; open the app again to see it."
    )
