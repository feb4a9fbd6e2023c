"""Writes data to standard output and messages to standard error, and handles a command's errors."""

import contextlib
import io
import math
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

from tui_charrnn import __version__, lazy
from tui_charrnn.crash import report_crash
from tui_charrnn.errors import CharRNNError, ConfigError, ExitCode, StorageError, reason_of
from tui_charrnn.folders import state_folder
from tui_charrnn.hangul import (
    INITIALS,
    JoinedText,
    is_jamo,
    is_open_syllable,
    join_syllables,
    shown_hangul,
)
from tui_charrnn.preferences import resolve
from tui_charrnn.safe_text import safe_line, safe_signs

if TYPE_CHECKING:
    from tui_charrnn.text.cache import Progress


_FLUSH_INTERVAL: Final = 0.1
"""Seconds between two flushes of generated text in a pipe."""
_NO_STYLE: Final = "\x1b[0m"
_COLUMN_GAP: Final = "  "
"""Between two columns of a table."""
_TAB: Final = 8
"""Columns between two tab stops of a terminal."""


def prepare_streams() -> None:
    r"""Write characters that the locale lacks as escapes such as `\xe9`, instead of failing.

    `generate` writes bytes, which this does not change.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_version() -> int:
    """Print the version, and return the exit code."""
    return exit_code_of(lambda: print_data(f"charrnn-tui {__version__}"))


def has_terminal() -> bool:
    """Return whether standard input and output are terminals, as the app needs."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stdout)


def stdin_bytes() -> BinaryIO | None:
    """Return standard input, or None if it is closed, as in a daemon or after `<&-`."""
    return getattr(sys.stdin, "buffer", None)


def stdout_is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return _is_terminal(sys.stdout)


def stdout_has_styles() -> bool:
    """Return whether standard output is a terminal that supports escape sequences."""
    return stdout_is_terminal() and os.environ.get("TERM", "") not in {"", "dumb"}


def stdout_has_colors() -> bool:
    """Return whether standard output supports escape sequences and NO_COLOR is not set."""
    return stdout_has_styles() and not os.environ.get("NO_COLOR")


def stderr_is_terminal() -> bool:
    """Return whether standard error is a terminal that can redraw a line."""
    return _is_terminal(sys.stderr) and os.environ.get("TERM", "") != "dumb"


def send_to_terminal(sequence: str) -> None:
    """Write an escape sequence to standard error if that is a terminal."""
    if stderr_is_terminal():
        # a progress bar replaces sys.stderr by a proxy that removes escape characters
        _write(getattr(sys.stderr, "rich_proxied_file", sys.stderr), sequence)


def print_message(*lines: str) -> None:
    """Print lines to standard error, made safe for a terminal.

    Errors are ignored: a closed standard error must not end the command.
    """
    try:
        _write(sys.stderr, "".join(safe_line(line) + "\n" for line in lines))
    except OSError:
        _discard(sys.stderr)


def print_data(*lines: str) -> None:
    """Print lines of data to standard output: safe on a terminal, exact in a pipe.

    Raises:
        BrokenPipeError: If the reader has closed the pipe, as `head` does.
        StorageError: If writing fails for another reason, such as a full disk.
    """
    try:
        shown = map(safe_line, lines) if stdout_is_terminal() else lines
        _write(sys.stdout, "".join(line + "\n" for line in shown))
    except BrokenPipeError:
        _discard(sys.stdout)
        raise
    except OSError as error:
        _discard(sys.stdout)
        raise _refused_output(error) from error


def is_confirmed(question: str, *, is_sure: bool) -> bool:
    """Ask the user once to confirm, unless `is_sure`; return whether they do.

    Raises:
        ConfigError: If there is no terminal to ask.
    """
    if is_sure:
        return True
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stderr)):
        raise ConfigError(f"{question} There is no terminal to ask: add --yes to confirm.")
    sys.stderr.write(f"{safe_line(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def print_json(document: object) -> None:
    """Print a JSON document on one line, which may have dataclasses; infinity and NaN are null."""
    try:
        text = lazy.dumps(document, allow_nan=False, default=asdict)
    except ValueError:
        text = lazy.dumps(document, default=asdict)
        text = lazy.dumps(lazy.loads(text, parse_constant=lambda _: None))
    print_data(text)


def _refused_output(error: OSError) -> StorageError:
    """Convert an error of writing to standard output."""
    return StorageError(f"Cannot write to standard output: {reason_of(error)}.")


def discard_terminal_output() -> None:
    """Discard all later output to a closed terminal; files and pipes are still written."""
    for stream in (sys.stdout, sys.stderr):
        # a stream may be missing, closed, or not a file
        with contextlib.suppress(OSError, ValueError, AttributeError):
            # not `isatty`, which is false for a closed terminal
            if stat.S_ISCHR(os.fstat(stream.fileno()).st_mode):
                _discard(stream)


@contextmanager
def progress_bar(task: str, *, in_bytes: bool = True) -> Iterator["Progress"]:
    """Show the progress of a task on standard error.

    Nothing is shown before the first call. Without a terminal the first call prints the task.

    Args:
        task: What is done, for example `Downloading tiny Shakespeare`.
        in_bytes: Whether the bar shows bytes rather than percent.

    Yields:
        A function that takes the amount done and, if known, the total amount.
    """
    if stderr_is_terminal():
        yield from _drawn_bar(task, in_bytes=in_bytes)
    else:
        announce = cache(partial(print_message, f"{task} ..."))
        yield lambda _done, _total: announce()


def _drawn_bar(task: str, *, in_bytes: bool) -> Iterator["Progress"]:
    share = lazy.TextColumn("{task.percentage:.0f} %")
    bar = lazy.Progress(
        lazy.TextColumn("{task.description}", markup=False),
        lazy.BarColumn(),
        lazy.DownloadColumn() if in_bytes else share,
        lazy.TimeRemainingColumn(),
        console=lazy.Console(stderr=True),
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


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # a closed stream
        return False


def _discard(stream: TextIO) -> None:
    with contextlib.suppress(OSError):  # not a file, as in a test
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # as under pythonw, or after `>&-`
        stream.write(text)
        stream.flush()


def picture_width(least: int = 40) -> int:
    """Return the width for pictures in columns, `least` or more."""
    return max(least, shutil.get_terminal_size().columns)


def symbols(*, is_ascii: bool) -> Callable[[str], str]:
    """Return a function that replaces symbols by ASCII if an option or the settings ask for it."""
    preferred = resolve({"ascii": is_ascii or None}, wanted=["ascii"]).checked()
    return lazy.in_ascii if preferred.ascii else str


def print_picture(rows: Iterable[str], *, is_ascii: bool) -> None:
    """Print rows that are safe for a terminal, with their `symbols`."""
    shown = map(symbols(is_ascii=is_ascii), rows)
    print_data(*(row.rstrip() for row in shown))


def table_lines(rows: Sequence[Sequence[str]], cut: int | None = 0) -> Iterator[str]:
    """Yield a line for each row of a table, safe to show; the headings come first.

    If the table is wider than the terminal, the cells of column number `cut` are shortened, to not
    less than 8 terminal columns; None shortens none.
    """
    rows = [tuple(map(safe_line, row)) for row in rows]
    widths = [max(map(lazy.cell_len, column)) for column in zip(*rows, strict=True)]
    if cut is not None and stdout_is_terminal():
        gaps = len(_COLUMN_GAP) * (len(widths) - 1)
        left = shutil.get_terminal_size().columns - sum(widths) + widths[cut] - gaps
        widths[cut] = min(widths[cut], max(8, left))
    return (_COLUMN_GAP.join(map(lazy.fitted, row, widths)).rstrip() for row in rows)


def card_lines(rows: Iterable[tuple[str, str]], width: int = 12) -> Iterator[str]:
    """Yield a line for each label and its value, safe to show, which begins at column `width`."""
    return (f"{label:<{width}}{safe_line(value)}".rstrip() for label, value in rows)


class TextOutput:
    """Writes a growing text to standard output.

    A pipe receives exactly the text in UTF-8, in any locale; the first piece is flushed
    immediately, later ones ten times a second. A terminal shows every piece immediately, made safe.
    """

    def __init__(self, stream: BinaryIO, *, terminal_encoding: str | None) -> None:
        """Write to `stream`; `terminal_encoding` is None for a pipe."""
        self._stream = stream
        self._encoding = terminal_encoding
        self.is_interrupted = False
        self._flushed = -math.inf
        self._tail = ""
        self._joined: JoinedText | None = None
        self._drawn: Callable[[str], str] = shown_hangul

    def join_syllables(self, width: Callable[[], int] | None = None) -> None:
        """Join jamo to syllables; `width` returns the terminal's columns, None asks the system."""
        self._joined, self._drawn = JoinedText(), DrawnSyllables(width).draw

    def write(self, text: str, style: str = "") -> None:
        """Append to the text; on a terminal in a style, an escape sequence that is reset after."""
        if self._encoding is not None:
            shown = self._shown(text)
            styled = f"{style}{shown}{_NO_STYLE}" if style else shown
            self._stream.write(styled.encode(self._encoding, "replace"))
            self._stream.flush()
            return
        self._stream.write((self._joined.add(text) if self._joined else text).encode())
        now = monotonic()
        if now - self._flushed >= _FLUSH_INTERVAL:
            self._stream.flush()
            self._flushed = now

    def close(self) -> None:
        """Write buffered text; on a terminal, end the last line before the prompt."""
        if self._encoding is not None and self._tail and not self._tail.endswith("\n"):
            self._stream.write(b"\n")
        if self._encoding is None and self._joined:
            self._stream.write(self._joined.close().encode())
        self._stream.flush()

    def _shown(self, text: str) -> str:
        """Return the text made safe, as a continuation of the text before.

        `safe_signs` limits the combining marks on one character, so it also gets the last 16
        characters that were shown.
        """
        shown = safe_signs(self._tail + text)[len(self._tail) :]
        self._tail = (self._tail + shown)[-16:]
        return self._drawn(shown)


class DrawnSyllables:
    """Draws a text of jamo on a terminal: a growing syllable is overwritten in its two cells."""

    def __init__(self, width: Callable[[], int] | None = None) -> None:
        """Start at column 0; `width` returns the terminal's columns, None asks the system."""
        # a serial line reports 0 columns: then rows are not wrapped
        self._width = width or (lambda: os.get_terminal_size().columns or sys.maxsize)
        self._cells = lazy.cell_len
        self._growing = ""
        """The jamo of the syllable before the cursor."""
        self._column = 0

    def draw(self, text: str) -> str:
        """Return the characters to send for the next piece of text, which is safe but for jamo."""
        return "".join(map(self._sent, text))

    def _sent(self, character: str) -> str:
        grown = self._growing + character
        if self._growing and len(joined := join_syllables(grown)) == 1 and is_jamo(character):
            self._growing = grown
            # after the last column terminals place the cursor differently: address the column
            is_last = self._column == self._width()
            return (f"\x1b[{self._column - 1}G" if is_last else "\x1b[2D") + joined
        is_open = character in INITIALS or is_open_syllable(character)
        self._growing = character if is_open else ""
        shown = shown_hangul(character)
        self._advance(shown)
        return shown

    def _advance(self, shown: str) -> None:
        if shown == "\n":
            self._column = 0
        elif shown == "\t":
            self._column = min(self._column // _TAB * _TAB + _TAB, self._width() - 1)
        else:
            for sign in shown:
                cells = self._cells(sign)
                self._column += cells
                if self._column > self._width():  # wrapped to the next row
                    self._column = cells


@contextmanager
def text_output() -> Iterator[TextOutput]:
    """Open standard output for a text; Ctrl-C ends the context, and `is_interrupted` is then true.

    Raises:
        StorageError: If standard output is closed or cannot be written.
    """
    if sys.stdout is None:
        raise StorageError("Standard output is closed: the text cannot be written.")
    encoding = sys.stdout.encoding if stdout_is_terminal() else None
    output = TextOutput(sys.stdout.buffer, terminal_encoding=encoding)
    try:
        try:
            yield output
        except KeyboardInterrupt:
            output.is_interrupted = True
        finally:
            output.close()
    except BrokenPipeError:  # the reader has closed the pipe, as `head` does
        _discard(sys.stdout)
        output.is_interrupted = False
    except OSError as error:
        _discard(sys.stdout)
        raise _refused_output(error) from error


def exit_code_of(work: Callable[[], int | None]) -> int:
    """Run a command, print its error, and return its exit code; `work` may return None for 0.

    If the reader of standard output closes it, as `head` does, the exit code is 0.
    """
    try:
        return work() or int(ExitCode.OK)
    except CharRNNError as error:
        print_message(*(f"charrnn-tui: {line}" for line in error.lines))
        return int(error.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # for which Typer exits with 1
            _discard(sys.stdout)
            return int(ExitCode.OK)
        return end.code if isinstance(end.code, int) else int(ExitCode.UNEXPECTED)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  the last handler: log, print, exit with 1
        return int(_report_unexpected(error))


def _report_unexpected(error: Exception) -> ExitCode:
    """Print an unexpected exception, or its cause if it is a known one; return the exit code."""
    if isinstance(error, BrokenPipeError):
        return ExitCode.OK
    if isinstance(error, OSError) and _is_from_echo(error):
        _discard(sys.stdout)
        print_message(f"charrnn-tui: {_refused_output(error)}")
        return ExitCode.CANNOT_SAVE
    if isinstance(error, FileNotFoundError) and _is_folder_gone():
        print_message(
            "charrnn-tui: The current folder was removed or moved. Change to another folder."
        )
        return ExitCode.DATA
    print_message(*report_crash(error, state_folder()).splitlines())
    return ExitCode.UNEXPECTED


def _is_folder_gone() -> bool:
    """Return whether the working directory was removed, so that relative paths fail."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _is_from_echo(error: Exception) -> bool:
    """Return whether Typer raised it while printing the help or completions."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and frame.tb_frame.f_code.co_name == "echo"
