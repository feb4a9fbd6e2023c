"""The view of streaming text."""

import pytest
from textual.app import ComposeResult
from textual.events import MouseScrollUp
from textual.theme import BUILTIN_THEMES

from tests.support.hostile_text import HARMFUL, HOSTILE
from tests.support.themed_app import ThemedApp, drawn_rows, drawn_segments, streamed, styled
from tests.support.waiting import wait_until
from tui_charrnn.tui.text.text_view import TextView

NUMBERS = "\n".join(f"line {number}" for number in range(50))


class Host(ThemedApp):
    """Shows one text and records its messages."""

    def __init__(self, limit: int = 10_000) -> None:
        super().__init__()
        self.view = TextView()
        self.view.wrapped.limit = limit
        self.follows: list[bool] = []

    def compose(self) -> ComposeResult:
        yield self.view

    def on_text_view_follow_changed(self, message: TextView.FollowChanged) -> None:
        self.follows.append(message.follows)


async def test_text_in_pieces_continues_the_line() -> None:
    async with Host().run_test(size=(21, 4)) as pilot:
        view = pilot.app.query_one(TextView)
        for piece in ["To b", "e or", " not to be", ",\nthat"]:
            view.append(piece)
        await pilot.pause()
        assert drawn_rows(view) == ["To be or not to be,", "that", "", ""]


async def test_hostile_text_is_harmless() -> None:
    async with Host().run_test(size=(40, 12)) as pilot:
        view = pilot.app.query_one(TextView)
        for character in HOSTILE:
            view.append(character)
        await pilot.pause()
        shown = "".join(drawn_rows(view))
        assert not HARMFUL.search(shown)
        assert "␛[31mred␛]52;c;aGVsbG8=␇" in shown
        assert "[bold]markup[/bold]" in shown


async def test_wide_characters_fill_rows_exactly() -> None:
    async with Host().run_test(size=(11, 5)) as pilot:
        view = pilot.app.query_one(TextView)
        view.append("가나다라마바사 👩\u200d👧 끝")
        await pilot.pause()
        assert drawn_rows(view)[:3] == ["가나다라", "마바사 👩\u200d👧", "끝"]
        widths = {sum(part.cell_length for part in row) for row in drawn_segments(view)}
        assert widths == {11}


async def test_each_style_has_its_look() -> None:
    async with Host().run_test() as pilot:
        view = pilot.app.query_one(TextView)
        view.append("seed", "seed")
        view.append("skipped", "skipped")
        view.append("note", "note")
        view.append("made")
        await pilot.pause()
        looks = [styled(view, text).style for text in ("seed", "skipped", "note", "made")]
        assert len({look.color for look in looks if look}) >= 3
        assert looks[1] is not None
        assert looks[1].strike


async def test_a_syllable_of_jamo_has_the_style_of_its_last_part_alone() -> None:
    async with Host().run_test() as pilot:
        view = pilot.app.query_one(TextView)
        view.append("\u1112", "skipped")
        view.append("\u1161\u11ab", "generated")
        view.append("note", "note")
        await pilot.pause()
        look = styled(view, "한").style
        assert look is not None
        assert not look.strike


async def test_the_end_is_followed_until_the_reader_scrolls_up() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        view = app.view
        view.append(NUMBERS)
        await pilot.pause()
        assert drawn_rows(view)[-1] == "line 49"
        view.focus()
        await pilot.press("pageup", "up")
        view.append("\nmore\nand more")
        await pilot.pause()
        assert drawn_rows(view)[0] == "line 33"
        assert app.follows == [False]
        await pilot.press("end")
        await wait_until(pilot, "the end is told to be followed", lambda: app.follows[-1])
        view.append("!")
        await pilot.pause()
        assert drawn_rows(view)[-1] == "and more!"


async def test_scrolling_to_the_end_follows_it_again() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(NUMBERS)
        app.view.focus()
        await pilot.pause()
        await pilot.press("home")
        assert drawn_rows(app.view)[0] == "line 0"
        await pilot.press(*["pagedown"] * 7)
        await wait_until(pilot, "the end is followed", lambda: app.view.follows_end)
        assert app.follows == [False, True]


async def test_the_wheel_releases_the_end() -> None:
    app = Host()
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(NUMBERS)
        await pilot.pause()
        await pilot._post_mouse_events([MouseScrollUp], app.view)
        await wait_until(pilot, "the end is not followed", lambda: not app.view.follows_end)


async def test_a_narrower_view_keeps_the_text_and_the_place() -> None:
    app = Host()
    async with app.run_test(size=(40, 6)) as pilot:
        view = app.view
        view.append(
            "\n".join(f"{number} words that are wrapped when narrow" for number in range(40))
        )
        view.focus()
        await pilot.pause()
        await pilot.press("home", "pagedown", "pagedown")
        top = drawn_rows(view)[0].split()[0]
        kept = streamed(view)
        await pilot.resize_terminal(17, 6)
        await wait_until(pilot, "the text is wrapped again", lambda: view.virtual_size.height > 80)
        assert drawn_rows(view)[0].startswith(top)
        assert streamed(view) == kept
        assert not view.follows_end


async def test_a_lower_view_still_shows_the_end() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        app.view.append(NUMBERS)
        await pilot.resize_terminal(40, 5)
        await wait_until(pilot, "the view is lower", lambda: app.view.size.height == 5)
        await pilot.pause()
        assert drawn_rows(app.view)[-1] == "line 49"


async def test_text_before_the_first_layout_is_shown() -> None:
    app = Host()
    app.view.append("early ")
    async with app.run_test(size=(9, 3)) as pilot:
        app.view.append("words")
        await pilot.pause()
        assert drawn_rows(app.view) == ["early", "words", ""]


async def test_history_is_bounded_and_the_place_kept() -> None:
    app = Host(limit=100)
    async with app.run_test(size=(30, 8)) as pilot:
        app.view.append(NUMBERS + "\n")
        app.view.focus()
        await pilot.pause()
        await pilot.press("pageup")
        before = drawn_rows(app.view)
        for number in range(50, 100):
            app.view.append(f"line {number}\n")
        await pilot.pause()
        assert drawn_rows(app.view) == before
        assert app.view.virtual_size.height <= 100
        await pilot.press("home")
        assert drawn_rows(app.view)[0] == "(older text was dropped)"


async def test_the_caret_is_after_the_last_character_while_streaming() -> None:
    app = Host()
    async with app.run_test(size=(12, 3)) as pilot:
        app.view.append("abc")
        app.view.streaming = True
        await pilot.pause()
        assert caret_column(app.view) == 3
        app.view.append("defghijk")
        await pilot.pause()
        assert caret_column(app.view) == 11 - 1 - 10 + 1
        app.view.streaming = False
        await pilot.pause()
        assert caret_column(app.view) is None


def caret_column(view: TextView) -> int | None:
    """Return the column of the reversed cell, in any row."""
    for row in drawn_segments(view):
        column = 0
        for part in row:
            if part.style is not None and part.style.reverse:
                return column
            column += part.cell_length
    return None


async def test_every_theme_of_textual_can_draw_it() -> None:
    app = Host()
    async with app.run_test(size=(20, 3)) as pilot:
        app.view.append("note", "note")
        for theme in BUILTIN_THEMES:
            app.theme = theme
            await pilot.pause()
            assert drawn_rows(app.view)[0] == "note"


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 1)])
async def test_a_tiny_view_survives(size: tuple[int, int]) -> None:
    app = Host()
    async with app.run_test(size=size) as pilot:
        app.view.append("가나 다\tx\n" * 9)
        app.view.streaming = True
        await pilot.pause()
        assert len(drawn_rows(app.view)) == size[1]


async def test_the_rule_between_two_texts_is_in_ascii_where_signs_are_but_no_text_is() -> None:
    app = Host()
    app.is_ascii = True
    async with app.run_test(size=(40, 8)):
        app.view.append("a · b")
        app.view.append("\n── 18:45 · RNG 7 ──\n", "rule")
        assert drawn_rows(app.view)[:2] == ["a · b", "-- 18:45 - RNG 7 --"]
