"""A setting is declared once, and errors name its bounds."""

import math
from dataclasses import dataclass
from typing import Any

import pytest

from tui_charrnn.config import ModelConfig, SamplingConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.settings import Settings, refuse, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Oven(Settings):
    heat: float = setting(180.0, "Degrees.", above=0, maximum=300)
    trays: int = setting(1, "How many.", minimum=1, maximum=4)
    mode: str = setting("fan", "How it heats.", choices=("fan", "grill"))
    light: bool = setting(False, "Whether it is lit.")
    timer: float | None = setting(None, "Seconds.", is_duration=True)

    def __post_init__(self) -> None:
        refuse(self.problems())


def test_defaults_are_allowed() -> None:
    assert Oven().to_mapping() == {
        "heat": 180.0, "trays": 1, "mode": "fan", "light": False, "timer": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("heat", 0.1), ("heat", 300), ("trays", 4), ("mode", "grill"), ("light", True), ("timer", 1)],
)
def test_what_is_in_bounds_is_allowed(name: str, value: Any) -> None:
    assert Oven.from_mapping({name: value}).to_mapping()[name] == value


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("heat", 0, "above 0 and at most 300"),
        ("heat", 300.1, "above 0 and at most 300"),
        ("heat", math.nan, "above 0 and at most 300"),
        ("heat", math.inf, "above 0 and at most 300"),
        ("heat", True, "above 0 and at most 300"),
        ("heat", "180", "above 0 and at most 300"),
        ("heat", None, "above 0 and at most 300"),
        ("trays", 0, "at least 1 and at most 4"),
        ("trays", 2.0, "at least 1 and at most 4"),
        ("trays", True, "at least 1 and at most 4"),
        ("mode", "Fan", "one of fan, grill"),
        ("mode", 1, "one of fan, grill"),
        ("light", 1, "true or false"),
        ("light", "no", "true or false"),
        ("timer", 0, "a time above 0 and at most 11574d, as 90s, 10m, 1h30m or 3:50:00, or none"),
    ],
)
def test_what_is_out_of_bounds_is_told(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Oven.from_mapping({name: value})
    assert str(caught.value) == f"{name} must be {allowed}. Received: {value!r}."


@pytest.mark.parametrize(
    "number", [10**400, -(10**400), 2**63], ids=["vast", "vast below zero", "just beyond"]
)
@pytest.mark.parametrize(
    ("configuration", "name"),
    [
        (Oven, "trays"),
        (Oven, "heat"),
        (Oven, "timer"),
        (ModelConfig, "hidden_size"),
        (TrainingConfig, "gradient_norm_limit"),
        (TrainingConfig, "evaluation_characters"),
    ],
)
def test_a_number_beyond_64_bits_is_refused_in_a_sentence(
    configuration: type[Settings], name: str, number: int
) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be .* of more than 64 bits"):
        configuration.from_mapping({"steps": 1} | {name: number})


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize(
    ("name", "form"), [("trays", "{}"), ("heat", "{}"), ("timer", "{}"), ("timer", "{}:00:00")]
)
def test_endless_digits_are_refused_in_a_sentence(name: str, form: str, digits: int) -> None:
    with pytest.raises(ConfigError, match="Received") as caught:
        Oven.from_mapping({name: Oven.parse(name, form.format("9" * digits))})
    assert name == "timer" or len(str(caught.value)) < 200


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"heat must.*trays must"):
        Oven(heat=-1.0, trays=9)


def test_a_setting_of_a_newer_version_is_passed_over() -> None:
    assert Oven.from_mapping({"steam": 1, "trays": 3}) == Oven(trays=3)


def test_a_mapping_makes_the_same_configuration_again() -> None:
    oven = Oven(heat=77.5, trays=2, mode="grill", light=True, timer=90.0)
    assert Oven.from_mapping(oven.to_mapping()) == oven


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("heat", " 99.5 ", 99.5),
        ("trays", "3", 3),
        ("mode", "grill", "grill"),
        ("light", "yes", True),
        ("light", "False", False),
        ("timer", "1h30m", 5_400.0),
        ("timer", "None", None),
    ],
)
def test_values_are_read_as_people_write_them(name: str, text: str, value: object) -> None:
    assert Oven.parse(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [("heat", "hot"), ("trays", "2.5"), ("trays", "none"), ("light", "maybe"), ("timer", "soon")],
)
def test_what_cannot_be_read_is_told(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"Received: '{text}'"):
        Oven.parse(name, text)


def test_every_setting_has_its_sentence() -> None:
    assert list(Oven.bounds()) == ["heat", "trays", "mode", "light", "timer"]
    assert Oven.bounds()["heat"].sentence == "Degrees."


@pytest.mark.parametrize("word", ["true", "Yes", "1", "on"])
def test_a_switch_takes_the_usual_words(word: str) -> None:
    opposite = {"true": "false", "Yes": "No", "1": "0", "on": "off"}[word]
    assert ModelConfig.parse("tied_output", word) is True
    assert ModelConfig.parse("tied_output", opposite) is False


def test_spaces_are_characters_of_a_rule_but_not_of_another_value() -> None:
    assert SamplingConfig.parse("allow", " ab\n") == " ab\n"
    assert SamplingConfig.parse("allow", " none ") is None
    assert SamplingConfig.parse("hangul", " any ") == "any"
