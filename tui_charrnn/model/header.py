"""The header of a model file, which is validated before any tensor is read.

A safetensors file begins with the length of its header (8 bytes, little-endian), then a JSON
object that maps each tensor's name to its type, shape and offsets, and `__metadata__` to strings.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import ConfigError, ModelFileError
from tui_charrnn.model.shapes import parameter_count, tensor_shapes
from tui_charrnn.paths import open_file
from tui_charrnn.translation import tr

RECORDS_FORMAT: Final = 5
"""File format of models of records, calibrated or not: an end symbol resets their state."""
FORMATS: Final = (1, 2, 3, 4, RECORDS_FORMAT)
"""All file formats that this version reads and writes; see `format_of`."""
KEY: Final = "charrnn"
"""Key of the JSON document in the file's metadata."""
HEADER_LIMIT: Final = 4 << 20
"""Most bytes of a header; a vocabulary of all of Unicode takes 2 MB."""
ITEM_SIZES: Final = {"F32": 4, "F16": 2}
"""Bytes per number of the supported safetensors types."""


LOWEST_TEMPERATURE: Final = 0.25
HIGHEST_TEMPERATURE: Final = 4.0
"""A fitted temperature beyond these bounds means that model and text do not match."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted temperature, by which the network's logits are divided, and its effect.

    Losses are on text that the temperature was not fitted on, nats per character.
    """

    temperature: float
    loss_before: float
    """With the network's own logits."""
    loss: float
    """With the logits divided by `temperature`."""
    fitted_characters: int
    """Characters that it was fitted on."""
    judged_characters: int
    """Characters that the losses were measured on."""


class ModelHeader(NamedTuple):
    """The contents of a model file except its tensors."""

    config: ModelConfig
    vocabulary: str
    corpus: Mapping[str, object]
    training: Mapping[str, object]
    unknown_symbol: str | None = None
    """The character that replaces unknown ones and is never generated."""
    calibration: Calibration | None = None
    """None if the model is not calibrated."""
    end_symbol: str | None = None
    """The character that ends a record, the first of the vocabulary; None without records."""


def read_header(file: BinaryIO) -> ModelHeader:
    """Read and validate the header of a model file, also against the file's size.

    Raises:
        ModelFileError: If it is not a model file, or truncated; without the path.
    """
    file_size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if file_size < 8 or not 2 <= length <= HEADER_LIMIT:
        raise ModelFileError("is not a model file: it is not a safetensors file.")
    if length > file_size - 8:
        raise ModelFileError("is truncated: its header is incomplete. Copy it again.")
    entries = _parsed(file.read(length))
    metadata = entries.pop("__metadata__", None)
    document = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(document, str):
        raise ModelFileError("is a safetensors file, but not a model of charrnn-tui.")
    header = _header_from_json(_parsed(document))
    _check_tensors(entries, header, file_size - 8 - length)
    return header


def _parsed(text: str | bytes) -> dict[str, Any]:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError("has a damaged header: it is not JSON.") from error
    if not isinstance(values, dict):
        raise ModelFileError("has a damaged header: it is not a JSON object.")
    return values


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _header_from_json(document: dict[str, Any]) -> ModelHeader:
    if document.get("format") not in FORMATS:
        raise ModelFileError(
            "is a model file of format {format}; this version reads formats {first} to {last}.",
            format=str(document.get("format"))[:20],
            first=FORMATS[0],
            last=FORMATS[-1],
        )
    parts = [document.get(name) for name in ("config", "corpus", "training")]
    vocabulary = document.get("vocabulary")
    unknown_symbol, end_symbol = document.get("unknown_symbol"), document.get("end_symbol")
    if not (isinstance(vocabulary, str) and all(isinstance(part, dict) for part in parts)):
        raise ModelFileError("lacks its config, vocabulary, corpus or training entry.")
    if not isinstance(unknown_symbol, str | None):
        raise ModelFileError("has an unknown symbol that is not a character.")
    if not isinstance(end_symbol, str | None) or (end_symbol is None) != (
        document["format"] != RECORDS_FORMAT
    ):
        raise ModelFileError(
            "has an end symbol that is not a character, or that its format does not have."
        )
    config, corpus, training = (dict(part or {}) for part in parts)
    try:
        model = ModelConfig.from_mapping(config)
    except ConfigError as error:
        raise ModelFileError(
            "describes an invalid model: {problem}", problem=str(error)[:300]
        ) from error
    calibration = _calibration_from(document)
    return ModelHeader(model, vocabulary, corpus, training, unknown_symbol, calibration, end_symbol)


def _calibration_from(document: Mapping[str, Any]) -> Calibration | None:
    values = document.get("calibration")
    if values is None:
        return None
    numbers: dict[str, Any] = {}
    for each in fields(Calibration):
        try:
            number = float(values[each.name])
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise ModelFileError(
                "has a damaged calibration: {name} is missing or not a number.", name=each.name
            ) from error
        if each.name == "temperature" and not LOWEST_TEMPERATURE <= number <= HIGHEST_TEMPERATURE:
            raise ModelFileError(
                "has an invalid calibration: its temperature must be {lowest:g} to {highest:g}. "
                "Received: {received:g}.",
                lowest=LOWEST_TEMPERATURE,
                highest=HIGHEST_TEMPERATURE,
                received=number,
            )
        if not 0 <= number < math.inf:
            raise ModelFileError(
                "has an invalid calibration: {name} must be a finite number of at least 0. "
                "Received: {received:g}.",
                name=each.name,
                received=number,
            )
        numbers[each.name] = int(number) if each.type is int else number
    return Calibration(**numbers)


def format_of(
    config: ModelConfig, calibration: Calibration | None = None, *, has_records: bool = False
) -> int:
    """Return the file format for a model: the oldest one that can represent it."""
    if has_records:
        return RECORDS_FORMAT
    if calibration is not None:
        return 4
    if config.reads_both:
        return 3
    return 2 if config.layer_norm else 1  # a normalized layer has additional tensors


def _check_tensors(entries: dict[str, Any], header: ModelHeader, data_size: int) -> None:
    """Check that the file has exactly the model's tensors, without gaps.

    Raises:
        ModelFileError: If it has not.
    """
    shapes = tensor_shapes(header.config, len(header.vocabulary))
    for name in shapes:
        if name not in entries:
            raise ModelFileError("lacks its tensor {name!r}.", name=name)
    if len(entries) > len(shapes):
        foreign = next(name for name in entries if name not in shapes)
        raise ModelFileError("has an unknown tensor: {name!r}.", name=foreign[:60])
    spans = sorted(_span(name, entries[name], shape) for name, shape in shapes.items())
    ends = [0, *(end for _, end in spans)]
    if [begin for begin, _ in spans] != ends[:-1]:
        raise ModelFileError("has a damaged header: its tensors are not contiguous.")
    if data_size != ends[-1]:
        raise ModelFileError(
            "is truncated: its header announces {announced:,} bytes of numbers, and it has "
            "{found:,}. Copy it again."
            if data_size < ends[-1]
            else (
                "has extra bytes at its end: its header announces {announced:,} bytes of "
                "numbers, and it has {found:,}. Copy it again."
            ),
            announced=ends[-1],
            found=data_size,
        )


def _span(name: str, entry: object, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the offsets of a tensor's begin and end.

    Raises:
        ModelFileError: If its type, shape or size is wrong.
    """
    if not isinstance(entry, dict) or entry.get("dtype") not in list(ITEM_SIZES):
        received = str(entry.get("dtype"))[:20] if isinstance(entry, dict) else tr("no type")
        raise ModelFileError(
            "has a tensor {name!r} whose numbers must be F32 or F16. Received: {received}.",
            name=name,
            received=received,
        )
    if entry.get("shape") != list(shape):
        raise ModelFileError(
            "has a tensor {name!r} whose shape must be {shape}. Received: {received}.",
            name=name,
            shape=list(shape),
            received=str(entry.get("shape"))[:60],
        )
    offsets = entry.get("data_offsets")
    size = math.prod(shape) * ITEM_SIZES[entry["dtype"]]
    match offsets:
        case [int(begin), int(end)] if 0 <= begin == end - size:
            return begin, end
    raise ModelFileError("has a tensor {name!r} of the wrong length.", name=name)


class ModelFacts(NamedTuple):
    """A model file as an entry of a list of models."""

    path: Path
    size: int
    """Bytes."""
    header: ModelHeader | None
    """None if the file cannot be used."""
    problem: str | None = None
    """Why it cannot be used, in one sentence with the path."""

    @property
    def parameters(self) -> int:
        """Number of parameters; 0 if the file cannot be used."""
        if self.header is None:
            return 0
        return parameter_count(self.header.config, len(self.header.vocabulary))

    @property
    def units(self) -> str:
        """The units of its text: `characters`, or `jamo` for Hangul letters."""
        corpus = self.header.corpus if self.header is not None else {}
        return str(corpus.get("units", "characters"))

    @property
    def loss(self) -> float | None:
        """Best recorded validation loss, nats per character; None if unknown.

        For a model of jamo, a syllable is one character.
        """
        if self.header is None:
            return None
        for name in ("best_validation_loss", "validation_loss"):
            loss = self.header.training.get(name)
            if isinstance(loss, float) and math.isfinite(loss):
                return loss
        return None


def read_facts(path: Path) -> ModelFacts:
    """Read the facts of a model file; never raises for one that cannot be used."""
    size = 0
    try:
        with open_file(path) as file:
            size = file.seek(0, os.SEEK_END)
            return ModelFacts(path, size, read_header(file))
    except ModelFileError as error:
        return ModelFacts(path, size, None, tr("{path} {problem}", path=path, problem=error))
    except OSError as error:
        return ModelFacts(path, size, None, str(ModelFileError.unreadable(path, error)))
