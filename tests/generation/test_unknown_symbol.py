"""The unknown symbol is read and counted, but never generated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.tiny_model import random_tensors, tiny_config, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.scoring import DynamicScorer, TextScorer
from tui_charrnn.generation.side_by_side import SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.text_scores import ScoreTotal
from tui_charrnn.model.checkpoint import Model, load_model, serialize_model
from tui_charrnn.text.vocabulary import Vocabulary

CHARACTERS = "\n abc\ufffd"
UNKNOWN = CHARACTERS.index("\ufffd")
SETTINGS = [
    SamplingConfig(temperature=0, rng_seed=1),
    SamplingConfig(temperature=0.8, rng_seed=1),
    SamplingConfig(temperature=100, rng_seed=1),
    SamplingConfig(temperature=1e-300, rng_seed=1),
    SamplingConfig(top_k=1, rng_seed=1),
    SamplingConfig(top_k=len(CHARACTERS), rng_seed=1),
    SamplingConfig(top_p=0.999, rng_seed=1),
    SamplingConfig(min_p=1e-9, rng_seed=1),
    SamplingConfig(repetition_penalty=1e-3, rng_seed=1),
    SamplingConfig(repetition_penalty=50, rng_seed=1),
]


@pytest.fixture
def model() -> Model:
    """A model that predicts the unknown symbol with high probability."""
    plain = tiny_model(vocabulary=CHARACTERS)
    bias = plain.weights.output_bias.copy()
    bias[UNKNOWN] = 40
    return replace(
        plain,
        vocabulary=Vocabulary(CHARACTERS, "\ufffd"),
        weights=replace(plain.weights, output_bias=bias),
    )


@pytest.mark.parametrize("sampling", SETTINGS)
def test_it_is_never_said(model: Model, sampling: SamplingConfig) -> None:
    stream = CharacterStream(model, sampling)
    stream.prime("ab\ufffd")
    together = SideBySide(stream, 3)
    for _ in range(60):
        assert stream.next().index != UNKNOWN
        assert all(drawn.index != UNKNOWN for drawn in together.next())


def test_unknown_characters_of_a_seed_text_are_read_as_it(model: Model) -> None:
    read, written = (CharacterStream(model, SETTINGS[1]) for _ in range(2))
    primed = read.prime("abéa")
    assert primed.text == "ab\ufffda"
    assert primed.unknown == {2: "é"}
    assert written.prime(primed.text).text == primed.text
    np.testing.assert_array_equal(read.network, written.network)


def test_without_the_mark_it_would_be_said(model: Model) -> None:
    stream = CharacterStream(replace(model, vocabulary=Vocabulary(CHARACTERS)), SETTINGS[1])
    assert stream.next().index == UNKNOWN


def test_the_others_share_what_it_would_have_had(model: Model) -> None:
    stream = CharacterStream(model, SamplingConfig(temperature=1))
    moment = Tape(stream).position_at(0)
    assert moment.probabilities[UNKNOWN] == 0
    assert moment.probabilities.sum() == pytest.approx(1)
    alternatives = moment.alternatives(model.vocabulary)
    assert {each.character for each in alternatives} == set(CHARACTERS) - {"\ufffd"}


def test_a_model_file_keeps_it(model: Model, tmp_path: Path) -> None:
    path, config = tmp_path / "model.safetensors", tiny_config()
    tensors = random_tensors(config, len(CHARACTERS))
    data = serialize_model(tensors, config, model.vocabulary, corpus={}, training={})
    path.write_bytes(data)
    assert load_model(path).vocabulary == model.vocabulary
    plain = serialize_model(tensors, config, Vocabulary(CHARACTERS), corpus={}, training={})
    path.write_bytes(plain)
    assert load_model(path).vocabulary.unknown_symbol is None
    assert b"unknown_symbol" not in plain


@pytest.mark.parametrize("symbol", [b'"ab"', b'"z" ', b"1234", b'["a"]'[:4] + b"]"])
def test_a_file_with_another_symbol_is_refused(model: Model, tmp_path: Path, symbol: bytes) -> None:
    path, config = tmp_path / "model.safetensors", tiny_config()
    vocabulary = Vocabulary("ab cdeX", "X")
    tensors = random_tensors(config, len(vocabulary))
    data = serialize_model(tensors, config, vocabulary, corpus={}, training={})
    mark = rb"\"unknown_symbol\":\"X\""
    assert data.count(mark) == 1
    changed = symbol.replace(b'"', rb"\"")
    path.write_bytes(_replaced(data, mark, rb"\"unknown_symbol\":" + changed))
    with pytest.raises(ModelFileError, match="unknown symbol"):
        load_model(path)


def _replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """A file of another header, whose length is that of the old one."""
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].replace(old, new)
    padded = header + b" " * (-len(header) % 8)
    return len(padded).to_bytes(8, "little") + padded + data[8 + length :]


def test_a_score_leaves_unknown_characters_out_and_counts_them(model: Model) -> None:
    text = "abéa\ufffdcé"
    bits = TextScorer(model, streams=1).score(text)
    is_unknown = np.array([character in "é\ufffd" for character in text])
    np.testing.assert_array_equal(np.isnan(bits), is_unknown)
    total = ScoreTotal()
    total.add(bits)
    assert (total.characters, total.unknown) == (4, 3)


def test_what_follows_an_unknown_character_is_expected_after_the_symbol(model: Model) -> None:
    text = "abéa"
    stepper = Stepper(fold_embedding(model))
    expected = []
    read = [CHARACTERS.index(character) for character in "\nab\ufffd"]
    for index, following in zip(read, "ab\ufffda", strict=True):
        logits = stepper.read(index).astype(np.float64)
        nats = np.log(np.exp(logits).sum()) - logits[CHARACTERS.index(following)]
        expected.append(nats / np.log(2))
    bits = TextScorer(model, streams=1).score(text)
    np.testing.assert_allclose(bits[[0, 1, 3]], np.array(expected)[[0, 1, 3]], rtol=1e-5)


def test_dynamic_evaluation_scores_the_known_characters(model: Model) -> None:
    text = "abéa cé\n" * 20
    scorer = DynamicScorer(model, rate=1e-30)  # learns nothing that could be seen
    scorer.add(text)
    bits = TextScorer(model, streams=1).score(text)
    assert scorer.end() == pytest.approx(np.nanmean(bits), rel=1e-4)
