"""The command `config`, and the settings as other commands take them."""

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest

from tests.support.fake_run import fake_run
from tests.support.faulty_disk import in_place
from tests.support.full_disk import FullDisk
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.cli import main, opening
from tui_charrnn.cli.main import run
from tui_charrnn.folders import default_runs_folder
from tui_charrnn.preferences import Preferences, preferences_file


@pytest.fixture
def file(isolated_home: Path) -> Path:
    """The user's settings file, in an existing folder."""
    path = preferences_file()
    assert isolated_home in path.parents
    path.parent.mkdir(parents=True)
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert run(list(arguments)) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_path_names_the_file_and_how_to_create_it(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(capsys, "config", "path")
    assert out == f"{preferences_file()}\n"
    assert "config init" in err
    assert not preferences_file().exists()


def test_another_file_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHARRNN_CONFIG", str(tmp_path / "other.toml"))
    (tmp_path / "other.toml").write_text("pace = 7\n", encoding="utf-8")
    assert shown(capsys, "config", "path") == (f"{tmp_path / 'other.toml'}\n", "")
    facts = json.loads(shown(capsys, "config", "show", "--json")[0])
    assert facts["settings"]["pace"] == {"value": 7, "origin": "file"}


def test_init_writes_a_file_once(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(capsys, "config", "init")
    path = Path(out.strip())
    assert path == preferences_file()
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"keys": {}}
    path.write_text("pace = 7\n", encoding="utf-8")
    _, err = shown(capsys, "config", "init", code=2)
    assert "already exists" in err
    assert path.read_text(encoding="utf-8") == "pace = 7\n"


def test_init_reports_where_it_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHARRNN_CONFIG", str(tmp_path / "file" / "config.toml"))
    _, err = shown(capsys, "config", "init", code=6)
    assert "file exists" in err
    assert "CHARRNN_CONFIG names another file." in err


def test_a_full_disk_leaves_no_empty_file(capsys: pytest.CaptureFixture[str]) -> None:
    preferences_file().parent.mkdir(parents=True)
    disk = FullDisk()
    disk.is_full = True
    with in_place(disk):
        assert "no space left" in shown(capsys, "config", "init", code=6)[1]
    assert list(preferences_file().parent.iterdir()) == []
    shown(capsys, "config", "init")


def test_only_the_user_can_read_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    before = os.umask(0)
    try:
        shown(capsys, "config", "init")
    finally:
        os.umask(before)
    path = preferences_file()
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]


def test_show_prints_every_value_and_its_origin(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("temperature = 0.5\ntop_k = 3\n[keys]\n'text.more' = 'f10'", encoding="utf-8")
    monkeypatch.setenv("CHARRNN_PACE", "max")
    out, err = shown(capsys, "config", "show")
    rows = [line.split(maxsplit=2) for line in out.splitlines()]
    assert ["temperature", "0.5", "file"] in rows
    assert ["pace", "max", "environment CHARRNN_PACE"] in rows
    assert ["top_k", "3", "file"] in rows
    assert ["mouse", "true", "default"] in rows
    assert ["keys.text.more", "f10", "file"] in rows
    assert [row[0] for row in rows if not row[0].startswith("keys.")] == list(Preferences.bounds())
    assert err == ""


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        (("", "", ""), ["theme", "ember", "default"]),
        (("", "", "paper"), ["theme", "paper", "chosen in the app"]),
        (("", "nord", "paper"), ["theme", "nord", "TEXTUAL_THEME"]),
        (("paper", "nord", ""), ["theme", "paper", "file"]),
        (("nosuch", "", "paper"), ["theme", "paper", "chosen in the app"]),
        (("nosuch", "nord", ""), ["theme", "ember", "default"]),
    ],
)
def test_the_theme_that_the_app_uses_is_shown(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    asked: tuple[str, str, str],
    row: list[str],
) -> None:
    wanted, variable, kept = asked
    file.write_text(f"theme = '{wanted}'" if wanted else "", encoding="utf-8")
    monkeypatch.setenv("TEXTUAL_THEME", variable)
    monkeypatch.setattr("tui_charrnn.tui.theme.themes.remembered_theme", lambda: kept)
    out, _ = shown(capsys, "config", "show")
    assert row in [line.split(maxsplit=2) for line in out.splitlines()]


def test_each_problem_of_the_file_has_a_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("temperature = 900\nbogus = 1\n[keys]\n'run.train' = 'zz'", encoding="utf-8")
    _, err = shown(capsys, "config", "show", code=2)
    lines = err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"charrnn-tui: {file}: ") for line in lines)


def test_show_gives_programs_one_document(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("pace = 'max'\n[keys]\n'text.more' = ['f10', 'f11']", encoding="utf-8")
    facts = json.loads(shown(capsys, "config", "show", "--json")[0])
    assert facts["file"] == str(file)
    assert facts["settings"]["pace"] == {"value": None, "origin": "file"}
    assert facts["keys"]["text.more"] == {"value": ["f10", "f11"], "origin": "file"}
    assert facts["keys"]["run.pause"] == {"value": ["f5"], "origin": "default"}


def test_show_prints_what_is_in_effect_despite_errors(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("pace = 0\ntop_k = 3\n[keys]\n'text.mor' = 'f10'", encoding="utf-8")
    out, err = shown(capsys, "config", "show", code=2)
    assert ["pace", "60", "default"] in [line.split() for line in out.splitlines()]
    assert f"{file}: pace must be" in err
    assert f"{file}: keys.text.mor: There is no action" in err


def test_a_foreign_value_is_made_safe_for_people(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text('model = "\\u001b[31mred"', encoding="utf-8")
    out, _ = shown(capsys, "config", "show")
    assert "\x1b" not in out
    assert "␛[31mred" in out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("run_dir = 'x'", "There is no setting 'run_dir'. Did you mean 'runs_dir'?"),
        ("runs_dir = 3", "runs_dir must be a text, or none. Received: 3."),
        ("runs_dir = ", "is not valid TOML"),
    ],
)
@pytest.mark.parametrize("command", [["runs"], ["train", "--headless", "pydoc"], ["generate"]])
def test_a_command_refuses_a_broken_file(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    sentence: str,
    command: list[str],
) -> None:
    monkeypatch.delenv("CHARRNN_RUNS")
    file.write_text(text, encoding="utf-8")
    out, err = shown(capsys, *command, code=2)
    assert out == ""
    assert str(file) in err
    assert sentence in err


def test_a_named_folder_of_runs_needs_no_file(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("no TOML", encoding="utf-8")
    shown(capsys, "runs")  # set by CHARRNN_RUNS
    shown(capsys, "runs", "--runs-dir", str(tmp_path))


def test_the_folder_of_the_runs_can_be_set(
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CHARRNN_RUNS")
    run_of_file, run_of_flag = (
        fake_run(tmp_path / "one", name="a"),
        fake_run(tmp_path / "two", name="b"),
    )
    file.write_text(f"runs_dir = {str(run_of_file.path.parent)!r}", encoding="utf-8")
    assert json.loads(shown(capsys, "runs", "--json")[0])[0]["name"] == "a"
    flag = str(run_of_flag.path.parent)
    assert json.loads(shown(capsys, "runs", "--json", "--runs-dir", flag)[0])[0]["name"] == "b"


def test_generate_uses_the_settings_unless_an_option_overrides_them(
    file: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def text(*options: str) -> bytes:
        assert run(["generate", "bad", "--rng-seed", "3", *options]) == 0
        return capfdbinary.readouterr().out

    model = tiny_model_file(tmp_path / "model.safetensors")
    plain = text("--model", str(model), "-n", "40")
    cold = text("--model", str(model), "-n", "40", "-t", "0")
    limited = text("--model", str(model), "-n", "40", "--top-k", "2")
    assert len({plain, cold, limited}) == 3
    file.write_text(
        f"model = {str(model)!r}\nlength = 40\ntemperature = 0\ntop_k = 2", encoding="utf-8"
    )
    assert text() == cold
    assert text("-t", "0.8") == limited
    assert text("-t", "0.8", "--top-k", "none") == plain
    assert len(text("-n", "7")) == len("bad") + 7


@pytest.mark.parametrize("arguments", [[], ["attach", "fake"]])
def test_the_app_opens_with_a_broken_file(
    file: Path, isolated_home: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    opened: list[object] = []

    def open_app(**options: object) -> int:
        opened.append(options["runs_folder"])
        return 0

    monkeypatch.delenv("CHARRNN_RUNS")
    fake_run(default_runs_folder())
    file.write_text("no TOML", encoding="utf-8")
    monkeypatch.setattr(opening, "require_app_terminal", lambda: None)
    monkeypatch.setattr("tui_charrnn.tui.app.run_app", open_app)
    assert main.run(arguments) == 0
    assert opened == [default_runs_folder()]
