"""Where a command writes: data on standard output, narration on standard error, and how it ends."""

import contextlib
import io
import math
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

from tui_charrnn import __version__, lazy
from tui_charrnn.crash import report_crash
from tui_charrnn.errors import CharRNNError, ExitCode, StorageError
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
from tui_charrnn.settings import SettingError

if TYPE_CHECKING:
    from tui_charrnn.text.cache import Progress


_FLUSH_INTERVAL: Final = 0.1
"""Seconds that a program reading the text waits for news at most."""
_NO_STYLE: Final = "\x1b[0m"
_COLUMN_GAP: Final = "  "
"""Between two columns of a table."""
_MIN_PICTURE_WIDTH: Final = 40  # columns
_TAB: Final = 8
"""Columns between two tab stops of a terminal."""


def prepare_streams() -> None:
    r"""Let no character fail on standard output or error in any locale.

    What it lacks is written as an escape such as `\xe9`. The bytes that `generate` writes go past
    this.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_version() -> int:
    """Print which version this is; the result is the exit code."""

    def work() -> None:
        with contextlib.suppress(BrokenPipeError):
            print_data(f"charrnn-tui {__version__}")

    return exit_code_of(work)


def has_terminal() -> bool:
    """Whether a person can both see and type, as the app needs."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stdout)


def stdin_bytes() -> BinaryIO | None:
    """Standard input, or None where there is none, as in a daemon or after `<&-`."""
    return getattr(sys.stdin, "buffer", None)


def stdout_is_terminal() -> bool:
    """Whether standard output is read by a person rather than by a program."""
    return _is_terminal(sys.stdout)


def stdout_has_styles() -> bool:
    """Whether standard output is a terminal that knows escape sequences."""
    return stdout_is_terminal() and os.environ.get("TERM", "") not in {"", "dumb"}


def stdout_has_colors() -> bool:
    """Whether it has, and colors are wanted."""
    return stdout_has_styles() and not os.environ.get("NO_COLOR")


def stderr_is_terminal() -> bool:
    """Whether standard error is a terminal that can redraw a line."""
    return _is_terminal(sys.stderr) and os.environ.get("TERM", "") != "dumb"


def send_to_terminal(sequence: str) -> None:
    """Send a sequence of control characters, if standard error is a terminal that may know it."""
    if stderr_is_terminal():
        _write(sys.stderr, sequence)


def print_message(*lines: str) -> None:
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
        _discard(sys.stdout)
        raise
    except OSError as error:
        _discard(sys.stdout)
        raise _refused_output(error) from error


def print_json(document: object) -> None:
    """Print a JSON document on a line; a number that JSON lacks, such as infinity, is null."""
    try:
        text = lazy.dumps(document, allow_nan=False)
    except ValueError:
        text = lazy.dumps(_with_nulls(document))
    print_data(text)


def _with_nulls(value: object) -> object:
    """A JSON value with null in place of numbers that are not finite."""
    if isinstance(value, Mapping):
        return {name: _with_nulls(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _refused_output(error: OSError) -> StorageError:
    """The error where standard output cannot be written."""
    return StorageError(f"Cannot write to standard output: {error.strerror or error}.")


def discard_terminal_output() -> None:
    """Discard what is written to a terminal that was closed; files and pipes stay."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # none, closed, not a file
            if stat.S_ISCHR(os.fstat(stream.fileno()).st_mode):  # closed, it is no tty any more
                _discard(stream)


@contextmanager
def progress_bar(task: str, *, in_bytes: bool = True) -> Iterator["Progress"]:
    """Show how a piece of work advances, on standard error.

    Nothing appears before the first report, so finished work is silent. Without a terminal the
    first report narrates the task, once.

    It counts bytes, or else in percent; `task` is as in `Downloading tiny Shakespeare`.

    Yields:
        A function that takes how many are done and, if it is known, how many there are.
    """
    if stderr_is_terminal():
        yield from _drawn_bar(task, in_bytes=in_bytes)
    else:
        yield _announced_once(task)


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


def _announced_once(task: str) -> "Progress":
    is_told = False

    def report(_done: int, _total: int | None) -> None:
        nonlocal is_told
        if not is_told:
            print_message(f"{task} ...")
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


def picture_width() -> int:
    """Columns that there are to draw in."""
    return max(_MIN_PICTURE_WIDTH, shutil.get_terminal_size().columns)


def draws_ascii(*, is_asked: bool) -> bool:
    """Whether signs are drawn in ASCII, by an option or by the settings."""
    return resolve({"ascii": is_asked or None}, wanted=["ascii"]).checked().ascii


def print_picture(rows: Iterable[str], *, is_ascii: bool) -> None:
    """Print rows that are safe for a terminal; in ASCII if asked, or by the settings."""
    is_ascii = draws_ascii(is_asked=is_ascii)
    for row in rows:
        print_data((lazy.in_ascii(row) if is_ascii else row).rstrip())


def table_lines(rows: Sequence[Sequence[str]], cut: int = 0, least: int = 8) -> Iterator[str]:
    """A line for each row; rows are of equal length and safe to show, the headings first.

    Where the whole is too wide for a terminal, one column is `cut`, to so many columns at `least`.
    """
    widths = [max(map(lazy.cell_len, column)) for column in zip(*rows, strict=True)]
    if stdout_is_terminal():
        gaps = len(_COLUMN_GAP) * (len(widths) - 1)
        left = shutil.get_terminal_size().columns - sum(widths) + widths[cut] - gaps
        widths[cut] = min(widths[cut], max(least, left))
    return (_COLUMN_GAP.join(map(lazy.fitted, row, widths)).rstrip() for row in rows)


class TextOutput:
    """Standard output as a text that grows.

    In a pipe the bytes are exactly the text in UTF-8, in any locale, flushed at once
    first and then a few times a second. On a terminal every piece appears at once, made harmless.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        terminal_encoding: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write to a stream; the encoding is None if it is no terminal, the clock in seconds."""
        self._stream = stream
        self._encoding = terminal_encoding
        self._clock = clock
        self._flushed = -math.inf
        self._tail = ""
        self._joined: JoinedText | None = None
        self._drawn: Callable[[str], str] = shown_hangul

    def join_syllables(self, width: Callable[[], int] | None = None) -> None:
        """Join jamo to syllables; `width` gives a terminal's columns, None asks the system."""
        self._joined, self._drawn = JoinedText(), DrawnSyllables(width).draw

    def write(self, text: str, style: str = "") -> None:
        """Add to the text; on a terminal in a style, an escape sequence, which ends with it."""
        if self._encoding is not None:
            shown = self._shown(text)
            styled = f"{style}{shown}{_NO_STYLE}" if style else shown
            self._stream.write(styled.encode(self._encoding, "replace"))
            self._stream.flush()
            return
        self._stream.write((self._joined.add(text) if self._joined else text).encode())
        now = self._clock()
        if now - self._flushed >= _FLUSH_INTERVAL:
            self._stream.flush()
            self._flushed = now

    def close(self) -> None:
        """Write out what is held back; on a terminal, leave the prompt a line of its own."""
        if self._encoding is not None and self._tail and not self._tail.endswith("\n"):
            self._stream.write(b"\n")
        if self._encoding is None and self._joined:
            self._stream.write(self._joined.close().encode())
        self._stream.flush()

    def _shown(self, text: str) -> str:
        """The text as `safe_text` shows it after what came before.

        Its bound on the marks piled on one character would never be reached by text that comes
        character by character, so the end of what was shown is shown to it again.
        """
        shown = safe_signs(self._tail + text)[len(self._tail) :]
        self._tail = (self._tail + shown)[-16:]
        return self._drawn(shown)


class DrawnSyllables:
    """Draws a text that comes in jamo: a syllable is written over in its two cells as it grows."""

    def __init__(self, width: Callable[[], int] | None = None) -> None:
        """Start at the left of a line; `width` gives the columns, None asks the system."""
        # a serial line reports no columns: then no row ends
        self._width = width or (lambda: os.get_terminal_size().columns or sys.maxsize)
        self._cells = lazy.cell_len
        self._growing = ""
        """The jamo of the syllable before the cursor."""
        self._column = 0

    def draw(self, text: str) -> str:
        """What the terminal is sent for some more of the text, which is safe but for its jamo."""
        return "".join(map(self._sent, text))

    def _sent(self, character: str) -> str:
        grown = self._growing + character
        if self._growing and len(joined := join_syllables(grown)) == 1 and is_jamo(character):
            self._growing = grown
            # behind the last column terminals differ in where the cursor waits
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
                if self._column > self._width():  # it went to the next row
                    self._column = cells


def write_text(work: Callable[[TextOutput], None]) -> bool:
    """Have `work` write to standard output; returns False if Ctrl-C interrupted it.

    Raises:
        StorageError: If standard output is closed or cannot be written.
    """
    if sys.stdout is None:
        raise StorageError("Standard output is closed: there is nowhere to write the text to.")
    encoding = sys.stdout.encoding if stdout_is_terminal() else None
    output = TextOutput(sys.stdout.buffer, terminal_encoding=encoding)
    is_complete = False
    try:
        try:
            work(output)
            is_complete = True
        except KeyboardInterrupt:
            pass
        finally:
            output.close()
    except BrokenPipeError:  # the reader has had enough, as `head` has
        _discard(sys.stdout)
        return True
    except OSError as error:
        _discard(sys.stdout)
        raise _refused_output(error) from error
    return is_complete


def exit_code_of(work: Callable[[], int | None]) -> int:
    """Run a command, which returns its exit code, None for 0, or raises; returns the exit code.

    A reader of standard output that closed it, as `head` does, is no error: the exit code is 0,
    also with `set -o pipefail`.
    """
    try:
        return work() or int(ExitCode.OK)
    except CharRNNError as error:
        print_message(*(f"charrnn-tui: {line}" for line in error_lines(error)))
        return int(error.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Typer's own answer to it is 1
            _discard(sys.stdout)
            return int(ExitCode.OK)
        return end.code if isinstance(end.code, int) else int(ExitCode.UNEXPECTED)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  the last line of defense: logged, told, exit 1
        return int(_report_unexpected(error))


def error_lines(error: CharRNNError) -> Sequence[str]:
    """What a command reports of an error, line by line; settings by the names of their options."""
    return [error.as_options()] if isinstance(error, SettingError) else error.lines


def _report_unexpected(error: Exception) -> ExitCode:
    """Tell of an exception that nobody expected, or that has a plain reason after all."""
    if isinstance(error, OSError) and _is_from_echo(error):
        _discard(sys.stdout)
        print_message(f"charrnn-tui: {_refused_output(error)}")
        return ExitCode.CANNOT_SAVE
    if isinstance(error, FileNotFoundError) and _is_folder_gone():
        print_message(
            "charrnn-tui: This folder is gone: it was removed or moved. Go to another one."
        )
        return ExitCode.DATA
    print_message(*report_crash(error, state_folder()).splitlines())
    return ExitCode.UNEXPECTED


def _is_folder_gone() -> bool:
    """Whether relative paths lead nowhere, as somebody removed the folder that this is run in."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _is_from_echo(error: Exception) -> bool:
    """Whether it was raised where Typer prints the help, or what completes a line."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_code.co_name == "echo"
