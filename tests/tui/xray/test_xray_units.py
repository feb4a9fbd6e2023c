"""The coloring by a neuron or gate: styles, names, steps, and what is remembered."""

from pathlib import Path

import pytest

from tests.support.naive_steps import read_naively
from tests.support.open_app import note_of, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.tape_app import LENGTH, TapeApp
from tests.support.tiny_model import TINY_VOCABULARY, tiny_config
from tests.support.waiting import wait_until
from tests.support.xray_app import color, level_look, read_in_view, sure_model, xray_app
from tests.support.xray_units import check_levels, full, naive_values, values_in_view
from tui_charrnn.tui.xray.colorings import deviation_scale

GATE_BORDERS = (0.1, 0.3, 0.7, 0.9)
CELLS = ["lstm", "gru", "rnn"]


async def pick(app: TapeApp, name: str) -> None:
    """Type the name of a neuron or gate at the prompt."""
    await app.pilot.press("p")
    await wait_until(app.pilot, "the prompt", lambda: "Color by" in screen_text(app.app))
    await app.pilot.press(*["colon" if sign == ":" else sign for sign in name])


async def legend_says(app: TapeApp, words: str) -> None:
    await wait_until(app.pilot, words, lambda: words in screen_text(app.app))


@pytest.mark.parametrize(("cell", "layer_count"), [("lstm", 1), *((cell, 2) for cell in CELLS)])
async def test_a_neuron_colors_by_its_value_after_each_character(
    tmp_path: Path, cell: str, layer_count: int
) -> None:
    config = tiny_config(cell=cell, layer_count=layer_count)
    name = f"{layer_count - 1}:{'c' if cell == 'lstm' else 'h'}3"
    async with xray_app(tmp_path, size=(100, 40), config=config) as app:
        await pick(app, name)
        await app.pilot.press("enter")
        await legend_says(app, f"{name} {'cell' if cell == 'lstm' else 'hidden'} state")
        await values_in_view(app)
        values = naive_values(name, config, app.tape.tree.indices(0))
        top = full(values)
        assert check_levels(app, values, (-top / 2, -top / 5, top / 5, top / 2)) >= 2
        for border in (-top / 2, -top / 5):
            await legend_says(app, f"<{border:g}")


@pytest.mark.parametrize(
    ("cell", "name", "words", "borders"),
    [
        ("lstm", "0:i2", "input gate", GATE_BORDERS),
        ("lstm", "0:f0", "forget gate", GATE_BORDERS),
        ("lstm", "0:o4", "output gate", GATE_BORDERS),
        ("lstm", "0:g1", "candidate", (-0.8, -0.4, 0.4, 0.8)),
        ("lstm", "0:f", "mean forget gate", (0.3, 0.4, 0.6, 0.7)),
        ("gru", "0:z2", "update gate", GATE_BORDERS),
        ("gru", "0:r3", "reset gate", GATE_BORDERS),
        ("gru", "0:g", "mean candidate", (-0.1, -0.03, 0.03, 0.1)),
    ],
)
async def test_a_gate_colors_by_how_far_it_is_open(
    tmp_path: Path, cell: str, name: str, words: str, borders: tuple[float, ...]
) -> None:
    config = tiny_config(cell=cell)
    async with xray_app(tmp_path, size=(100, 40), config=config) as app:
        await pick(app, name)
        await app.pilot.press("enter")
        await legend_says(app, f"{name} {words}")
        await values_in_view(app)
        values = naive_values(name, config, app.tape.tree.indices(0))
        assert check_levels(app, values, borders) >= 2


async def test_known_deviations_make_the_levels(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(100, 40)) as app:
        values = naive_values("0:c2", tiny_config(), app.tape.tree.indices(0))
        mean, deviation = 0.1, 0.4
        app.pane.xray.color_by("0:c2", deviation_scale(mean, deviation))
        await values_in_view(app)
        borders = tuple(mean + steps * deviation for steps in (-1.5, -0.5, 0.5, 1.5))
        assert check_levels(app, values, borders) >= 3


async def test_the_keys_lead_to_the_next_and_the_last_unit(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(100, 40), config=tiny_config(layer_count=2)) as app:
        await app.pilot.press("full_stop")
        await legend_says(app, "0:c0 cell state")
        await app.pilot.press("full_stop", "full_stop")
        await legend_says(app, "0:c2 cell state")
        await app.pilot.press(*["comma"] * 3)
        await legend_says(app, "1:c4 cell state")
        await values_in_view(app)
        values = naive_values("1:c4", tiny_config(layer_count=2), app.tape.tree.indices(0))
        top = full(values)
        check_levels(app, values, (-top / 2, -top / 5, top / 5, top / 2))


async def test_the_step_keys_go_through_a_gate_from_its_mean_on(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(100, 40)) as app:
        await color(app, "gate")
        await legend_says(app, "0:f mean forget gate")
        await app.pilot.press("full_stop")
        await legend_says(app, "0:f0 forget gate")


async def test_what_was_chosen_is_remembered(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(100, 40)) as app:
        await pick(app, "0:h3")
        await app.pilot.press("enter")
        await legend_says(app, "0:h3 hidden state")
        await pick(app, "0:o1")
        await app.pilot.press("enter")
        await legend_says(app, "0:o1 output gate")
        await color(app, None)
        await color(app, "neuron")
        await legend_says(app, "0:h3 hidden state")
        await color(app, "gate")
        await legend_says(app, "0:o1 output gate")
        await app.pilot.press("p")
        await wait_until(app.pilot, "the name", lambda: "0:o1" in typed(app))


async def test_a_name_that_does_not_exist_is_refused_as_one_types(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(80, 24)) as app:
        await pick(app, "0:f9")
        await wait_until(app.pilot, "why", lambda: "cells are 0 to 4" in screen_text(app.app))
        await app.pilot.press("enter")
        assert "Color by" in screen_text(app.app)
        await app.pilot.press("backspace", "1", "enter")
        await legend_says(app, "0:f1 forget gate")


async def test_a_model_without_gates_has_no_coloring_by_them(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(100, 40), config=tiny_config(cell="rnn")) as app:
        await color(app, "neuron")
        await legend_says(app, "0:h0 hidden state")
        seen = []
        while app.colors.coloring is not None:
            seen.append(app.colors.coloring.name)
            await app.pilot.press("x")
        assert "gate" not in seen


async def test_the_value_is_shown_in_the_panel_and_in_the_line(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(120, 36)) as app:
        await pick(app, "0:c1")
        await app.pilot.press("enter")
        await app.pilot.press("t", *["left"] * 9)
        value = naive_values("0:c1", tiny_config(), app.tape.tree.indices(0))[LENGTH - 9]
        await legend_says(app, f"{value:+.3f}")
        await app.pilot.resize_terminal(80, 24)
        await wait_until(
            app.pilot, "the line", lambda: f"0:c1 {value:+.3f}" in screen_text(app.app)
        )


async def test_a_text_that_streams_is_colored_by_a_neuron(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(100, 40)) as app:
        await pick(app, "0:c3")
        await app.pilot.press("enter")
        app.app.session.settings.length, app.app.session.settings.speed = 400, 500
        app.app.main.text_pane.generate("dab")
        await wait_until(app.pilot, "a text", lambda: app.view.streaming)
        await app.rested(400)
        await values_in_view(app)
        indices = [*map(TINY_VOCABULARY.index, "dab"), *app.tape.tree.indices(0)]
        steps = read_naively(sure_model(), indices).steps[3:]
        values = [float(step[0].cell_state[3]) for step in steps]
        levels = app.colors.levels
        assert levels is not None
        words = levels.legend()[1]
        borders = [float(words[0][1:]), float(words[1][1:])]
        known = (borders[0], borders[1], -borders[1], -borders[0])
        assert -borders[0] * 2 >= max(map(abs, values[-100:]))
        assert check_levels(app, values, known) >= 3


async def test_without_colors_both_sides_of_the_middle_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with xray_app(tmp_path, size=(80, 24)) as app:
        await color(app, "neuron")
        await values_in_view(app)
        looks = [level_look(app.pane, level, "xray-diverging") for level in range(5)]
        marks = {(bool(one.bold), bool(one.underline), bool(one.reverse)) for one in looks}
        assert len(marks) == 5


async def test_another_coloring_keeps_no_values(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(100, 40)) as app:
        await color(app, "neuron")
        await values_in_view(app)
        reading = app.colors.reading
        assert reading is not None
        assert reading.values is not None
        await color(app, "surprise")
        await read_in_view(app.pilot, app.pane)
        again = app.colors.reading
        assert again is not None
        assert again.values is None


async def test_without_a_model_there_is_nothing_to_pick(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.session.model = str(tmp_path / "missing.safetensors")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the problem", lambda: "no model" in note_of(app))
        app.main.text_pane.view.focus()
        await pilot.press("p", "full_stop", "comma")
        await wait_until(pilot, "it", lambda: "no text yet" in note_of(app))


def typed(app: TapeApp) -> str:
    """Return the text of the prompt."""
    field = getattr(app.app.screen, "field", None)
    return "" if field is None else str(field.value)
