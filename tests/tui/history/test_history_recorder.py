"""Which generated texts the app records in the history, and when it records none."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.open_app import note_of, shown_text
from tests.support.tiny_model import tiny_model_file
from tests.support.waiting import wait_until
from tui_charrnn.folders import state_folder
from tui_charrnn.generation.stream import Replay
from tui_charrnn.history.generation import Entry, why_no_replay
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import History, find_same_model, history_file
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.preferences import preferences_file, resolve
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.session import session_for
from tui_charrnn.tui.text.seed_input import SeedHistory


def app_with(folder: Path, text: str) -> CharRNNApp:
    """Return an app with a tiny model and a settings file."""
    path = preferences_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    model = tiny_model_file(folder / "tiny.safetensors")
    return CharRNNApp(
        session_for(resolve({"model": str(model)}), folder / "runs", is_readonly=False)
    )


async def spoken(app: CharRNNApp, pilot: Pilot[None], length: int) -> None:
    """Wait until a text has ended."""
    await wait_until(pilot, f"{length} characters", lambda: len(shown_text(app)) >= length)
    await wait_until(pilot, "its end", lambda: "continues" in note_of(app))


async def kept(pilot: Pilot[None], lengths: list[int]) -> list[Entry]:
    """Wait until the history has exactly texts of these lengths, the newest first."""

    def are_kept() -> bool:
        return [entry.generation.length for entry in History().newest(9)] == lengths

    await wait_until(pilot, f"{lengths} in the history", are_kept)
    return History().newest(9)


async def test_a_text_is_stored_with_all_that_replaying_it_needs(tmp_path: Path) -> None:
    app = app_with(tmp_path, "pace = 'max'\nlength = 40\ntemperature = 1.5\ntop_k = 5")
    async with app.run_test() as pilot:
        await spoken(app, pilot, 40)
        await pilot.press(*"badge", "enter")
        entry = (await kept(pilot, [40, 40]))[0]
        recorded = entry.generation
        assert (recorded.seed_text, why_no_replay(recorded)) == ("badge", "")
        assert recorded.model.label == ModelLabel("tiny")
        assert shown_text(app).endswith("badge" + recorded.text)
        again = Replay(load_model(find_same_model(entry)), recorded)
        assert "".join(iter(again.next, None)) == recorded.text


async def test_a_continued_text_replaces_its_earlier_entry(tmp_path: Path) -> None:
    app = app_with(tmp_path, "pace = 'max'\nlength = 30")
    async with app.run_test() as pilot:
        await spoken(app, pilot, 30)
        first = (await kept(pilot, [30]))[0]
        await pilot.press("ctrl+g")
        (entry,) = await kept(pilot, [60])
        assert entry.generation.text.startswith(first.generation.text)


async def test_a_text_is_stored_if_the_app_quits_while_it_streams(tmp_path: Path) -> None:
    app = app_with(tmp_path, "pace = 20\nlength = 100_000")
    async with app.run_test() as pilot:
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 3)
        shown = shown_text(app)
    (entry,) = History().newest(9)
    assert entry.generation.text.startswith(shown)


@pytest.mark.parametrize("variable", [None, "1"])
async def test_nothing_is_stored_if_the_history_is_off(
    tmp_path: Path, variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is not None:
        monkeypatch.setenv("CHARRNN_HISTORY", variable)
    app = app_with(tmp_path, "pace = 'max'\nlength = 10\nhistory = false")
    async with app.run_test() as pilot:
        await spoken(app, pilot, 10)
    assert history_file().exists() is (variable == "1")


async def test_a_history_that_cannot_be_written_is_reported_once(tmp_path: Path) -> None:
    history_file().mkdir(parents=True)
    app = app_with(tmp_path, "pace = 'max'\nlength = 10")
    async with app.run_test() as pilot:
        await wait_until(pilot, "a note", lambda: "The text was not kept" in note_of(app))
        assert len(shown_text(app)) == 10


@pytest.mark.parametrize(("words", "are_remembered"), [("", True), ("seed_history = false", False)])
async def test_seeds_are_remembered_unless_the_setting_is_off(
    tmp_path: Path, words: str, are_remembered: bool
) -> None:
    seeds = SeedHistory(state_folder() / "seeds.jsonl")
    seeds.add("an old one")
    app = app_with(tmp_path, f"length = 5\n{words}")
    async with app.run_test() as pilot:
        seed = app.main.text_pane.seed
        if are_remembered:
            await wait_until(pilot, "old seeds", lambda: bool(seed.submitted_seeds))
        await pilot.press(*"bad", "enter")
        if are_remembered:
            await wait_until(pilot, "a new one", lambda: seeds.read()[1:] == ["bad"])
        await wait_until(pilot, "an answer", lambda: "bad" in shown_text(app))
        assert seed.submitted_seeds == (["an old one", "bad"] if are_remembered else ["bad"])
    assert seeds.read() == (["an old one", "bad"] if are_remembered else ["an old one"])
