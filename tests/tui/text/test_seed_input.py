"""The seed input."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input

from tests.support.hostile_text import HARMFUL, HOSTILE
from tests.support.themed_app import ThemedApp, drawn_rows, styled
from tests.support.waiting import wait_until
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.text.seed_input import (
    LONGEST_SEED,
    SeedInput,
    shown_line,
    unknown_in,
    unknown_spans,
)

LOWER = frozenset("abcdefghijklmnopqrstuvwxyz é한글")


class Host(ThemedApp):
    """Shows one focused field and records what it submits."""

    def __init__(self) -> None:
        super().__init__()
        self.field = SeedInput(placeholder="Type [a] seed")
        self.submitted: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.field

    @on(SeedInput.Submitted)
    def remember(self, message: SeedInput.Submitted) -> None:
        self.submitted.append(message.text)


async def test_enter_submits_and_changes_nothing() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"to be", "enter")
        assert app.submitted == ["to be"]
        assert app.field.text == "to be"


async def test_after_a_submission_enter_repeats_and_typing_replaces() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", "enter", "enter", "b", "enter")
        assert app.submitted == ["a", "a", "b"]
        assert app.field.submitted_seeds == ["a", "b"]


async def test_keys_that_come_together_act_in_their_order() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"old")
        keys = [("ctrl+u", None), ("n", "n"), ("e", "e"), ("w", "w"), ("home", None), ("a", "a")]
        for key, character in [*keys, ("ctrl+z", None), ("enter", "\r"), ("z", "z")]:
            app.post_message(events.Key(key, character))  # none waits for the one before
        await wait_until(pilot, "the last key", lambda: "z" in app.field.text)
        assert app.submitted == ["new"]
        assert app.field.text == "z"


async def test_keys_right_after_tab_go_to_the_next_focus() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await app.mount(other := Input())
        for key, character in (("a", "a"), ("tab", "\t"), ("b", "b"), ("c", "c")):
            app.post_message(events.Key(key, character))  # none waits for the one before
        await wait_until(pilot, "the last key", lambda: other.value.endswith("c"))
        assert (app.field.text, other.value) == ("a", "bc")


async def test_an_empty_seed_is_submitted_but_not_remembered() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("enter")
        assert app.submitted == [""]
        assert app.field.submitted_seeds == []


async def test_ctrl_j_begins_a_line_and_the_field_grows_to_four_rows() -> None:
    app = Host()
    async with app.run_test() as pilot:
        heights = [app.field.content_size.height]
        for _ in range(5):
            await pilot.press("x", "ctrl+j")
            await pilot.pause()
            heights.append(app.field.content_size.height)
        assert app.field.text == "x\n" * 5
        assert heights == [1, 2, 3, 4, 4, 4]


async def test_several_lines_can_be_pasted() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.post_message(events.Paste("ROMEO:\nO 안녕\n"))
        await wait_until(pilot, "the text is there", lambda: bool(app.field.text))
        await pilot.press("enter")
        assert app.submitted == ["ROMEO:\nO 안녕\n"]


async def test_up_and_down_walk_through_what_was_submitted() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("1", "enter", "2", "ctrl+j", "3", "enter", "n", "e", "w")
        shown = []
        for key in ["up", "up", "up", "up", "down", "down", "down", "down"]:
            await pilot.press(key)
            shown.append(app.field.text)
        assert shown == ["2\n3", "2\n3", "1", "1", "2\n3", "new", "new", "new"]


async def test_up_and_down_move_within_the_text_first() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("s", "enter", "a", "ctrl+j", "b", "up", "x", "down", "y")
        assert app.field.text == "ax\nby"


async def test_an_edited_earlier_seed_is_submitted_as_a_new_one() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", "enter", "b", "enter", "up", "up", "c", "enter")
        assert app.field.submitted_seeds == ["a", "b", "ac"]


async def test_unknown_characters_are_struck_out_where_they_stand() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.field.vocabulary = LOWER
        app.field.text = "hello World 한漢!"
        app.field.move_cursor(app.field.document.end)
        await pilot.pause()
        assert unknown_in(app.field.text, LOWER) == ["W", "漢", "!"]
        assert app.field.text == "hello World 한漢!"
        for text, is_struck in {
            "hello ": False,
            "W": True,
            "orld 한": False,
            "漢": True,
            "!": True,
        }.items():
            style = styled(app.field, text).style
            assert style is not None
            assert bool(style.strike) is is_struck


async def test_unknown_characters_depend_on_the_model() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.field.vocabulary = LOWER
        app.field.text = "AB ab"
        app.field.move_cursor(app.field.document.end)
        await pilot.pause()
        app.field.vocabulary = frozenset("ABab ")
        await pilot.pause()
        style = styled(app.field, "AB ab").style
        assert style is not None
        assert not style.strike
        app.field.vocabulary = None


async def test_hostile_text_is_harmless() -> None:
    app = Host()
    async with app.run_test(size=(120, 12)) as pilot:
        app.field.vocabulary = LOWER
        app.field.text = HOSTILE
        await pilot.pause()
        shown = "".join(drawn_rows(app.field))
        assert "␛[31mred␛]52" in shown
        assert not HARMFUL.search(shown)


async def test_the_placeholder_is_shown_as_it_is() -> None:
    app = Host()
    async with app.run_test():
        assert any("Type [a] seed" in row for row in drawn_rows(app.field))


async def test_the_cursor_does_not_blink() -> None:
    app = Host()
    async with app.run_test():
        assert app.field.has_focus
        assert not app.field.cursor_blink


async def test_a_full_field_keeps_the_end_and_reports_the_characters_cut() -> None:
    app = Host()
    sentences: list[str] = []
    async with app.run_test(message_hook=lambda each: keep_sentence(each, sentences)) as pilot:
        app.field.text = "a" * (LONGEST_SEED - 2)
        app.field.move_cursor((0, 1))
        app.post_message(events.Paste("bcdef"))
        await wait_until(pilot, "the note", lambda: bool(sentences))
        assert "; 3 before them" in sentences[0]
        assert app.field.text.startswith("defaa")
        assert app.field.cursor_location == (0, 3)
        assert len(app.field.text) == LONGEST_SEED
        app.field.select_all()
        app.post_message(events.Paste("b" * LONGEST_SEED + "\nthe end"))
        await wait_until(pilot, "the note", lambda: len(sentences) == 2)
        assert "; 8 before them" in sentences[1]
        assert app.field.text.startswith("bb")
        assert app.field.text.endswith("the end")
        assert len(app.field.text) == LONGEST_SEED
        app.field.select_all()
        await pilot.press("x")  # replaces the selection
        assert app.field.text == "x"


def keep_sentence(message: Message, sentences: list[str]) -> None:
    """Record the sentence of a note."""
    if isinstance(message, NoteWritten) and message.sentence not in sentences:
        sentences.append(message.sentence)


async def test_seeds_of_earlier_sessions_are_older_than_new_ones() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("1", "enter", "2", "enter", "up", "up")
        assert app.field.text == "1"
        app.field.put_before(["old", "older"][::-1])
        shown = []
        for key in ["up", "up", "up", "down"]:
            await pilot.press(key)
            shown.append(app.field.text)
        assert shown == ["old", "older", "older", "old"]


async def test_jamo_are_put_together_as_they_are_typed() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", "left", *unicodedata.normalize("NFD", "푸른 닭"))
        assert app.field.text == "푸른 닭a"
        await pilot.press("backspace")
        assert app.field.text == "푸른 a"


def test_parts_are_known_if_what_they_compose_is() -> None:
    for text in ("é", "한", "한글é"):
        parts = unicodedata.normalize("NFD", text)
        assert len(parts) > len(text)
        assert unknown_in(parts, LOWER) == []
        assert unknown_spans(parts, LOWER) == []


def test_a_composition_that_is_unknown_is_struck_as_a_whole() -> None:
    assert unknown_spans("ae\u0300b", LOWER) == [(1, 3)]
    assert unknown_in("ae\u0300b", LOWER) == ["è"]


@given(st.text())
def test_lines_are_shown_character_for_character(line: str) -> None:
    shown = shown_line(line.replace("\n", "").replace("\t", ""))
    assert len(shown) == len(line.replace("\n", "").replace("\t", ""))
    assert not HARMFUL.search(shown)


@given(st.text("aeo\u0301\u0308ᄒ\u1161ᆫ한zX\x1b"))
def test_struck_characters_are_the_unknown_ones(line: str) -> None:
    spans = unknown_spans(line, LOWER)
    assert bool(spans) == bool(unknown_in(line, LOWER))
    kept = list(line)
    for start, end in reversed(spans):
        del kept[start:end]
    assert all(start < end for start, end in spans)
    assert len(kept) + sum(end - start for start, end in spans) == len(line)


async def test_the_screen_is_laid_out_again_for_a_further_row_only() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a")
        await wait_until(pilot, "the letter", lambda: "a" in drawn_rows(app.field)[1])
        layouts: list[object] = []
        app.screen.screen_layout_refresh_signal.subscribe(app.field, layouts.append, immediate=True)
        await pilot.press(*"bcd")
        await wait_until(pilot, "the letters", lambda: "abcd" in drawn_rows(app.field)[1])
        assert layouts == []
        await pilot.press("ctrl+j")
        await wait_until(pilot, "a further row", lambda: app.field.outer_size.height == 4)
        assert layouts != []
