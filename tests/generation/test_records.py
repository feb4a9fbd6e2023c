"""Models of records: each record starts from a zero state."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.tiny_model import TRAINING, random_tensors, tiny_config
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.generation.side_by_side import SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tape_file import open_tape, tape_document
from tui_charrnn.model.checkpoint import Model, load_model, serialize_model
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.text.vocabulary import END, Vocabulary

VOCABULARY = Vocabulary(f"{END}abcd", end_symbol=END)
CORPUS = {"name": "names", "records": "line"}
CELLS = ["lstm", "lstm+norm", "gru", "rnn"]


def record_model(cell: str = "lstm", vocabulary: Vocabulary = VOCABULARY) -> Model:
    config = tiny_config(cell=cell, layer_count=2, hidden_size=6)
    tensors = random_tensors(config, len(vocabulary), rng_seed=3)
    weights = weights_from_tensors({name: 3 * each for name, each in tensors.items()}, config)
    return Model(config, vocabulary, weights, corpus=CORPUS, training={})


def settings(**values: object) -> SamplingConfig:
    return SamplingConfig.from_mapping({"temperature": 1, "rng_seed": 5, **values})


def expected_after(model: Model, seed: str) -> np.ndarray:
    stream = CharacterStream(model, settings())
    stream.prime(seed)
    stream.next()
    return stream.logits.copy()


@pytest.mark.parametrize("cell", CELLS)
def test_nothing_of_a_record_is_known_in_the_next(cell: str) -> None:
    model = record_model(cell)
    for seed in ("", "ab"):
        alone = expected_after(model, seed)
        np.testing.assert_array_equal(expected_after(model, "cadd\n" + seed), alone)
        assert not np.array_equal(expected_after(model, "cadd" + seed), alone)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("streams", [1, 4])
def test_records_are_as_surprising_together_as_alone(cell: str, streams: int) -> None:
    model, words = record_model(cell), ["ab", "dacc", "b", "cada"] * (1500 if streams > 1 else 2)
    together = TextScorer(model, streams=streams).score("".join(word + "\n" for word in words))
    alone = [TextScorer(model, streams=1).score(word + "\n") for word in words[:4]]
    expected = np.concatenate(alone * (len(words) // 4))
    np.testing.assert_allclose(together, expected, atol=1e-5)


def test_a_stream_says_where_a_record_ends_and_shows_a_line_feed() -> None:
    stream = CharacterStream(record_model(), settings())
    drawn = [stream.next() for _ in range(60)]
    ends = [each.index == 0 for each in drawn]
    assert any(ends)
    assert not all(ends)
    assert all((each.character == "\n") == is_end for each, is_end in zip(drawn, ends, strict=True))


@pytest.mark.parametrize("rules", [{}, {"repetition_penalty": 1.7}, {"allow": "ab"}])
def test_texts_side_by_side_end_their_records_alike(rules: dict[str, object]) -> None:
    model = record_model()
    stream = CharacterStream(model, settings(**rules))
    batch = SideBySide(stream, 2)
    for _ in range(80):
        alone, together = stream.next(), batch.next()
        assert alone.index == together[0].index
        assert batch.has_ended(0) == stream.is_between_records
        assert alone.index in ({0, 1, 2} if "allow" in rules else range(5))


def test_a_penalty_forgets_with_the_record() -> None:
    stream = CharacterStream(record_model(), settings(repetition_penalty=2))
    stream.prime("abcd\n")
    assert stream.snapshot().recent == ()
    stream.feed("a")
    assert stream.snapshot().recent == (1,)


def test_a_tape_goes_back_into_an_earlier_record() -> None:
    model = record_model()
    tape = Tape(CharacterStream(model, settings(repetition_penalty=1.5)), "")
    states = []
    for _ in range(90):
        states.append(tape.stream.snapshot())
        tape.next()
    for place in (0, 1, 17, 40, 89):
        found = tape.position_at(place).state
        np.testing.assert_array_equal(found.network, states[place].network)
        assert (found.unread, found.recent) == (states[place].unread, states[place].recent)
    assert {
        each.character for each in tape.position_at(0).alternatives(tape.stream.model.vocabulary)
    } == set(VOCABULARY.characters)
    document = json.loads(json.dumps(tape_document(tape)))
    assert open_tape(model, document).text() == tape.text()


def model_bytes() -> bytes:
    config = tiny_config()
    tensors = random_tensors(config, len(VOCABULARY))
    return serialize_model(tensors, config, VOCABULARY, corpus=CORPUS, training=TRAINING)


def test_a_model_file_keeps_the_end_symbol(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(model_bytes())
    model = load_model(path)
    assert (model.vocabulary, model.records) == (VOCABULARY, "line")
    assert b'\\"format\\":5' in path.read_bytes()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"\"format\":5", rb"\"format\":1"),
        (rb"\"end_symbol\":", rb"\"end-symbol\":"),
        (rb"\"end_symbol\":\"\\u001e\"", rb"\"end_symbol\":\"abcdefg\""),
    ],
)
def test_an_end_symbol_is_of_its_format(tmp_path: Path, old: bytes, new: bytes) -> None:
    path = tmp_path / "model.safetensors"
    data = model_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    with pytest.raises(ModelFileError, match="end symbol"):
        load_model(path)
