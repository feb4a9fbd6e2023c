"""Untrusted files give a model or an error message, never a crash or exhausted memory."""

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiny_model import TINY_VOCABULARY, random_tensors, tiny_config, tiny_model_bytes
from tui_charrnn.errors import ModelFileError
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.model.header import Calibration

GOOD = tiny_model_bytes()
LENGTH = int.from_bytes(GOOD[:8], "little")
HEADER: dict[str, Any] = json.loads(GOOD[8 : 8 + LENGTH])
NUMBERS = GOOD[8 + LENGTH :]


def document() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(HEADER["__metadata__"]["charrnn"])
    return values


def with_header(header: object, numbers: bytes = NUMBERS) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def with_document(**changes: object) -> bytes:
    values = {**document(), **changes}
    header = {**HEADER, "__metadata__": {"charrnn": json.dumps(values)}}
    return with_header(header)


def calibrated(**changes: object) -> bytes:
    values = asdict(Calibration(1.5, 2.0, 1.75, 5_000, 5_000)) | changes
    return with_document(format=4, calibration=values)


def with_entry(name: str, **changes: object) -> bytes:
    return with_header({**HEADER, name: {**HEADER[name], **changes}})


def without(name: str) -> bytes:
    return with_header({key: value for key, value in HEADER.items() if key != name})


def with_weight(value: float) -> bytes:
    tensors = random_tensors(tiny_config(), len(TINY_VOCABULARY))
    tensors["layers.0.kernel"][1, 2] = value
    return safetensors.numpy.save(tensors, metadata=HEADER["__metadata__"])


def raw_header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "not a safetensors file"),
    "a text": (lambda: b"Once upon a time there was a text." * 9, "not a safetensors file"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "not a safetensors file"),
    "an absurd length": (lambda: b"\xff" * 8 + GOOD[8:], "not a safetensors file"),
    "a length of nothing": (lambda: bytes(8) + GOOD[8:], "not a safetensors file"),
    "a length beyond the end": (
        lambda: (9_999).to_bytes(8, "little") + b"{}",
        "header is incomplete",
    ),
    "no JSON": (lambda: raw_header(b"{]"), "not JSON"),
    "no UTF-8": (lambda: raw_header(b'{"\xff\xfe": 1}'), "not JSON"),
    "JSON nested deep": (lambda: raw_header(b"[" * 1_000_000), "not JSON"),
    "JSON objects nested deep": (lambda: raw_header(b'{"a":' * 200_000), "not JSON"),
    "an enormous number": (lambda: raw_header(b'{"a":' + b"9" * 9_999 + b"}"), "not JSON"),
    "an array": (lambda: with_header([1, 2]), "not a JSON object"),
    "no metadata": (lambda: without("__metadata__"), "not a model of charrnn-tui"),
    "metadata of another kind": (
        lambda: with_header({**HEADER, "__metadata__": [1]}),
        "not a model of charrnn-tui",
    ),
    "somebody else's metadata": (
        lambda: with_header({**HEADER, "__metadata__": {"format": "pt"}}),
        "not a model of charrnn-tui",
    ),
    "a document that is no JSON": (
        lambda: with_header({**HEADER, "__metadata__": {"charrnn": "{"}}),
        "not JSON",
    ),
    "a document nested deep": (
        lambda: with_header({**HEADER, "__metadata__": {"charrnn": "[" * 200_000}}),
        "not JSON",
    ),
    "a document with NaN": (
        lambda: with_header({**HEADER, "__metadata__": {"charrnn": '{"format": NaN}'}}),
        "not JSON",
    ),
    "another format": (
        lambda: with_document(format=6),
        "of format 6; this version reads formats 1 to 5",
    ),
    "no format": (lambda: with_document(format=None), "of format None"),
    "no config": (lambda: with_document(config=None), "lacks its config"),
    "a cell that is none": (lambda: with_document(config={"cell": "cow"}), "an invalid model"),
    "a config of the wrong types": (
        lambda: with_document(config={"hidden_size": "5"}),
        "an invalid model",
    ),
    "an enormous model": (
        lambda: with_document(config={"hidden_size": 8192, "layer_count": 8}),
        "lacks its tensor",
    ),
    "no vocabulary": (lambda: with_document(vocabulary=None), "lacks its config, vocabulary"),
    "an empty vocabulary": (lambda: with_document(vocabulary=""), "shape must be"),
    "a longer vocabulary": (lambda: with_document(vocabulary=TINY_VOCABULARY + "z"), "shape must"),
    "a shorter vocabulary": (lambda: with_document(vocabulary=TINY_VOCABULARY[1:]), "shape must"),
    "characters twice": (lambda: with_document(vocabulary="a" * len(TINY_VOCABULARY)), "distinct"),
    "half a surrogate pair": (
        lambda: with_document(vocabulary="\ud800" + TINY_VOCABULARY[1:]),
        "surrogate",
    ),
    "a corpus of the wrong kind": (lambda: with_document(corpus=[1]), "lacks its config"),
    "a calibration of the wrong kind": (
        lambda: with_document(calibration=[1]),
        "damaged calibration",
    ),
    "a calibration without losses": (
        lambda: with_document(calibration={"temperature": 1.5}),
        "damaged calibration: loss_before is missing",
    ),
    "a calibration of words": (
        lambda: calibrated(temperature="hot"),
        "temperature is missing",
    ),
    "a calibration too large to be": (
        lambda: calibrated(loss=10**400),
        ": loss is missing",
    ),
    "a temperature that is none": (
        lambda: calibrated(temperature=-1.0),
        "must be 0.25 to 4. Received: -1",
    ),
    "a calibration below nothing": (
        lambda: calibrated(judged_characters=-1),
        "calibration: judged_characters must be a finite number of at least 0. Received: -1",
    ),
    "a tensor missing": (lambda: without("layers.0.bias"), r"lacks its tensor 'layers\.0\.bias'"),
    "a tensor too many": (
        lambda: with_header({**HEADER, "extra": HEADER["output.bias"]}),
        "unknown tensor: 'extra'",
    ),
    "a tensor misshapen": (
        lambda: with_entry("layers.0.kernel", shape=[20, 3]),
        r"'layers\.0\.kernel' whose shape must be \[3, 20\]\. Received: \[20, 3\]",
    ),
    "a shape of nonsense": (lambda: with_entry("output.bias", shape="12"), "shape must be"),
    "whole numbers": (lambda: with_entry("output.bias", dtype="I32"), "F32 or F16. Received: I32"),
    "a type of nonsense": (lambda: with_entry("output.bias", dtype=[1]), "must be F32 or F16"),
    "a tensor of nonsense": (lambda: with_header({**HEADER, "output.bias": 7}), "no type"),
    "offsets of nonsense": (lambda: with_entry("output.bias", data_offsets="x"), "wrong length"),
    "negative offsets": (lambda: with_entry("output.bias", data_offsets=[-48, 0]), "wrong length"),
    "offsets elsewhere": (
        lambda: with_entry("output.bias", data_offsets=[10**15, 10**15 + 48]),
        "contiguous",
    ),
    "tensors on one another": (
        lambda: with_entry("output.bias", data_offsets=[0, 48]),
        "contiguous",
    ),
    "bytes missing": (lambda: GOOD[:-1], "is truncated"),
    "bytes too many": (lambda: GOOD + b"x", "extra bytes at its end"),
    "not a number": (lambda: with_weight(np.nan), "not finite"),
    "infinity": (lambda: with_weight(np.inf), "not finite"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_explained_in_one_sentence_with_its_path(
    tmp_path: Path, name: str
) -> None:
    make, reason = HOSTILE[name]
    path = tmp_path / "model.safetensors"
    path.write_bytes(make())
    with pytest.raises(ModelFileError, match=reason) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path} ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_file_that_is_cut_anywhere_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(GOOD)
    for size in reversed(range(len(GOOD))):
        os.truncate(path, size)
        with pytest.raises(ModelFileError):
            load_model(path)


@settings(max_examples=300)
@given(st.integers(0, 8 + LENGTH - 1), st.binary(min_size=1, max_size=4))
def test_whatever_stands_in_the_header_it_is_a_model_or_explained(
    tmp_path_factory: pytest.TempPathFactory, position: int, replacement: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.safetensors"
    data = GOOD[:position] + replacement + GOOD[position + len(replacement) :]
    path.unlink(missing_ok=True)  # ext4 flushes a file that is written over
    path.write_bytes(data)
    with contextlib.suppress(ModelFileError):
        load_model(path)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read: No such file"):
        load_model(tmp_path / "missing.safetensors")


def test_a_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="it is a folder, not a file"):
        load_model(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="it is a pipe, not a file"):
        load_model(tmp_path / "pipe")


def test_a_sparse_file_of_a_terabyte_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(GOOD)
    os.truncate(path, 1 << 40)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelFileError, match="extra bytes at its end"):
        load_model(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_model_larger_than_the_memory_is_explained(tmp_path: Path) -> None:
    """An honest header of 8 GB, in a process that may have 2 GB."""
    path = tmp_path / "model.safetensors"
    code = f"""
import json, os, resource, sys
from math import prod
from pathlib import Path
from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.model.shapes import tensor_shapes

config = ModelConfig(hidden_size=8192, layer_count=4, embedding_size=16)
header, end = {{}}, 0
for name, shape in tensor_shapes(config, 2).items():
    begin, end = end, end + 4 * prod(shape)
    header[name] = {{"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}}
document = {{"format": 1, "config": config.to_mapping(), "vocabulary": "ab",
            "corpus": {{}}, "training": {{}}}}
header["__metadata__"] = {{"charrnn": json.dumps(document)}}
text = json.dumps(header).encode()
path = Path({str(path)!r})
path.write_bytes(len(text).to_bytes(8, "little") + text)
os.truncate(path, 8 + len(text) + end)
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
try:
    load_model(path)
except ModelFileError as error:
    print(error)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith(f"{path} is too large for the memory")
