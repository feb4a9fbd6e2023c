"""Checking the values of the form, and starting a run."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.form_app import idle_task
from tui_charrnn.config import TrainingConfig, format_length
from tui_charrnn.errors import CharRNNError, ConfigError, CorpusError, StorageError
from tui_charrnn.presets import PRESETS
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.lifecycle import NameTakenError
from tui_charrnn.runs.reader import read_description
from tui_charrnn.settings import Problem, SettingError
from tui_charrnn.training.creation import make_run
from tui_charrnn.tui.background import CancelledError
from tui_charrnn.tui.new_run import screen as new_run
from tui_charrnn.tui.new_run.form_values import (
    CorpusChoice,
    FormError,
    FormValues,
    NewRun,
    check_form,
)
from tui_charrnn.tui.new_run.screen import problems_of_start, start_run


def ignore_progress(done: int, total: int | None) -> None:
    pass


def refuse_to_launch(run: RunDirectory) -> "subprocess.Popen[bytes]":
    raise AssertionError("nothing may be launched")


def requested(corpus: str, **fields: Any) -> NewRun:
    """A run of the preset `tiny`."""
    choice = CorpusChoice((corpus,) if corpus else ())
    return check_form(FormValues(corpus=choice, preset="tiny", **fields), taken={"taken"})


@pytest.fixture
def wanted(tmp_path: Path) -> NewRun:
    """A run of seven steps on a text that is long enough."""
    path = tmp_path / "text.txt"
    path.write_text("abcdefg hijk\n" * 400, encoding="utf-8")
    return requested(str(path), length="7 steps", name="mine")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("5m", {"train_time": 300.0}),
        ("1h30m", {"train_time": 5400.0}),
        ("10 epochs", {"epochs": 10.0}),
        ("1 epoch", {"epochs": 1.0}),
        ("0.5 epochs", {"epochs": 0.5}),
        ("2000 steps", {"steps": 2000}),
        ("2,000 STEPS", {"steps": 2000}),
        ("3steps", {"steps": 3}),
    ],
)
def test_a_length_is_a_time_or_a_count(typed: str, expected: dict[str, float]) -> None:
    training = requested("a.txt", length=f"  {typed} ").training
    lengths = {name: getattr(training, name) for name in TrainingConfig.LENGTHS}
    assert {name: value for name, value in lengths.items() if value is not None} == expected


def test_an_empty_length_is_the_preset_s_own() -> None:
    assert requested("a.txt", length=" ").training == PRESETS["tiny"].training


@pytest.mark.parametrize("typed", ["soon", "-3m", "0 epochs", "1.5 steps", "12", "0s", "9 years"])
def test_an_invalid_length_is_explained(typed: str) -> None:
    with pytest.raises(FormError) as caught:
        requested("a.txt", length=typed)
    assert list(caught.value.problems) == ["length"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("90s", "1m30s"), ("10 epochs", "10 epochs"), ("2000 steps", "2,000 steps")],
)
def test_a_length_is_formatted_as_it_is_typed(typed: str, expected: str) -> None:
    assert format_length(requested("a.txt", length=typed).training) == expected


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"corpus": ""}, {"corpus"}),
        ({"length": "soon"}, {"length"}),
        ({"name": "a/b"}, {"name"}),
        ({"name": ".."}, {"name"}),
        ({"settings": {"batch_size": "many"}}, {"batch_size"}),
        ({"name": "taken", "length": "soon"}, {"name", "length"}),
        (
            {"settings": {"batch_size": "0", "dropout": "1", "cell": "cnn"}, "name": "a/b"},
            {"batch_size", "dropout", "cell", "name"},
        ),
        ({"settings": {"tied_output": "true"}}, {"tied_output"}),
    ],
)
def test_every_mistake_is_reported_at_its_field(fields: dict[str, Any], problems: set[str]) -> None:
    with pytest.raises(FormError) as caught:
        requested(**{"corpus": "a.txt", **fields})
    assert set(caught.value.problems) == problems


def test_a_run_is_created_from_the_form_and_launched(tmp_path: Path, wanted: NewRun) -> None:
    launched: list[RunDirectory] = []

    def launch(run: RunDirectory) -> "subprocess.Popen[bytes]":
        launched.append(run)
        return subprocess.Popen([sys.executable, "-c", ""])

    run, trainer = start_run(wanted, tmp_path / "runs", launch, ignore_progress, idle_task())
    trainer.wait()
    description = read_description(run)
    assert launched == [run]
    assert (run.name, description.preset, description.training.steps) == ("mine", "tiny", 7)
    assert set(description.vocabulary) == set("abcdefg hijk\n")


def test_a_text_that_is_too_short_creates_no_run(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("too short", encoding="utf-8")
    new = requested(str(path))

    with pytest.raises(CorpusError):
        start_run(new, tmp_path / "runs", refuse_to_launch, ignore_progress, idle_task())
    assert not list((tmp_path / "runs").glob("*"))


def test_the_home_of_an_unknown_user_is_explained(tmp_path: Path) -> None:
    new = requested("~nosuchuser/x.txt")
    with pytest.raises(CorpusError, match=r"~nosuchuser/x\.txt"):
        start_run(new, tmp_path / "runs", refuse_to_launch, ignore_progress, idle_task())


def test_a_cancel_before_the_text_is_read_creates_no_run(tmp_path: Path, wanted: NewRun) -> None:
    task = idle_task()
    assert task.cancel()
    with pytest.raises(CancelledError):
        start_run(wanted, tmp_path / "runs", refuse_to_launch, ignore_progress, task)
    assert not (tmp_path / "runs").exists()


def test_a_cancel_while_the_folder_is_created_removes_it(
    tmp_path: Path, wanted: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, made = idle_task(), list[RunDirectory]()

    def create_and_cancel(*arguments: Any) -> RunDirectory:
        made.append(make_run(*arguments))
        task.cancel()
        return made[0]

    monkeypatch.setattr(new_run, "make_run", create_and_cancel)
    with pytest.raises(CancelledError):
        start_run(wanted, tmp_path / "runs", refuse_to_launch, ignore_progress, task)
    assert len(made) == 1
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_trainer_that_cannot_be_started_leaves_no_run(tmp_path: Path, wanted: NewRun) -> None:
    def launch(run: RunDirectory) -> "subprocess.Popen[bytes]":
        raise StorageError("no process can be started")

    with pytest.raises(StorageError):
        start_run(wanted, tmp_path / "runs", launch, ignore_progress, idle_task())
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_started_trainer_can_no_longer_be_cancelled(tmp_path: Path, wanted: NewRun) -> None:
    task = idle_task()

    def launch(run: RunDirectory) -> "subprocess.Popen[bytes]":
        assert not task.cancel()
        return subprocess.Popen([sys.executable, "-c", ""])

    _, trainer = start_run(wanted, tmp_path / "runs", launch, ignore_progress, task)
    trainer.wait()
    task.check()


def test_without_tensorflow_no_run_is_created(
    wanted: NewRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="Training needs tensorflow and keras, not installed"):
        start_run(wanted, tmp_path / "runs", refuse_to_launch, ignore_progress, idle_task())
    assert not (tmp_path / "runs").exists()


def test_a_failed_start_is_reported_at_the_field_at_fault() -> None:
    conflict = SettingError([Problem("batch_size", "must be smaller.")])
    errors: list[tuple[CharRNNError | OSError, dict[str, str]]] = [
        (NameTakenError("Taken."), {"name": "Taken."}),
        (CorpusError("Too short."), {"corpus": "Too short."}),
        (ConfigError("TensorFlow is missing."), {"form": "TensorFlow is missing."}),
        (conflict, {"batch_size": "batch size must be smaller."}),
    ]
    for error, problems in errors:
        assert problems_of_start(error) == problems
