"""Where a command writes: data on standard output, narration on standard error."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from tui_charrnn.safe_text import safe_line, safe_text

Progress = Callable[[int, int | None], None]
"""Takes how much is done and, if it is known, how much there is."""


def stdout_is_terminal() -> bool:
    """Whether standard output is read by a person rather than by a program."""
    return _is_terminal(sys.stdout)


def stderr_is_terminal() -> bool:
    """Whether standard error is a terminal that can redraw a line."""
    return _is_terminal(sys.stderr) and os.environ.get("TERM", "") != "dumb"


def narrate(text: str) -> None:
    """Tell the user something: one line on standard error, made safe for a terminal."""
    _write(sys.stderr, safe_text(text) + "\n")


def print_data(text: str) -> None:
    """Write a line of data on standard output: safe on a terminal, exact in a pipe."""
    _write(sys.stdout, (safe_text(text) if stdout_is_terminal() else text) + "\n")


@contextmanager
def progress_bar(task: str) -> Iterator[Progress]:
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


def _drawn_bar(task: str) -> Iterator[Progress]:
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


def _narrated_once(task: str) -> Progress:
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


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # as under pythonw, or after `>&-`
        stream.write(text)
        stream.flush()
