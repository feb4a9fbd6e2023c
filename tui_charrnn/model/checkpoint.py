"""The model file: weights, vocabulary, configuration and history of a model together.

A safetensors file whose metadata holds one JSON document under the key `charrnn`
(docs/run-format.md). Nothing in it is executed, and nothing is believed before it was checked: a
stranger's file is safe to open.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from tui_charrnn.errors import DataError, DivergedError, ModelFileError
from tui_charrnn.model.header import (
    KEY,
    Calibration,
    format_of,
    open_model_file,
    read_header,
    unreadable,
)
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import Float32, ModelWeights, weights_from_tensors
from tui_charrnn.model_config import ModelConfig
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.translation import tr


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that generating text takes."""

    config: ModelConfig
    vocabulary: Vocabulary
    weights: ModelWeights
    corpus: Mapping[str, object]
    """What it was trained on, as JSON values: name, characters, sha256 ..."""
    training: Mapping[str, object]
    """How far, as JSON values: step, loss, epoch ..."""
    numbers: str = "float32"
    """What texts are generated and scored in, `float32` or `int8`: chosen by who asks for them, and
    not in the file."""
    calibration: Calibration | None = None
    """How `weights.temperature` was fitted; None if it was not, and is 1."""

    @property
    def units(self) -> str:
        """What it predicts: characters, or jamo, whose text is put together to be shown."""
        return str(self.corpus.get("units", "characters"))

    @property
    def records(self) -> str:
        """What its corpus is cut into: line, blank-line or file, or none."""
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
    """Write a model as the bytes of a model file; the same model gives the same bytes.

    The tensors go by the names of `tensor_shapes`. What it was trained on, and how far, are JSON
    values. float16 halves the file.

    Raises:
        ValueError: If the tensors are not those of the model, or a value is not JSON.
        DivergedError: If a weight is not finite, or not within what the type can hold.
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
    if vocabulary.unknown_symbol is not None:  # else the file is what it always was
        document["unknown_symbol"] = vocabulary.unknown_symbol
    if vocabulary.end_symbol is not None:
        document["end_symbol"] = vocabulary.end_symbol
    stored = {name: _stored(name, tensors[name], dtype) for name in shapes}
    metadata = {KEY: json.dumps(document, allow_nan=False, separators=(",", ":"))}
    return safetensors.numpy.save(stored, metadata=metadata)


def with_calibration(data: bytes, calibration: Calibration) -> bytes:
    """The bytes of a whole model file with a calibration in the place of its own, if any.

    The tensors are the same, bit for bit.
    """
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    document = json.loads(header["__metadata__"][KEY])
    config = ModelConfig.from_mapping(document["config"], skip_unknown=True)
    number = format_of(config, calibration, has_records="end_symbol" in document)
    document |= {"format": number, "calibration": asdict(calibration)}
    header["__metadata__"][KEY] = json.dumps(document, allow_nan=False, separators=(",", ":"))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers begin where a word does
    return len(text).to_bytes(8, "little") + text + data[end:]


def load_model(path: Path) -> Model:
    """Read a model file.

    Memory is asked for only after the header was checked against the size of the file.

    Returns:
        The model, its weights float32 whatever the file holds.

    Raises:
        ModelFileError: If the file is missing, not a model file, damaged, or of another format.
    """
    with _explained(path), open_model_file(path) as (file, size):
        return _parsed(file, size)


def parse_model(file: BinaryIO, size: int, path: Path) -> Model:
    """The same for a file of a size, open at its beginning; the path is its name for people.

    Raises:
        ModelFileError: If it is not a model file, damaged, or of another format.
    """
    with _explained(path):
        return _parsed(file, size)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say of which file it is that something is wrong with it."""
    try:
        yield
    except (DataError, SafetensorError) as error:
        raise ModelFileError(
            "{path} {problem}", path=path, problem=_without_capital(error)
        ) from error
    except MemoryError as error:
        raise ModelFileError(
            "{path} is too large for the memory of this machine.", path=path
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error


def _stored(name: str, tensor: Float32, dtype: str) -> np.ndarray:
    """The tensor as the file holds it: row by row, whatever its layout in memory.

    safetensors writes the memory of an array as it lies, so a transposed one would be written
    wrong silently.
    """
    with np.errstate(over="ignore"):  # reported below
        stored = np.ascontiguousarray(tensor, dtype=dtype)
    if not np.isfinite(stored).all():
        raise DivergedError(
            "The tensor {name!r} holds a number that is not finite or too large for "
            "{dtype}; the model was not saved.",
            name=name,
            dtype=dtype,
        )
    return stored


def _parsed(file: BinaryIO, size: int) -> Model:
    header = read_header(file, size)
    file.seek(0)
    stored = safetensors.numpy.load(file.read(size))
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
