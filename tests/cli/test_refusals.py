"""Errors are one sentence, before any file is written; they need no TensorFlow."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command import run_program
from tui_charrnn.cli.options import apply_settings
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.presets import PRESETS

TEXT = "to be, or not to be: that is the question.\n" * 50


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def refusal(runs: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and message of a training that must not start."""
    ended = run_program("train", "--headless", *arguments, "--runs-dir", str(runs))
    words = ended.stderr.decode()
    assert ended.stdout == b""
    assert "Traceback" not in words
    assert not runs.exists() or not list(runs.iterdir())
    return ended.returncode, words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--preset", "huge"], "Known: tiny, small"),
        (["--hidden-size", "0"], "--hidden-size must be at least 1"),
        (["--hidden-size", "1.5"], "--hidden-size must be a whole number, at least 1"),
        (["--dropout", "nan"], "--dropout must be"),
        (["--epochs", "1", "--steps", "5"], "Received: epochs and steps"),
        (["--train-time", "soon"], "--train-time must be a time above 0 and at most 11574d"),
        (["--train-time", "11575d"], "as 90s, 10m, 1h30m or 3:50:00, or none. Received: '11575d'."),
        (["--meet-within", "0"], "as 90s, 10m, 1h30m or 3:50:00. Received: '0'."),
        (["--detach", "--notify-command", "true"], "cannot be combined with --detach"),
        (["--detach", "--json"], "without --detach"),
        (["--name", "../elsewhere"], "../elsewhere"),
        (["--resume", "auto"], "--name"),
        (["--layers", "2"], "--layers"),
    ],
)
def test_a_wrong_option_ends_with_2(
    tmp_path: Path, corpus: Path, options: list[str], words: str
) -> None:
    code, printed = refusal(tmp_path / "runs", str(corpus), *options)
    assert (code, words in printed) == (2, True), printed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"too short", "short"),
        (b"a" * 999, "nothing to learn"),
        (b"\x00\x01\x02" * 99, "is not text"),
        (b"caf\xe9 " * 99, "byte 3"),
    ],
    ids=["empty", "short", "monotonous", "binary", "undecodable"],
)
def test_a_text_that_cannot_be_used_ends_with_3(
    tmp_path: Path, corpus: Path, content: bytes, words: str
) -> None:
    corpus.write_bytes(content)
    code, printed = refusal(tmp_path / "runs", str(corpus))
    assert (code, words in printed) == (3, True), printed


def test_a_missing_path_ends_with_3(tmp_path: Path) -> None:
    code, printed = refusal(tmp_path / "runs", str(tmp_path / "missing.txt"))
    assert (code, "missing.txt" in printed) == (3, True), printed


def test_without_a_terminal_the_error_of_the_app_names_headless() -> None:
    ended = run_program()
    assert ended.returncode == 2
    assert b"--headless" in ended.stderr


def test_an_unknown_run_ends_with_3() -> None:
    ended = run_program("resume", "nowhere")
    assert ended.returncode == 3
    assert b"nowhere" in ended.stderr


def test_every_setting_has_an_option() -> None:
    printed = run_program("train", "--help", variables={"COLUMNS": "200"}).stdout.decode()
    names = [*ModelConfig.listed(), *TrainingConfig.listed()]
    missing = [name for name in names if f"--{name.replace('_', '-')} " not in printed]
    assert missing == []


def test_a_given_length_replaces_the_presets() -> None:
    _, training = apply_settings(PRESETS["tutorial"], {"steps": "7", "epochs": None})
    assert (training.steps, training.epochs, training.train_time) == (7, None, None)


def test_a_given_length_lifts_the_presets_bound_on_epochs_and_not_a_given_one() -> None:
    bounded = replace(PRESETS["small"].training, max_epochs=30.0)
    preset = replace(PRESETS["small"], training=bounded)
    assert apply_settings(preset, {"train_time": "1h"})[1].max_epochs is None
    both = apply_settings(preset, {"train_time": "1h", "max_epochs": "9"})[1]
    assert (both.train_time, both.max_epochs) == (3600.0, 9.0)
    assert apply_settings(preset, {"dropout": "0.1"})[1].max_epochs == 30.0


@pytest.mark.parametrize("given", [{"cell": "gru"}, {"layer_norm": "false"}])
def test_a_network_without_the_presets_normalization_has_a_rate_and_a_decay_of_its_own(
    given: dict[str, str],
) -> None:
    preset = PRESETS["medium"]
    model, training = apply_settings(preset, given)
    assert (model.layer_norm, training.learning_rate) == (False, preset.plain_learning_rate)
    assert training.weight_decay < preset.training.weight_decay
    _, training = apply_settings(preset, given | {"learning_rate": "0.3"})
    assert training.learning_rate == 0.3


def test_a_batch_size_may_be_automatic_from_the_presets_on() -> None:
    _, training = apply_settings(PRESETS["large"], {"batch_size": "auto"})
    assert (training.batch_size, training.auto_batch_size) == (128, True)
    _, training = apply_settings(PRESETS["large"], {"batch_size": "64"})
    assert (training.batch_size, training.auto_batch_size) == (64, False)


def test_a_batch_size_is_a_number_or_auto() -> None:
    with pytest.raises(ConfigError, match=r"at most 65,536, or auto\. Received: 'largest'"):
        apply_settings(PRESETS["small"], {"batch_size": "largest"})


def test_none_turns_an_optional_setting_off() -> None:
    _, training = apply_settings(PRESETS["small"], {"gradient_norm_limit": "none"})
    assert training.gradient_norm_limit is None
