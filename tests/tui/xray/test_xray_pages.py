"""The panel's pages: heat maps of states and gates show the numbers of the equations."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.color import Color as RichColor
from textual.color import Color

from tests.support.shown_screen import screen_rows, screen_text
from tests.support.tape_app import LENGTH, TapeApp, tape_app
from tests.support.tiny_model import tiny_config
from tests.support.waiting import wait_until
from tests.support.xray_app import naive_numbers, sure_app, xray_app
from tests.support.xray_units import full, naive_steps
from tui_charrnn.config import ModelConfig, SamplingConfig
from tui_charrnn.tui.xray.panel import XrayPanel

BACK = 9
"""Characters from the end to the explained one."""
STEP = 1 / 24
"""Resolution of a color, as a share of the scale."""


@pytest.fixture(autouse=True)
def terminal_with_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a truecolor terminal, wherever the tests run."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")


def usual(values: np.ndarray) -> float:
    """Return the end of the scale, which 95 % of the numbers do not exceed."""
    return full([float(np.quantile(np.abs(values), 0.95, method="lower"))])


def panel_of(app: TapeApp) -> XrayPanel:
    return app.app.main.query_one(XrayPanel)


async def open_page(app: TapeApp, pages: int, colorings: int = 2) -> None:
    """Move the cursor back, and turn to a page of the panel."""
    await app.pilot.press(*["x"] * colorings, "t", *["left"] * BACK, *["d"] * pages)
    await wait_for_snapshot(app)


async def wait_for_snapshot(app: TapeApp) -> None:
    place = (0, LENGTH - BACK)
    await wait_until(
        app.pilot,
        "the snapshot",
        lambda: (
            (seen := app.colors.seen) is not None
            and (seen.branch, seen.position) == place
            and (snapshot := app.colors.snapshot) is not None
            and snapshot.at == place
        ),
    )
    await app.pilot.pause()


def cells_below(app: TapeApp, head: str, count: int) -> list[RichColor]:
    """Return the colors of a map's cells, in the order of its numbers."""
    rows = screen_rows(app.app)
    row = next(number for number, text in enumerate(rows) if head in text)
    strip = app.app.screen._compositor.render_strips()[row + 1]
    cells = [(sign, part.style) for part in strip for sign in part.text]
    first = rows[row].index(head)
    styles = [style for _, style in cells[first : first + count]]
    assert all(style is not None and style.color is not None for style in styles)
    return [style.color for style in styles if style is not None and style.color is not None]


def told_by(colors: Sequence[RichColor], app: TapeApp) -> list[float]:
    """Convert colors to shares from -1 to 1 of the theme's scale."""
    names = app.app.theme_variables
    ground, negative, positive = (
        np.array(Color.parse(names[name]).rgb, float)
        for name in ("background", "xray-negative", "xray-positive")
    )
    found = []
    for color in colors:
        assert color.triplet is not None
        seen = np.array(color.triplet, float)
        ends = {-1: negative - ground, 1: positive - ground}
        shares = {side: float((seen - ground) @ end / (end @ end)) for side, end in ends.items()}
        misses = {side: np.abs(ground + shares[side] * ends[side] - seen).max() for side in ends}
        side = min(misses, key=lambda one: misses[one])
        assert misses[side] < 3
        found.append(side * shares[side])
    return found


@pytest.mark.parametrize(
    ("cell", "layer_count"), [("lstm", 1), ("lstm", 2), ("gru", 2), ("rnn", 2)]
)
async def test_states_are_those_of_the_equations(
    tmp_path: Path, cell: str, layer_count: int
) -> None:
    config = tiny_config(cell=cell, layer_count=layer_count)
    kinds = 2 if cell != "rnn" else 1  # pages of a layer
    async with xray_app(tmp_path, size=(120, 44), config=config) as app:
        await open_page(app, 1 + kinds * (layer_count - 1))
        step = naive_steps(config, app.tape.tree.indices(0))[LENGTH - BACK][-1]
        states = {"hidden state h": step.hidden}
        if cell == "lstm":
            states["cell state c"] = step.cell_state
        for head, values in states.items():
            top = usual(values)
            await wait_until(app.pilot, head, lambda: head in screen_text(app.app))  # noqa: B023
            assert f"{head} ±{top:g}" in screen_text(app.app)
            found = told_by(cells_below(app, head, config.hidden_size), app)
            assert found == pytest.approx(np.clip(values / top, -1, 1).tolist(), abs=STEP)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
async def test_gates_are_those_of_the_equations(tmp_path: Path, cell: str) -> None:
    config = tiny_config(cell=cell, layer_count=2)
    async with xray_app(tmp_path, size=(120, 44), config=config) as app:
        await open_page(app, 4)
        step = naive_steps(config, app.tape.tree.indices(0))[LENGTH - BACK][1]
        for name, values in step.gates.items():
            wanted = values if name == "candidate" else 2 * values - 1
            found = told_by(cells_below(app, f"{name} ", config.hidden_size), app)
            assert found == pytest.approx(wanted.tolist(), abs=STEP)
            if name != "candidate":
                assert f"{name} {values.mean():.2f}" in screen_text(app.app)


async def test_the_last_page_counts_how_often_the_likeliest_came(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(120, 44)) as app:
        await app.pilot.press("x", "t", *["d"] * 3)
        words = f"{LENGTH} characters examined"
        await wait_until(app.pilot, words, lambda: words in screen_text(app.app))
        indices = app.tape.tree.indices(0)
        naive = naive_numbers(indices)
        likeliest = [max(each.probabilities) for each in naive]
        hits = [each.probability == max(each.probabilities) for each in naive]
        assert app.colors.reading is not None
        reliability = app.colors.reading.reliability
        assert reliability is not None
        for each in reliability.bins:
            inside = [
                place for place, p in enumerate(likeliest) if each.low <= p < each.high + 1e-9
            ]
            assert each.symbols == len(inside)
            if inside:
                share = sum(hits[place] for place in inside) / len(inside)
                assert each.observed == pytest.approx(share)
                assert f"{100 * share:.1f} %" in screen_text(app.app)
        assert f"Calibration error: {100 * (reliability.error or 0):.2f} %" in screen_text(app.app)


async def test_the_last_page_counts_the_whole_text_not_only_what_is_in_view(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(80, 24), length=990) as app:
        await app.pilot.press("x", *["d"] * 4)
        words = "990 characters examined"
        await wait_until(app.pilot, words, lambda: words in screen_text(app.app))


async def test_a_small_terminal_has_the_pages_below_the_text(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(80, 24)) as app:
        await app.pilot.press("x")
        assert not panel_of(app).display
        for words in ("expected by the model", "hidden state h", "forget", "Calibration error"):
            await app.pilot.press("d")
            await wait_until(app.pilot, words, lambda: words in screen_text(app.app))  # noqa: B023
            assert app.view.size.height >= 5
            assert len(screen_rows(app.app)) == 24
        await app.pilot.press("d")
        await wait_until(app.pilot, "no panel", lambda: not panel_of(app).display)


async def test_a_wide_terminal_has_more_than_one_page_side_by_side_with_the_text(
    tmp_path: Path,
) -> None:
    async with xray_app(tmp_path, size=(120, 36)) as app:
        await app.pilot.press("x")
        await wait_until(app.pilot, "it", lambda: "expected by the model" in screen_text(app.app))
        await wait_until(app.pilot, "it", lambda: "hidden state h" in screen_text(app.app))
        assert panel_of(app).region.x >= app.view.region.right


async def test_without_colors_symbols_show_the_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    await check_signs(tmp_path, is_ascii=False)


async def test_in_ascii_symbols_show_the_levels(tmp_path: Path) -> None:
    await check_signs(tmp_path, is_ascii=True)


async def test_with_sixteen_colors_symbols_show_the_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLORTERM")
    monkeypatch.setenv("TERM", "linux")
    await check_signs(tmp_path, is_ascii=False)


async def test_the_colors_of_the_terminal_are_no_gradient(tmp_path: Path) -> None:
    app = sure_app(tmp_path)
    app.apply_theme("terminal")
    async with app.run_test(size=(120, 36)) as pilot:
        app.main.text_pane.view.focus()
        await pilot.press("x", "d")
        await wait_until(pilot, "signs", lambda: ". between" in screen_text(app))


async def check_signs(folder: Path, *, is_ascii: bool) -> None:
    config = ModelConfig(layer_count=1, embedding_size=3, hidden_size=24)
    async with xray_app(folder, size=(120, 44), is_ascii=is_ascii, config=config) as app:
        await open_page(app, 1)
        step = naive_steps(config, app.tape.tree.indices(0))[LENGTH - BACK][0]
        top = usual(step.hidden)
        borders = (-top / 2, -top / 5, top / 5, top / 2)
        levels = [sum(value >= border for border in borders) for value in step.hidden]
        rows = screen_rows(app.app)
        row = next(number for number, text in enumerate(rows) if "hidden state h" in text)
        place = rows[row].index("hidden state h")
        assert rows[row + 1][place : place + 24] == "".join("=-.+#"[level] for level in levels)
        if is_ascii:
            assert screen_text(app.app).isascii()


@pytest.mark.parametrize("is_ascii", [False, True])
async def test_tape_and_xray_mark_what_a_rule_took_away(tmp_path: Path, is_ascii: bool) -> None:
    sampling = SamplingConfig(rng_seed=5, forbid="e")
    async with tape_app(tmp_path, size=(120, 36), sampling=sampling, is_ascii=is_ascii) as app:
        sign = "x" if is_ascii else "✗"
        text = screen_text(app.app)
        assert re.search(rf"{sign} \d e .* forbidden", text)
        await app.pilot.press("left", "x")
        await wait_until(
            app.pilot, "the sign", lambda: f"; {sign} forbidden" in screen_text(app.app)
        )
        assert re.search(rf"{sign} e  .*%", screen_text(app.app))
