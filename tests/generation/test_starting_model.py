"""A run that starts from a model: what it copies, adds and records."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.fake_run import fake_corpus
from tests.support.tiny_model import (
    TINY_VOCABULARY,
    random_tensors,
    tiny_config,
    tiny_model_bytes,
)
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ModelFileError, RunError
from tui_charrnn.generation.training_corpus import (
    StartingModel,
    TrainingTexts,
    open_starting_model,
)
from tui_charrnn.model.checkpoint import load_model, serialize_model
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import grown_tensors
from tui_charrnn.presets import FINE_TUNING_SHARE, PLAIN_WEIGHT_DECAY, PRESETS, StartingPoint
from tui_charrnn.runs.description import LearnedText, ModelOrigin
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.settings import SettingError
from tui_charrnn.text.vocabulary import UNKNOWN_SYMBOL, Vocabulary, grown_vocabulary
from tui_charrnn.training.creation import make_run
from tui_charrnn.training.preparation import initial_weights

TRAINING = TrainingConfig(batch_size=4, sequence_length=8, steps=4)
TEXT = "abba dabba jig äöü\n" * 20


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(tiny_model_bytes())
    return path


def made_run(folder: Path, starting: StartingModel, text: str = TEXT) -> RunDirectory:
    corpus = fake_corpus(folder / "texts", text)
    settings = starting.point.model, TRAINING
    return make_run(folder / "runs", "tuned", "tiny", settings, corpus, (), starting)


def test_a_vocabulary_grows_at_its_end_by_what_it_lacks() -> None:
    known = Vocabulary("cab")
    assert grown_vocabulary(known, {"b": 9, "z": 1, "d": 2}) == Vocabulary("cabdz")
    assert grown_vocabulary(known, {"b": 9}) == known


@pytest.mark.parametrize(
    ("known", "symbol", "bounds", "expected"),
    [
        ("ab", None, {"min_count": 2}, "abde\ufffd"),
        ("a?b", "?", {"min_count": 2}, "a?bde"),
        ("ab", None, {"max_vocabulary": 4}, "abe\ufffd"),
        ("a?b", "?", {"max_vocabulary": 4}, "a?be"),
        ("ab?", "?", {"max_vocabulary": 2}, "ab?"),
        ("a\ufffd", None, {"min_count": 9}, "a\ufffd"),
    ],
)
def test_what_is_rare_becomes_the_unknown_symbol(
    known: str, symbol: str | None, bounds: dict[str, int], expected: str
) -> None:
    occurrences = {"a": 9, "d": 2, "e": 3, "z": 1}
    grown = grown_vocabulary(Vocabulary(known, symbol), occurrences, **bounds)
    assert grown == Vocabulary(expected, symbol or UNKNOWN_SYMBOL)


@pytest.mark.parametrize(
    "config",
    [
        tiny_config(layer_count=2),
        tiny_config(cell="gru", tied_output=True),
        replace(tiny_config(cell="lstm+norm"), direction="both"),
    ],
)
def test_new_rows_and_columns_are_the_mean_of_the_old(config: ModelConfig) -> None:
    tensors = random_tensors(config, 4)
    grown = grown_tensors(tensors, 3)
    assert {name: each.shape for name, each in grown.items()} == tensor_shapes(config, 7)
    for name, tensor in grown.items():
        old = tensors[name]
        axis = 0 if name in {"embedding", "output.bias"} else tensor.ndim - 1
        kept, new = np.split(tensor, [old.shape[axis]], axis)
        np.testing.assert_array_equal(kept, old, err_msg=name)
        if new.size:
            expected = np.broadcast_to(old.mean(axis, keepdims=True), new.shape)
            np.testing.assert_allclose(new, expected, rtol=1e-6, atol=1e-7, err_msg=name)


def test_a_run_keeps_the_file_and_says_where_it_came_from(tmp_path: Path, model_file: Path) -> None:
    starting = open_starting_model(str(model_file), tmp_path)
    run = made_run(tmp_path, starting)
    description = read_description(run)
    data = model_file.read_bytes()
    assert description.origin == ModelOrigin(
        name="tiny",
        path=str(model_file),
        sha256=hashlib.sha256(data).hexdigest(),
        characters=len(TINY_VOCABULARY),
        texts=(LearnedText(name="tiny", sha256="0" * 64),),
    )
    assert run.initial_model.read_bytes() == data
    assert description.vocabulary == f"{TINY_VOCABULARY}äöü"
    assert description.added_characters == "äöü"
    model_file.unlink()
    weights = initial_weights(run, description)
    assert weights["embedding"].shape[0] == len(description.vocabulary)
    again = open_starting_model(str(run.initial_model), tmp_path)  # to make it once more
    assert again.origin == description.origin


def test_a_copy_that_was_changed_is_refused(tmp_path: Path, model_file: Path) -> None:
    run = made_run(tmp_path, open_starting_model(str(model_file), tmp_path))
    run.initial_model.write_bytes(tiny_model_bytes() + b" ")
    with pytest.raises(RunError, match="no longer the model"):
        initial_weights(run, read_description(run))
    run.initial_model.unlink()
    with pytest.raises(RunError, match="cannot be read"):
        initial_weights(run, read_description(run))


def test_what_is_no_model_is_refused_before_a_run_is_made(tmp_path: Path) -> None:
    path = tmp_path / "torn.safetensors"
    path.write_bytes(tiny_model_bytes()[:-4])
    with pytest.raises(ModelFileError, match="truncated"):
        open_starting_model(str(path), tmp_path)


def test_settings_that_contradict_the_model_are_all_named() -> None:
    point = StartingPoint("old", tiny_config(cell="gru"), "jamo")
    with pytest.raises(SettingError) as caught:
        point.refuse_others({"cell": "lstm", "units": "characters", "hidden_size": 5})
    notices = caught.value.lines[0]
    assert "--cell is lstm, " in notices
    assert "--units is characters, " in notices
    assert "hidden" not in notices


def test_a_preset_takes_the_network_and_a_lower_rate() -> None:
    point, small = StartingPoint("old", tiny_config(cell="gru"), "jamo"), PRESETS["small"]
    adapted = point.adapt(small)
    assert (adapted.model, adapted.training.units) == (point.model, "jamo")
    assert small.plain_learning_rate is not None
    rate = small.plain_learning_rate * FINE_TUNING_SHARE
    assert adapted.training == replace(
        small.training, units="jamo", learning_rate=rate, weight_decay=PLAIN_WEIGHT_DECAY
    )


def test_originality_knows_both_texts_and_says_where_one_is_missing(tmp_path: Path) -> None:
    texts = {name: f"{name} was here.\nThis is {name}.\n" * 3 for name in ("old", "new")}
    runs = {name: made_text_run(tmp_path, name, text) for name, text in texts.items()}
    references = {name: read_description(run).corpus for name, run in runs.items()}
    earlier = {"name": "old", "sha256": references["old"].sha256, "run": "old"}
    data = serialize_model(
        random_tensors(tiny_config(), 2),
        tiny_config(),
        Vocabulary("ab"),
        corpus={"name": "new", "sha256": references["new"].sha256, "earlier": [earlier]},
        training={"run": "new"},
    )
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    model, notices = load_model(path), list[str]()
    folder = tmp_path / "runs"
    learned = TrainingTexts(model, path, folder)
    (tmp_path / "runs" / "old").rename(tmp_path / "gone")
    alone = learned.open_index(None, notices.append)
    assert alone.texts == ("new",)
    assert "the model was trained on, 'old'" in notices[0]
    (tmp_path / "gone").rename(folder / "old")
    both = learned.open_index(None, notices.append)
    assert (both.name, len(notices)) == ("new and old", 1)
    joined = "\0".join([texts["new"], texts["old"]])
    offset = joined.index("This is old.")
    place = both.place(offset)
    assert (place.text, place.offset, place.line) == (
        "old",
        texts["old"].index("This"),
        2,
    )
    assert both.place(0).text == "new"
    (folder / "old").rename(tmp_path / "gone")
    assert learned.open_index(None, notices.append).name == both.name  # kept


def made_text_run(folder: Path, name: str, text: str) -> RunDirectory:
    corpus = fake_corpus(folder / "texts", text, f"{name}.txt")
    training = replace(TRAINING, batch_size=1)
    return make_run(folder / "runs", name, "tiny", (tiny_config(), training), corpus)
