"""Actions on a text of the history: replay, restore, copy, save, delete."""

import json
from pathlib import Path

import pytest

from tests.support.generations import make_generation
from tests.support.history_app import generated_entry, history_page, noted, shown
from tests.support.open_app import note_of
from tests.support.themed_app import streamed
from tests.support.tiny_model import tiny_model_file
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.history.store import History


async def test_a_replay_is_identical(tmp_path: Path) -> None:
    kept = generated_entry(tmp_path / "m.safetensors")
    async with history_page(tmp_path, kept) as (page, pilot):
        await shown(pilot, page, kept.text)
        pilot.app.session.settings.speed = None  # type: ignore[attr-defined]
        await pilot.press("r")
        await noted(pilot, page, "Generated again: the same 40 characters.")
        assert streamed(page.browser.preview.text) == kept.seed_text + kept.text


async def test_a_replay_can_be_stopped(tmp_path: Path) -> None:
    kept = generated_entry(tmp_path / "m.safetensors", length=2_000)
    async with history_page(tmp_path, kept) as (page, pilot):
        await shown(pilot, page, kept.text)
        await pilot.press("r")
        await noted(pilot, page, "Generating it again")
        await pilot.press("escape")
        await wait_until(
            pilot, "the text", lambda: streamed(page.browser.preview.text).endswith(kept.text)
        )
        assert not page.browser.preview.is_replaying
        assert pilot.app.screen is page


def _changed(path: Path) -> None:
    tiny_model_file(path, rng_seed=1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(Path.unlink, "was deleted or moved: there is no file"), (_changed, "has changed")],
)
async def test_a_replaced_model_is_reported(tmp_path: Path, spoil: object, words: str) -> None:
    kept = generated_entry(tmp_path / "m.safetensors")
    spoil(tmp_path / "m.safetensors")  # type: ignore[operator]
    async with history_page(tmp_path, kept) as (page, pilot):
        await shown(pilot, page, kept.text)
        await pilot.press("r")
        sentence = await noted(pilot, page, words)
        assert "--anyway" not in sentence
        assert streamed(page.browser.preview.text) == kept.seed_text + kept.text


async def test_seed_text_and_settings_are_restored_in_the_text_pane(tmp_path: Path) -> None:
    sampling = ((0, SamplingConfig(temperature=1.3, top_k=4, rng_seed=9)),)
    async with history_page(tmp_path, make_generation("x", "face\nbad", sampling=sampling)) as (
        page,
        pilot,
    ):
        await shown(pilot, page, "x")
        await pilot.press("enter")
        app = page.app
        await wait_until(pilot, "the main screen", lambda: pilot.app.screen is not page)
        main = app.main  # type: ignore[attr-defined]
        assert main.text_pane.seed.text == "face\nbad"
        assert main.text_pane.seed.has_focus
        assert main.session.settings.sampling == SamplingConfig(temperature=1.3, top_k=4)
        await wait_until(pilot, "a note", lambda: "shakespeare" in note_of(app))  # type: ignore[arg-type]


def _check_files(path: Path, home: Path) -> None:
    assert path.read_text(encoding="utf-8") == "ROMEO: O happy\x1b day"
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert (facts["seed_text"], facts["rng_seed"]) == ("ROMEO:", 7)
    assert home in path.parents


async def test_a_text_is_copied_and_saved(tmp_path: Path, isolated_home: Path) -> None:
    async with history_page(tmp_path, make_generation(" O happy\x1b day")) as (page, pilot):
        await shown(pilot, page, "happy")
        await pilot.press("c")
        await noted(pilot, page, "Copied 19 characters")
        assert pilot.app.clipboard == "ROMEO: O happy␛ day"
        await pilot.press("s")
        note = await noted(pilot, page, "Saved 19 characters")
    _check_files(Path(note.rpartition(" to ")[2]), isolated_home)


async def test_a_text_is_deleted_after_confirmation_and_can_be_restored(tmp_path: Path) -> None:
    async with history_page(
        tmp_path, make_generation("one"), make_generation("two"), make_generation("three")
    ) as (page, pilot):
        await pilot.press("down")
        await shown(pilot, page, "two")
        await pilot.press("d")
        await wait_until(pilot, "a question", lambda: pilot.app.screen is not page)
        await pilot.press("enter")  # the default answer keeps it
        assert History().find("two") == [2]
        await pilot.press("d", "d")
        await noted(pilot, page, "u restores it")
        assert page.browser.list.numbers == [3, 1]
        assert History().find("two") == []
        await pilot.press("u")
        await wait_until(pilot, "it is back", lambda: page.browser.list.numbers == [3, 2, 1])
        await shown(pilot, page, "two")
        await pilot.press("u")
        await noted(pilot, page, "There is no deleted text")
