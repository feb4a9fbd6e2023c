"""The x-ray of the text: colors, legend and bars show the model's numbers."""

from pathlib import Path

import pytest
from rich.style import Style

from tests.support.open_app import note_of, settings_of, shown_text, tiny_app
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.tape_app import LENGTH, SETTINGS, TapeApp
from tests.support.tiny_model import TINY_VOCABULARY
from tests.support.waiting import wait_until
from tests.support.xray_app import (
    LEAST_LEVELS,
    check_looks,
    color,
    level_look,
    looks_in_view,
    naive_numbers,
    read_in_view,
    sure_app,
    xray_app,
)

PRESSES = {"probability": 1, "surprise": 2, "entropy": 3}
LEVELS = 5
NOT_BAR = 21  # columns of the panel beside the bars


@pytest.mark.parametrize("measure", PRESSES)
async def test_every_character_has_the_look_of_its_number(tmp_path: Path, measure: str) -> None:
    async with xray_app(tmp_path, size=(100, 40)) as app:
        await app.pilot.press(*["x"] * PRESSES[measure])
        await read_in_view(app.pilot, app.pane)
        check_looks(app.pane, measure)


async def test_after_the_last_coloring_it_is_off(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(80, 24)) as app:
        before = looks_in_view(app.pane)
        await app.pilot.press("x")
        await read_in_view(app.pilot, app.pane)
        assert looks_in_view(app.pane) != before
        await color(app, None)
        legend = app.app.main.query_one("#xray-legend")
        await wait_until(app.pilot, "no legend", lambda: not legend.is_on_screen)
        assert looks_in_view(app.pane) == before
        assert app.colors.reading is None


async def test_scrolled_and_wrapped_text_keeps_its_numbers(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(70, 24), length=900) as app:
        await app.pilot.press("x", "x")
        await read_in_view(app.pilot, app.pane)
        check_looks(app.pane, "surprise")
        assert 0 not in looks_in_view(app.pane)
        await app.pilot.press("home")
        await read_in_view(app.pilot, app.pane)
        assert 0 in looks_in_view(app.pane)
        check_looks(app.pane, "surprise")
        await app.pilot.resize_terminal(44, 24)
        await read_in_view(app.pilot, app.pane)
        check_looks(app.pane, "surprise")


async def test_another_branch_has_its_own_numbers(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(100, 40)) as app:
        await app.pilot.press("x", "x", "t")
        await app.press("home", "right", "right", "right")
        other = next(n for n, row in enumerate(app.panel.rows, 1) if not row.is_chosen)
        await app.pilot.press(str(other))
        await wait_until(app.pilot, "the branch", lambda: app.text.branch == 1)
        await app.rested(4 + LENGTH)
        await read_in_view(app.pilot, app.pane)
        check_looks(app.pane, "surprise")
        await app.press("n")
        assert app.text.branch == 0
        await read_in_view(app.pilot, app.pane)
        check_looks(app.pane, "surprise")


async def test_the_panel_follows_the_cursor_with_bars_as_long_as_their_numbers(
    tmp_path: Path,
) -> None:
    async with xray_app(tmp_path, size=(130, 44)) as app:
        numbers = naive_numbers(app.tape.tree.indices(0))
        await app.pilot.press("t", "x", *["left"] * 7)
        position = LENGTH - 7
        wanted, before = numbers[position], numbers[: position + 1]
        mean = sum(one.surprise for one in before) / len(before)
        for words in (
            f"character {position + 1}:",
            f"last {position + 1} ",
            f"{mean:.2f} bits/char",
            f"{wanted.surprise:.2f} bits",
            f"{wanted.entropy:.2f} bits",
        ):
            await shown(app, words)
        region = app.app.main.query_one("#xray-panel").content_region
        panel = [row[region.x : region.right] for row in screen_rows(app.app)]
        width = region.width - NOT_BAR
        head = next(n for n, row in enumerate(panel) if "expected by the model" in row)
        rows = [row for row in panel[head + 1 :] if "%" in row]
        shares = sorted(wanted.probabilities, reverse=True)
        for row, share in zip(rows, shares, strict=True):
            assert percent(share) in row
            assert abs(eighths(row) - max(8 * width * share, 1)) <= 0.5
        (chosen,) = [row for row in rows if "▸" in row]
        assert percent(wanted.probability) in chosen


async def test_a_narrow_terminal_has_one_line_and_follows_the_newest(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(80, 24)) as app:
        await app.pilot.press("x", "x")
        numbers = naive_numbers(app.tape.tree.indices(0))
        last, mean = numbers[-1], sum(one.surprise for one in numbers) / LENGTH
        line = f"{last.surprise:.2f} bits · entropy {last.entropy:.2f} · last 60: {mean:.2f}"
        await shown(app, line)
        await shown(app, "surprise, bits  <1 1\N{EN DASH}2 2\N{EN DASH}4 4\N{EN DASH}7 ≥7")
        assert not app.app.main.query_one("#xray-panel").is_on_screen
        await app.pilot.resize_terminal(120, 24)
        await shown(app, "expected by the model")
        assert line not in screen_text(app.app)


async def test_text_that_streams_after_a_seed_is_colored_as_it_comes(tmp_path: Path) -> None:
    app = sure_app(tmp_path)
    settings = settings_of(app)
    settings.speed, settings.length, settings.sampling = 500, 100_000, SETTINGS
    async with app.run_test(size=(100, 40)) as pilot:
        pane = app.main.text_pane
        await pilot.press("escape", *"dab", "enter", "tab", "x", "x")
        await wait_until(
            pilot, "numbers", lambda: "dab" in shown_text(app) and pane.text.shown > 90
        )
        await wait_until(pilot, "numbers", lambda: pane.xray.text_colors.seen is not None)
        assert pane.view.streaming
        await pilot.press("escape")
        await wait_until(pilot, "the stop", lambda: not pane.view.streaming)
        await read_in_view(pilot, pane)
        check_looks(pane, "surprise", list(map(TINY_VOCABULARY.index, "dab")))


async def test_it_can_be_read_in_ascii_and_without_colors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with xray_app(tmp_path, size=(120, 36), is_ascii=True) as app:
        await app.pilot.press("x", "x")
        await shown(app, "##")
        assert screen_text(app.app).isascii()
        await shown(app, "<1 1-2 2-4 4-7 >7")
        await read_in_view(app.pilot, app.pane)
        numbers = naive_numbers(app.tape.tree.indices(0))
        levels = {numbers[position].level("surprise") for position in looks_in_view(app.pane)}
        wanted = {marks(level_look(app.pane, level)) for level in levels}
        assert len(wanted) == len(levels) >= LEAST_LEVELS
        await wait_until(app.pilot, "the marks", lambda: drawn_marks(app) >= wanted)
        assert len({marks(level_look(app.pane, level)) for level in range(5)}) == LEVELS


async def test_without_a_text_a_note_is_shown(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.session.model = str(tmp_path / "missing.safetensors")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the problem", lambda: "no model" in note_of(app))
        app.main.text_pane.view.focus()
        await pilot.press("x", "x", "x", "x", "x")
        await wait_until(pilot, "it", lambda: "There is no text yet." in screen_text(app))


async def shown(app: TapeApp, words: str) -> None:
    """Wait until something is on the screen."""
    await wait_until(app.pilot, words, lambda: words in screen_text(app.app))


def percent(share: float) -> str:
    """Format a number like the panel."""
    return f"{100 * share:.{1 if share >= 0.1 else 2}f} %" if share >= 1e-4 else "<0.01 %"


def eighths(row: str) -> int:
    """Return the length of a row's bar."""
    parts = {"█": 8, "▉": 7, "▊": 6, "▋": 5, "▌": 4, "▍": 3, "▎": 2, "▏": 1}
    return sum(parts.get(sign, 0) for sign in row)


def marks(style: Style) -> tuple[bool, bool, bool]:
    """Return whether a style is bold, underlined and reversed."""
    return bool(style.bold), bool(style.underline), bool(style.reverse)


def drawn_marks(app: TapeApp) -> set[tuple[bool, bool, bool]]:
    """Return what is drawn within the text, on a screen without colors."""
    region = app.view.content_region
    strips = app.app.screen._compositor.render_strips()[region.y : region.bottom]
    segments = [part for strip in strips for part in strip.crop(region.x, region.right)]
    assert all(part.style is None or part.style.color is None for part in segments)
    return {marks(part.style) for part in segments if part.style and part.text.strip()}
