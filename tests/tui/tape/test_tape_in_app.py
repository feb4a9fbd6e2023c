"""The tape in the app: move the cursor, choose other characters, and continue from them."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.open_app import note_of, settings_of, shown_text, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.tape_app import LENGTH, SETTINGS, fresh_tape, tape_app
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.tui.tape.panel import TapePanel
from tui_charrnn.tui.xray.neuron_panel import NeuronPanel
from tui_charrnn.viewing.formatting import format_character

PICKY = SamplingConfig(rng_seed=5, temperature=0.9, top_k=9, repetition_penalty=1.2)


@pytest.mark.parametrize("settings", [SETTINGS, PICKY])
@pytest.mark.parametrize("keys", [["left"], ["b", "left"], ["home", "right", "right"]])
async def test_another_character_continues_bit_identically_to_a_fresh_tape(
    tmp_path: Path, settings: SamplingConfig, keys: list[str]
) -> None:
    async with tape_app(tmp_path, sampling=settings) as app:
        await app.press(*keys)
        position = app.at[1]
        assert position < LENGTH
        other = next(row.alternative for row in app.panel.rows if not row.is_chosen)
        key = [row.alternative.index for row in app.panel.rows].index(other.index) + 1
        await app.pilot.press(str(key))
        await app.rested(position + 1 + LENGTH)
        fresh = fresh_tape(settings)
        prefix = app.tape.tree.indices(0, 0, position)
        for index in [*prefix, other.index]:
            fresh.take(index)
        for _ in range(LENGTH):
            fresh.next()
        assert shown_text(app.app) == fresh.text()
        assert (
            app.tape.tree.branches[1].probabilities
            == (fresh.tree.branches[0].probabilities[position:])
        )
        np.testing.assert_array_equal(app.tape.stream.network, fresh.stream.network)
        assert app.tape.stream.snapshot().drawn == fresh.stream.snapshot().drawn


async def test_a_streaming_text_continues_from_another_place(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    settings_of(app).speed = 120
    settings_of(app).sampling = SETTINGS
    async with app.run_test() as pilot:
        pane = app.main.text_pane
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 12)
        await pilot.press("f2", "home", "right", "right", "2")
        await wait_until(pilot, "another branch", lambda: pane.text.branch == 1)
        await wait_until(pilot, "more", lambda: pane.text.shown > 20)
        assert pane.view.streaming
        assert pane.cursor.at == (1, 2)
        await pilot.press("space")
        await wait_until(pilot, "the stop", lambda: note_of(app).startswith("Stopped."))
        tape = pane.text.tape
        assert tape is not None
        fresh = fresh_tape()
        for index in tape.tree.indices(1, 0, 3):
            fresh.take(index)
        while len(fresh.text()) < tape.tree.branches[1].length:
            fresh.next()
        assert shown_text(app) == tape.text(1) == fresh.text()


async def test_the_hint_is_that_of_the_open_tool(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        hint = "Arrows go back, 1-9 take another character, Enter redraws, Esc leaves."
        await app.noted(hint)
        app.app.main.note.show_note("Copied.")
        app.app.main.note.clear()  # as after some seconds
        assert note_of(app.app) == hint
        await app.pilot.press("e")
        await app.noted("Enter colors the text by a cell, c clamps it, Esc leaves.")
        neurons = app.app.main.query_one(NeuronPanel)  # Esc would cancel a search first
        await wait_until(app.pilot, "the search's end", lambda: neurons.search is None)
        await app.pilot.press("escape", "escape")
        await app.noted("Type a seed and press Enter")


async def test_the_cursor_moves_by_characters_words_rows_and_to_the_ends(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        text = shown_text(app.app)
        assert app.at == (0, LENGTH)
        await app.press("right")
        assert app.at == (0, LENGTH)
        await app.press("left", "left")
        assert app.at == (0, LENGTH - 2)
        await app.press("home")
        assert app.at == (0, 0)
        await app.press("w")
        first = len(text) - len(text.split(maxsplit=1)[1])
        assert app.at == (0, first if text[0].strip() else len(text) - len(text.lstrip()))
        await app.press("b")
        assert app.at == (0, 0)
        await app.press("down")
        assert app.at == (0, text.index("\n") + 1)
        await app.press("up", "pagedown", "end")
        assert app.at == (0, LENGTH)


async def test_the_mouse_puts_the_cursor_where_it_points(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        text = shown_text(app.app)
        inside = app.view.content_region
        row = inside.y + text[: text.index("\n") + 1].count("\n") - app.view.scroll_offset.y
        await app.pilot.click(offset=(inside.x + 1, row))
        await app.known()
        assert app.at == (0, text.index("\n") + 2)
        assert app.has_focus(app.panel)
        await app.pilot.click(offset=(inside.x + 60, row - 1))
        await app.known()
        assert app.at == (0, text.index("\n"))


async def test_what_could_come_is_listed_with_bars_and_numbers(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await app.press("left", "left", "left")
        moment = fresh_tape()
        for _ in range(LENGTH):
            moment.next()
        likeliest, second, *_ = moment.position_at(LENGTH - 3).alternatives(
            moment.stream.model.vocabulary
        )
        shown = [line for line in screen_text(app.app).splitlines() if " % " in line]
        assert f"{100 * likeliest.probability:.1f} %" in shown[0]
        assert f"{100 * likeliest.model_probability:.1f} %" in shown[0]
        assert shown[0].count("█") > shown[2].count("█") > 0
        assert format_character(second.character) in shown[1]
        assert sum("▸" in line for line in shown) == 1
        chosen = next(line for line in shown if "▸" in line)
        assert format_character(shown_text(app.app)[-3]) in chosen


async def test_it_can_be_read_in_ascii(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.is_ascii = True
    settings_of(app).speed, settings_of(app).length = None, LENGTH
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the end", lambda: "60 characters." in note_of(app))
        await pilot.press("f2", "left")
        await wait_until(pilot, "the list", lambda: " % " in screen_text(app))
        assert "##" in screen_text(app)
        assert screen_text(app).isascii()


async def test_less_likely_characters_are_on_further_pages(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await app.press("home")
        seen = {row.alternative.index for row in app.panel.rows}
        await app.press("m")
        more = {row.alternative.index for row in app.panel.rows}
        assert more - seen
        index = app.panel.rows[0].alternative.index
        await app.pilot.press("1")
        await wait_until(app.pilot, "a branch", lambda: len(app.tape.tree.branches) > 1)
        assert app.tape.tree.branches[1].indices[0] == index


async def test_typed_characters_are_inserted_and_continued(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await app.press("home", "right", "i", "x")
        await app.pilot.press("enter")
        assert "has never seen x" in screen_text(app.app)
        await app.pilot.press("backspace", *"cab", "enter")
        await app.rested(1 + 3 + LENGTH)
        assert shown_text(app.app)[1:4] == "cab"
        assert app.tape.tree.branches[1].taken == [1, 2, 3]


async def test_drawing_anew_takes_other_random_numbers_and_the_settings_of_now(
    tmp_path: Path,
) -> None:
    async with tape_app(tmp_path) as app:
        before = shown_text(app.app)
        await app.press("home", "w")
        position = app.at[1]
        await app.pilot.press("f8", "enter")
        await app.rested(position + 1 + LENGTH)
        assert shown_text(app.app)[:position] == before[:position]
        assert shown_text(app.app)[position:LENGTH] != before[position:]
        branch = app.tape.tree.branches[1]
        assert branch.sampling_at(position).temperature == 1.0
        assert branch.draws[-1].rng_seed != SETTINGS.rng_seed
        assert app.tape.text(0) == before
        await app.pilot.press("end", "enter")
        await app.rested(position + 1 + 2 * LENGTH)
        assert len(app.tape.tree.branches) == 2


async def test_escape_leaves_and_the_key_of_the_text_goes_to_and_fro(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        seed = app.app.main.text_pane.seed
        assert not seed.is_on_screen
        await app.press("left", "left")
        await app.pilot.press("escape")
        assert app.has_focus(seed)
        assert app.cursor.at is None
        await app.pilot.press("f2")
        assert app.has_focus(app.panel)
        await app.pilot.press("f3", "f2")
        await wait_until(app.pilot, "the tape", lambda: app.has_focus(app.panel))
        await app.pilot.press("f2")
        await wait_until(app.pilot, "the seed", lambda: app.has_focus(seed))
        for key in ("t", "f2"):  # with the focus on the text
            await app.pilot.press("tab", key)
            assert app.has_focus(app.panel)
            await app.pilot.press("escape")
            assert app.has_focus(seed)


async def test_without_a_text_a_note_is_shown(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.session.model = str(tmp_path / "missing.safetensors")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the problem", lambda: "no model" in note_of(app))
        await pilot.press("f2", "left", "1", "n", "u", "enter", "space", "l", "t", "c", "s", "i")
        assert "no text to review yet" in screen_text(app)
        assert len(app.main.query(TapePanel)) == 1
