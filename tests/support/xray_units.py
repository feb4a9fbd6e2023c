"""Neurons and gates as the tests of the x-ray see them: by the equations, and as they are drawn."""

from collections.abc import Sequence

import numpy as np

from tests.support.naive_steps import NaiveStep, read_naively
from tests.support.tape_app import TapeApp
from tests.support.waiting import wait_until
from tests.support.xray_app import level_look, looks_in_view, sure_model
from tui_charrnn.config import ModelConfig

_NEAR = 1e-3
"""How near to a border a number may lie on either side of it, for 32 bits."""


def naive_steps(config: ModelConfig, indices: Sequence[int]) -> list[list[NaiveStep]]:
    """What every character of a text does in the sure model, layer by layer.

    Args:
        config: Of the model.
        indices: The text, by number; it begins after a newline.
    """
    return read_naively(sure_model(config), [0, *indices]).steps[1:]


def naive_values(name: str, config: ModelConfig, indices: Sequence[int]) -> list[float]:
    """What a neuron or gate has after each character, by its name, as 0:c1, 0:f1 or 0:f."""
    layer, part, unit = int(name[0]), name[2], name[3:]

    def value(step: NaiveStep) -> float:
        numbers = step.parts[part]
        return float(numbers[int(unit)] if unit else np.mean(numbers))

    return [value(steps[layer]) for steps in naive_steps(config, indices)]


async def values_in_view(app: TapeApp) -> None:
    """Wait until the level of every character in view is known."""
    pane = app.pane

    def is_known() -> bool:
        levels, places = pane.xray.text_colors.levels, looks_in_view(pane)
        return (
            levels is not None
            and bool(places)
            and pane.xray.text_colors.seen is not None
            and all(levels.level(pane.text.branch, place) is not None for place in places)
        )

    await wait_until(app.pilot, "the levels of what is in view", is_known)
    await app.pilot.pause()


def check_levels(app: TapeApp, values: Sequence[float], borders: Sequence[float]) -> int:
    """Every character in view is drawn as its number demands.

    Args:
        app: Colors by a scale with a middle.
        values: Of all characters.
        borders: Where its levels begin.

    Returns:
        How many levels were seen.
    """
    pane, seen = app.pane, set()
    for place, look in looks_in_view(pane).items():
        value = values[place]
        if pane.cursor.at is not None and place == pane.cursor.at[1]:
            continue
        if min(abs(value - border) for border in borders) < _NEAR:
            continue
        level = sum(value >= border for border in borders)
        wanted = level_look(pane, level, "xray-diverging")
        for side in ("color", "bold", "underline", "reverse"):
            assert getattr(look, side) == getattr(wanted, side), (place, value, side)
        seen.add(level)
    return len(seen)


def full(values: Sequence[float]) -> float:
    """The next of 1, 2 and 5 times a power of ten that is not below any of the values."""
    largest = max(map(abs, values))
    steps = [step * 10.0**power for power in range(-6, 4) for step in (1, 2, 5)]
    return next(step for step in steps if step >= largest)
