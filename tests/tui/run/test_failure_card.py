"""The failure card."""

import functools
from collections.abc import Mapping
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.widgets import Button

from tests.support.hostile_text import HARMFUL, HOSTILE
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.themed_app import ThemedApp, drawn_segments
from tests.support.waiting import wait_until
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.messages import NewRunRequested, PaneRequested, ResumeRequested
from tui_charrnn.tui.run.failure_card import FailureCard, rows_of_buttons
from tui_charrnn.viewing.failures import OPEN_LOG, RESUME, Failure, FailureKind, Remedy

RUN = RunDirectory(Path("/runs/fake"))
HALF = Remedy("half_batch", "b", "New run, batch size 32", (("batch_size", "32"),))
LOWER = Remedy("lower_rate", "l", "New run, learning rate 0.001", (("learning_rate", "0.001"),))
LOG = [
    "I0000 00:00:1795554443.946410    7485 port.cc:153] oneDNN custom operations are on.",
    *(f"line {number}" for number in range(8)),
    "",
]
WORDY = "There was not enough memory for a batch. Start again with a smaller --batch-size, " * 2


def failure(
    *remedies: Remedy, sentence: str = "There was no memory.", hint: str = "Take less."
) -> Failure:
    return Failure(FailureKind.OUT_OF_MEMORY, RUN, sentence, hint, remedies)


def has_width(button: Button, width: int) -> bool:
    return button.size.width == width


class Host(ThemedApp):
    """Shows one card and stores its requests."""

    def __init__(self) -> None:
        super().__init__()
        self.card = FailureCard()
        self.asked: list[object] = []

    def compose(self) -> ComposeResult:
        yield self.card
        yield Button("elsewhere", id="elsewhere")

    def on_resume_requested(self, event: ResumeRequested) -> None:
        self.asked.append(("resume", event.run))

    def on_new_run_requested(self, event: NewRunRequested) -> None:
        changes: Mapping[str, str] = event.changes
        self.asked.append(("new", event.run, dict(changes)))

    def on_pane_requested(self, event: PaneRequested) -> None:
        self.asked.append(("pane", event.pane))


async def test_buttons_get_the_room_of_their_words_when_those_change() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.card.show(failure(OPEN_LOG), LOG)
        await wait_until(pilot, "the card", lambda: "Open the log" in screen_text(app))
        button = app.card.query_one("#log", Button)
        for words in ("Open the log that was written last", "Open", "Open the log"):
            app.card.show(failure(Remedy("log", "o", words)), LOG)
            drawn = screen_rows(app)  # in the room of the words before
            assert drawn
            room = len(f" o {words} ")
            await wait_until(pilot, words, functools.partial(has_width, button, room))
            assert f" o {words} " in screen_text(app) + " "


async def test_words_in_a_button_without_room_can_be_drawn() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.card.show(failure(Remedy("log", "o", "")), LOG)
        button = app.card.query_one("#log", Button)
        button.label = ""
        button.refresh(layout=True)
        await wait_until(pilot, "a layout without words", lambda: 0 < button.size.width < 4)
        button.label = "o Open the log"
        assert screen_rows(app)


async def test_the_card_has_cause_explanation_and_the_last_lines_of_the_log() -> None:
    app = Host()
    async with app.run_test(size=(80, 36)) as pilot:
        app.card.show(failure(HALF, RESUME, OPEN_LOG), LOG)
        await pilot.pause()
        rows = screen_rows(app)
        assert "Out of memory" in rows[0]
        assert "There was no memory." in rows[1]
        assert "Take less." in rows[2]
        shown = [row.strip("│▌ ") for row in rows[3:9]]
        assert shown == [f"line {number}" for number in range(2, 8)]
        assert "b New run, batch size 32" in rows[9]
        assert "r Resume" in rows[9]
        assert "o Open the log" in rows[9]


async def test_it_is_hidden_while_nothing_is_wrong() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        assert not app.card.display
        app.card.show(failure(RESUME), LOG)
        await pilot.pause()
        assert app.card.display
        app.card.show(None, LOG)
        await pilot.pause()
        assert not app.card.display
        assert "There was no memory." not in screen_text(app)


async def test_what_is_shown_before_the_first_frame_is_drawn() -> None:
    app = Host()
    app.card.show(failure(RESUME), LOG)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "There was no memory." in screen_text(app)


@pytest.mark.parametrize(
    ("remedy", "asked"),
    [
        (RESUME, ("resume", RUN)),
        (HALF, ("new", RUN, {"batch_size": "32"})),
        (LOWER, ("new", RUN, {"learning_rate": "0.001"})),
        (OPEN_LOG, ("pane", "log")),
    ],
)
async def test_a_remedy_is_chosen_by_mouse_enter_and_letter(remedy: Remedy, asked: object) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.card.show(failure(remedy), LOG)
        await pilot.pause()
        await pilot.click(f"#{remedy.id}")
        button = app.query_one(f"#{remedy.id}", Button)
        await wait_until(pilot, "it is up again", lambda: not button.has_class("-active"))
        button.focus()
        await pilot.press("enter")
        await pilot.press(remedy.key)
        await pilot.pause()
        assert app.asked == [asked] * 3


async def test_letters_do_nothing_while_the_focus_is_elsewhere_or_they_are_not_offered() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.card.show(failure(OPEN_LOG), LOG)
        app.query_one("#elsewhere", Button).focus()
        await pilot.press("o", "r")
        app.query_one("#log", Button).focus()
        await pilot.press("r", "b", "l")
        await pilot.pause()
        assert app.asked == []


async def test_arrows_go_from_button_to_button_of_the_card() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.card.show(failure(HALF, RESUME, OPEN_LOG), LOG)
        await pilot.pause()
        app.query_one("#half_batch", Button).focus()
        reached = []
        for key in ("right", "down", "right", "left"):
            await pilot.press(key)
            reached.append(app.focused.id if app.focused else None)
        assert reached == ["resume", "log", "half_batch", "log"]


async def test_other_remedies_take_the_place_of_the_first() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.card.show(failure(HALF, OPEN_LOG), LOG)
        await pilot.pause()
        app.card.show(failure(LOWER, OPEN_LOG), LOG)
        await pilot.pause()
        assert "learning rate 0.001" in screen_text(app)
        assert "batch size" not in screen_text(app)


async def test_on_a_low_terminal_the_log_makes_way() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.card.show(failure(HALF, RESUME, OPEN_LOG, sentence=WORDY), LOG)
        await pilot.pause()
        assert app.card.outer_size.height == 8
        assert "line 7" in screen_text(app)
        assert "line 6" not in screen_text(app)
        assert "o Open the log" in screen_text(app)


async def test_a_card_fits_beside_a_chart() -> None:
    app = Host()
    async with app.run_test(size=(36, 24)) as pilot:
        app.card.show(failure(HALF, RESUME, OPEN_LOG), LOG)
        await pilot.pause()
        assert app.card.outer_size.height == 8
        rows = [row.strip("│▌ ") for row in screen_rows(app)[1:7]]
        assert rows == [
            "There was no memory.",
            "Take less.",
            "line 6",
            "line 7",
            "b New run, batch size 32",
            "r Resume    o Open the log",
        ]


async def test_a_narrow_card_puts_its_buttons_below_each_other() -> None:
    app = Host()
    async with app.run_test(size=(30, 24)) as pilot:
        app.card.show(failure(HALF, RESUME, OPEN_LOG), LOG)
        await pilot.pause()
        assert app.card.outer_size.height <= 10
        buttons = [row.strip("│ ") for row in screen_rows(app) if "│" in row][-3:]
        assert buttons == ["b New run, batch size 32", "r Resume", "o Open the log"]


@pytest.mark.parametrize(
    ("groups", "width", "rows"),
    [
        ([["b Half"], ["r Resume", "o Open"]], 32, 1),
        ([["b Half"], ["r Resume", "o Open"]], 31, 2),
        ([["b Half"], ["r Resume", "o Open"]], 22, 2),
        ([["b Half"], ["r Resume", "o Open"]], 21, 3),
        ([[], ["r Resume", "o Open"]], 22, 1),
        ([[], ["r Resume", "o Open"]], 21, 2),
        ([[], []], 21, 0),
    ],
)
def test_buttons_are_arranged_by_the_room_there_is(
    groups: list[list[str]], width: int, rows: int
) -> None:
    assert rows_of_buttons(groups, width) == rows


async def test_on_a_low_terminal_words_without_room_are_scrolled_and_the_buttons_stay() -> None:
    app = Host()
    async with app.run_test(size=(44, 16)) as pilot:
        app.card.show(failure(RESUME, OPEN_LOG, sentence=WORDY * 2, hint="The very end."), LOG)
        await pilot.pause()
        assert app.card.outer_size.height == 10
        assert "The very end." not in screen_text(app)
        assert "r Resume    o Open the log" in screen_text(app)
        app.query_one("#resume", Button).focus()
        await pilot.press("pagedown", "pagedown")
        await wait_until(pilot, "its end is seen", lambda: "The very end." in screen_text(app))
        assert "r Resume    o Open the log" in screen_text(app)


async def test_a_sentence_without_end_is_cut() -> None:
    app = Host()
    async with app.run_test(size=(80, 40)) as pilot:
        app.card.show(failure(RESUME, sentence="x" * 1_000_000), LOG)
        await pilot.pause()
        assert "x…" in screen_text(app)
        assert "line 7" in screen_text(app)


async def test_the_card_explains_how_to_reach_its_keys() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.card.show(failure(RESUME), LOG)
        await pilot.pause()
        assert "Tab, then a letter" in screen_text(app)
        app.card.show(failure(), LOG)
        await pilot.pause()
        assert "Tab" not in screen_text(app)
        assert "There was no memory." in screen_text(app)


async def test_silence_is_a_warning_and_no_error() -> None:
    app = Host()
    silent = Failure(FailureKind.SILENT, RUN, "Not heard of.", "It may come back.", (OPEN_LOG,))
    async with app.run_test(size=(80, 24)) as pilot:
        app.card.show(failure(OPEN_LOG), LOG)
        await pilot.pause()
        (color_of_error, *_) = (part.style for part in drawn_segments(app.card)[0])
        app.card.show(silent, LOG)
        await pilot.pause()
        (color_of_warning, *_) = (part.style for part in drawn_segments(app.card)[0])
        assert "No news of the trainer" in screen_rows(app)[0]
        assert color_of_error != color_of_warning


async def test_another_size_arranges_it_anew() -> None:
    app = Host()
    async with app.run_test(size=(40, 40)) as pilot:
        app.card.show(failure(HALF, RESUME, OPEN_LOG), LOG)
        await pilot.pause()
        await pilot.resize_terminal(100, 40)
        await pilot.pause()
        (row,) = [row for row in screen_rows(app) if "r Resume" in row]
        assert "o Open the log" in row
        assert "line 2" in screen_text(app)


@pytest.mark.parametrize("size", [(120, 36), (40, 8), (10, 5), (3, 3)])
async def test_hostile_words_are_harmless(size: tuple[int, int]) -> None:
    app = Host()
    async with app.run_test(size=size) as pilot:
        app.card.show(failure(HALF, RESUME, OPEN_LOG, sentence="[bold]x[/bold]"), [HOSTILE] * 9)
        await pilot.pause()
        assert not any(HARMFUL.search(row) for row in screen_rows(app))
        if size[0] > 100:
            assert "[bold]x[/bold]" in screen_text(app)
            assert "␛[31mred␛]52" in screen_text(app)
