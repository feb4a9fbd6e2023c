"""Reading a tape with clamps reproduces what was generated."""

import itertools

import numpy as np
import pytest

from tests.support.prediction import predict
from tests.support.tiny_model import tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.neuron import parse_clamps
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.lens.reading import TapeReader

HELD = 20, 41  # the first character that was chosen with the clamp, and the first without


def clamped_tape() -> tuple[Tape, list[float]]:
    """A tape, and the surprise of every character when it was generated."""
    model = tiny_model(layer_count=2)
    stream = CharacterStream(model, SamplingConfig(temperature=1.2, rng_seed=4))
    tape = Tape(stream, stream.prime("bad").text)
    surprises = []
    for place in range(60):
        if place in HELD:
            words = ["0:c2=9", "1:h1=-1"] if place == HELD[0] else []
            stream.clamps = parse_clamps(words, model.config)
        index = tape.next().index
        surprises.append(float(predict(stream.logits, index, 3).surprise))
    return tape, surprises


@pytest.mark.parametrize("cuts", [[0, 60], [0, 20, 60], [0, 21, 40, 41, 60], [41, 60, 0, 41]])
def test_a_passage_is_read_with_what_was_held_at_each_character(cuts: list[int]) -> None:
    tape, surprises = clamped_tape()
    reader = TapeReader(tape, lambda number, at: tape.position_at(at, number), 3)

    for start, stop in itertools.pairwise(cuts):
        if start < stop:
            found = reader.read(0, start, stop)
            assert found is not None
            np.testing.assert_allclose(found.surprise, surprises[start:stop], rtol=1e-6)


def test_what_goes_on_with_a_clamp_is_read_with_it() -> None:
    tape, _ = clamped_tape()
    stream = tape.stream
    reader = TapeReader(tape, lambda number, at: tape.position_at(at, number), 3)
    reader.read(0, 50, 60)
    stream.clamps = parse_clamps(["0:c2=9"], stream.model.config)
    index = tape.next().index

    found = reader.read(0, 60, 61)

    assert found is not None
    wanted = predict(stream.logits, index, 3)
    assert found.surprise[0] == pytest.approx(float(wanted.surprise))
