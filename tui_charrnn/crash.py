"""Reports a crash: a file with the traceback, and three lines for the terminal."""

import datetime
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from tui_charrnn import __version__
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr


def report_crash(error: BaseException, folder: Path) -> str:
    """Write the traceback to a file and return three lines for the terminal.

    The file can be shared: it has lines of the program and types of errors, but no values of
    variables and no error messages, which may quote the user's texts. Only the lines for the
    terminal have the message.
    """
    now = datetime.datetime.now(datetime.UTC)
    path = folder / f"crash-{now:%Y%m%d-%H%M%S-%f}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [f"charrnn-tui {__version__}, {now:%Y-%m-%d %H:%M:%S} UTC\n\n"]
        lines += traceback_lines(error)
        # readable by the user only, whatever the umask: it shows what the user did
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("".join(lines))
        where = tr("Where it happened is written in {path}", path=safe_line(str(path)))
    except OSError as refusal:
        where = tr("No report could be written: {reason}", reason=safe_line(str(refusal)))
    message = safe_line(f"{type(error).__name__}: {error}")[:300]
    advice = tr("A run in training continues; open the app again to see it.")
    return f"{tr('Internal error: {error}', error=message)}\n{where}\n{advice}"


def traceback_lines(error: BaseException) -> Iterator[str]:
    """Yield the traceback of an error and of its causes, without their messages."""
    chain = [error]
    while (cause := _cause_of(chain[-1])) is not None and cause not in chain:
        chain.append(cause)
    for each in reversed(chain):
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(each.__traceback__)
        number = each.errno if isinstance(each, OSError) else None
        kind = type(each)
        yield f"{kind.__module__}.{kind.__qualname__}{f' (errno {number})' if number else ''}\n\n"


def _cause_of(error: BaseException) -> BaseException | None:
    wrapped = getattr(error, "error", None)  # of Textual's `WorkerFailed`
    if isinstance(wrapped, BaseException):
        return wrapped
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)
