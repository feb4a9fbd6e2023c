"""Neurons and gates by name: the value of each name, and the errors for invalid names."""

import numpy as np
import pytest

from tests.support.naive_steps import NaiveNetwork
from tests.support.tiny_model import tiny_model
from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.neuron import (
    GATES,
    default_gate,
    default_neuron,
    neighbor,
    parse_probe,
)

TEXT = [3, 1, 7, 7, 2, 9, 4]
HIDDEN = 5


@pytest.mark.parametrize("layer_count", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_every_name_reads_the_number_of_the_equations(cell: str, layer_count: int) -> None:
    model = tiny_model(cell=cell, layer_count=layer_count)
    stepper = Stepper(fold_embedding(model))
    naive = NaiveNetwork(model)
    for index in TEXT:
        stepper.read(index)
        steps, _ = naive.read(index)
        for layer, step in enumerate(steps):
            for part, values in step.parts.items():
                for unit in range(HIDDEN):
                    probe = parse_probe(f"{layer}:{part}{unit}", model.config)
                    assert stepper.layers[layer].value(probe) == pytest.approx(
                        values[unit], abs=1e-5
                    )
            for part in GATES[cell]:
                mean = parse_probe(f"{layer}:{part}", model.config)
                assert stepper.layers[layer].value(mean) == pytest.approx(
                    np.mean(step.parts[part]), abs=1e-5
                )


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_name_is_written_as_it_is_read(cell: str) -> None:
    config = ModelConfig(cell=cell, layer_count=2, embedding_size=3, hidden_size=HIDDEN)
    parts = ["h", *GATES[cell]] + (["c"] if cell == "lstm" else [])
    names = [f"{layer}:{part}{unit}" for layer in (0, 1) for part in parts for unit in (0, 4)]
    names += [f"{layer}:{part}" for layer in (0, 1) for part in GATES[cell]]
    assert [str(parse_probe(f" {name} ", config)) for name in names] == names


@pytest.mark.parametrize(
    ("cell", "name", "message"),
    [
        ("lstm", "0:q1", "i (input), f (forget), g (candidate), o (output)"),
        ("gru", "0:f1", "z (update), r (reset), g (candidate)"),
        ("rnn", "0:g1", "has no gates"),
        ("gru", "0:c1", "has no cell state"),
        ("lstm", "0:f5", "cells are 0 to 4"),
        ("lstm", "2:f0", "has the layers 0 to 1"),
        ("lstm", "2:f", "has the layers 0 to 1"),
        ("lstm", "0:c5", "cells are 0 to 4"),
        ("lstm", "0:c", "0:c7"),
        ("lstm", "forget", "0:c7"),
        ("lstm", "", "0:c7"),
    ],
)
def test_a_name_that_is_none_is_refused_with_those_that_are(
    cell: str, name: str, message: str
) -> None:
    config = ModelConfig(cell=cell, layer_count=2, embedding_size=3, hidden_size=HIDDEN)
    with pytest.raises(ConfigError) as refused:
        parse_probe(name, config)
    assert message in str(refused.value)
    assert f"Received: {name!r}" in str(refused.value)


@pytest.mark.parametrize("start", ["0:c0", "0:h0", "0:f"])
def test_steps_lead_through_all_units_of_all_layers_and_round(start: str) -> None:
    config = ModelConfig(cell="lstm", layer_count=2, embedding_size=3, hidden_size=HIDDEN)
    part = start[2]
    units = ["", *map(str, range(HIDDEN))] if part == "f" else [str(u) for u in range(HIDDEN)]
    wanted = [f"{layer}:{part}{unit}" for layer in (0, 1) for unit in units]
    probe, seen = parse_probe(start, config), []
    for _ in wanted:
        seen.append(str(probe))
        after = neighbor(probe, config, 1)
        assert neighbor(after, config, -1) == probe
        probe = after
    assert seen == wanted
    assert str(probe) == start


def test_what_is_looked_at_without_a_name_exists() -> None:
    for cell in GATES:
        config = ModelConfig(cell=cell, layer_count=1, embedding_size=3, hidden_size=HIDDEN)
        for probe in (default_neuron(config), default_gate(config)):
            if probe is not None:
                assert parse_probe(str(probe), config) == probe
        assert (default_gate(config) is None) == (cell == "rnn")
