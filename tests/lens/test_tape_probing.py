"""States and gates at positions of a tape equal the equations, in any order of reading."""

import numpy as np
import pytest

from tests.support.naive_steps import NaiveStep, read_naively
from tests.support.prediction import predict
from tests.support.tiny_model import tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.neuron import GATES, parse_probe
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.lens.reading import TapeReader, view_layers

LENGTH = 60
SEED = "a cab"
TOLERANCE = 2e-5
PASSAGES = [(30, 60), (0, 20), (20, 21), (21, 40), (7, 9), (59, 60)]
CELLS = pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
LAYERS = pytest.mark.parametrize("layer_count", [1, 2])


def recorded_tape(cell: str, layer_count: int) -> tuple[Tape, list[list[NaiveStep]]]:
    """A tape, and the network's states at each of its characters by the equations."""
    model = tiny_model(cell=cell, layer_count=layer_count)
    stream = CharacterStream(model, SamplingConfig(rng_seed=3))
    stream.prime(SEED)
    tape = Tape(stream)
    for _ in range(LENGTH):
        tape.next()
    seed = [model.vocabulary.characters.index(character) for character in SEED]
    return tape, read_naively(model, [*seed, *tape.tree.indices(0)]).steps[len(seed) :]


def reader_of(tape: Tape) -> TapeReader:
    return TapeReader(tape, lambda number, position: tape.position_at(position, number), 4)


@LAYERS
@CELLS
def test_states_and_gates_after_a_passage(cell: str, layer_count: int) -> None:
    tape, steps = recorded_tape(cell, layer_count)
    reader = reader_of(tape)
    for start, stop in PASSAGES:
        reader.read(0, start, stop)
        views = reader.views()
        assert len(views) == layer_count
        for view, step in zip(views, steps[stop - 1], strict=True):
            assert view.keys() == step.parts.keys()
            for part, values in view.items():
                assert values == pytest.approx(step.parts[part], abs=TOLERANCE)


@LAYERS
@CELLS
def test_the_values_of_a_probe_after_every_character(cell: str, layer_count: int) -> None:
    tape, steps = recorded_tape(cell, layer_count)
    reader, top = reader_of(tape), layer_count - 1
    parts = ["h2", *(["c4"] if cell == "lstm" else [])]
    parts += [f"{letter}{unit}" for letter in GATES[cell] for unit in ("1", "")]
    for part in parts:
        probe = parse_probe(f"{top}:{part}", tape.stream.model.config)
        wanted = [value_of(part, step[top]) for step in steps]
        for start, stop in PASSAGES:
            reader.read(0, start, stop, probe)
            assert reader.values == pytest.approx(wanted[start:stop], abs=TOLERANCE)


def value_of(part: str, step: NaiveStep) -> float:
    """The value of a name without its layer."""
    numbers, unit = step.parts[part[0]], part[1:]
    return float(numbers[int(unit)] if unit else np.mean(numbers))


def test_looking_does_not_change_what_is_read_on() -> None:
    tape, _ = recorded_tape("lstm", 2)
    plain, looking = reader_of(tape), reader_of(tape)
    probe = parse_probe("0:c1", tape.stream.model.config)
    wanted = plain.read(0, 0, LENGTH)
    assert wanted is not None
    surprises = []
    for start in range(0, LENGTH, 7):
        read = looking.read(0, start, min(start + 7, LENGTH), probe)
        looking.views()
        assert read is not None
        surprises += read.surprise.tolist()
    assert surprises == wanted.surprise.tolist()


def test_without_a_probe_there_are_no_values() -> None:
    tape, _ = recorded_tape("gru", 1)
    reader = reader_of(tape)
    reader.read(0, 0, 5, parse_probe("0:h0", tape.stream.model.config))
    assert len(reader.values) == 5
    reader.read(0, 5, 9)
    assert reader.values == []


def test_what_a_stream_holds_can_be_looked_at_without_reading_again() -> None:
    model = tiny_model(layer_count=2)
    stream = CharacterStream(model, SamplingConfig(temperature=1, rng_seed=3))
    stream.prime("bad")
    drawn = [stream.next() for _ in range(5)]

    prediction = predict(stream.logits, drawn[-1].index, 3)
    layers = view_layers(stream.layers)
    stream.next()  # overwrites the arrays, not the copies

    text = "bad" + "".join(each.character for each in drawn)
    direct = read_naively(model, model.vocabulary.encode(text[:-1]))
    assert prediction.probability == pytest.approx(
        direct.probabilities[-1][drawn[-1].index], abs=1e-6
    )
    for layer, step in zip(layers, direct.steps[-1], strict=True):
        for part in "hf":
            np.testing.assert_allclose(layer[part], step.parts[part], atol=2e-6)
