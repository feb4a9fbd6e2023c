"""Suggested commands can be typed unchanged."""

from pathlib import Path

import pytest

from tui_charrnn.invocation import command


def test_where_the_shell_finds_it_its_name_is_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "charrnn-tui"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", [str(program)])
    assert command("resume", "first") == "charrnn-tui resume first"


def test_elsewhere_it_is_the_path_that_it_was_started_by(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(tmp_path / ".venv" / "bin" / "charrnn-tui")])
    assert command("runs") == ".venv/bin/charrnn-tui runs"
    monkeypatch.setattr("sys.argv", ["charrnn-tui"])
    assert command("runs") == "./charrnn-tui runs"
    monkeypatch.setattr("sys.argv", ["/opt/bin/charrnn-tui"])
    assert command("runs") == "/opt/bin/charrnn-tui runs"


def test_names_are_quoted_where_a_shell_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["pytest"])
    assert command("stop", "my run [b]") == "charrnn-tui stop 'my run [b]'"
