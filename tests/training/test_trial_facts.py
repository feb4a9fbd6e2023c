"""Timings are returned, cached, and found for settings of equal speed."""

import dataclasses
import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.folders import cache_folder
from tui_charrnn.runs import measurements
from tui_charrnn.runs.json_values import decode_json
from tui_charrnn.training import trial_facts
from tui_charrnn.training.nvidia import Card
from tui_charrnn.training.trial_facts import (
    Trial,
    TrialSettings,
    decode_result,
    encode_result,
    recall_trial,
    remember_trial,
    task_command,
)

MODEL = ModelConfig(cell="gru", embedding_size=5, hidden_size=24)
TRAINING = TrainingConfig(steps=3, batch_size=8, sequence_length=7, threads=2)
V, CHARACTERS = 31, 4_000
TRIAL = Trial(
    seconds_per_step=0.25,
    memory=600 << 20,
    device="processor, 2 threads",
    precision="float32",
    batch_size=8,
)


def remember(model: ModelConfig = MODEL, training: TrainingConfig = TRAINING) -> None:
    remember_trial(TRIAL, TrialSettings(model, training, V, CHARACTERS))


def recall(
    model: ModelConfig = MODEL,
    training: TrainingConfig = TRAINING,
    vocabulary_size: int = V,
    characters: int = CHARACTERS,
) -> Trial | None:
    return recall_trial(TrialSettings(model, training, vocabulary_size, characters))


def test_neither_numpy_nor_tensorflow_is_loaded() -> None:
    """The app requests timings before it has imported either."""
    code = "import sys, tui_charrnn.training.trial_facts; print(*sys.modules)"
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert "tui_charrnn.training.trial_facts" in completed.stdout.split()
    assert {"numpy", "tensorflow", "keras"}.isdisjoint(completed.stdout.split())


def test_settings_arrive_as_they_were_sent() -> None:
    *_, last = task_command("time", TrialSettings(MODEL, TRAINING, V, CHARACTERS).to_json())
    assert TrialSettings.from_json(last) == TrialSettings(MODEL, TRAINING, V, CHARACTERS)


def test_settings_that_are_not_allowed_are_refused() -> None:
    *_, last = task_command("time", TrialSettings(MODEL, TRAINING, V, CHARACTERS).to_json())
    with pytest.raises(ConfigError, match="hidden_size"):
        TrialSettings.from_json(last.replace('"hidden_size": 24', '"hidden_size": -1'))


def test_a_trial_is_one_line_and_read_as_it_was_written() -> None:
    line = encode_result(TRIAL)
    assert "\n" not in line
    assert decode_result(Trial, line + "\n") == TRIAL


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Killed",
        "[0.25]",
        "{}",
        encode_result(TRIAL) + "\n" + encode_result(TRIAL),
        encode_result(TRIAL).replace("0.25", "NaN"),
        encode_result(TRIAL).replace("0.25", "0.0"),
        encode_result(TRIAL).replace("0.25", '"fast"'),
        encode_result(TRIAL).replace('"batch_size": 8', '"batch_size": 0'),
    ],
)
def test_what_is_no_trial_is_refused(output: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_result(Trial, output)


def test_what_a_later_version_adds_is_passed_over() -> None:
    assert decode_result(Trial, '{"mood": "good", ' + encode_result(TRIAL)[1:]) == TRIAL


def test_nothing_is_known_before_it_was_timed() -> None:
    assert recall() is None


def test_what_was_timed_is_found_again() -> None:
    remember()
    assert recall() == TRIAL


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 0.5},
        {"evaluations": 3},
        {"steps": 5},
        {"rng_seed": 7},
        {"checkpoint_interval": 9.0},
    ],
)
def test_what_takes_no_time_makes_no_difference(change: dict[str, Any]) -> None:
    remember()
    assert recall(training=replace(TRAINING, **change)) == TRIAL


@pytest.mark.parametrize(
    "change",
    [
        {"sequence_length": 9},
        {"batch_size": 4},
        {"dropout": 0.5},
        {"recurrent_weight_dropout": 0.5},
        {"average_decay": 0.9},
        {"optimizer": "adam"},
        {"precision": "bfloat16"},
        {"threads": 1},
        {"steps": None, "train_time": 3600.0},
    ],
)
def test_what_takes_time_does(change: dict[str, Any]) -> None:
    """A run of an hour is compiled, one of 3 steps is not."""
    changed = replace(TRAINING, **change)
    assert changed != TRAINING
    remember()
    assert recall(training=changed) is None


@pytest.mark.parametrize(
    "change", [{"cell": "lstm"}, {"embedding_size": 6}, {"hidden_size": 25}, {"layer_count": 2}]
)
def test_so_does_another_network(change: dict[str, Any]) -> None:
    remember()
    assert recall(replace(MODEL, **change)) is None


def test_of_a_text_its_characters_matter_and_what_it_makes_of_the_batch() -> None:
    remember()
    assert recall(characters=2 * CHARACTERS) == TRIAL
    assert recall(characters=50) is None  # too short for 8 streams
    assert recall(vocabulary_size=V + 1) is None


def test_another_machine_has_not_timed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    remember()
    for name, value in {
        "processor_name": lambda: "Some other processor",
        "driver_cards": lambda: (Card("Some GPU"),),
    }.items():
        with monkeypatch.context() as patch:
            patch.setattr(trial_facts, name, value)
            assert recall() is None
    with monkeypatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "-1")
        assert recall() is None
    assert recall() == TRIAL


def test_a_text_that_is_too_short_was_never_timed() -> None:
    remember()
    assert recall(characters=3) is None


def test_what_was_kept_by_another_program_is_not_taken(isolated_home: Path) -> None:
    remember()
    (path,) = isolated_home.rglob("timings.json")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("0.25", "-0.25"), encoding="utf-8")
    assert recall() is None


def test_a_disk_that_refuses_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "file"))
    remember()
    assert recall() is None


def test_a_disk_that_refuses_leaves_what_was_kept(
    isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember()
    full = Mock(side_effect=OSError(errno.ENOSPC, "full"))
    monkeypatch.setattr(os, "fsync", full)
    remember_trial(replace(TRIAL, memory=1), TrialSettings(MODEL, TRAINING, V, CHARACTERS))
    assert full.called
    assert recall() == TRIAL
    assert [path.name for path in cache_folder().iterdir()] == ["timings.json"]


def test_the_newest_measurement_holds() -> None:
    remember_trial(replace(TRIAL, memory=1), TrialSettings(MODEL, TRAINING, V, CHARACTERS))
    remember()
    assert recall() == TRIAL


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurements, "ENTRY_LIMIT", 3)
    for size in (V, V + 1, V + 2, V, V + 3):
        remember_trial(TRIAL, TrialSettings(MODEL, TRAINING, size, CHARACTERS))
    assert recall(vocabulary_size=V + 1) is None
    for size in (V + 2, V, V + 3):
        assert recall(vocabulary_size=size) == TRIAL


@pytest.mark.parametrize(
    "contents",
    [
        "",
        "[]",
        "{",
        '{"format": 2, "timings": {"KEY": {}}}',
        '{"format": 1, "timings": []}',
        '{"format": 1, "timings": {"KEY": 7}}',
        '{"format": 1, "timings": {"KEY": {"seconds_per_step": NaN}}}',
    ],
)
def test_a_damaged_file_holds_nothing_and_is_replaced(contents: str) -> None:
    remember()
    path = cache_folder() / "timings.json"
    (key,) = decode_json(path.read_text(encoding="utf-8"))["timings"]
    path.write_text(contents.replace("KEY", key), encoding="utf-8")
    assert recall() is None
    remember()
    assert recall() == TRIAL


def test_the_file_lies_in_the_users_cache_or_where_they_want_it(
    isolated_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert isolated_home in cache_folder().parents
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "fast"))
    remember()
    assert (tmp_path / "fast" / "timings.json").exists()


def test_a_trial_holds_nothing_but_facts_that_json_knows() -> None:
    assert decode_json(encode_result(TRIAL)) == dataclasses.asdict(TRIAL)
