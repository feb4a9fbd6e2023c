"""Modal screens close once, however fast keys arrive."""

from textual.app import App
from textual.widgets import Input

from tui_charrnn.tui.dialogs import AskTextScreen


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
