"""A new seed keeps earlier texts: the user can return to them, with their branches."""

import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.command import PATIENCE
from tests.support.open_app import note_of, shown_text
from tests.support.shown_screen import screen_text
from tests.support.tape_app import LENGTH, TapeApp, tape_app
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import DataError
from tui_charrnn.generation.tape import Tape


async def explored(app: TapeApp) -> None:
    """Start another branch of the text."""
    await app.press("home", "right", "right")
    other = next(n for n, row in enumerate(app.panel.rows, 1) if not row.is_chosen)
    await app.pilot.press(str(other))
    await wait_until(app.pilot, "a branch", lambda: app.text.branch == 1)
    await app.rested(3 + LENGTH)


async def prime_tape(app: TapeApp, seed_text: str) -> None:
    """Generate another text."""
    await app.prime_tape(seed_text)
    await app.rested(LENGTH)


def _seed_of(app: TapeApp) -> str | None:
    opening = app.text.opening
    return opening.seed_text if opening is not None else None


async def test_an_earlier_text_is_restored_with_its_branches_and_continued(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await explored(app)
        tape, text, state = app.tape, app.tape.text(), app.tape.stream.network.copy()
        app.app.session.settings.speed = 30
        await app.prime_tape("bad")
        await wait_until(app.pilot, "words", lambda: "its 2 branches" in note_of(app.app))
        assert app.tape is not tape
        app.app.session.settings.speed = None
        await app.rested(LENGTH)

        await app.pilot.press("z")
        await wait_until(app.pilot, "the text", lambda: app.tape is tape)
        assert app.text.branch == 1
        assert shown_text(app.app).endswith(text)
        assert "Text 1 of 2, 2 branches" in note_of(app.app)
        assert (app.tape.stream.network == state).all()
        await app.known()
        assert app.at == (1, 3 + LENGTH)
        await app.press("n")
        assert app.text.branch == 0
        await app.pilot.press("space")
        await app.rested(2 * LENGTH)

        await app.pilot.press("Z")
        await wait_until(app.pilot, "the other", lambda: app.tape is not tape)
        assert _seed_of(app) == "bad"


async def test_a_text_that_cannot_start_leaves_the_displayed_one_as_it_is(tmp_path: Path) -> None:
    may_fail = threading.Event()

    def start(*_: object) -> NoReturn:
        may_fail.wait(PATIENCE)
        raise DataError("There is no such model.")

    async with tape_app(tmp_path) as app:
        tape, texts = app.tape, app.pane.texts
        await app.press("home", "right", "right")
        texts.start(start)
        assert texts.is_starting
        result = texts.text.generation.result()
        assert result is not None
        assert result.generated == tape.text()
        may_fail.set()
        await app.noted("There is no such model.")
        assert not texts.is_starting
        assert not app.view.streaming
        assert (app.tape, app.at) == (tape, (0, 2))


async def test_before_the_first_and_after_the_last_text_a_note_is_shown(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await app.pilot.press("z")
        await wait_until(
            app.pilot, "words", lambda: "There is no previous text" in note_of(app.app)
        )
        await app.pilot.press("Z")
        await wait_until(app.pilot, "words", lambda: "There is no next text" in note_of(app.app))


async def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        for seed_text in ("a", "b", "c", "d", "e", "f", "g"):
            await prime_tape(app, seed_text)
        seeds = [
            generation.opening and generation.opening.seed_text
            for generation in app.pane.texts.texts
        ]
        assert seeds == ["b", "c", "d", "e", "f", "g"]


async def test_a_text_frees_its_states_when_it_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[Tape] = []
    monkeypatch.setattr(Tape, "limit_states", lambda tape, _: freed.append(tape))
    async with tape_app(tmp_path) as app:
        first = app.tape
        await prime_tape(app, "bad")
        second = app.tape
        await app.pilot.press("z")
        await wait_until(app.pilot, "the first", lambda: app.tape is first)
        await prime_tape(app, "dab")
        assert freed == [first, second, first]


async def test_leaving_a_streaming_text_stops_and_keeps_it(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        first = app.tape
        app.app.session.settings.speed = 60
        await app.prime_tape("bad")
        second = app.tape
        await wait_until(app.pilot, "some of it", lambda: second.tree.branches[0].length > 5)
        await app.pilot.press("z")
        await wait_until(app.pilot, "the first", lambda: app.tape is first)
        assert not app.view.streaming
        await app.pilot.press("Z")
        await wait_until(app.pilot, "the second", lambda: app.tape is second)
        length = second.tree.branches[0].length
        assert shown_text(app.app).endswith(second.text())
        app.app.session.settings.speed = None
        await wait_until(app.pilot, "its end", app.text.resume)
        await app.rested(length + LENGTH)


async def test_from_the_text_too_and_the_title_is_its_own(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        rng = f"RNG {app.tape.stream.rng_seed}"
        await app.pilot.press("escape")
        app.app.session.settings.sampling = _with_seed(app, 77)
        await prime_tape(app, "bad")
        assert re.search(r"RNG 77 .* length \d", screen_text(app.app))
        app.view.focus()
        await app.pilot.press("z")
        await wait_until(app.pilot, "its title", lambda: rng in screen_text(app.app))
        assert app.cursor.at is None


def _with_seed(app: TapeApp, rng_seed: int) -> SamplingConfig:
    return replace(app.app.session.settings.sampling, rng_seed=rng_seed)
