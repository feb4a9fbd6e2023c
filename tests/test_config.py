"""The three configurations accept allowed values only."""

from typing import Any

import pytest

from tui_charrnn.config import ModelConfig, SamplingConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.presets import PRESETS, find_preset
from tui_charrnn.settings import Settings

EXAMPLES: list[Settings] = [
    ModelConfig(cell="gru", embedding_size=5, hidden_size=7, layer_count=2),
    TrainingConfig(steps=11, gradient_norm_limit=None),
    SamplingConfig(temperature=0.0, top_k=3, top_p=0.5, rng_seed=2**62),
]


@pytest.mark.parametrize("config", EXAMPLES, ids=lambda config: type(config).__name__)
def test_a_configuration_survives_a_file(config: Settings) -> None:
    assert type(config).from_mapping(config.to_mapping()) == config


@pytest.mark.parametrize("config", EXAMPLES, ids=lambda config: type(config).__name__)
def test_every_setting_explains_itself(config: Settings) -> None:
    assert all(bounds.sentence.endswith(".") for bounds in config.bounds().values())
    assert all(bounds.allowed() for bounds in config.bounds().values())


@pytest.mark.parametrize(
    "lengths", [{}, {"epochs": 2.0, "steps": 3}, {"steps": 3, "train_time": 60.0}]
)
def test_exactly_one_length_is_given(lengths: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="exactly one of epochs, steps and train_time"):
        TrainingConfig(**lengths)


@pytest.mark.parametrize("length", [{"epochs": 0.5}, {"steps": 1}, {"train_time": 0.1}])
def test_any_one_length_will_do(length: dict[str, Any]) -> None:
    assert TrainingConfig(**length)


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_only_an_lstm_is_normalized(cell: str) -> None:
    assert ModelConfig(layer_norm=True)
    with pytest.raises(ConfigError, match=f"layer_norm needs the cell lstm. Received: {cell}"):
        ModelConfig(cell=cell, layer_norm=True)


def test_a_tied_output_needs_equal_sizes() -> None:
    assert ModelConfig(tied_output=True, embedding_size=9, hidden_size=9)
    with pytest.raises(ConfigError, match="Received: 8 and 9"):
        ModelConfig(tied_output=True, embedding_size=8, hidden_size=9)


@pytest.mark.parametrize(
    "values", [{"top_p": 0.0}, {"top_p": 1.1}, {"top_k": 0}, {"temperature": -1.0}]
)
def test_sampling_out_of_bounds_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="Received:"):
        SamplingConfig(**values)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_found_by_its_name(name: str) -> None:
    assert find_preset(name).name == name
    assert find_preset(name).sentence


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="Known: tiny, small, medium, large, tutorial"):
        find_preset("gigantic")
