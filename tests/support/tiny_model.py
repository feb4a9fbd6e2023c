"""A valid model of a few hundred random numbers."""

from pathlib import Path

import numpy as np

from tui_charrnn.config import ModelConfig
from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS
from tui_charrnn.model.checkpoint import Model, serialize_model
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import Float32, ModelWeights, weights_from_tensors
from tui_charrnn.text.vocabulary import Vocabulary

TINY_VOCABULARY = "\n abcdefghij"
JAMO_VOCABULARY = "\n ." + "".join(
    each for parts in (INITIALS, MEDIALS, FINALS) for each in sorted(parts)[:4]
)
"""Of a model in jamo: 4 initials, medials and finals."""
CORPUS = {"name": "tiny", "sha256": "0" * 64, "characters": 1000}
TRAINING = {"step": 8, "loss": 1.5}


def corpus_of(units: str) -> dict[str, object]:
    """Metadata of the corpus of a model; `units` are left out for characters, the default."""
    return CORPUS if units == "characters" else CORPUS | {"units": units}


def tiny_config(
    *,
    cell: str = "lstm",
    layer_count: int = 1,
    embedding_size: int = 3,
    hidden_size: int = 5,
    tied_output: bool = False,
) -> ModelConfig:
    """A small network with all-different dimensions, but for a tied output (E = H).

    The cell is lstm, gru or rnn; lstm+norm normalizes the layers.
    """
    kind, _, norm = cell.partition("+")
    return ModelConfig(
        cell=kind,
        layer_count=layer_count,
        embedding_size=hidden_size if tied_output else embedding_size,
        hidden_size=hidden_size,
        tied_output=tied_output,
        layer_norm=bool(norm),
    )


def random_tensors(
    config: ModelConfig, vocabulary_size: int, *, rng_seed: int = 0
) -> dict[str, Float32]:
    """All tensors of a model by name, normal with a standard deviation of 0.3."""
    rng = np.random.default_rng(rng_seed)
    return {
        name: (0.3 * rng.standard_normal(shape)).astype(np.float32)
        for name, shape in tensor_shapes(config, vocabulary_size).items()
    }


def tiny_model(
    *,
    vocabulary: str = TINY_VOCABULARY,
    cell: str = "lstm",
    layer_count: int = 1,
    config: ModelConfig | None = None,
    rng_seed: int = 0,
    units: str = "characters",
) -> Model:
    """A random model in memory; `config` overrides the cell and the layers."""
    config = config or tiny_config(cell=cell, layer_count=layer_count)
    tensors = random_tensors(config, len(vocabulary), rng_seed=rng_seed)
    return Model(
        config=config,
        vocabulary=Vocabulary(vocabulary),
        weights=weights_from_tensors(tensors, config),
        corpus=corpus_of(units),
        training=TRAINING,
    )


def model_of(weights: ModelWeights, config: ModelConfig) -> Model:
    """A model of some weights, whatever its characters are."""
    characters = "".join(chr(0x4E00 + index) for index in range(len(weights.output_bias)))
    return Model(config, Vocabulary(characters), weights, CORPUS, TRAINING)


def tiny_model_bytes(
    *,
    vocabulary: str = TINY_VOCABULARY,
    cell: str = "lstm",
    layer_count: int = 1,
    config: ModelConfig | None = None,
    rng_seed: int = 0,
    units: str = "characters",
) -> bytes:
    """The same model as the bytes of a model file."""
    config = config or tiny_config(cell=cell, layer_count=layer_count)
    return serialize_model(
        random_tensors(config, len(vocabulary), rng_seed=rng_seed),
        config,
        Vocabulary(vocabulary),
        corpus=corpus_of(units),
        training=TRAINING,
    )


def tiny_model_file(
    path: Path,
    *,
    vocabulary: str = TINY_VOCABULARY,
    cell: str = "lstm",
    layer_count: int = 1,
    config: ModelConfig | None = None,
    rng_seed: int = 0,
    units: str = "characters",
) -> Path:
    """The same model as a file at `path`, which is returned."""
    path.write_bytes(
        tiny_model_bytes(
            vocabulary=vocabulary,
            cell=cell,
            layer_count=layer_count,
            config=config,
            rng_seed=rng_seed,
            units=units,
        )
    )
    return path
