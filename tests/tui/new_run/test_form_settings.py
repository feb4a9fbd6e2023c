"""The settings as the form lists them."""

import textwrap

import pytest

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.presets import PRESETS
from tui_charrnn.tui.new_run.form_values import (
    SETTINGS,
    CorpusChoice,
    FormError,
    FormValues,
    check_form,
)

BY_NAME = {setting.name: setting for setting in SETTINGS}
SMALL = PRESETS["small"]


def test_every_setting_is_listed_once_but_those_of_the_length() -> None:
    expected = {*ModelConfig.listed(), *TrainingConfig.listed()} - set(TrainingConfig.LENGTHS)
    assert [setting.name for setting in SETTINGS] == list(BY_NAME)
    assert set(BY_NAME) == expected


@pytest.mark.parametrize("name", BY_NAME)
def test_the_advice_fits_its_two_lines_at_80_columns(name: str) -> None:
    for preset in PRESETS.values():
        assert len(textwrap.wrap(BY_NAME[name].advice(preset), 76)) <= 2


@pytest.mark.parametrize(
    ("name", "typed", "is_changed"),
    [
        ("learning_rate", "0.02", False),
        ("learning_rate", "2e-2", False),
        ("learning_rate", "0.004", True),
        ("learning_rate", "fast", True),
        ("learning_rate", "", True),
        ("checkpoint_interval", "60s", False),
        ("checkpoint_interval", "1m", False),
        ("threads", "None", False),
        ("threads", "2", True),
        ("tied_output", "false", False),
        ("batch_size", "auto", True),
        ("batch_size", "64", False),
        ("stop_early", "5", True),
    ],
)
def test_a_setting_is_changed_by_another_value_only(
    name: str, typed: str, is_changed: bool
) -> None:
    assert BY_NAME[name].is_changed(typed, SMALL) is is_changed


def test_the_advice_on_a_setting() -> None:
    advice = BY_NAME["dropout"].advice(SMALL)
    assert advice.endswith("Allowed: at least 0 and at most 0.95. small: 0.3.")
    advice = BY_NAME["max_time"].advice(SMALL)
    assert "Allowed: a time above 0 and at most 11574d, as 90s, " in advice
    assert advice.endswith(" or none. small: none.")
    assert "Allowed" not in BY_NAME["cell"].advice(SMALL)
    assert BY_NAME["tied_output"].is_switch


def test_problems_name_settings_by_their_labels() -> None:
    settings = {"batch_size": "max_epochs"}
    values = FormValues(corpus=CorpusChoice(("a.txt",)), name="batch_size", settings=settings)
    with pytest.raises(FormError) as refused:
        check_form(values, taken=["batch_size"])
    assert refused.value.problems == {
        "batch_size": (
            "batch size must be a whole number, at least 1 and at most 65,536, or auto. "
            "Received: 'max_epochs'."
        ),
        "name": "The run 'batch_size' already exists; choose another name.",
    }
