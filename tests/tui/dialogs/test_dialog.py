"""Modal screens close once, however fast keys arrive."""

from pathlib import Path

from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Input

from tests.support.open_app import tiny_app
from tui_charrnn.tui.dialogs import AskTextScreen, list_problems


def asking() -> AskTextScreen:
    """A prompt that accepts any line."""
    return AskTextScreen("Name", "", "as it was", lambda _: "")


async def test_a_second_enter_while_it_closes_is_ignored() -> None:
    app, answers = App[None](), list[str | None]()
    async with app.run_test() as pilot:
        screen = asking()
        await app.push_screen(screen, answers.append)
        await pilot.pause()
        for _ in range(2):  # as a terminal sends them, and nothing is drawn between
            screen.post_message(Input.Submitted(screen.field, "as it was"))
        await pilot.pause()
        assert answers == ["as it was"]
        assert app.screen_stack[1:] == []


async def test_a_dialog_below_another_cannot_be_dismissed() -> None:
    app, answers = App[None](), list[str | None]()
    async with app.run_test() as pilot:
        below, above = asking(), asking()
        await app.push_screen(below, answers.append)
        await app.push_screen(above, answers.append)
        below.dismiss("too early")
        await pilot.pause()
        assert app.screen_stack[1:] == [below, above]
        assert answers == []


async def test_a_question_longer_than_the_screen_shows_its_beginning_and_scrolls(
    tmp_path: Path,
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(list_problems([f"problem {number}" for number in range(20)]))
        await pilot.pause()
        box = app.screen.query_one("#question", VerticalScroll)
        assert (box.scroll_offset.y, box.region.height) == (0, 24)
        await pilot.press("pagedown")
        await pilot.pause()
        assert box.scroll_offset.y > 0
        await pilot.press("enter")
        assert app.screen is app.main


async def test_escape_closes_a_list_of_problems() -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        await app.push_screen(list_problems(["one", "two"]))
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen_stack[1:] == []
