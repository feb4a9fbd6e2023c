"""What a trace says, against a reference that computes it straight from the equations."""

import math

import numpy as np
import pytest

from tests.support.naive_steps import NaiveReading, indices_of, read_naively
from tests.support.prediction import predict
from tests.support.tiny_model import TINY_VOCABULARY, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.lens.reading import TraceReader, view_layers
from tui_charrnn.model.checkpoint import Model

TEXT = "bad cab\nhide a jig\n\nabc"
KINDS = [(cell, layers) for cell in ("lstm", "lstm+norm", "gru", "rnn") for layers in (1, 3)]


def naive(model: Model, text: str) -> NaiveReading:
    """The reading of a text that begins as after a line feed: one more character than the text."""
    return read_naively(model, indices_of(model, "\n" + text))


@pytest.mark.parametrize(("cell", "layer_count"), KINDS)
def test_states_and_gates_are_those_of_the_equations(cell: str, layer_count: int) -> None:
    model = tiny_model(cell=cell, layer_count=layer_count)
    steps = naive(model, TEXT).steps[1:]  # without the line feed before the text

    trace = TraceReader(model).read(TEXT)

    assert (len(trace), len(trace.layers)) == (len(TEXT), layer_count)
    for number, layer in enumerate(trace.layers):
        ours = [step[number] for step in steps]
        np.testing.assert_allclose(layer.hidden, [step.hidden for step in ours], atol=2e-6)
        if cell.startswith("lstm"):
            assert layer.cell_state is not None
            np.testing.assert_allclose(
                layer.cell_state, [step.cell_state for step in ours], atol=2e-6
            )
        else:
            assert layer.cell_state is None
        assert list(layer.gates) == list(ours[0].gates)
        for name, gate in layer.gates.items():
            np.testing.assert_allclose(gate, [step.gates[name] for step in ours], atol=2e-6)


@pytest.mark.parametrize(("cell", "layer_count"), KINDS)
def test_predictions_are_those_before_each_character_came(cell: str, layer_count: int) -> None:
    model = tiny_model(cell=cell, layer_count=layer_count)
    expected = naive(model, TEXT).probabilities

    trace = TraceReader(model, alternatives=4).read(TEXT)

    for place, came in enumerate(indices_of(model, TEXT)):
        chances = expected[place].tolist()
        found = trace.predictions.of(place)
        assert found.probability == pytest.approx(chances[came], abs=1e-6)
        assert found.surprise == pytest.approx(-math.log2(chances[came]), abs=1e-5)
        entropy = -sum(chance * math.log2(chance) for chance in chances)
        assert found.entropy == pytest.approx(entropy, abs=1e-5)
        best = sorted(range(len(chances)), key=lambda index: -chances[index])[:4]
        assert [index for index, _ in found.alternatives] == best
        assert [chance for _, chance in found.alternatives] == pytest.approx(
            [chances[index] for index in best], abs=1e-6
        )


def test_what_a_stream_holds_can_be_looked_at_without_reading_again() -> None:
    model = tiny_model(layer_count=2)
    stream = CharacterStream(model, SamplingConfig(temperature=1, rng_seed=3))
    stream.prime("bad")
    said = [stream.next() for _ in range(5)]

    prediction = predict(stream.logits, said[-1].index, 3)
    layers = view_layers(stream.layers)
    stream.next()  # writes over what was looked at, not over the copies

    text = "bad" + "".join(each.character for each in said)
    direct = read_naively(model, indices_of(model, text[:-1]))
    assert prediction.probability == pytest.approx(
        direct.probabilities[-1][said[-1].index], abs=1e-6
    )
    for layer, step in zip(layers, direct.steps[-1], strict=True):
        np.testing.assert_allclose(layer.hidden, step.hidden, atol=2e-6)
        np.testing.assert_allclose(layer.gates["forget"], step.gates["forget"], atol=2e-6)


@pytest.mark.parametrize("cell", ["lstm", "lstm+norm", "gru", "rnn"])
def test_a_text_in_parts_is_the_text_at_once(cell: str) -> None:
    model = tiny_model(cell=cell, layer_count=2)
    whole, reader = TraceReader(model).read(TEXT), TraceReader(model)

    parts = [reader.read(part) for part in (TEXT[:1], "", TEXT[1:9], TEXT[9:])]

    for number, layer in enumerate(whole.layers):
        together = np.concatenate([part.layers[number].hidden for part in parts])
        np.testing.assert_array_equal(together, layer.hidden)
    surprise = np.concatenate([part.predictions.surprise for part in parts])
    np.testing.assert_array_equal(surprise, whole.predictions.surprise)


def test_unknown_characters_are_passed_over() -> None:
    model = tiny_model()
    plain = TraceReader(model).read("abc")

    trace = TraceReader(model).read("aΩb한c")

    assert trace.places.tolist() == [0, 2, 4]
    np.testing.assert_array_equal(trace.layers[0].hidden, plain.layers[0].hidden)
    np.testing.assert_array_equal(trace.predictions.surprise, plain.predictions.surprise)


def test_a_character_known_by_its_parts_has_a_row_for_each() -> None:
    model = tiny_model(vocabulary="\nae\N{COMBINING ACUTE ACCENT}")

    trace = TraceReader(model).read("aéa")

    assert trace.places.tolist() == [0, 1, 1, 2]
    assert trace.indices.tolist() == [1, 2, 3, 1]


def test_a_text_of_nothing_has_no_rows() -> None:
    trace = TraceReader(tiny_model()).read("")

    assert len(trace) == 0
    assert trace.predictions.alternatives.shape == (0, 10)


def test_alternatives_of_equal_probability_come_in_the_order_of_the_vocabulary() -> None:
    logits = np.array([0, 2, 1, 2, 1, 2, 0], np.float32)

    assert [index for index, _ in predict(logits, 0, 2).alternatives] == [1, 3]
    assert [index for index, _ in predict(logits, 0, 99).alternatives] == [1, 3, 5, 2, 4, 0, 6]


def test_a_character_that_can_never_come_is_no_failure() -> None:
    logits = np.array([0, -np.inf, 0], np.float32)

    found = predict(logits, 2, 3)

    assert (found.probability, found.surprise, found.entropy) == pytest.approx((0.5, 1, 1))
    assert found.alternatives == ((0, 0.5), (2, 0.5), (1, 0.0))
    assert predict(logits, 1, 1).surprise == math.inf


def test_a_model_whose_numbers_are_too_large_is_told() -> None:
    model = tiny_model()
    model.weights.output_bias[:] = np.inf

    with pytest.raises(ModelFileError, match="scores are not finite"):
        TraceReader(model).read(TINY_VOCABULARY)
