"""The log pane."""

import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from textual.app import ComposeResult
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from tests.support.fake_run import created_run
from tests.support.hostile_text import HARMFUL, HOSTILE
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.themed_app import ThemedApp
from tests.support.waiting import wait_until
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.keys.keymap import activate_keymap, keymap_of, remap
from tui_charrnn.tui.run.log_pane import LogPane, NewLines, format_line_count
from tui_charrnn.tui.run.run_log import OutputSource
from tui_charrnn.tui.text.wrapping import TextSanitizer
from tui_charrnn.viewing.log_lines import LogLine

NOISE = "I0000 00:00:1795554443.946410    7485 port.cc:153] oneDNN custom operations are on."
WARNING = "x.py:3: UserWarning: the text is short"
ERROR = "ValueError: no"
OUTPUT = lambda run: OutputSource(run).read_new, "Log", "The trainer has printed nothing yet."


class Host(ThemedApp):
    """Shows the output of one trainer."""

    def __init__(self) -> None:
        super().__init__()
        self.pane = LogPane(*OUTPUT)

    def compose(self) -> ComposeResult:
        yield self.pane


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return created_run(tmp_path)


def print_lines(run: RunDirectory, *lines: str) -> None:
    with run.log.open("a", encoding="utf-8") as log:
        log.writelines(f"{line}\n" for line in lines)


async def see(pilot: Pilot[Any], text: str) -> None:
    """Wait until something is on the screen."""
    await wait_until(pilot, f"{text!r} is shown", lambda: text in screen_text(pilot.app))


async def test_lines_come_as_they_are_printed(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, "first line")
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        await see(pilot, "first line")
        print_lines(run, "second line")
        await see(pilot, "second line")
        assert "Log of run fake" in screen_rows(app)[0]
        assert "everything · 2 lines" in screen_rows(app)[-1]


async def test_no_log_is_explained(run: RunDirectory) -> None:
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        await see(pilot, "No run is shown")
        app.pane.follow(run)
        await see(pilot, "The trainer has printed nothing yet.")
        app.pane.follow(None)
        await see(pilot, "No run is shown")


async def test_each_kind_has_a_sign_of_its_own(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, NOISE[:40], "plain", WARNING, ERROR)
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        await see(pilot, ERROR)
        rows = [row.strip("│ ") for row in screen_rows(app)[1:5]]
        assert rows == [f"· {NOISE[:40]}", "plain", f"! {WARNING}", f"✗ {ERROR}"]


async def test_noise_is_drawn_dimly(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, NOISE[:40], "plain")
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        await see(pilot, "plain")
        noise, plain = (list(app.pane.text.render_line(row))[1].style for row in (0, 1))
        assert noise is not None
        assert plain is not None
        assert noise.color != plain.color


async def test_the_filter_shows_less_and_everything_again(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, NOISE, "plain", WARNING)
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        app.pane.text.focus()
        await see(pilot, "oneDNN")
        await pilot.press("f")
        await see(pilot, "without start-up noise · 2 of 3 lines")
        assert "oneDNN" not in screen_text(app)
        await pilot.press("f")
        await see(pilot, "warnings and errors · 1 of 3 lines")
        assert "plain" not in screen_text(app)
        await pilot.press("f")
        await see(pilot, "None of 3 lines is shown; f shows others.")
        await pilot.press("f")
        await see(pilot, "everything · 3 lines")
        assert "oneDNN" in screen_text(app)


async def test_a_filter_that_hides_everything_shows_a_note(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, "plain", "plain")
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        app.pane.text.focus()
        await see(pilot, "2 lines")
        await pilot.press("f", "f")
        await see(pilot, "None of 2 lines is shown; f shows others.")


async def test_that_sentence_names_the_key_that_the_user_has(run: RunDirectory) -> None:
    keys, _ = remap({"log.filter": "g"})
    activate_keymap(keys)
    app = Host()
    app.set_keymap(keymap_of(keys))
    print_lines(run, "plain")
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        app.pane.text.focus()
        await see(pilot, "1 line")
        await pilot.press("g", "g")
        await see(pilot, "None of 1 lines is shown; g shows others.")


async def test_the_end_is_followed_until_the_reader_scrolls_up(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, *(f"line {number}" for number in range(50)))
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        app.pane.text.focus()
        await see(pilot, "line 49")
        await pilot.press("pageup")
        await see(pilot, "paused, End follows")
        print_lines(run, "the newest")
        await wait_until(pilot, "it is read", lambda: len(app.pane.lines) == 51)
        assert "the newest" not in screen_text(app)
        await pilot.press("end")
        await see(pilot, "the newest")
        assert "paused" not in screen_text(app)


async def test_the_wheel_releases_the_end(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, *(f"line {number}" for number in range(50)))
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        await see(pilot, "line 49")
        await pilot._post_mouse_events([MouseScrollUp], app.pane.text)
        await see(pilot, "paused")


async def test_only_the_last_lines_of_a_long_log_are_kept(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, *(f"line {number}" for number in range(9_000)))
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        await see(pilot, "line 8999")
        assert len(app.pane.lines) <= 2_000
        await see(pilot, f"last {len(app.pane.lines):,} lines")


async def test_lines_in_other_scripts_are_sanitized_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.append([LogLine("one line …")] + [LogLine("another one")] * 20)
        sanitize = Mock(side_effect=lambda text: text)
        monkeypatch.setattr(TextSanitizer, "show", sanitize)
        await pilot.press("f")
        await see(pilot, "without start-up noise")
        sanitize.assert_not_called()


async def test_tabs_go_to_the_next_stop() -> None:
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.append([LogLine("one\ttwo")])
        await see(pilot, "one two")


async def test_after_a_filter_that_hides_everything_the_last_lines_are_shown(
    run: RunDirectory,
) -> None:
    app = Host()
    print_lines(run, *(f"line {number}" for number in range(50)))
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        app.pane.text.focus()
        await see(pilot, "line 49")
        await pilot.press("up", "f", "f")
        await see(pilot, "None of 50 lines")
        await pilot.press("f", "f")
        await see(pilot, "line 49")


async def test_of_a_log_of_gigabytes_only_the_end_is_read(run: RunDirectory) -> None:
    app = Host()
    with run.log.open("wb") as file:
        file.seek(2 << 30)
        file.write(b"\none\nthe end\n")
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        await see(pilot, "the end")
        assert "everything · last" in screen_rows(app)[-1]


async def test_a_narrow_pane_shows_first_that_it_does_not_follow_the_end(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, *(f"line {number}" for number in range(50)))
    async with app.run_test(size=(44, 8)) as pilot:
        app.pane.follow(run)
        app.pane.text.focus()
        await see(pilot, "everything · 50 lines")
        await pilot.press("home")
        await see(pilot, "everything · paused, End follows")
        await pilot.resize_terminal(26, 8)
        await see(pilot, "everything · paused")
        await pilot.resize_terminal(90, 8)
        await see(pilot, "everything · 50 lines · paused, End follows")


@pytest.mark.parametrize(
    ("shown", "lines", "is_cut", "words"),
    [
        (0, 0, False, ""),
        (1, 1, False, "1 line"),
        (1_800, 1_800, False, "1,800 lines"),
        (1_800, 1_800, True, "last 1,800 lines"),
        (5, 1_800, False, "5 of 1,800 lines"),
        (5, 1_800, True, "5 of the last 1,800 lines"),
    ],
)
def test_lines_are_counted(shown: int, lines: int, *, is_cut: bool, words: str) -> None:
    assert format_line_count(shown, lines, is_cut=is_cut) == words


async def test_a_narrower_pane_keeps_the_place(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, *(f"line {number} is a few words long" for number in range(50)))
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        app.pane.text.focus()
        await see(pilot, "line 49")
        await pilot.press("home", "pagedown", "pagedown")
        await see(pilot, "paused")
        top = screen_rows(app)[1][:12]
        await pilot.resize_terminal(26, 8)
        await wait_until(pilot, "it is wrapped", lambda: len(app.pane.text.wrapped.rows) == 100)
        await pilot.pause()
        assert screen_rows(app)[1].startswith(top)


async def test_the_place_of_a_hidden_line_is_that_of_the_next(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, *(f"line {n}" if n % 3 else f"ValueError: {n}" for n in range(60)))
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        app.pane.text.focus()
        await see(pilot, "line 59")
        app.pane.text.scroll_to(y=31)
        await wait_until(pilot, "a plain line", lambda: "line 31" in screen_rows(app)[1])
        await pilot.press("f", "f")
        await see(pilot, "warnings and errors · paused")
        assert "ValueError: 33" in screen_rows(app)[1]
        await pilot.press("f", "f")
        await wait_until(pilot, "it again", lambda: "ValueError: 33" in screen_rows(app)[1])
        assert "line 34" in screen_rows(app)[2]


async def test_the_place_is_kept_while_the_oldest_lines_are_dropped() -> None:
    app = Host()
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.append([LogLine(f"line {number}") for number in range(2_000)])
        await see(pilot, "line 1999")
        app.pane.text.scroll_to(y=1_000)
        await see(pilot, "line 1000")
        top = screen_rows(app)[1]
        app.pane.append([LogLine("the newest")])
        await see(pilot, "last 1,800 lines")
        assert screen_rows(app)[1] == top
        assert app.pane.lines[-1].text == "the newest"


async def test_fewer_characters_are_kept_of_lines_that_are_slow_to_wrap() -> None:
    app = Host()
    async with app.run_test(size=(60, 8)):
        app.pane.append([LogLine("글" * 400) for _ in range(900)])
        foreign = sum(len(line.text) for line in app.pane.lines)
        app.pane.clear()
        app.pane.append([LogLine("a" * 400) for _ in range(900)])
        assert foreign <= 50_000
        assert sum(len(line.text) for line in app.pane.lines) == 360_000


async def test_a_replaced_log_is_shown_anew(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, "old one", "old two")
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        await see(pilot, "old two")
        run.log.write_text("new\n", encoding="utf-8")
        await see(pilot, "new")
        assert "old" not in screen_text(app)


async def test_a_log_that_cannot_be_read_is_an_error_line(run: RunDirectory) -> None:
    os.mkfifo(run.log)
    app = Host()
    async with app.run_test(size=(200, 8)) as pilot:
        app.pane.follow(run)
        await see(pilot, "is not a file.")
        assert len(app.pane.lines) == 1


async def test_following_the_same_run_again_keeps_its_lines(
    run: RunDirectory, tmp_path: Path
) -> None:
    other = created_run(tmp_path / "b", name="other")
    app = Host()
    print_lines(run, "of the first run")
    print_lines(other, "of the other run")
    async with app.run_test(size=(60, 8)) as pilot:
        app.pane.follow(run)
        await see(pilot, "of the first run")
        app.pane.follow(RunDirectory(run.path))
        await pilot.pause()
        assert "of the first run" in screen_text(app)
        app.pane.follow(other)
        await see(pilot, "of the other run")
        assert "of the first run" not in screen_text(app)


class Counted(LogPane):
    """Counts updates before it handles them."""

    updates = 0

    def take_new(self, new: NewLines) -> None:
        self.updates += 1
        super().take_new(new)


async def test_nothing_is_read_while_it_is_hidden(run: RunDirectory) -> None:
    app = Host()
    app.pane = pane = Counted(*OUTPUT)
    pane.display = False
    print_lines(run, "first line")
    async with app.run_test(size=(60, 8)) as pilot:
        pane.follow(run)
        await pilot.pause()
        assert pane.updates == 0
        pane.display = True
        await see(pilot, "first line")


async def test_selected_lines_are_copied_whole_and_without_signs(run: RunDirectory) -> None:
    app = Host()
    print_lines(run, WARNING, "one two three four five six seven")
    async with app.run_test(size=(24, 12)) as pilot:
        app.pane.follow(run)
        await see(pilot, "seven")
        await pilot.mouse_down(offset=(4, 1))
        await pilot.hover(offset=(22, 8))
        await pilot.mouse_up(offset=(22, 8))
        await pilot.pause()
        copied = app.screen.get_selected_text()
        assert copied == f"{WARNING}\none two three four five six seven"


@pytest.mark.parametrize("size", [(80, 24), (40, 8), (20, 4), (3, 3), (1, 1)])
async def test_hostile_lines_and_names_are_harmless(
    run: RunDirectory, size: tuple[int, int]
) -> None:
    hostile = RunDirectory(run.path.with_name("evil\x1b]52;c;AA\x07\u202e"))
    run.path.rename(hostile.path)
    print_lines(hostile, *HOSTILE.split("\n"), "가나다라마바사아자차카타파하 " * 40)
    app = Host()
    async with app.run_test(size=size) as pilot:
        app.pane.follow(hostile)
        app.pane.show_end([LogLine(safe_line(HOSTILE), "error")])
        await wait_until(pilot, "all is read", lambda: app.pane.text.count >= 3)
        await pilot.pause()
        app.pane.text.follows_end = False
        for top in range(len(app.pane.text.wrapped.rows)):
            app.pane.text.scroll_to(y=top)
            await pilot.pause()
            assert not any(HARMFUL.search(row) for row in screen_rows(app))
