"""Options of the app: what it opens with, and how its text is sampled."""

from pathlib import Path
from typing import cast

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
    printed = capsys.readouterr().err
    assert "--tape cannot be read: there is no file" in printed
    assert "no␛[31mne.json" in printed


def test_settings_of_the_text_reach_the_app_as_those_of_generate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[dict[str, object]] = []

    def open_app(**options: object) -> int:
        opened.append(options)
        return 0

    monkeypatch.setattr(opening, "require_app_terminal", lambda: None)
    monkeypatch.setattr("tui_charrnn.tui.app.run_app", open_app)
    seed = tmp_path / "seed.txt"
    seed.write_text("To be")
    options = ["-t", "2.5", "--top-k", "7", "-n", "99", "--rng-seed", "3"]
    assert main.run([*options, "--seed-file", str(seed)]) == 0
    sampling = opened[0]["options"]
    assert isinstance(sampling, dict)
    given = {name: text for name, text in sampling.items() if text is not None}
    assert given == {"temperature": "2.5", "top_k": "7", "length": "99", "rng_seed": "3"}
    assert opened[0]["seed_file"] == seed
    assert main.run(["--forbid", ""]) == ExitCode.USAGE
    assert main.run(["--temperature", "101"]) == ExitCode.USAGE
    assert "--temperature must be at least 0 and at most 100" in capsys.readouterr().err


def test_the_language_is_chosen_for_the_app_and_the_tour_alike(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[tuple[object, object]] = []

    def open_app(**options: object) -> int:
        given = cast("dict[str, object]", options["options"])
        opened.append((given["language"], options.get("opens_tour")))
        return 0

    monkeypatch.setattr(opening, "require_app_terminal", lambda: None)
    monkeypatch.setattr("tui_charrnn.tui.app.run_app", open_app)
    assert main.run(["--language", "ko"]) == main.run(["learn", "--language", "EN"]) == 0
    assert opened == [("ko", None), ("EN", True)]
    assert main.run(["--language", "eo"]) == ExitCode.USAGE
    assert "one of auto, en, ko" in capsys.readouterr().err
