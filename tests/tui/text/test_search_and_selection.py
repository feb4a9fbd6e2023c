"""Search in streamed text, and selection with keys."""

import pytest
from textual.app import ComposeResult

from tests.support.themed_app import ThemedApp, drawn_rows, drawn_segments, styled
from tests.support.waiting import wait_until
from tui_charrnn.hangul import split_syllables
from tui_charrnn.tui.text.search import Search
from tui_charrnn.tui.text.streamed_text import StreamedText

LINES = "\n".join(f"line {number} of the text" for number in range(50))


class Host(ThemedApp):
    """Shows one text."""

    def __init__(self) -> None:
        super().__init__()
        self.view = StreamedText()
        self.search = Search(self.view)
        self.view.selection.start = self.search.found_place
        self.view.text_layers.insert(0, self.search)

    def compose(self) -> ComposeResult:
        yield self.view


def reversed_text(view: StreamedText) -> str:
    """Return the text that is drawn reversed."""
    parts = (part for row in drawn_segments(view) for part in row)
    return "".join(part.text for part in parts if part.style is not None and part.style.reverse)


async def test_a_search_begins_at_the_first_match_below_the_view_top_or_else_at_the_first() -> None:
    app = Host()
    async with app.run_test(size=(30, 4)) as pilot:
        app.view.append("x\n\nx\nx" + "\n" * 9)
        await pilot.pause()
        app.view.scroll_to(y=1)
        app.search.find("x")
        assert app.search.count == "2/3"
        app.search.find("")
        app.view.scroll_to(y=8)
        app.search.find("x")
        assert app.search.count == "1/3"
        app.search.find("")
        app.view.clear()  # the view scrolls only later
        app.search.find("x")
        assert app.search.count == "no match"


async def test_matches_are_distinguished_without_colors() -> None:
    app = Host()
    async with app.run_test(size=(30, 6)) as pilot:
        app.view.append("Thou and their")
        app.search.find("th")
        await pilot.pause()
        assert app.search.count == "1/2"
        first, second = styled(app.view, "Th").style, styled(app.view, "th").style
        assert first is not None
        assert first.reverse
        assert second is not None
        assert second.underline
        assert not second.reverse


async def test_a_search_starts_at_the_visible_text_and_wraps_around() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(LINES)
        await pilot.pause()
        app.view.scroll_to(y=20)
        app.search.find("line")
        assert app.search.count == "21/50"
        app.search.find("line 3")
        assert app.search.count == "2/11"  # line 30
        app.search.step(-1)
        await pilot.pause()
        assert app.search.count == "1/11"
        assert any(row.startswith("line 3 ") for row in drawn_rows(app.view))
        app.search.step(-1)
        await pilot.pause()
        assert app.search.count == "11/11"
        assert any(row.startswith("line 39 ") for row in drawn_rows(app.view))
        app.search.step(1)
        assert app.search.count == "1/11"


async def test_no_match_is_reported_and_an_empty_search_marks_nothing() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(LINES)
        app.search.find("nowhere")
        assert app.search.count == "no match"
        app.search.step(1)
        app.search.find("line")
        await pilot.pause()
        assert reversed_text(app.view) == "line"
        app.search.find("")
        await pilot.pause()
        assert app.search.count == ""
        assert reversed_text(app.view) == ""


async def test_streaming_text_is_searched_without_scrolling() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(LINES)
        await pilot.pause()
        app.search.find("line 4")
        before = drawn_rows(app.view)
        app.view.append("\nline 4, at last" + "\n" * 20)
        await wait_until(pilot, "it is counted", lambda: app.search.count.endswith("/12"))
        assert drawn_rows(app.view) == before
        assert not app.view.follows_end


async def test_the_match_stays_when_the_oldest_rows_are_dropped() -> None:
    app = Host()
    app.view.wrapped.limit = 60
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(LINES)
        await pilot.pause()
        app.search.find("line 4")
        app.search.step(-1)
        assert (app.search.count, app.search.found_place()) == ("3/11", (41, 0))
        app.view.append("\nline 4, at last" + "\n" * 20)
        await wait_until(pilot, "it is counted", lambda: app.search.count == "2/11")
        assert app.view.wrapped.first > 4
        assert app.search.found_place() == (41, 0)


async def test_another_width_keeps_the_match() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(LINES)
        await pilot.pause()
        app.search.find("line 47 of the")
        await pilot.resize_terminal(11, 8)
        await wait_until(pilot, "it is wrapped", lambda: app.view.virtual_size.height > 80)
        await pilot.pause()
        assert app.search.count == "1/1"
        assert reversed_text(app.view).replace(" ", "") == "line47ofthe"


async def test_cleared_text_has_no_matches() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(LINES)
        app.search.find("line")
        app.view.clear()
        await pilot.pause()
        assert app.search.count == "no match"


async def test_shift_and_arrows_select() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(LINES)
        app.view.focus()
        await pilot.pause()
        await pilot.press("home", *["shift+right"] * 4, "shift+down")
        assert app.screen.get_selected_text() == "line 0 of the text\nline"
        await pilot.press("shift+left")
        assert app.screen.get_selected_text() == "line 0 of the text\nlin"


@pytest.mark.parametrize("hangul", ["가나", split_syllables("가나")])
async def test_every_terminal_can_select_with_the_mark(hangul: str) -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(f"one\ntwo {hangul}\nthree")
        app.view.focus()
        await pilot.pause()
        app.view.action_mark()
        await pilot.press("down", *["right"] * 4)
        assert app.screen.get_selected_text() is None
        assert reversed_text(app.view) == "가"
        app.view.action_mark()
        await pilot.press("end")
        assert app.screen.get_selected_text() == "가나"
        assert reversed_text(app.view) == " "  # after the end of the line
        app.view.selection.drop()
        await pilot.pause()
        assert app.screen.get_selected_text() is None
        assert reversed_text(app.view) == ""


async def test_the_cursor_starts_at_the_match_and_scrolls_the_view() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(LINES)
        app.view.focus()
        await pilot.pause()
        app.search.find("of the text")
        app.search.find("39 of")
        app.view.action_mark()
        app.view.action_mark()
        await pilot.press("right", "right", "pagedown")
        assert app.screen.get_selected_text() == "\n".join([
            "39 of the text",
            *LINES.splitlines()[40:46],
            "line 46",
        ])
        await pilot.press("pageup", "pageup")
        await pilot.pause()
        assert any(row.startswith("line 32 ") for row in drawn_rows(app.view))


async def test_selected_text_is_readable() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append("abc")
        app.view.action_select_all()
        await pilot.pause()
        style = styled(app.view, "abc").style
        assert style is not None
        assert style.color != style.bgcolor


async def test_selected_text_is_visible_without_colors() -> None:
    app = Host()
    app.no_color = True
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append("abc")
        app.view.action_select_all()
        await pilot.pause()
        assert reversed_text(app.view) == "abc"


async def test_keys_have_no_effect_in_an_empty_text() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.focus()
        app.view.action_mark()
        await pilot.press("right", "shift+down", "pageup", "end")
        app.search.find("x")
        app.search.step(1)
        assert not app.screen.get_selected_text()
        assert app.search.count == "no match"
