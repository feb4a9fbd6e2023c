"""The model file: weights, vocabulary, configuration and training facts of a model.

It is a safetensors file whose metadata has one JSON document under the key `charrnn`
(docs/run-format.md). Nothing in it is executed and every value is checked, so untrusted files are
safe to open.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import DataError, DivergedError, ModelFileError
from tui_charrnn.model.header import KEY, Calibration, format_of, read_header
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import Float32, ModelWeights, weights_from_tensors
from tui_charrnn.paths import open_file
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.translation import tr


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model, ready to generate text."""

    config: ModelConfig
    vocabulary: Vocabulary
    weights: ModelWeights
    corpus: Mapping[str, object]
    """Facts of the training corpus, as JSON values: name, characters, sha256 ..."""
    training: Mapping[str, object]
    """Training progress, as JSON values: step, loss, epoch ..."""
    numbers: str = "float32"
    """Number type for generation and scoring, `float32` or `int8`; not stored in the file."""
    calibration: Calibration | None = None
    """How `weights.temperature` was fitted; None if it was not, and is 1."""

    @property
    def units(self) -> str:
        """What it predicts: `characters`, or `jamo`, which are composed for display."""
        return str(self.corpus.get("units", "characters"))

    @property
    def records(self) -> str:
        """How its corpus is split into records: `line`, `blank-line`, `file` or `none`."""
        return str(self.corpus.get("records", "none"))


def serialize_model(
    tensors: Mapping[str, Float32],
    config: ModelConfig,
    vocabulary: Vocabulary,
    *,
    corpus: Mapping[str, object],
    training: Mapping[str, object],
    dtype: Literal["float32", "float16"] = "float32",
) -> bytes:
    """Serialize a model to the bytes of a model file, deterministically.

    The tensors have the names of `tensor_shapes`. `dtype` is that of the stored ones; float16
    halves the file.

    Raises:
        ValueError: If the tensors are not those of the model, or a value is not JSON.
        DivergedError: If a weight is not finite, or overflows `dtype`.
    """
    shapes = tensor_shapes(config, len(vocabulary))
    if {name: np.shape(tensor) for name, tensor in tensors.items()} != shapes:
        received = {name: np.shape(tensor) for name, tensor in tensors.items()}
        raise ValueError(f"The tensors must be {shapes}. Received: {received}")
    document = {
        "format": format_of(config, has_records=vocabulary.end_symbol is not None),
        "config": config.to_mapping(),
        "vocabulary": vocabulary.characters,
        "corpus": dict(corpus),
        "training": dict(training),
    }
    if vocabulary.unknown_symbol is not None:  # left out otherwise, for older versions
        document["unknown_symbol"] = vocabulary.unknown_symbol
    if vocabulary.end_symbol is not None:
        document["end_symbol"] = vocabulary.end_symbol
    stored = {name: _stored(name, tensors[name], dtype) for name in shapes}
    metadata = {KEY: json.dumps(document, allow_nan=False, separators=(",", ":"))}
    return safetensors.numpy.save(stored, metadata=metadata)


def with_calibration(data: bytes, calibration: Calibration) -> bytes:
    """Return the bytes of a model file with its calibration set or replaced.

    The tensors stay bit-identical.
    """
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header["__metadata__"]
    document = json.loads(metadata[KEY])
    config = ModelConfig.from_mapping(document["config"])
    number = format_of(config, calibration, has_records="end_symbol" in document)
    document |= {"format": number, "calibration": asdict(calibration)}
    metadata[KEY] = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return safetensors.numpy.save(safetensors.numpy.load(data), metadata=metadata)


def load_model(path: Path) -> Model:
    """Read a model file; the weights are float32 whatever type the file has.

    Memory is allocated only after the header was checked against the size of the file.

    Raises:
        ModelFileError: If the file is missing, not a model file, damaged, or of another format.
    """
    with ModelFileError.if_unreadable(path), open_file(path) as file:
        return parse_model(file, path)


def parse_model(file: BinaryIO, path: Path) -> Model:
    """Read a model from an open file; `path` is for messages.

    Raises:
        ModelFileError: If it is not a model file, damaged, or of another format.
        OSError: If it cannot be read.
    """
    try:
        return _parsed(file)
    except (DataError, SafetensorError) as error:
        raise ModelFileError(
            "{path} {problem}", path=path, problem=_without_capital(error)
        ) from error
    except MemoryError as error:
        raise ModelFileError(
            "{path} is too large for the memory of this machine.", path=path
        ) from error


def _stored(name: str, tensor: Float32, dtype: str) -> np.ndarray:
    """Return a tensor of the stored type in row-major order.

    safetensors writes the memory of an array as it is, so a transposed array would silently be
    written wrong.

    Raises:
        DivergedError: If a number is not finite in the stored type.
    """
    with np.errstate(over="ignore"):  # reported below
        stored = np.ascontiguousarray(tensor, dtype=dtype)
    if not np.isfinite(stored).all():
        raise DivergedError(
            "The tensor {name!r} has a number that is not finite or too large for {dtype}; the "
            "model was not saved.",
            name=name,
            dtype=dtype,
        )
    return stored


def _parsed(file: BinaryIO) -> Model:
    header = read_header(file)
    file.seek(0)
    stored = safetensors.numpy.load(file.read())
    tensors = {name: tensor.astype(np.float32, copy=False) for name, tensor in stored.items()}
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ModelFileError(
                "has a tensor {name!r} with numbers that are not finite.", name=name
            )
    weights, calibration = weights_from_tensors(tensors, header.config), header.calibration
    if calibration is not None:
        weights = weights.at_temperature(calibration.temperature)
    return Model(
        config=header.config,
        vocabulary=Vocabulary(header.vocabulary, header.unknown_symbol, header.end_symbol),
        weights=weights,
        corpus=header.corpus,
        training=header.training,
        calibration=calibration,
    )


def _without_capital(error: Exception) -> str:
    text = str(error)
    if isinstance(error, ModelFileError):
        return text
    return tr("is damaged: {problem}", problem=text[:1].lower() + text[1:300])
