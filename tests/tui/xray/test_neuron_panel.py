"""The neuron list in the app: search, coloring and clamps."""

import threading
from pathlib import Path

import numpy as np
import pytest

from tests.support.bracket_model import counting_model, nested_brackets
from tests.support.command import PATIENCE
from tests.support.neuron_app import (
    COUNTER,
    LENGTH,
    PLACE,
    bracket_file,
    counting_app,
    neuron_app,
    save_counting_model,
)
from tests.support.open_app import note_of
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.waiting import wait_until
from tui_charrnn.generation.neuron import Clamp
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.lens.neurons import LEAST, FollowingNeuron, NeuronFinder
from tui_charrnn.lens.properties import PROPERTIES
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.tui.background import CancelledError
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.xray import neuron_panel
from tui_charrnn.tui.xray.neuron_panel import (
    Found,
    NeuronPanel,
    offered_value,
    search_neurons,
)

LOADED = LoadedModel(counting_model(), ModelLabel("brackets"))


async def test_the_bracket_cell_is_listed_first_with_its_r(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        finder = NeuronFinder(load_model(tmp_path / "tiny.safetensors"))
        r = {
            (found.property.name, one.neuron): one.r
            for found in finder.find([bracket_file(tmp_path).read_text()], top=99).properties
            for one in found.neurons
        }

        assert app.neurons.rows[0][0] == COUNTER
        for neuron, follower in app.neurons.rows:
            assert follower is not None
            assert follower.r == pytest.approx(r[follower.property.name, neuron], abs=1e-9)
            row = next(row for row in screen_rows(app.app) if f" {neuron} " in row)
            assert f"{follower.r:+.3f}" in row
            assert follower.property.name in row
            if neuron == app.neurons.rows[3][0]:
                break
        strengths = [abs(one.r) for _, one in app.neurons.rows if one is not None]
        assert strengths == sorted(strengths, reverse=True)
        names = [neuron for neuron, _ in app.neurons.rows]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("width", [60, 70, 100])
async def test_the_chance_level_stands_beside_r_at_any_width(tmp_path: Path, width: int) -> None:
    async with neuron_app(tmp_path) as app:
        _, follower = app.neurons.rows[0]
        assert follower is not None
        shown = [cell.text for cell in app.neurons.cells(0, width)]
        assert shown[1:3] == [f"{follower.r:+.3f}", f"({follower.chance:.3f})"]


async def test_a_property_alone_is_listed_and_in_turn_all(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        everything, seen = app.neurons.rows, []
        assert app.neurons.found is not None
        for _ in app.neurons.found.properties:
            await app.pilot.press("f")
            (name,) = {one.property.name for _, one in app.neurons.rows if one is not None}
            assert f"Neurons · {name}" in screen_text(app.app)
            seen.append(name)
        assert seen == list(app.neurons.found.properties)
        await app.pilot.press("f")
        assert app.neurons.rows == everything
        await app.pilot.press("F")
        assert f"Neurons · {seen[-1]}" in screen_text(app.app)


async def test_the_list_marks_what_the_text_is_colored_by_also_from_the_text(
    tmp_path: Path,
) -> None:
    async with neuron_app(tmp_path) as app:

        def marked() -> list[str]:
            found = [row.partition("▸")[2].split() for row in screen_rows(app.app) if "▸" in row]
            return [words[0] for words in found if words and ":" in words[0]]

        await app.pilot.press("enter")
        await wait_until(app.pilot, "the cell", lambda: marked() == [str(COUNTER)])
        app.view.focus()
        await app.pilot.press("full_stop")
        await wait_until(app.pilot, "another", lambda: marked() not in ([], [str(COUNTER)]))
        await app.pilot.press("x", "x")  # to the influence coloring, which has no neuron
        await wait_until(app.pilot, "none", lambda: marked() == [])


async def test_a_clamp_applies_from_the_next_character_on(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        free = [app.tape.position_at(place).state.network[PLACE] for place in range(LENGTH)]
        await app.pilot.press("c", *"2.5", "enter")
        await app.rested(2 * LENGTH)

        assert app.tape.stream.network[PLACE] == 2.5
        states = [app.tape.position_at(place).state.network[PLACE] for place in range(2 * LENGTH)]
        assert states[:LENGTH] == free
        assert set(free) != {2.5}
        assert set(states[LENGTH + 1 :]) == {2.5}
        assert "0:c3=2.5 clamped" in screen_text(app.app)

        await app.pilot.press("r")
        await app.noted("0:c3 is released.")
        assert " clamped" not in screen_text(app.app)
        await app.pilot.press("ctrl+g")
        await app.rested(3 * LENGTH)
        network = app.tape.stream.network
        assert network[PLACE] != 2.5


async def test_it_is_offered_three_deviations_out_and_turned_by_halves(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        _, follower = app.neurons.rows[0]
        assert follower is not None
        cell = follower
        offered = cell.mean + 3 * cell.deviation * (1 if cell.r > 0 else -1)
        await app.pilot.press("plus")
        (clamp,) = app.app.session.settings.active_clamps.clamps
        assert clamp.value == pytest.approx(offered, rel=0.01)
        await app.pilot.press("minus", "minus")
        (clamp,) = app.app.session.settings.active_clamps.clamps
        assert clamp.value == pytest.approx(offered - cell.deviation, rel=0.02)


async def test_several_neurons_are_clamped_and_released_together(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        await app.pilot.press("c", *"2", "enter", "down", "c", *"0.5", "enter")
        await wait_until(
            app.pilot,
            "two cells",
            lambda: (
                len(app.app.session.settings.active_clamps.clamps) == 2 and not app.view.streaming
            ),
        )
        other = app.neurons.rows[1][0]
        assert f"clamped: 0:c3=2 · {other}=0.5" in screen_text(app.app)
        assert "2 cells clamped" in screen_text(app.app)
        row = next(row for row in screen_rows(app.app) if "0:c3 " in row and "= 2" in row)
        assert "+" in row or "-" in row
        await app.pilot.press("R")
        await app.noted("are released.")
        assert app.app.session.settings.active_clamps.clamps == ()


@pytest.mark.parametrize("typed", ["warm", "9999", ""])
async def test_an_invalid_clamp_value_is_reported(tmp_path: Path, typed: str) -> None:
    async with neuron_app(tmp_path) as app:
        await app.pilot.press("c", "delete", *typed, "enter")
        await wait_until(app.pilot, "why not", lambda: "from -1000 to 1000" in screen_text(app.app))
        await app.pilot.press("escape")
        assert app.app.session.settings.active_clamps.clamps == ()


async def test_another_model_releases_the_clamps(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        await app.pilot.press("c", *"2", "enter")
        await app.rested(2 * LENGTH)
        await app.pilot.press("escape", "f2")
        # same shape and vocabulary, but another corpus: other neurons
        save_counting_model(tmp_path / "other.safetensors", sha256="1" * 64)
        app.app.session.model = str(tmp_path / "other.safetensors")
        app.app.session.settings.speed = 30
        await app.prime_tape("((")
        await app.noted("the clamps are released")
        assert app.app.session.settings.active_clamps.clamps == ()
        assert app.tape.seed_clamps == ()


async def test_a_new_seed_is_read_with_the_clamps(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        await app.pilot.press("c", *"2", "enter")
        await app.rested(2 * LENGTH)
        await app.prime_tape("((")
        await app.rested(LENGTH)
        assert app.tape.seed_clamps == (Clamp(COUNTER, 2),)
        assert app.tape.origin.network[PLACE] == 2
        assert app.tape.stream.network[PLACE] == 2


async def test_escape_returns_to_the_text_and_keeps_the_list(tmp_path: Path) -> None:
    async with neuron_app(tmp_path) as app:
        rows = app.neurons.rows
        await app.pilot.press("escape")
        assert app.app.focused is app.view
        assert not app.neurons.is_on_screen
        await app.pilot.press("e")
        await wait_until(app.pilot, "the list", lambda: app.app.focused is app.neurons)
        assert app.neurons.rows == rows
        assert app.neurons.search is None


async def test_another_text_by_the_same_model_does_not_begin_the_search_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches, may_end = list[str](), threading.Event()

    def search(loaded: LoadedModel, generated: str, *_: object) -> Found:
        searches.append(generated)
        may_end.wait(PATIENCE)
        return Found("brackets", 1, "", ())

    monkeypatch.setattr(neuron_panel, "search_neurons", search)
    app = counting_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the end", lambda: f"{LENGTH} characters." in note_of(app))
        text = app.main.text_pane.text
        first = text.generation
        app.main.text_pane.action_neurons()
        app.main.text_pane.generate("(")
        await wait_until(pilot, "another text", lambda: text.generation is not first)
        panel = app.main.query_one(NeuronPanel)
        panel.look()
        may_end.set()
        await wait_until(pilot, "the end of the search", lambda: panel.search is None)
        panel.look()
        assert len(searches) == 1
        assert panel.found is not None


async def test_without_its_corpus_the_generated_text_is_read_or_too_short(tmp_path: Path) -> None:
    app = counting_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the end", lambda: f"{LENGTH} characters." in note_of(app))
        app.main.text_pane.action_neurons()
        await wait_until(
            pilot,
            "why not",
            lambda: "a search for neurons needs" in screen_text(app).replace("\n", " "),
        )
        panel = app.main.query_one(NeuronPanel)
        app.session.settings.length = 600
        app.main.text_pane.action_more()
        await wait_until(pilot, "more text", lambda: "600 characters." in note_of(app))
        panel.look("")
        await wait_until(pilot, "a list", lambda: bool(panel.rows))
        assert panel.found is not None
        assert panel.found.characters == LENGTH + 600
        assert "the text so far" in screen_text(app)


@pytest.mark.parametrize(
    ("part", "r", "value"), [("c", 0.9, 7.0), ("c", -0.9, -5.0), ("h", 0.9, 1.0), ("h", -0.9, -1.0)]
)
def test_what_is_offered_keeps_to_what_a_state_can_be(part: str, r: float, value: float) -> None:
    from tui_charrnn.generation.neuron import Probe

    assert (
        offered_value(FollowingNeuron(Probe(0, part, 1), PROPERTIES[0], r, 0.0, 1.0, 2.0)) == value
    )


async def test_it_can_be_read_in_ascii(tmp_path: Path) -> None:
    async with neuron_app(tmp_path, is_ascii=True) as app:
        await app.pilot.press("c", *"2", "enter")
        await app.rested(2 * LENGTH)
        rows = [row for row in screen_rows(app.app) if "0:c3" in row]
        assert all(row.isascii() for row in rows)
        assert any("= 2" in row and "#" in row for row in rows)
        np.testing.assert_equal(app.tape.stream.network[PLACE], 2)


def test_a_search_reports_its_progress_and_lists_each_neuron_once(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text(nested_brackets(200_000))
    reported: list[str] = []
    found = search_neurons(LOADED, "", str(path), reported.append, lambda: None)
    shares = [words.rpartition(": ")[2] for words in reported]
    assert shares[0] == "0 %"
    assert len(set(shares)) == len(shares) > 2
    assert found.characters == 200_000
    best = found.listed("")
    assert best[0].neuron == COUNTER
    assert len({one.neuron for one in best}) == len(best)
    for name in found.properties:
        assert {one.property.name for one in found.listed(name)} == {name}


def test_a_cancelled_search_reports_nothing_more() -> None:
    reported: list[str] = []

    def check_cancelled() -> None:
        if reported:
            raise CancelledError

    with pytest.raises(CancelledError):
        search_neurons(LOADED, nested_brackets(LEAST), "", reported.append, check_cancelled)
    assert len(reported) == 1
