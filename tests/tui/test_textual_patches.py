"""What of Textual is mended."""

import pytest
from textual.app import ComposeResult
from textual.widgets import OptionList

from tests.support.themed_app import ThemedApp


class Host(ThemedApp):
    """Holds a list that gets as many rows as it is told."""

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


async def test_a_list_with_rows_is_gone_through_page_by_page() -> None:
    app = Host(9)
    async with app.run_test() as pilot:
        app.query_one(OptionList).highlighted = 5
        await pilot.press("pagedown")
        assert app.query_one(OptionList).highlighted == 14
