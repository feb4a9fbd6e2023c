"""`generate --json`, `score` and the x-ray give the same bits for the same text, also where rare
characters are folded into the unknown symbol."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.command import invoke_alone
from tests.support.tiny_model import random_tensors, tiny_config
from tui_charrnn.cli.generate import generate
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.lens.reading import TapeReader
from tui_charrnn.model.checkpoint import load_model, serialize_model
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.session import GenerationSettings
from tui_charrnn.tui.text.external_text import read_external, start_reading
from tui_charrnn.tui.text.model_loader import LoadedModel

FOLDED = Vocabulary("\n abcde\ufffd", "\ufffd")


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A model that gives the unknown symbol some probability everywhere."""
    tensors = random_tensors(tiny_config(), len(FOLDED))
    tensors["output.bias"][-1] = 2
    path = tmp_path / "model.safetensors"
    path.write_bytes(serialize_model(tensors, tiny_config(), FOLDED, corpus={}, training={}))
    return path


def xray_bits(model_file: Path, text: str) -> tuple[np.ndarray, str]:
    """The surprise of every character of a text in the x-ray, and the x-ray's message."""
    loaded = LoadedModel(load_model(model_file), ModelLabel("tiny"))
    task = BackgroundTask("reading", lambda _: None)
    opening = start_reading(text, lambda _: loaded, GenerationSettings(), task)
    given, tape = opening.external, opening.tape
    assert given is not None
    words = read_external(given, tape, lambda: False, lambda: None, lambda _: None)
    reader = TapeReader(tape, lambda branch, place: tape.position_at(place, branch), 3)
    read = reader.read(0, 0, len(given.numbers))
    assert read is not None
    return read.surprise, words


def test_a_generated_text(model_file: Path) -> None:
    options = "-n", 60, "--rng-seed", 3, "--json", "--top-k", 4, "-m", model_file
    records = [json.loads(line) for line in invoke_alone(generate, *options).stdout.splitlines()]

    text = "".join(record["character"] for record in records)
    printed = [record["surprise"] for record in records]
    assert len(text) == 60
    assert "\ufffd" not in text
    np.testing.assert_allclose(TextScorer(load_model(model_file)).score(text), printed, rtol=1e-5)
    np.testing.assert_allclose(xray_bits(model_file, text)[0], printed, rtol=1e-5)


def test_a_text_with_unknown_characters(model_file: Path) -> None:
    text = "abba cé\nbad\ufffd ache" * 3
    bits = TextScorer(load_model(model_file)).score(text)
    is_known = np.array([character in "\n abcde" for character in text])
    np.testing.assert_array_equal(np.isnan(bits), ~is_known)

    surprise, words = xray_bits(model_file, text)
    np.testing.assert_allclose(surprise[is_known], bits[is_known], rtol=1e-5)
    assert f"Read {len(text)} characters, {bits[is_known].mean():.2f} bits per" in words
