"""The text colored by its influence on the character at the cursor."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.shown_screen import screen_text
from tests.support.tape_app import TapeApp
from tests.support.tiny_model import tiny_config
from tests.support.waiting import wait_until
from tests.support.xray_app import color, level_look, looks_in_view, sure_model, xray_app
from tui_charrnn.lens.influence import ForwardPass

BORDERS = (0.01, 0.05, 0.2, 0.5)


async def at_cursor(app: TapeApp, position: int) -> None:
    """Open the tape, place the cursor and wait until the influence is computed."""
    await app.pilot.press("t")
    app.cursor.point(position)
    words = f"influence on character {position + 1:,}"
    await wait_until(app.pilot, words, lambda: words in screen_text(app.app))
    await app.pilot.pause()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
async def test_what_comes_before_the_cursor_is_colored_by_its_share(
    tmp_path: Path, cell: str
) -> None:
    config = tiny_config(cell=cell, layer_count=2)
    async with xray_app(tmp_path, size=(100, 40), config=config) as app:
        await color(app, "influence")
        await at_cursor(app, 45)
        indices = np.array([0, *app.tape.tree.indices(0)], np.intp)  # after a newline
        passage = ForwardPass(sure_model(config).weights, config, indices)
        found = passage.influence(np.array([46]), 45).inputs[0]
        shares = found / found.max()
        looks = looks_in_view(app.pane)
        for distance, share in enumerate(shares.tolist(), start=1):
            if min(abs(share - border) / border for border in BORDERS) < 1e-3:
                continue  # within float32 rounding of a border
            wanted = level_look(app.pane, sum(share >= border for border in BORDERS))
            drawn = looks[45 - distance]
            assert (drawn.color, drawn.bold, drawn.underline) == (
                wanted.color,
                wanted.bold,
                wanted.underline,
            )
        assert "below half from" in screen_text(app.app)


async def test_the_first_character_has_no_past(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(100, 40)) as app:
        await color(app, "influence")
        await app.pilot.press("t")
        app.cursor.point(0)
        words = "measured from the second character on"
        await wait_until(app.pilot, words, lambda: words in screen_text(app.app))


async def test_no_distance_beyond_the_measured_ones_is_stated(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(120, 36)) as app:
        await color(app, "influence")
        await at_cursor(app, 1)
        words = "below half from >1, tenth from >1 back"
        await wait_until(app.pilot, words, lambda: words in screen_text(app.app))
        assert "≥50" in screen_text(app.app)  # the whole legend fits
