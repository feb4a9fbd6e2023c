"""The fixes of Textual's defects."""

import asyncio

import pytest
from rich.style import Style
from textual._context import active_message_pump, visible_screen_stack
from textual.app import ComposeResult
from textual.command import CommandInput, CommandList, CommandPalette
from textual.containers import Horizontal, VerticalScroll
from textual.css.query import NoMatches
from textual.events import Click, MouseDown, Resize
from textual.geometry import Offset, Size
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, OptionList, Static

from tests.support.shown_screen import screen_text
from tests.support.themed_app import ThemedApp
from tests.support.waiting import wait_until
from tui_charrnn.tui.new_run.fields import FormInput, FormRow
from tui_charrnn.tui.textual_patches import is_of_removed


class Host(ThemedApp):
    """An app of a list with a given number of rows."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows

    def compose(self) -> ComposeResult:
        options = OptionList(*map(str, range(40)))
        options.styles.height = self._rows
        options.styles.border = ("none", "red")
        yield options


@pytest.mark.parametrize("key", ["pagedown", "pageup"])
async def test_a_page_key_together_with_that_of_the_palette(key: str) -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        app.simulate_key("ctrl+p")  # both before the app has handled either
        app.simulate_key(key)
        await pilot.pause()
        await pilot.pause()
        assert app.is_running


@pytest.mark.parametrize(("key", "highlighted"), [("pagedown", 6), ("pageup", 4)])
async def test_a_list_without_rows_is_gone_through_option_by_option(
    key: str, highlighted: int
) -> None:
    app = Host(0)
    async with app.run_test() as pilot:
        options = app.query_one(OptionList)
        options.focus()
        options.highlighted = 5
        await pilot.press(key)
        assert options.highlighted == highlighted


@pytest.mark.parametrize("columns", range(1, 8))
async def test_a_list_without_columns_is_laid_out(columns: int) -> None:
    app = Host(9)
    async with app.run_test(size=(columns, 5)) as pilot:
        options = app.query_one(OptionList)
        options.styles.height = "auto"
        options.styles.border = ("round", "red")
        await pilot.pause()
        assert options.option_count == 40


async def test_a_click_on_an_option_that_is_gone_chooses_nothing() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        options = app.query_one(OptionList)
        options.highlighted = None
        for index in (40, 3):
            style = Style.from_meta({"option": index})
            place = (0, 0, 0, 0, 1, False, False, False)
            options.post_message(Click(options, *place, style=style))
            await pilot.pause()
            assert options.highlighted == (None if index == 40 else index)


async def test_a_list_with_rows_is_gone_through_page_by_page() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        app.query_one(OptionList).highlighted = 5
        await pilot.press("pagedown")
        assert app.query_one(OptionList).highlighted == 14


async def test_a_screen_is_laid_out_only_when_its_size_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = Host(9)
    async with app.run_test(size=(80, 24)):
        layouts: list[Size] = []
        monkeypatch.setattr(app.screen, "_refresh_layout", layouts.append)
        app.screen._screen_resized(Size(80, 24))
        app.screen._screen_resized(Size(60, 20))
        monkeypatch.undo()
        assert layouts == [Size(60, 20)]


async def test_a_palette_is_closed_once() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p")
        palette = app.screen
        assert isinstance(palette, CommandPalette)
        palette.dismiss()
        palette.dismiss()
        await pilot.pause()
        assert len(app.screen_stack) == 1


async def test_a_click_on_a_palette_where_nothing_is_drawn_does_nothing() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p")
        palette = app.screen
        assert isinstance(palette, CommandPalette)
        # as of a terminal that became smaller, or before the first layout
        palette.post_message(Click(palette, 1, 500, 0, 0, 1, False, False, False, 1, 500))
        await pilot.pause()
        assert app.screen is palette
        assert app.is_running


async def test_a_palette_is_opened_again_while_the_last_one_is_being_taken_away() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p")
        first = app.screen
        assert isinstance(first, CommandPalette)
        first.dismiss()
        app.action_command_palette()
        await wait_until(
            pilot,
            "another",
            lambda: isinstance(app.screen, CommandPalette) and app.screen is not first,
        )


class TypedInto(CommandPalette):
    """A palette that received typed text before its list was mounted."""

    def on_mount(self) -> None:
        with self.prevent(Input.Changed):
            self.query_one(CommandInput).value = "quit"


async def test_what_is_typed_before_a_palette_has_its_list_is_searched_for() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        palette = TypedInto()
        app.push_screen(palette)
        palette._gather_commands("quit")
        await pilot.pause()
        found = palette.query_one(CommandList)
        await wait_until(pilot, "a command", lambda: found.option_count == 1)
        assert "Quit" in str(found.get_option_at_index(0).prompt)


async def test_a_key_of_a_palette_without_its_list_does_nothing() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        palette = TypedInto()
        app.push_screen(palette)
        for action in ("command_list('page_down')", "cursor_down"):
            await app.run_action(action, palette)
        await pilot.pause()
        assert palette.query(CommandList)
        assert app.is_running


async def test_a_click_on_what_was_just_removed_hits_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        gone = Static("gone")  # has no parent, as one that was removed
        found = gone, Offset(0, 0)
        monkeypatch.setattr(
            app.screen._compositor, "get_widget_and_offset_at", lambda _x, _y: found
        )
        event = MouseDown(app.screen, 1, 1, 0, 0, 1, False, False, False, 1, 1)
        app.post_message(event)
        await pilot.pause()
        assert app.is_running


@pytest.mark.usefixtures("korean")
async def test_a_palette_without_a_match_has_a_note_in_the_language_of_the_app() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p", *"qqqq")
        await wait_until(pilot, "the sentence", lambda: "찾은 명령이 없습니다" in screen_text(app))


class WidthRecorder(Static):
    """Stores the widths of its resize events, and counts its show events."""

    def __init__(self) -> None:
        super().__init__("text")
        self.widths: list[int] = []
        self.shows = 0

    def on_show(self) -> None:
        self.shows += 1

    def on_resize(self, event: Resize) -> None:
        self.widths.append(event.size.width)


class Beside(ThemedApp):
    """A widget beside one that scrolls."""

    CSS = "WidthRecorder { width: 40; } VerticalScroll { width: 1fr; } #long { height: 100; }"

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield WidthRecorder()
            with VerticalScroll():
                yield Static(id="long")


async def test_a_widget_gets_its_resize_event_although_a_neighbor_scrolls() -> None:
    app = Beside()
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        recorder, compositor = app.query_one(WidthRecorder), app.screen._compositor
        recorder.widths.clear()
        recorder.styles.width = 20
        recorder._check_refresh()  # asks for a layout, which comes after what follows
        compositor.reflow_visible(app.screen, app.size)  # as by a scroll
        assert compositor.full_map[recorder].region.width == 20
        await pilot.pause()
        assert recorder.widths == [20]


async def test_a_widget_gets_its_show_event_although_the_mouse_moves() -> None:
    app = Beside()
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        recorder, compositor = app.query_one(WidthRecorder), app.screen._compositor
        recorder.display = False
        await pilot.pause()
        recorder.shows = 0
        recorder.display = True
        recorder._check_refresh()
        compositor.reflow_visible(app.screen, app.size)
        assert recorder in compositor.full_map  # which looks for the widget below the mouse
        await pilot.pause()
        assert recorder.shows == 1


async def test_an_error_of_what_was_closed_is_none() -> None:
    app = Host(9)
    async with app.run_test():
        active_message_pump.set(Static("never on the screen"))
        assert is_of_removed(NoMatches("no such part"))
        assert not is_of_removed(ValueError("a defect"))
        active_message_pump.set(app.query_one(OptionList))
        assert not is_of_removed(NoMatches("no such part"))


class OpenedAtExit(Screen[None]):
    """Queries a part of itself as soon as it is mounted."""

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(id="part")

    def on_mount(self) -> None:
        self.query_one("#part")


async def test_an_app_that_exits_while_a_screen_opens_reports_no_error() -> None:
    found = asyncio.Future[bool]()

    class Leaving(Host):
        def _handle_exception(self, error: Exception) -> None:
            found.set_result(is_of_removed(error))

    app = Leaving(9)
    async with app.run_test() as pilot:
        await pilot.pause()
        app.push_screen(OpenedAtExit())
        app.exit()
        assert await asyncio.wait_for(found, 30)


async def test_a_form_row_can_get_a_problem_before_it_is_mounted() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        row = FormRow("Text", FormInput(), key="text")
        row.show_problem("It is wrong.")
        await app.screen.mount(row)
        await pilot.pause()
        assert "It is wrong." in str(row.query_one(".form-problem", Static).content)


async def test_a_screen_below_others_has_the_one_below_it_for_its_background() -> None:
    app = ThemedApp()
    async with app.run_test() as pilot:
        lower, middle, upper, top = (ModalScreen[None]() for _ in range(4))
        for screen in (lower, middle, upper, top):
            await app.push_screen(screen)
        await pilot.pause()
        visible_screen_stack.set(app._background_screens)  # as at a look for what the mouse is over
        backgrounds = [screen.render() for screen in (upper, middle, top)]
    assert [getattr(below, "screen", None) for below in backgrounds] == [middle, lower, upper]
