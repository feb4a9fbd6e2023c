"""Clamped neurons have their value, and everything else follows from the equations."""

import re

import numpy as np
import pytest

from tests.support.naive_steps import held_neurons, indices_of, read_naively
from tests.support.tiny_model import tiny_config, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.neuron import (
    Clamp,
    Probe,
    all_neurons,
    parse_clamps,
    parse_probe,
)
from tui_charrnn.generation.side_by_side import SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape

TEXT = "\nbad cab\nhide a jig"
CASES = [
    ("lstm", ["0:c2=3", "0:h4=-0.5"]),
    ("lstm", ["1:2=-1.5"]),
    ("lstm", ["0:c1=0", "0:h1=0.25", "1:c3=8"]),
    ("lstm+norm", ["0:c1=0", "0:h1=0.25", "1:c3=8"]),
    ("gru", ["0:2=0.75", "1:h0=-1"]),
    ("rnn", ["1:h4=0.5"]),
]


@pytest.mark.parametrize(("cell", "texts"), CASES)
def test_a_held_neuron_is_held_and_the_rest_follows_from_the_equations(
    cell: str, texts: list[str]
) -> None:
    model = tiny_model(cell=cell, layer_count=2)
    clamps = parse_clamps(texts, model.config)
    stepper = Stepper(fold_embedding(model), clamps=clamps)
    held = held_neurons(clamps)
    indices = indices_of(model, TEXT)
    reading = read_naively(model, indices, held)

    for place, index in enumerate(indices):
        logits = stepper.read(index).astype(np.float64)

        for neuron, value in held.items():
            place_held = all_neurons(model.config).index(Probe(*neuron))
            assert stepper.state[place_held] == np.float32(value)
        powers = np.exp(logits - logits.max())
        np.testing.assert_allclose(powers / powers.sum(), reading.probabilities[place], atol=1e-6)
        for layer, step in zip(stepper.layers, reading.steps[place], strict=True):
            assert layer.parts.keys() == step.parts.keys()
            for part, values in step.parts.items():
                atol = 1e-5 if part == "c" else 2e-6
                np.testing.assert_allclose(layer.parts[part], values, atol=atol)


@pytest.mark.parametrize(("cell", "texts"), CASES)
def test_texts_side_by_side_are_held_too(cell: str, texts: list[str]) -> None:
    model = tiny_model(cell=cell, layer_count=2)
    weights, clamps = fold_embedding(model), parse_clamps(texts, model.config)
    alone, together = Stepper(weights, clamps=clamps), Stepper(weights, 3, clamps)

    for index in indices_of(model, TEXT):
        alone.read(index)
        together.read_each(np.full(3, index))

    for row in together.state:
        np.testing.assert_allclose(row, alone.state, atol=1e-6)


def test_a_clamp_changes_what_is_said() -> None:
    model = tiny_model(config=tiny_config(hidden_size=16))
    sampling = SamplingConfig(temperature=1, rng_seed=1)
    clamps = parse_clamps([f"0:h{unit}=2" for unit in range(8)], model.config)
    texts = []
    for held in ((), clamps):
        stream = CharacterStream(model, sampling, held)
        texts.append("".join(stream.next().character for _ in range(100)))

    assert texts[0] != texts[1]


def test_a_tape_and_several_texts_of_a_clamped_stream_are_clamped() -> None:
    model = tiny_model(layer_count=2)
    clamps = parse_clamps(["0:c3=4"], model.config)
    stream = CharacterStream(model, SamplingConfig(temperature=1, rng_seed=1), clamps)
    stream.prime("bad")
    batch, tape = SideBySide(stream, 2), Tape(stream)
    generated = [tape.next().character for _ in range(40)]

    place = all_neurons(model.config).index(Probe(0, "c", 3))
    assert tape.position_at(37).state.network[place] == 4  # recomputed
    assert [batch.next()[0].character for _ in range(40)] == generated


def test_texts_side_by_side_hold_what_the_stream_holds_now() -> None:
    stream = CharacterStream(tiny_model(), SamplingConfig(temperature=1, rng_seed=1))
    stream.clamps = parse_clamps(["0:h0=100"], stream.model.config)
    batch = SideBySide(stream, 2)
    batch.next()
    stream.next()
    np.testing.assert_allclose(batch.logits[0], stream.logits, rtol=1e-5)


def test_very_large_values_overflow_nothing() -> None:
    model = tiny_model()
    model.weights.output_kernel[:] = 1e27
    clamps = parse_clamps(["0:h0=1000", "0:c1=-1000"], model.config)

    assert np.isfinite(Stepper(fold_embedding(model), clamps=clamps).read(1)).all()


def test_large_clamps_overflow_no_normalization() -> None:
    config = tiny_config(cell="lstm+norm", layer_count=2, hidden_size=800)
    model = tiny_model(config=config)
    model.weights.layers[1].kernel[:] = np.resize([1.2e12, -1.2e12], 4 * 800)
    clamps = parse_clamps([f"0:h{unit}=1000" for unit in range(800)], config)

    assert np.isfinite(Stepper(fold_embedding(model), clamps=clamps).read(1)).all()


@pytest.mark.parametrize("cell", ["lstm", "lstm+norm", "gru", "rnn"])
def test_every_neuron_has_a_name_and_a_place(cell: str) -> None:
    config = tiny_config(cell=cell, layer_count=3)
    neurons = all_neurons(config)

    assert [parse_probe(str(neuron), config) for neuron in neurons] == neurons
    stepper = Stepper(fold_embedding(tiny_model(config=config)))
    assert len(neurons) == len(stepper.state)
    stepper.read(3)
    for place, neuron in enumerate(neurons):
        assert stepper.layers[neuron.layer].value(neuron) == stepper.state[place]


def test_without_a_letter_c_is_meant_where_there_is_one() -> None:
    assert parse_probe("1:3", tiny_config(layer_count=2)) == Probe(1, "c", 3)
    assert parse_probe("1:3", tiny_config(cell="gru", layer_count=2)) == Probe(1, "h", 3)
    assert parse_clamps(["0:h2=-1e-1"], tiny_config()) == (Clamp(Probe(0, "h", 2), -0.1),)
    assert str(parse_clamps(["0:2=2.50"], tiny_config())[0]) == "0:c2=2.5"


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["0:2"], "A clamp is LAYER:CELL=VALUE, as 0:13=3. Received: '0:2'."),
        (["2=1"], "A neuron is named as LAYER:CELL, for example 0:c7. Received: '2'."),
        (["0:x2=1"], "are i (input), f (forget), g (candidate), o (output). Received: '0:x2'."),
        (["0:f2=1"], "can be clamped: 0:i, 0:f, 0:o. Received: '0:f2'."),
        (["-1:2=1"], "named as LAYER:CELL"),
        (["0:-1=1"], "named as LAYER:CELL"),
        (["٣:1=1"], "named as LAYER:CELL"),
        (["1:2=1"], "This model has one layer, 0; its cells are 0 to 4. Received: '1:2'."),
        (["0:5=1"], "This model has one layer, 0; its cells are 0 to 4. Received: '0:5'."),
        (["0:2=warm"], "A cell is clamped to a number from -1000 to 1000. Received: 'warm'."),
        (["0:2=nan"], "Received: 'nan'."),
        (["0:2=inf"], "Received: 'inf'."),
        (["0:2=1001"], "Received: '1001'."),
        (["0:2=1", "0:c2=2"], "A cell can be clamped to one value only. Received: 0:c2 twice."),
    ],
)
def test_what_is_no_clamp_is_told(texts: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_clamps(texts, tiny_config())
    assert sentence in str(raised.value)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_example_of_a_clamp_is_one_in_every_model(cell: str) -> None:
    config = tiny_config(cell=cell, hidden_size=14)
    with pytest.raises(ConfigError) as raised:
        parse_clamps(["warm"], config)
    (example,) = re.findall(r"as (\S+)\.", str(raised.value))
    assert [clamp.value for clamp in parse_clamps([example], config)] == [3.0]


def test_a_cell_without_a_cell_state_is_told() -> None:
    with pytest.raises(ConfigError, match=r"gru has no cell state.*0:h2\."):
        parse_clamps(["0:c2=1"], tiny_config(cell="gru"))


GATE_CASES = [
    ("lstm", "0:f", 0.0),
    ("lstm", "1:o", 1.0),
    ("lstm", "1:f", 1e-17),
    ("lstm", "0:i", 0.25),
    ("lstm+norm", "1:f", 0.9),
    ("gru", "1:z", 0.0),
    ("gru", "0:r", 0.6),
]


@pytest.mark.parametrize(("cell", "name", "mean"), GATE_CASES)
def test_a_held_gate_has_its_mean_and_keeps_the_order_of_its_units(
    cell: str, name: str, mean: float
) -> None:
    model = tiny_model(config=tiny_config(cell=cell, layer_count=2, hidden_size=40))
    clamps = parse_clamps([], model.config, [f"{name}={mean}"])
    free, held = (Stepper(fold_embedding(model), clamps=each) for each in ((), clamps))
    for index in indices_of(model, TEXT):
        held.restore(free.state)
        free.read(index)
        held.read(index)
        layer = int(name[0])
        alone, together = (each.layers[layer].parts[name[-1]] for each in (free, held))
        assert together.mean() == pytest.approx(mean, abs=1e-6)
        if 0 < mean < 1 and layer == 0:  # the layer above reads the output of the clamped one
            assert (together.argsort(kind="stable") == alone.argsort(kind="stable")).all()


@pytest.mark.parametrize("cell", ["lstm", "lstm+norm", "gru"])
def test_a_gate_that_was_let_go_leaves_no_bit_different(cell: str) -> None:
    model = tiny_model(cell=cell, layer_count=2)
    weights = fold_embedding(model)
    touched, plain = Stepper(weights), Stepper(weights)
    gate = "f" if cell.startswith("lstm") else "z"
    touched.set_clamps(parse_clamps([], model.config, [f"0:{gate}=0", f"1:{gate}=0.5"]))
    touched.read(3)
    touched.set_clamps(())
    touched.restore(plain.state)
    for index in indices_of(model, TEXT):
        assert touched.read(index).tobytes() == plain.read(index).tobytes()
        assert touched.state.tobytes() == plain.state.tobytes()


def test_a_forget_gate_at_0_leaves_no_memory() -> None:
    model = tiny_model()
    clamps = parse_clamps([], model.config, ["0:f=0"])
    stepper = Stepper(fold_embedding(model), clamps=clamps)
    stepper.restore(5)
    stepper.read(3)
    parts = stepper.layers[0].parts
    np.testing.assert_array_equal(parts["c"], parts["i"] * parts["g"])


def test_texts_side_by_side_have_their_gates_held_each() -> None:
    model = tiny_model(layer_count=2)
    clamps = parse_clamps([], model.config, ["0:f=0.3"])
    weights = fold_embedding(model)
    alone, together = Stepper(weights, clamps=clamps), Stepper(weights, 3, clamps)
    for index in indices_of(model, TEXT):
        alone.read(index)
        together.read_each(np.full(3, index))
    np.testing.assert_allclose(together.state, np.tile(alone.state, (3, 1)), atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "text", "words"),
    [
        ("lstm", "0:g=1", "0:i, 0:f, 0:o"),
        ("lstm", "0:c2=1", "0:i, 0:f, 0:o"),
        ("lstm", "1:f=1", "0:i, 0:f, 0:o"),
        ("lstm", "0:f=1.5", "from 0 to 1"),
        ("lstm", "0:f", "LAYER:GATE=MEAN"),
        ("gru", "0:f=1", "0:z, 0:r"),
        ("rnn", "0:f=1", "can be clamped: none"),
    ],
)
def test_what_is_no_gate_is_refused(cell: str, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_clamps([], tiny_config(cell=cell), [text])


def test_a_gate_is_clamped_once_however_it_is_named() -> None:
    with pytest.raises(ConfigError, match=r"to one value only\. Received: 0:f twice"):
        parse_clamps(["0:f=0.3"], tiny_config(), ["0:f=0.5"])


def test_a_held_gate_is_written_as_it_is_read() -> None:
    config = tiny_config()
    for text in ["0:f=1", "0:i=0", "0:o=0.25"]:
        assert [str(clamp) for clamp in parse_clamps([text], config)] == [text]
