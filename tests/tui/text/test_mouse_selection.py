"""Selection and copying of streamed text with the mouse."""

import pytest
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import SELECT_ALL, Selection

from tests.support.themed_app import ThemedApp, drawn_rows, styled
from tests.support.waiting import wait_until
from tui_charrnn.hangul import split_syllables
from tui_charrnn.tui.text.text_view import TextView


class Host(ThemedApp):
    """Shows one text."""

    def __init__(self) -> None:
        super().__init__()
        self.view = TextView()

    def compose(self) -> ComposeResult:
        yield self.view


async def drag(pilot: Pilot[None], start: tuple[int, int], end: tuple[int, int]) -> None:
    """Select with the mouse."""
    await pilot.mouse_down(offset=start)
    await pilot.hover(offset=end)
    await pilot.mouse_up(offset=end)
    await pilot.pause()


async def test_the_mouse_selects_lines_not_rows() -> None:
    app = Host()
    async with app.run_test(size=(20, 6)) as pilot:
        app.view.append("one two three four five six\nseven\n\neight")
        await pilot.pause()
        assert drawn_rows(app.view)[:2] == ["one two three four", "five six"]
        await drag(pilot, (4, 0), (4, 2))
        assert app.screen.get_selected_text() == "two three four five six\nseven"


@pytest.mark.parametrize("text", ["가나다라 abc", split_syllables("가나다라 abc")])
async def test_the_selection_is_drawn(text: str) -> None:
    app = Host()
    async with app.run_test(size=(20, 6)) as pilot:
        app.view.append(text)
        await pilot.pause()
        await drag(pilot, (2, 0), (4, 0))
        assert app.screen.get_selected_text() == "나다"
        selected = styled(app.view, "나다").style
        assert selected is not None
        assert selected.bgcolor != styled(app.view, "가").style.bgcolor  # type: ignore[union-attr]  # drawn text has a style


async def test_a_selection_outlives_text_that_arrives() -> None:
    app = Host()
    async with app.run_test(size=(20, 6)) as pilot:
        app.view.append("first\nsecond\n")
        await pilot.pause()
        await drag(pilot, (0, 1), (2, 1))
        app.view.append("third\n" * 20)
        await pilot.pause()
        assert app.screen.get_selected_text() == "sec"


async def test_everything_can_be_copied() -> None:
    app = Host()
    async with app.run_test(size=(20, 6)):
        app.view.append("a\tb\x1b\nc")
        assert app.view.get_selection(SELECT_ALL) == ("a   b␛\nc", "\n")
        assert app.view.get_selection(Selection(Offset(1, 7), None)) == ("", "\n")


async def test_wrapping_again_drops_the_selection() -> None:
    app = Host()
    async with app.run_test(size=(20, 6)) as pilot:
        app.view.append("one two three four five six\nseven")
        await pilot.pause()
        await drag(pilot, (0, 0), (2, 1))
        await pilot.resize_terminal(12, 6)
        await wait_until(pilot, "nothing is selected", lambda: not app.screen.selections)
