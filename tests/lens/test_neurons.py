"""The neuron finder, against states read one by one and NumPy's own correlation."""

from functools import cache

import numpy as np
import pytest

from tests.support.bracket_model import COUNTING, counting_model, nested_brackets
from tests.support.naive_properties import NAIVE
from tests.support.naive_steps import indices_of, read_naively
from tests.support.tiny_model import TINY_VOCABULARY, tiny_config, tiny_model
from tui_charrnn.errors import CorpusError, ModelFileError
from tui_charrnn.generation.neuron import Probe
from tui_charrnn.lens.neurons import EXCERPT, Findings, NeuronFinder, values_of
from tui_charrnn.lens.properties import Property, find_properties
from tui_charrnn.model.checkpoint import Model

BRACKETS = find_properties(["bracket-depth", "parentheses"])
TEXT = "bad cab\nhide a jig\n\nabc" * 9


def random_text(length: int) -> str:
    rng = np.random.default_rng(4)
    return "".join(rng.choice(list(TINY_VOCABULARY), length))


def strongest(findings: Findings, number: int = 0) -> dict[str, float]:
    return {str(each.neuron): each.r for each in findings.properties[number].neurons}


@pytest.mark.parametrize("cell", ["lstm", "lstm+norm", "gru", "rnn"])
@pytest.mark.parametrize("layer_count", [1, 2])
def test_r_is_that_of_every_state_over_the_text(cell: str, layer_count: int) -> None:
    model = tiny_model(cell=cell, layer_count=layer_count)
    steps = read_naively(model, indices_of(model, "\n" + TEXT)).steps[1:]
    expected = {}
    for layer in range(layer_count):
        parts = {"h": [step[layer].hidden for step in steps]}
        if cell.startswith("lstm"):
            parts["c"] = [step[layer].cell_state for step in steps]
        for part, rows in parts.items():
            for unit in range(5):
                column = [float(row[unit]) for row in rows]
                r = np.corrcoef(column, NAIVE["line-position"](TEXT))[0, 1]
                expected[f"{layer}:{part}{unit}"] = r

    finder = NeuronFinder(model, find_properties(["line-position"]))
    found = strongest(finder.find([TEXT[:40], TEXT[40:41], TEXT[41:]], top=99))

    assert found == pytest.approx(expected, abs=1e-4)
    assert list(found) == sorted(found, key=lambda name: -abs(found[name]))


LONG_TEXT = random_text(41_000)
BLOCKS = [LONG_TEXT[:20_001], LONG_TEXT[20_001:]]


@cache
def found_in_one_stream(cell: str) -> Findings:
    return NeuronFinder(*model_and_properties(cell), streams=1).find(BLOCKS, top=99)


def model_and_properties(cell: str) -> tuple[Model, tuple[Property, ...]]:
    model = tiny_model(cell=cell, layer_count=2)
    return model, find_properties(["line-position", "word-start"])


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("cell", ["lstm", "lstm+norm", "gru", "rnn"])
def test_streams_side_by_side_find_what_one_finds(cell: str, threads: int) -> None:
    one = found_in_one_stream(cell)

    several = NeuronFinder(*model_and_properties(cell), threads=threads).find(BLOCKS, top=99)

    assert several.characters == one.characters == 41_000
    for number in range(2):
        assert strongest(several, number) == pytest.approx(strongest(one, number), abs=1e-5)


def test_the_cell_that_counts_brackets_is_found_by_itself() -> None:
    finder = NeuronFinder(counting_model(), BRACKETS, streams=1)

    depth, inside = finder.find([nested_brackets(5000)], top=2).properties

    assert depth.neurons[0].neuron == Probe(0, "c", COUNTING)
    assert depth.neurons[0].r == pytest.approx(1, abs=1e-5)
    assert depth.neurons[0].mean == pytest.approx(depth.mean / 2, abs=1e-5)
    assert inside.neurons[0].neuron.unit == COUNTING


def test_chance_is_the_largest_r_of_nineteen_circular_shifts() -> None:
    model, text = tiny_model(), TEXT[:100]
    steps = read_naively(model, indices_of(model, "\n" + text)).steps[1:]
    states = np.array([[*step[0].hidden, *step[0].cell_state] for step in steps])
    position = np.array(NAIVE["line-position"](text), float)
    shifted = [np.roll(position, -shift * len(text) // 20) for shift in range(1, 20)]
    expected = max(abs(np.corrcoef(one, column)[0, 1]) for one in shifted for column in states.T)

    (found,) = NeuronFinder(model, find_properties(["line-position"])).find([text]).properties

    assert found.chance == pytest.approx(expected, abs=1e-4)


def test_a_cell_that_counts_stands_out_from_chance() -> None:
    depth, _ = NeuronFinder(counting_model(), BRACKETS).find([nested_brackets(5000)]).properties
    assert depth.chance < 0.5 < abs(depth.neurons[0].r)


def test_one_layer_can_be_asked_for() -> None:
    finder = NeuronFinder(counting_model(layer_count=2), BRACKETS)

    found = finder.find([nested_brackets(2000)], top=99, layer=1).properties[0]

    assert {each.neuron.layer for each in found.neurons} == {1}
    assert len(found.neurons) == 12


def test_unknown_characters_are_counted_and_passed_over() -> None:
    text = nested_brackets(1000)
    plain = NeuronFinder(counting_model(), BRACKETS).find([text], top=99)

    odd = NeuronFinder(counting_model(), BRACKETS).find(["Ω" + text + "한한"], top=99)

    assert (odd.characters, odd.unknown) == (1000, 3)
    assert strongest(odd) == pytest.approx(strongest(plain))


def test_a_property_that_never_changes_is_followed_by_nobody() -> None:
    finder = NeuronFinder(counting_model(), find_properties(["digit", "bracket-depth"]))

    digit, depth = finder.find([nested_brackets(500)]).properties

    assert (digit.neurons, digit.mean, digit.excerpt) == ((), 0, None)
    assert depth.neurons


def test_a_passage_in_which_the_property_changes_is_kept() -> None:
    quiet, text = "ab" * 400, nested_brackets(600)
    finder = NeuronFinder(counting_model(), BRACKETS)

    excerpt = finder.find([quiet, text]).properties[0].excerpt

    assert excerpt is not None
    assert excerpt.text in text
    assert 2 * EXCERPT // 3 < len(excerpt.text) <= EXCERPT
    whole = quiet + text
    start = whole.index(excerpt.text)
    assert whole[:start].endswith(excerpt.before)
    depth = NAIVE["bracket-depth"](whole)
    assert excerpt.values.tolist() == depth[start : start + len(excerpt.text)]


def test_the_values_of_a_neuron_along_a_passage() -> None:
    model = counting_model()
    finder = NeuronFinder(model, BRACKETS)
    excerpt = finder.find([nested_brackets(200)]).properties[0].excerpt
    assert excerpt is not None

    values = values_of(Probe(0, "c", COUNTING), excerpt, model)

    np.testing.assert_allclose(values, excerpt.values / 2, atol=1e-5)


def test_a_text_that_the_model_cannot_read_is_told() -> None:
    with pytest.raises(CorpusError, match="knows no character of this text"):
        NeuronFinder(counting_model(), BRACKETS).find(["한글"])


def test_states_that_are_not_finite_are_told() -> None:
    model = tiny_model(config=tiny_config(cell="gru"))
    model.weights.embedding[:] = np.nan

    with pytest.raises(ModelFileError, match="states are not finite"):
        NeuronFinder(model).find(["bad cab"])
