"""Data goes to standard output, messages to standard error, and both are safe on a terminal."""

import io
import math

import pytest

from tui_charrnn.cli import output
from tui_charrnn.errors import StorageError


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def take_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Replace standard output and error by terminals; no fixture, as pytest would replace them."""
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    return stream


def test_data_is_exact_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_data("a\x1b[31m")
    assert capsys.readouterr().out == "a\x1b[31m\n"


def test_data_is_safe_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = take_terminal(monkeypatch)
    output.print_data("a\x1b[31m")
    assert terminal.getvalue() == "a␛[31m\n"


def test_messages_are_always_safe(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_message("a\x1b[31m")
    assert capsys.readouterr() == ("", "a␛[31m\n")


def test_a_terminal_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    take_terminal(monkeypatch)
    assert output.stdout_is_terminal()
    assert output.stderr_is_terminal()


def test_a_dumb_terminal_redraws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    take_terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    assert not output.stderr_is_terminal()


@pytest.mark.parametrize(
    ("environment", "has_styles", "has_colors"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "linux", "NO_COLOR": ""}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": ""}, False, False),
    ],
)
def test_styles_and_colors_are_used_where_they_are_known_and_wanted(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    has_styles: bool,
    has_colors: bool,
) -> None:
    take_terminal(monkeypatch)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert output.stdout_has_styles() == has_styles
    assert output.stdout_has_colors() == has_colors


def test_a_pipe_has_no_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert not output.stdout_has_styles()
    assert not output.stdout_has_colors()


def test_numbers_that_json_lacks_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"a": [1.5, math.inf], "b": (math.nan, "c", None), "d": True})
    assert capsys.readouterr().out == '{"a": [1.5, null], "b": [null, "c", null], "d": true}\n'


def test_closed_streams_are_no_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stdout", closed)
    monkeypatch.setattr("sys.stderr", None)
    assert not output.stdout_is_terminal()
    assert not output.stderr_is_terminal()
    output.print_message("not written")


class Refusing(io.StringIO):
    """A stream on which every write fails."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


def test_a_message_that_cannot_be_written_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Refusing(BrokenPipeError()))
    output.print_message("not written")


@pytest.mark.parametrize(
    ("error", "expected"),
    [(BrokenPipeError(), BrokenPipeError), (OSError(28, "No space left on device"), StorageError)],
)
def test_data_that_cannot_be_written_is_an_error(
    monkeypatch: pytest.MonkeyPatch, error: OSError, expected: type[Exception]
) -> None:
    monkeypatch.setattr("sys.stdout", Refusing(error))
    with pytest.raises(expected):
        output.print_data("not written")


def test_the_app_needs_both_a_keyboard_and_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    take_terminal(monkeypatch)
    monkeypatch.setattr("sys.stdin", Terminal())
    assert output.has_terminal()
    monkeypatch.setattr("sys.stdin", None)
    assert not output.has_terminal()
    assert output.stdin_bytes() is None


def test_progress_is_printed_once_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress_bar("Downloading a text") as progress:
        progress(1, 3)
        progress(3, 3)
    assert capsys.readouterr() == ("", "Downloading a text ...\n")


def test_nothing_is_printed_without_work(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress_bar("Downloading a text"):
        pass
    assert capsys.readouterr() == ("", "")


def test_progress_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = take_terminal(monkeypatch)
    with output.progress_bar("Downloading [red]a\x07") as progress:
        progress(1_500_000, 3_000_000)
    assert "Downloading [red]a␇" in terminal.getvalue()
    assert "\x07" not in terminal.getvalue()


def test_what_is_not_counted_in_bytes_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = take_terminal(monkeypatch)
    with output.progress_bar("Trying 200 places", in_bytes=False) as progress:
        progress(50, 200)
    assert "25 %" in terminal.getvalue()
    assert "bytes" not in terminal.getvalue()


def test_an_unused_bar_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = take_terminal(monkeypatch)
    with output.progress_bar("Downloading a text"):
        pass
    assert not terminal.getvalue().strip()


def test_a_failure_passes_through_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    take_terminal(monkeypatch)

    def fail() -> None:
        with output.progress_bar("Downloading") as progress:
            progress(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
