"""Where a command writes: data on standard output, narration on standard error."""

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, TextIO

from tui_charrnn.errors import StorageError
from tui_charrnn.safe_text import safe_line

if TYPE_CHECKING:
    from tui_charrnn.text.progress import Progress


def prepare_streams() -> None:
    r"""Let no character fail on standard output or error, whatever the locale lacks.

    What it lacks is written as an escape such as `\xe9`. The bytes that `generate` writes go past
    this.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def has_terminal() -> bool:
    """Whether a person can both see and type, as the app needs."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stdout)


def stdin_bytes() -> BinaryIO | None:
    """Standard input, or None where there is none, as in a daemon or after `<&-`."""
    return getattr(sys.stdin, "buffer", None)


def stdout_is_terminal() -> bool:
    """Whether standard output is read by a person rather than by a program."""
    return _is_terminal(sys.stdout)


def stderr_is_terminal() -> bool:
    """Whether standard error is a terminal that can redraw a line."""
    return _is_terminal(sys.stderr) and os.environ.get("TERM", "") != "dumb"


def narrate(*lines: str) -> None:
    """Tell the user something on standard error, in lines that are made safe for a terminal.

    Nothing fails because nobody listens any more.
    """
    try:
        _write(sys.stderr, "".join(safe_line(line) + "\n" for line in lines))
    except OSError:
        _discard(sys.stderr)


def print_data(text: str) -> None:
    """Write a line of data on standard output: safe on a terminal, exact in a pipe.

    Raises:
        BrokenPipeError: If the reader has had enough, as `head` has.
        StorageError: If the text is not taken for another reason, as on a full disk.
    """
    try:
        _write(sys.stdout, (safe_line(text) if stdout_is_terminal() else text) + "\n")
    except BrokenPipeError:
        discard_output()
        raise
    except OSError as error:
        discard_output()
        raise refused_output(error) from error


def refused_output(error: OSError) -> StorageError:
    """What to say when standard output does not take what is written to it."""
    return StorageError(f"Cannot write to standard output: {error.strerror or error}.")


def discard_output() -> None:
    """Lead standard output nowhere, so that the interpreter's own last flush cannot fail."""
    _discard(sys.stdout)


def leave_terminal() -> None:
    """Lead nowhere what goes to a terminal, as it was closed; files and pipes go on as they are."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # none, closed, not a file
            if stat.S_ISCHR(os.fstat(stream.fileno()).st_mode):  # closed, it is no tty any more
                _discard(stream)


@contextmanager
def progress_bar(task: str) -> Iterator["Progress"]:
    """Show how a piece of work advances, on standard error.

    Nothing appears before the first report, so work that turns out to be done already is silent.
    Without a terminal the first report narrates the task, once.

    Args:
        task: What is being done, as a person would say it: `Downloading tiny Shakespeare`.

    Yields:
        A function that takes how many bytes are done and, if it is known, how many there are.
    """
    if stderr_is_terminal():
        yield from _drawn_bar(task)
    else:
        yield _narrated_once(task)


def _drawn_bar(task: str) -> Iterator["Progress"]:
    # deferred: 60 ms that only a download or a build needs
    from rich import progress  # noqa: PLC0415  deferred, see above
    from rich.console import Console  # noqa: PLC0415  deferred, see above

    bar = progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    row = bar.add_task(safe_line(task), total=None)

    def report(done: int, total: int | None) -> None:
        bar.start()  # has no effect on a bar that is already drawn
        bar.update(row, completed=done, total=total)

    try:
        yield report
    finally:
        bar.stop()


def _narrated_once(task: str) -> "Progress":
    is_told = False

    def report(_done: int, _total: int | None) -> None:
        nonlocal is_told
        if not is_told:
            narrate(f"{task} ...")
            is_told = True

    return report


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # a closed stream
        return False


def _discard(stream: TextIO) -> None:
    with contextlib.suppress(OSError):  # not a file, as in a test: nobody flushes it at the end
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # as under pythonw, or after `>&-`
        stream.write(text)
        stream.flush()
