"""`train --from` and `resume --more-steps`: errors, and reports on such runs."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.fake_run import created_run, fake_run
from tests.support.small_run import of_kind
from tests.support.tiny_model import tiny_model_bytes
from tests.support.trainer_process import start_trainer
from tui_charrnn.cli import launching, main
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import RunExtended

SAVED = "trainer.start(); trainer.train(3.0); trainer.save(2.0); trainer.end('saved')"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs folder beside a text and a model; trainers save their first step and exit."""
    (tmp_path / "new.txt").write_text("a bad cab, a fab jab: Ä\n" * 99, encoding="utf-8")
    (tmp_path / "old.safetensors").write_bytes(tiny_model_bytes())

    def launch(run: RunDirectory, *_: str) -> "subprocess.Popen[bytes]":
        return start_trainer(run, SAVED)

    monkeypatch.setattr(launching, "launch_trainer", launch)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def train(runs: Path, *options: str) -> int:
    words = ["train", "new.txt", "--headless", "--preset", "tiny", "--runs-dir", str(runs)]
    return main.run([*words, "--from", "old.safetensors", *options])


def test_the_starting_model_is_shown_everywhere(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(runs, "--name", "tuned")
    printed = capsys.readouterr().err
    assert "From       old, 3 characters added: , : Ä" in printed
    run = RunDirectory(runs / "tuned")
    origin = read_description(run).origin
    assert origin is not None
    main.run(["runs", "show", "tuned", "--runs-dir", str(runs)])
    shown = capsys.readouterr().out
    assert "from        old, " in shown
    assert f"{origin.path}, sha256 {origin.sha256[:12]}" in shown
    main.run(["runs", "show", "tuned", "--runs-dir", str(runs), "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert facts["from"] == "old"
    assert facts["description"]["origin"]["sha256"] == origin.sha256


def test_the_model_may_be_missing_when_a_job_resumes(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--name", "job", "--resume", "auto"]
    train(runs, *options)
    Path("old.safetensors").unlink()
    capsys.readouterr()
    assert train(runs, *options) != 3
    printed = capsys.readouterr().err
    assert "no model file" not in printed
    assert train(runs, *options, "--hidden-size", "9") == 2
    assert "the model old has 5" in capsys.readouterr().err
    assert train(runs) == 3
    assert "There is no model file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--cell", "gru"], "--cell is gru, but the model old has lstm"),
        (["--layer-count", "2"], "--layer-count is 2, but the model old has 1"),
        (["--embedding-size", "9"], "--embedding-size is 9, but the model old has 3"),
        (["--direction", "both"], "--direction is both, but the model old has forward"),
        (["--units", "jamo"], "--units is jamo, but the model old has characters"),
    ],
)
def test_what_contradicts_the_model_is_refused(
    runs: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert train(runs, *options) == 2
    assert words in capsys.readouterr().err
    assert not runs.exists()


def resume(run: RunDirectory, *options: str) -> int:
    return main.run(["resume", str(run.path), "--headless", *options])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--more-steps", "0"], "--more-steps must be at least 1"),
        (["--more-time", "-1m"], "--more-time must be a time above 0"),
        (["--more-epochs", "few"], "--more-epochs must be above 0"),
        (["--more-steps", "5", "--more-time", "1m"], "--more-steps 5 and --more-time 1m"),
    ],
)
def test_an_invalid_amount_is_refused(
    runs: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    run = fake_run(runs, evaluations={3: 2.2})
    assert resume(run, *options) == 2
    assert words in capsys.readouterr().err
    assert not of_kind(run, RunExtended)


def test_a_run_that_is_not_finished_is_refused(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = created_run(runs)
    assert resume(fake_run(runs, name="left", end="stopped"), "--more-steps", "5") == 2
    assert "Finish it first: charrnn-tui resume" in capsys.readouterr().err
    assert resume(run, "--more-steps", "5") in {2, 5}


def test_an_extension_is_printed_recorded_and_shown(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fake_run(runs, evaluations={3: 2.2})
    resume(run, "--more-steps", "7")
    words = "Extended by 7 steps to 10; the rate rises to"
    assert words in capsys.readouterr().err
    (extended,) = of_kind(run, RunExtended)
    assert (extended.step, extended.total_steps) == (4, 10)
    main.run(["runs", "show", str(run.path)])
    shown = capsys.readouterr().out
    assert words in shown
    main.run(["runs", "show", str(run.path), "--json"])
    assert json.loads(capsys.readouterr().out)["extensions"][0]["total_steps"] == 10
