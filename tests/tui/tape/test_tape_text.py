"""The displayed branch of a tape: places of its characters, and switching branches."""

import io

import pytest
from textual.app import ComposeResult
from textual.drivers._writer_thread import WriterThread

from tests.support.openings import opening_of
from tests.support.themed_app import ThemedApp, drawn_rows
from tests.support.tiny_model import tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.tui.session import GenerationSettings
from tui_charrnn.tui.text.generation_thread import GenerationThread
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.tape_text import TapeText
from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.tui.text.wrapped_text import Row, WrappedText

VOCABULARY = "\n abc\x1b\td\u0301é한"


class Host(ThemedApp):
    """Shows a text without a generating thread."""

    def __init__(self, seed_text: str = "ab", limit: int = 10**6) -> None:
        super().__init__()
        settings = GenerationSettings()
        self.view = TextView()
        self.view.wrapped.limit = limit
        self.text = TapeText(self.view, settings)
        self.cursor = self.text.cursor
        loaded = LoadedModel(tiny_model(vocabulary=VOCABULARY), ModelLabel("tiny"))
        opening = opening_of(loaded, seed_text, SamplingConfig(rng_seed=4))
        self.generation = GenerationThread(settings, lambda _: None)
        self.tape, self.generation.opening = opening.tape, opening

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        self.view.append("earlier text\n\n", "note")
        self.view.append("ab", "seed")
        self.text.begin(self.generation)

    def generate(self, count: int) -> None:
        """Generate `count` characters and show them."""
        for _ in range(count):
            self.tape.next()
        self.text.draw_new()


def wrapped(view: TextView, generated: str, *, has_seed: bool = True) -> list[Row]:
    """Return the rows of a text written in one call, below an earlier one if it has a seed text."""
    whole = WrappedText(width=view.wrapped.width)
    if has_seed:
        whole.append("earlier text\n\n", "note")
        whole.append("ab", "seed")
    whole.append(generated, "generated")
    return whole.rows


async def test_every_position_is_found_in_its_row_and_back() -> None:
    app = Host()
    async with app.run_test(size=(24, 12)):
        app.generate(300)
        view = app.view
        rows = view.wrapped
        found = [
            position
            for number in range(rows.first, rows.end)
            for position, _, _ in app.text.positions_in_row(number)
        ]
        assert found == list(range(300))
        text = app.tape.text()
        for number in range(rows.first, rows.end):
            for position, start, stop in app.text.positions_in_row(number):
                assert app.text.place_at(position) == (number, start)
                assert start < stop
                shown = rows.shown(number).text[start:stop]
                if text[position] in "abcdé한 ":
                    assert shown.startswith(text[position])
                    assert app.text.position_at((number, start)) == position
                elif text[position] == "\x1b":
                    assert shown == "␛"


async def test_another_continuation_takes_the_place_of_what_is_no_longer_in_sight() -> None:
    app = Host()
    async with app.run_test(size=(24, 12)):
        app.generate(100)
        app.tape.rewind(40)
        app.tape.take(2)
        app.generate(0)
        for _ in range(30):
            app.tape.next()
        view = app.view
        app.cursor.point(35)
        app.text.show_branch(1)
        assert view.wrapped.rows == wrapped(view, app.tape.text(1))
        assert (app.text.branch, app.text.shown, app.cursor.at) == (1, 71, (1, 35))
        app.text.show_branch(0)
        assert view.wrapped.rows == wrapped(view, app.tape.text(0))
        app.text.show_branch(1)
        for _ in range(9):
            app.tape.next()
        app.text.draw_new()
        assert view.wrapped.rows == wrapped(view, app.tape.text(1))


async def test_what_was_dropped_is_not_missed_when_another_continuation_is_shown() -> None:
    app = Host(limit=100)
    async with app.run_test(size=(24, 12)) as pilot:
        app.generate(4000)
        app.tape.rewind(100)
        app.tape.take(2)
        for _ in range(20):
            app.tape.next()
        view = app.view
        app.cursor.point(4000)
        app.text.show_branch(1)
        await pilot.pause()
        assert view.wrapped.rows == wrapped(view, app.tape.text(1, 100), has_seed=False)
        assert (app.text.shown, app.cursor.at) == (121, (1, 121))
        assert app.text.place_at(99) is None
        assert app.text.place_at(100) == (0, 0)
        assert app.cursor.target(110, "left") == 109
        app.cursor.point(50)  # its row was dropped; must not fail
        assert app.cursor.target(50, "up") == 50
        app.text.show_branch(0)
        assert app.text.shown == 4000
        assert view.wrapped.rows[-5:] == wrapped(view, app.tape.text(0), has_seed=False)[-5:]
        assert drawn_rows(view)


async def test_only_a_cursor_at_the_end_follows_new_text() -> None:
    app = Host()
    async with app.run_test(size=(24, 12)):
        app.generate(10)
        app.cursor.point(10)
        app.generate(5)
        assert app.cursor.at == (0, 15)
        app.cursor.point(3)
        app.generate(5)
        assert app.cursor.at == (0, 3)
        assert not app.view.follows_end
        app.cursor.point(None)
        assert app.cursor.at is None


async def test_new_characters_wait_for_a_slow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    app, drawn = Host(), []
    writer = WriterThread(io.StringIO())  # not started: what is written stays in its queue
    async with app.run_test():
        monkeypatch.setattr(app.text, "draw_new", lambda: drawn.append("frame"))
        monkeypatch.setattr(app._driver, "_writer_thread", writer, raising=False)
        writer.write("an earlier frame")
        app.text._draw_frame()
        assert drawn == []
        writer._queue.get()
        app.text._draw_frame()
        assert drawn == ["frame"]
