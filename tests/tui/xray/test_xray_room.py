"""The layout of the x-ray: correct and complete at every size."""

from pathlib import Path

import pytest

from tests.support.neuron_app import neuron_app
from tests.support.open_app import note_of
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.tape_app import LENGTH
from tests.support.tiny_model import tiny_config
from tests.support.waiting import wait_until
from tests.support.xray_app import color, xray_app
from tests.support.xray_units import naive_values, values_in_view
from tui_charrnn.lens.reading import Prediction
from tui_charrnn.tui.xray.colorings import deviation_scale
from tui_charrnn.tui.xray.panel import XrayPanel, format_place

EXPECTED = Prediction(0.25, 2.0, 1.5)


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (80, "a: 0:c1 +0.500 · 25.0 %, 2.00 bits · entropy 1.50 · last 100: 1.75 bits/jamo"),
        (60, "a: 0:c1 +0.500 · 25.0 %, 2.00 bits · entropy 1.50"),
        (40, "a: 0:c1 +0.500 · 25.0 %, 2.00 bits"),
        (5, "a: 0:c1 +0.500"),
    ],
)
def test_a_line_has_numbers_whole_or_not_at_all(width: int, words: str) -> None:
    assert (
        format_place("a", EXPECTED, ("last 100", "1.75 bits/jamo"), width, "0:c1 +0.500") == words
    )


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_the_value_of_another_neuron_is_shown_for_an_ended_text(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with xray_app(tmp_path, size=size) as app:
        # with a known mean and deviation the legend says the same from the first value on
        for name in ("0:c1", "0:c2", "0:h3"):
            app.pane.xray.color_by(name, deviation_scale(0.1, 0.4))
            await values_in_view(app)
            value = naive_values(name, tiny_config(), app.tape.tree.indices(0))[LENGTH - 1]
            await wait_until(
                app.pilot,
                f"the value of {name}",
                lambda: f"{value:+.3f}" in screen_text(app.app),  # noqa: B023
            )


async def test_the_list_of_neurons_has_the_room_of_a_page_and_gives_it_back(
    tmp_path: Path,
) -> None:
    async with neuron_app(tmp_path, size=(80, 24)) as app:
        await app.pilot.press("escape")
        await color(app, "surprise")
        await app.pilot.press("d")
        panel = app.app.main.query_one(XrayPanel)
        await wait_until(app.pilot, "a page", lambda: panel.display)
        await app.pilot.press("e")
        await wait_until(app.pilot, "the list", lambda: app.app.focused is app.neurons)
        assert not panel.display
        await wait_until(app.pilot, "the text", lambda: app.view.size.height >= 5)
        assert "6,000 characters" in screen_text(app.app)  # as in the subtitle of the list
        await app.pilot.press("escape")
        await wait_until(app.pilot, "the page again", lambda: panel.display)


async def test_a_page_for_which_there_is_no_room_is_refused_in_words(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(58, 15)) as app:
        await app.pilot.press("x", "d")
        await wait_until(app.pilot, "why not", lambda: "need more rows" in note_of(app.app))
        assert len(screen_rows(app.app)) == 15


async def test_the_keys_of_units_stand_beside_their_legend_alone(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(80, 24)) as app:
        await color(app, "neuron")
        await wait_until(app.pilot, "keys", lambda: ", . others" in screen_text(app.app))
        await color(app, "surprise")
        await wait_until(app.pilot, "none", lambda: ", . others" not in screen_text(app.app))
