"""`charrnn-tui --tape`: the app opens with a tape."""

from pathlib import Path

import pytest

from tui_charrnn.cli import main, opening
from tui_charrnn.errors import ExitCode


def test_the_app_opens_with_the_tape_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    def open_app(**options: object) -> int:
        opened.append(options["tape"])
        return 0

    monkeypatch.setattr(opening, "require_app_terminal", lambda: None)
    monkeypatch.setattr("tui_charrnn.tui.app.run_app", open_app)
    tape = tmp_path / "tape.json"
    tape.write_text("{}")
    assert main.run(["--tape", str(tape)]) == 0
    assert main.run(["--model", "shakespeare"]) == 0
    assert opened == [tape, None]


def test_a_tape_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["--tape", str(tmp_path / "no\x1b[31mne.json")]) == ExitCode.DATA
    told = capsys.readouterr().err
    assert "--tape cannot be read: there is no file" in told
    assert "no␛[31mne.json" in told
