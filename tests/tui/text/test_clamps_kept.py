"""Clamps are recorded: in tapes, in the settings of a saved text, in the history."""

import json
import shlex
from pathlib import Path

import pytest

from tests.support.command import invoke_alone
from tests.support.history_app import opened, shown
from tests.support.neuron_app import COUNTER, LENGTH, PLACE, NeuronApp, neuron_app
from tests.support.open_app import note_of
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.cli.generate import generate
from tui_charrnn.generation.neuron import Clamp
from tui_charrnn.generation.stream import Replay
from tui_charrnn.history.generation import Entry, why_no_replay
from tui_charrnn.history.store import History, find_same_model
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.tui.text.saving import texts_folder


async def held_half_way(app: NeuronApp) -> str:
    """Clamp the counting cell after the text has ended, continue the text, and release the cell."""
    await app.pilot.press("c", *"2", "enter")
    await app.rested(2 * LENGTH)
    await app.pilot.press("r", "ctrl+g")
    await app.rested(3 * LENGTH)
    return app.tape.text()


async def newest_of(app: NeuronApp, length: int, seed_text: str | None = None) -> Entry:
    """Wait for a newest text of that length (and seed text) in the history, and return it."""

    def is_kept() -> bool:
        return any(
            entry.generation.length == length and seed_text in {None, entry.generation.seed_text}
            for entry in History().newest(1)
        )

    await wait_until(app.pilot, "the history", is_kept)
    return History().newest(1)[0]


async def test_a_saved_tape_reopens_with_its_clamps(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        await app.pilot.press("c", *"2", "enter")
        await app.rested(2 * LENGTH)
        text = app.tape.text()
        await app.pilot.press("escape", "t")
        await app.pilot.press("s")
        await app.noted("Saved the tape")
        (path,) = texts_folder().glob("tape-*.json")
        app.app.session.settings.remove_clamps(app.app.session.settings.active_clamps.clamps)

        app.app.main.text_pane.open_tape(path)
        await app.noted("The tape is open.")

        assert app.tape.text() == text
        assert app.app.session.settings.active_clamps.clamps == (Clamp(COUNTER, 2),)
        assert "0:c3=2 clamped" in screen_text(app.app)
        assert app.tape.position_at(LENGTH + 5).state.network[PLACE] == 2
        assert app.tape.position_at(LENGTH - 5).state.network[PLACE] != 2
        await app.pilot.press("ctrl+g")
        await app.rested(3 * LENGTH)
        assert app.tape.stream.network[PLACE] == 2


async def test_a_replay_from_the_history_is_identical(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        text = await held_half_way(app)
        entry = await newest_of(app, 3 * LENGTH)
        kept = entry.generation

        assert kept.clamps == ((LENGTH, ("0:c3=2",)), (2 * LENGTH, ()))
        assert why_no_replay(kept) == ""
        again = Replay(load_model(find_same_model(entry)), kept)
        assert "".join(iter(again.next, None)) == text
        app.app.main.text_pane.action_history()
        await wait_until(
            app.pilot,
            "the clamps",
            lambda: "from character 121: clamped: 0:c3=2" in screen_text(app.app),
        )


async def test_clamps_from_the_beginning_are_in_the_command_of_a_saved_text(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        await app.pilot.press("c", *"2", "enter")
        await app.rested(2 * LENGTH)
        await app.prime_tape("((")
        await app.rested(LENGTH)
        app.pane.action_save()
        await app.noted("Saved 122 characters")
        (path,) = texts_folder().glob("text-*.json")
        settings = json.loads(path.read_text())

        assert settings["clamps"] == ["0:c3=2"]
        assert settings["clamp_changes"] == []
        result = invoke_alone(generate, *shlex.split(settings["command"])[2:])
        assert result.stdout_bytes == path.with_suffix(".txt").read_bytes()


async def test_clamps_set_later_are_recorded_without_a_command(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        await held_half_way(app)
        app.pane.action_save()
        await app.noted("Saved 360 characters")
        (path,) = texts_folder().glob("text-*.json")
        settings = json.loads(path.read_text())

        assert settings["clamps"] == []
        assert settings["clamp_changes"] == [
            {"after": LENGTH, "clamps": ["0:c3=2"]},
            {"after": 2 * LENGTH, "clamps": []},
        ]
        assert settings["command"] is None
        assert "clamped cells were changed" in settings["no_command_because"]


@pytest.mark.parametrize("is_taken_back", [True, False])
async def test_seed_and_settings_of_the_history_bring_the_clamps(
    tmp_path: Path, is_taken_back: bool
) -> None:
    async with neuron_app(tmp_path) as app:
        await app.pilot.press("c", *"2", "enter")
        await app.rested(2 * LENGTH)
        await app.prime_tape("((")
        await app.rested(LENGTH)
        entry = await newest_of(app, LENGTH, "((")
        assert entry.generation.clamps == ((0, ("0:c3=2",)),)
        app.app.session.settings.remove_clamps(app.app.session.settings.active_clamps.clamps)
        if is_taken_back:
            app.pane.action_history()
            page = await opened(app.app, app.pilot)
            await shown(app.pilot, page, entry.generation.text)
            await app.pilot.press("enter")
            await wait_until(app.pilot, "words", lambda: "are back" in note_of(app.app))
        await app.prime_tape(")(")
        await app.rested(LENGTH)
        assert app.tape.seed_clamps == ((Clamp(COUNTER, 2),) if is_taken_back else ())
