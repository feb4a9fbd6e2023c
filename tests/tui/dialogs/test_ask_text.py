"""The text prompt: it returns no invalid line, and nothing at Esc."""

import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.events import Key, Paste
from textual.pilot import Pilot

from tests.support.hostile_text import HARMFUL, HOSTILE
from tests.support.themed_app import ThemedApp, drawn_rows
from tests.support.waiting import wait_until
from tui_charrnn.tui.dialogs import AskTextScreen, SafeInput


def length_problem(typed: str) -> str:
    return "" if len(typed) > 2 else f"Too short: {typed}"


class Host(ThemedApp):
    """Asks once and stores the answer."""

    def __init__(self, value: str = "", question: str = "How is it called?") -> None:
        super().__init__()
        self.answers: list[str | None] = []
        self.question = AskTextScreen("Name", question, value, length_problem)

    def on_mount(self) -> None:
        self.push_screen(self.question, self.answers.append)


@asynccontextmanager
async def asking(
    value: str = "", *, size: tuple[int, int] = (80, 24), question: str = "How is it called?"
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    app = Host(value, question)
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "the line", lambda: isinstance(app.focused, SafeInput))
        yield app, pilot


async def test_typing_replaces_the_initial_text() -> None:
    async with asking("before") as (app, pilot):
        await pilot.press("n", "e", "w", "enter")
        await wait_until(pilot, "an answer", lambda: bool(app.answers))
    assert app.answers == ["new"]


async def test_keys_that_come_together_act_in_their_order() -> None:
    async with asking("before") as (app, pilot):
        for key in ["ctrl+u", *"new", "home", "a", "enter"]:
            app.post_message(Key(key, key if len(key) == 1 else None))  # none waits for another
        await wait_until(pilot, "an answer", lambda: bool(app.answers))
    assert app.answers == ["anew"]


async def test_jamo_are_put_together_as_they_are_typed() -> None:
    async with asking() as (app, pilot):
        await pilot.press(*unicodedata.normalize("NFD", "푸른 닭"), "enter")
        await wait_until(pilot, "an answer", lambda: bool(app.answers))
    assert app.answers == ["푸른 닭"]


async def test_enter_returns_the_initial_text() -> None:
    async with asking("before") as (app, pilot):
        await pilot.press("enter")
        await wait_until(pilot, "an answer", lambda: bool(app.answers))
    assert app.answers == ["before"]


async def test_enter_does_not_return_an_invalid_text() -> None:
    async with asking() as (app, pilot):
        await pilot.press("n", "enter")
        await wait_until(
            pilot, "the problem", lambda: "Too short: n" in str(app.question.words.content)
        )
        assert app.answers == []
        await pilot.press("e", "w")
        await wait_until(pilot, "no problem", lambda: not str(app.question.words.content))
        await pilot.press("enter")
        await wait_until(pilot, "an answer", lambda: bool(app.answers))
    assert app.answers == ["new"]


async def test_escape_returns_none() -> None:
    async with asking("before") as (app, pilot):
        await pilot.press("escape")
        await wait_until(pilot, "an answer", lambda: bool(app.answers))
    assert app.answers == [None]


@pytest.mark.parametrize("size", [(120, 36), (40, 8)])
async def test_hostile_words_are_harmless_at_any_size(size: tuple[int, int]) -> None:
    async with asking(HOSTILE, size=size, question=HOSTILE) as (app, _):
        for widget in app.question.query("#ask, #ask *"):
            assert not HARMFUL.search("".join(drawn_rows(widget)))
        assert not HARMFUL.search(app.question.field.value)


async def test_what_is_pasted_is_harmless() -> None:
    async with asking() as (app, pilot):
        app.question.field.insert_text_at_cursor("a\x1b[31mb")
        await pilot.pause()
        assert app.question.field.value == "a␛[31mb"


async def test_typing_after_a_paste_is_inserted_after_it() -> None:
    async with asking("abc") as (app, pilot):
        await pilot.press("home", "right")
        app.question.field.post_message(Paste("\x9b\x1b"))
        await pilot.press("z")
        await wait_until(pilot, "all of it", lambda: "z" in app.question.field.value)
        assert app.question.field.value == "a⟨9B⟩␛zbc"


async def test_a_paste_of_several_lines_keeps_the_first_and_reports_it() -> None:
    async with asking() as (app, pilot):
        app.question.field.post_message(Paste("one\n"))
        await wait_until(pilot, "the line", lambda: app.question.field.value == "one")
        assert not len(app._notifications)
        app.question.field.post_message(Paste(" two\r\nthree"))
        await wait_until(pilot, "the line", lambda: app.question.field.value == "one two")
        (toast,) = app._notifications
        assert toast.message == "Only the first pasted line is used."
