"""Round trip of a model file, for any memory layout of its arrays."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiny_model import (
    CORPUS,
    TINY_VOCABULARY,
    TRAINING,
    random_tensors,
    tiny_config,
    tiny_model,
    tiny_model_bytes,
    tiny_model_file,
)
from tui_charrnn.config import CELLS, ModelConfig
from tui_charrnn.errors import DivergedError
from tui_charrnn.model.checkpoint import load_model, serialize_model
from tui_charrnn.model.weights import Float32, ModelWeights
from tui_charrnn.text.vocabulary import Vocabulary

SIZE = len(TINY_VOCABULARY)


def serialized(
    tensors: dict[str, Float32], config: ModelConfig, vocabulary: str = TINY_VOCABULARY
) -> bytes:
    return serialize_model(
        tensors, config, Vocabulary(vocabulary), corpus=CORPUS, training=TRAINING
    )


def arrays(weights: ModelWeights) -> list[Float32]:
    layers = [
        array
        for layer in weights.layers
        for array in (
            layer.kernel,
            layer.recurrent_kernel,
            layer.bias,
            *(() if layer.norm is None else layer.norm),
        )
    ]
    return [weights.embedding, *layers, weights.output_kernel, weights.output_bias]


@pytest.mark.parametrize("tied_output", [False, True])
@pytest.mark.parametrize("layer_count", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_a_model_is_read_back(
    tmp_path: Path, cell: str, layer_count: int, tied_output: bool
) -> None:
    config = tiny_config(cell=cell, layer_count=layer_count, tied_output=tied_output)
    expected = tiny_model(config=config)
    model = load_model(tiny_model_file(tmp_path / "model.safetensors", config=config))
    assert (model.config, model.vocabulary) == (config, expected.vocabulary)
    assert (model.corpus, model.training) == (CORPUS, TRAINING)
    for array, original in zip(arrays(model.weights), arrays(expected.weights), strict=True):
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, original)


@pytest.mark.parametrize("layer_norm", [False, True])
def test_only_a_model_with_more_tensors_is_of_the_newer_format(
    tmp_path: Path, layer_norm: bool
) -> None:
    config = tiny_config(cell="lstm+norm" if layer_norm else "lstm", layer_count=2)
    path = tiny_model_file(tmp_path / "model.safetensors", config=config)
    expected = tiny_model(config=config)
    assert (b'\\"format\\":2' in path.read_bytes()) == layer_norm
    model = load_model(path)
    assert model.config == config
    for array, original in zip(arrays(model.weights), arrays(expected.weights), strict=True):
        np.testing.assert_array_equal(array, original)
    assert len(arrays(model.weights)) == 3 + 2 * (6 if layer_norm else 3)


@pytest.mark.parametrize("lay_out", [np.asfortranarray, lambda array: array[:, ::-1][:, ::-1]])
def test_the_layout_in_memory_does_not_matter(lay_out: object) -> None:
    assert callable(lay_out)
    tensors = random_tensors(tiny_config(), SIZE)
    turned = {n: lay_out(array) if array.ndim == 2 else array for n, array in tensors.items()}
    assert serialized(turned, tiny_config()) == serialized(tensors, tiny_config())


def test_a_transposed_array_is_written_row_by_row(tmp_path: Path) -> None:
    tensors = random_tensors(tiny_config(), SIZE)
    columns = np.ascontiguousarray(tensors["output.kernel"].T)
    assert not columns.T.flags.c_contiguous
    path = tmp_path / "model.safetensors"
    path.write_bytes(serialized(tensors | {"output.kernel": columns.T}, tiny_config()))
    np.testing.assert_array_equal(load_model(path).weights.output_kernel, tensors["output.kernel"])


def test_the_same_model_gives_the_same_bytes() -> None:
    assert tiny_model_bytes() == tiny_model_bytes()
    assert tiny_model_bytes() != tiny_model_bytes(rng_seed=1)


def test_any_reader_of_safetensors_can_read_it() -> None:
    stored = safetensors.numpy.load(tiny_model_bytes())
    for name, tensor in random_tensors(tiny_config(), SIZE).items():
        np.testing.assert_array_equal(stored[name], tensor)


def test_half_precision_halves_the_numbers_and_loads_as_single(tmp_path: Path) -> None:
    tensors = random_tensors(tiny_config(), SIZE)
    data = serialize_model(
        tensors,
        tiny_config(),
        Vocabulary(TINY_VOCABULARY),
        corpus=CORPUS,
        training=TRAINING,
        dtype="float16",
    )
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    embedding = load_model(path).weights.embedding
    assert embedding.dtype == np.float32
    np.testing.assert_array_equal(embedding, tensors["embedding"].astype(np.float16))
    assert len(data) < len(serialized(tensors, tiny_config()))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_not_written(value: float) -> None:
    tensors = random_tensors(tiny_config(), SIZE)
    tensors["layers.0.bias"][3] = value
    with pytest.raises(DivergedError, match=r"'layers\.0\.bias'"):
        serialized(tensors, tiny_config())


def test_weights_that_half_precision_cannot_hold_are_not_written() -> None:
    tensors = random_tensors(tiny_config(), SIZE)
    tensors["output.bias"][0] = 1e6
    with pytest.raises(DivergedError, match="too large for float16"):
        serialize_model(
            tensors,
            tiny_config(),
            Vocabulary(TINY_VOCABULARY),
            corpus={},
            training={},
            dtype="float16",
        )


def test_tensors_of_another_model_are_a_defect() -> None:
    tensors = random_tensors(tiny_config(), SIZE)
    with pytest.raises(ValueError, match="The tensors must be"):
        serialized(tensors, tiny_config(layer_count=2))
    with pytest.raises(ValueError, match="The tensors must be"):
        serialized(tensors, tiny_config(), TINY_VOCABULARY + "z")


def test_facts_that_are_not_json_are_a_defect() -> None:
    with pytest.raises(ValueError, match="JSON"):
        serialize_model(
            random_tensors(tiny_config(), SIZE),
            tiny_config(),
            Vocabulary(TINY_VOCABULARY),
            corpus={},
            training={"loss": float("nan")},
        )


@settings(max_examples=30)
@given(st.sets(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_every_character_can_be_in_a_vocabulary(
    tmp_path_factory: pytest.TempPathFactory, characters: set[str]
) -> None:
    vocabulary = "".join(sorted(characters))
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    tiny_model_file(path, vocabulary=vocabulary)
    assert load_model(path).vocabulary.characters == vocabulary
