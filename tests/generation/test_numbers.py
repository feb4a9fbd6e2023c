"""What `auto` selects for a model, its notices, and that generated texts can be reproduced."""

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.tiny_model import tiny_config, tiny_model
from tui_charrnn.config import ModelConfig, SamplingConfig
from tui_charrnn.errors import ConfigError, DataError
from tui_charrnn.folders import cache_folder
from tui_charrnn.generation import numbers
from tui_charrnn.generation.numbers import Difference, choose_numbers, with_numbers
from tui_charrnn.generation.products import load_library
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.generation.stream import CharacterStream, Replay
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tape_file import open_tape, tape_document
from tui_charrnn.history.generation import Generation, ModelReference
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.model.checkpoint import Model

SAMPLING = SamplingConfig(temperature=1, rng_seed=4)


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A library that is there and is not needed: NumPy multiplies in its place."""
    load_library.cache_clear()
    monkeypatch.setitem(sys.modules, "numkong", None)
    monkeypatch.setattr(numbers, "load_library", lambda: json)
    yield
    load_library.cache_clear()


def good_model() -> Model:
    return tiny_model(config=tiny_config(hidden_size=24), vocabulary="\nab")


def bad_model() -> Model:
    """A model whose unit 0 lets nothing out, and has weights so large that all others are lost."""
    model = good_model()
    size, layer = model.config.hidden_size, model.weights.layers[0]
    for tensor in (layer.recurrent_kernel, model.weights.output_kernel):
        np.multiply(tensor, 5, tensor)
        tensor[0] = 2e4
    layer.bias[3 * size] = -200  # the output gate
    return model


def test_auto_takes_int8_where_it_is_as_good() -> None:
    notices: list[str] = []
    assert with_numbers(good_model(), "auto", notices.append).numbers == "int8"
    assert not notices


def test_auto_takes_float32_and_says_so_where_rounding_would_do_harm() -> None:
    notices: list[str] = []
    model = bad_model()
    assert with_numbers(model, "auto", notices.append).numbers == "float32"
    assert "This model is multiplied in float32" in notices[0]
    assert "0.02 and 0.5 are allowed" in notices[0]
    assert with_numbers(model, "auto", notices.append).numbers == "float32"
    assert len(notices) == 1  # notified only once
    assert with_numbers(model, "int8", notices.append).numbers == "int8"  # on explicit request


def test_auto_takes_float32_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[str] = []
    monkeypatch.setattr(numbers, "load_library", lambda: None)
    assert with_numbers(good_model(), "auto", notices.append).numbers == "float32"
    assert not notices
    assert "pip install numkong" in choose_numbers(good_model()).reason


def test_the_difference_is_that_of_two_readings() -> None:
    model = good_model()
    stream = CharacterStream(model, dataclasses.replace(SAMPLING, rng_seed=0))
    text = "".join(stream.next().character for _ in range(100))
    rounded = dataclasses.replace(model, numbers="int8")
    both = [TextScorer(each, streams=1).score(text) for each in (model, rounded)]
    expected = np.abs(both[1] - both[0]) * np.log(2)
    found = numbers.measure_difference(model)
    assert found.largest >= expected.max() - 1e-6
    assert found.mean == pytest.approx(expected.mean(), rel=0.5)


@pytest.mark.parametrize(
    ("difference", "is_small"),
    [((0.02, 0.5), True), ((0.021, 0.1), False), ((0.001, 0.51), False), ((np.inf, 1), False)],
)
def test_both_bounds_count(difference: tuple[float, float], is_small: bool) -> None:
    assert Difference(*difference).is_small is is_small


def test_a_model_is_measured_once_on_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    first = choose_numbers(good_model())
    monkeypatch.setattr(numbers, "measure_difference", lambda _: pytest.fail("measured again"))
    assert choose_numbers(good_model()) == first


@pytest.mark.parametrize("content", ["", "[]", '{"format": 0}', '{"format": 1, "differences": 3}'])
def test_a_damaged_cache_is_measured_anew(content: str) -> None:
    path = cache_folder() / "numbers.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert choose_numbers(good_model()).numbers == "int8"
    assert len(json.loads(path.read_text())["differences"]) == 1


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    cache_folder().parent.mkdir(parents=True, exist_ok=True)
    cache_folder().write_text("a file in the place of the folder")
    assert choose_numbers(good_model()).numbers == "int8"


def test_a_model_of_two_directions_is_multiplied_in_float32() -> None:
    config = ModelConfig(embedding_size=3, hidden_size=5, direction="both")
    model = tiny_model(config=config)
    assert with_numbers(model, "auto", print).numbers == "float32"
    with pytest.raises(ConfigError, match="--numbers float32, or auto"):
        with_numbers(model, "int8", print)


def generated(model: Model, length: int = 60) -> str:
    stream = CharacterStream(model, SAMPLING)
    stream.prime("ab")
    return "".join(stream.next().character for _ in range(length))


def sensitive_models() -> tuple[Model, Model]:
    """A model in float32 and in int8, whose texts are not the same."""
    model = bad_model()
    rounded = dataclasses.replace(model, numbers="int8")
    assert generated(model) != generated(rounded)
    return model, rounded


def test_a_text_of_the_history_is_generated_in_the_numbers_that_it_was() -> None:
    model, rounded = sensitive_models()
    for made_by in (model, rounded):
        generation = Generation(
            seed_text="ab",
            text=generated(made_by),
            length=60,
            sampling=((0, SAMPLING),),
            rng_seed=4,
            model=ModelReference(ModelLabel("tiny"), None, None),
            numbers=made_by.numbers,
        )
        for opened in (model, rounded):
            replay = Replay(opened, generation)
            assert "".join(iter(replay.next, None)) == generation.text
            assert replay.difference is None


def test_a_tape_goes_on_in_the_numbers_that_it_was_made_in() -> None:
    model, rounded = sensitive_models()
    for made_by in (model, rounded):
        stream = CharacterStream(made_by, SAMPLING)
        tape = Tape(stream, stream.prime("ab").text)
        for _ in range(30):
            tape.next()
        document = json.loads(json.dumps(tape_document(tape)))
        assert document["format"] == (3 if made_by is rounded else 1)
        for opened in (model, rounded):
            again = open_tape(opened, document)
            again.next()
            for _ in range(29):
                again.next()
            assert again.text() == generated(made_by)


def test_a_tape_in_numbers_that_are_not_known_is_refused() -> None:
    stream = CharacterStream(dataclasses.replace(good_model(), numbers="int8"), SAMPLING)
    document = tape_document(Tape(stream)) | {"numbers": "int4"}
    with pytest.raises(DataError, match="unknown number format, 'int4'"):
        open_tape(good_model(), document)
