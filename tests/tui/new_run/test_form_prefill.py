"""A form that is filled in from a run creates the same run."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_run import created_run, fake_corpus
from tests.support.tiny_model import tiny_model_bytes
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.generation.training_corpus import open_starting_model
from tui_charrnn.presets import PRESETS
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.training.creation import make_run
from tui_charrnn.tui.new_run.form_values import NewRun, check_form, values_of_run

MODEL = ModelConfig(cell="gru", embedding_size=8, hidden_size=8, tied_output=True)
TRAINING = TrainingConfig(
    batch_size=4,
    sequence_length=16,
    train_time=90.0,
    max_time=5400.0,
    learning_rate=1.25e-4,
    gradient_norm_limit=None,
    evaluation_characters=None,
    threads=1,
)


def remade(run: RunDirectory, **changes: str) -> tuple[RunDescription, NewRun]:
    description = read_description(run)
    return description, check_form(values_of_run(run, description, changes))


@pytest.mark.parametrize("length", [{}, {"train_time": None, "epochs": 2.5}])
def test_every_setting_of_a_run_is_filled_in(tmp_path: Path, length: dict[str, Any]) -> None:
    run = created_run(
        tmp_path,
        model=MODEL,
        training=dataclasses.replace(TRAINING, **length),
        pinned_seeds=("to be", ""),
    )
    description, new = remade(run)
    assert (new.model, new.training) == (description.model, description.training)
    assert (new.preset, new.seeds, new.name) == ("tiny", ("to be", ""), None)
    assert new.corpus.arguments == description.corpus.sources


def test_changes_replace_the_settings_of_the_run(tmp_path: Path) -> None:
    run = created_run(tmp_path, model=MODEL, training=TRAINING)
    description, new = remade(run, batch_size="2", epochs="3")
    expected = dataclasses.replace(description.training, batch_size=2, epochs=3, train_time=None)
    assert new.training == expected


def test_an_automatic_batch_size_stays_automatic(tmp_path: Path) -> None:
    training = dataclasses.replace(PRESETS["small"].training, auto_batch_size=True, stop_early=3)
    run = created_run(tmp_path, model=PRESETS["small"].model, training=training)
    values = values_of_run(run, dataclasses.replace(read_description(run), preset="small"), {})
    assert values.settings == {"batch_size": "auto", "stop_early": "3"}
    assert check_form(values).training == training


def test_values_of_the_preset_are_not_filled_in(tmp_path: Path) -> None:
    preset = PRESETS["tiny"]
    run = created_run(tmp_path, text="abc " * 1000, model=preset.model, training=preset.training)
    values = values_of_run(run, read_description(run), {})
    assert (dict(values.settings), values.length) == ({}, "")


def test_the_copy_of_the_corpus_is_read_unchanged(tmp_path: Path) -> None:
    run = created_run(tmp_path, text="a\r\nb " * 200)
    run.corpus.write_bytes(b"a\r\nb " * 200)
    description = read_description(run)
    kept = dataclasses.replace(description.corpus, sources=())
    values = values_of_run(run, dataclasses.replace(description, corpus=kept), {})
    text = read_corpus(values.corpus.arguments, values.corpus.reading).text
    assert values.corpus.label == "the text of fake"
    assert text == "a\r\nb " * 200


@pytest.mark.parametrize("configuration", [ModelConfig(), *(p.training for p in PRESETS.values())])
def test_every_formatted_setting_parses_back(
    configuration: ModelConfig | TrainingConfig,
) -> None:
    for name in configuration.bounds():
        assert configuration.parse(name, configuration.format(name)) == getattr(configuration, name)


@pytest.mark.parametrize("seconds", [0.25, 1.0, 90.0, 5400.0, 1234.5, 86_400.0])
def test_a_time_is_formatted_to_the_last_digit(seconds: float) -> None:
    written = TrainingConfig.bounds()["max_time"].format(seconds)
    assert TrainingConfig.parse("max_time", written) == seconds


def test_a_run_that_started_from_a_model_starts_from_its_copy(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(tiny_model_bytes())
    starting = open_starting_model(str(path), tmp_path)
    settings = starting.point.model, dataclasses.replace(TRAINING, learning_rate=0.0015)
    corpus = fake_corpus(tmp_path / "texts")
    run = make_run(tmp_path / "runs", "tuned", "small", settings, corpus, (), starting)
    path.unlink()
    description, new = remade(run)
    assert (new.model, new.training) == (description.model, description.training)
    assert new.start.argument == str(run.initial_model)
    assert "hidden_size" not in values_of_run(run, description, {}).settings
