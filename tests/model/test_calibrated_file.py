"""A calibrated file: the same tensors, and a temperature that divides the logits everywhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from tests.support.tiny_model import CORPUS, tiny_config, tiny_model, tiny_model_bytes
from tui_charrnn.config import ModelConfig, SamplingConfig
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape_file import fingerprint
from tui_charrnn.lens.influence import ForwardPass
from tui_charrnn.model.checkpoint import Model, load_model, with_calibration
from tui_charrnn.model.header import Calibration
from tui_charrnn.model.weights import tensors_from_weights

CALIBRATION = Calibration(1.25, 1.5, 1.25, 5_000, 4_000)
PLAIN, CALIBRATED = tiny_model_bytes(), with_calibration(tiny_model_bytes(), CALIBRATION)
BOTH = ModelConfig(embedding_size=3, hidden_size=5, direction="both")
TEXT = "abba cad\nhide a cab"


def loaded(folder: Path, data: bytes) -> Model:
    path = folder / "model.safetensors"
    path.write_bytes(data)
    return load_model(path)


def scores(model: Model) -> np.ndarray:
    """After each symbol of a text, shape (N, V)."""
    stepper = Stepper(fold_embedding(model))
    return np.stack([stepper.read(index).copy() for index in (3, 0, 5, 5, 1, 2, 4)])


def test_the_tensors_are_the_same_to_the_bit() -> None:
    before, after = (safetensors.numpy.load(data) for data in (PLAIN, CALIBRATED))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        np.testing.assert_array_equal(after[name], tensor)


def test_it_is_read_back_and_calibrated_anew(tmp_path: Path) -> None:
    model = loaded(tmp_path, CALIBRATED)
    assert (model.calibration, model.corpus) == (CALIBRATION, CORPUS)
    again = replace(CALIBRATION, temperature=0.75)
    model = loaded(tmp_path, with_calibration(CALIBRATED, again))
    assert (model.calibration, model.weights.temperature) == (again, 0.75)


def test_only_a_calibrated_file_is_of_format_4() -> None:
    assert b'\\"format\\":4' in CALIBRATED
    assert b'\\"format\\":1' in PLAIN


def test_without_one_temperature_1_means_what_it_meant(tmp_path: Path) -> None:
    model = loaded(tmp_path, PLAIN)
    assert (model.calibration, model.weights.temperature) == (None, 1.0)
    np.testing.assert_array_equal(scores(model), scores(tiny_model()))


@pytest.mark.parametrize("tied_output", [False, True])
def test_scores_are_divided(tmp_path: Path, tied_output: bool) -> None:
    config = tiny_config(tied_output=tied_output)
    model = loaded(tmp_path, with_calibration(tiny_model_bytes(config=config), CALIBRATION))
    plain = tiny_model(config=config)
    np.testing.assert_allclose(1.25 * scores(model), scores(plain), rtol=1e-5, atol=1e-6)
    ours, theirs = (tensors_from_weights(each.weights, config) for each in (model, plain))
    for name, tensor in theirs.items():  # as a resume takes them
        np.testing.assert_array_equal(ours[name], tensor)


def test_both_directions_are_divided(tmp_path: Path) -> None:
    data = tiny_model_bytes(config=BOTH)
    model = loaded(tmp_path, with_calibration(data, CALIBRATION))
    plain = loaded(tmp_path, data)
    hotter = replace(
        plain,
        weights=replace(
            plain.weights,
            output_kernel=plain.weights.output_kernel / 1.25,
            output_bias=plain.weights.output_bias / 1.25,
            backward=plain.weights.backward
            and replace(
                plain.weights.backward,
                output_kernel=plain.weights.backward.output_kernel / 1.25,
            ),
        ),
    )
    np.testing.assert_allclose(
        TextScorer(model).score(TEXT), TextScorer(hotter).score(TEXT), rtol=1e-6
    )


def test_a_text_is_the_one_of_the_product_of_both_temperatures(tmp_path: Path) -> None:
    streams = [
        CharacterStream(model, SamplingConfig(temperature=temperature, rng_seed=3))
        for model, temperature in ((loaded(tmp_path, CALIBRATED), 0.8), (tiny_model(), 1.0))
    ]
    texts = [[stream.next().index for _ in range(200)] for stream in streams]
    assert texts[0] == texts[1]


def test_influence_is_on_the_calibrated_probabilities(tmp_path: Path) -> None:
    model = loaded(tmp_path, CALIBRATED)
    kernel, bias = (each / 1.25 for each in tiny_model().weights.calibrated_output)
    hotter = replace(model.weights, output_kernel=kernel, output_bias=bias, temperature=1.0)
    indices = model.vocabulary.spell(TEXT).indices
    found, expected = (
        ForwardPass(weights, model.config, indices).influence(np.array([9]), 8).inputs
        for weights in (model.weights, hotter)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_tape_belongs_to_the_calibration_that_it_was_recorded_with(tmp_path: Path) -> None:
    plain, calibrated = (loaded(tmp_path, data) for data in (PLAIN, CALIBRATED))
    assert fingerprint(plain) == fingerprint(tiny_model())
    assert fingerprint(plain) != fingerprint(calibrated)
