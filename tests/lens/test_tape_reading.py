"""Reading passages of a tape again, in any order and on any branch."""

import pytest

from tests.support.prediction import predict
from tests.support.tiny_model import tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.lens.reading import Predictions, TapeReader
from tui_charrnn.model.weights import Float32

LENGTH = 150


def recorded_tape(cell: str = "lstm") -> tuple[Tape, list[Float32]]:
    """A tape, and the logits from which each of its characters was sampled."""
    stream = CharacterStream(tiny_model(cell=cell, layer_count=2), SamplingConfig(rng_seed=3))
    stream.prime("a cab")
    tape, scores = Tape(stream), []
    for _ in range(LENGTH):
        tape.next()
        scores.append(stream.logits.copy())
    return tape, scores


def reader_of(tape: Tape) -> TapeReader:
    return TapeReader(tape, lambda number, position: tape.position_at(position, number), 4)


def check(read: Predictions | None, tape: Tape, scores: list[Float32], start: int) -> None:
    """Compare what was read with the logits of the stream during generation."""
    assert read is not None
    indices = tape.tree.indices(tape.branch.number)
    for place, probability in enumerate(read.probability.tolist()):
        wanted = predict(scores[start + place], indices[start + place], 4)
        assert probability == pytest.approx(wanted.probability, rel=1e-12)
        assert read.surprise[place] == pytest.approx(wanted.surprise, rel=1e-12)
        assert read.entropy[place] == pytest.approx(wanted.entropy, rel=1e-12)
        assert read.alternatives[place].tolist() == [index for index, _ in wanted.alternatives]
        assert read.likelihoods[place].tolist() == sorted(read.likelihoods[place], reverse=True)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_any_passage_is_as_the_stream_knew_it(cell: str) -> None:
    tape, scores = recorded_tape(cell)
    reader = reader_of(tape)
    for start, stop in [(100, 150), (0, 40), (40, 41), (41, 90), (7, 30), (149, 150)]:
        check(reader.read(0, start, stop), tape, scores, start)
        assert reader.at == (0, stop)


def test_another_branch_is_read_with_the_text_before_it() -> None:
    tape, scores = recorded_tape()
    reader = reader_of(tape)
    reader.read(0, 20, 50)
    tape.rewind(50)
    tape.take(4)
    scores = [*scores[:50], tape.stream.logits.copy()]
    while tape.branch.length < 80:
        tape.next()
        scores.append(tape.stream.logits.copy())
    check(reader.read(1, 45, 80), tape, scores, 45)


def test_a_place_that_is_not_there_is_nothing() -> None:
    tape, _ = recorded_tape()
    assert TapeReader(tape, lambda *_: None, 4).read(7, 0, 1) is None
