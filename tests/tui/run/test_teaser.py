"""The recorded training that is shown while there is no run."""

import pytest
from textual.app import ComposeResult

from tests.support.shown_screen import screen_rows
from tests.support.themed_app import ThemedApp
from tui_charrnn.tui.run.teaser import Teaser


class Host(ThemedApp):
    """An app of the teaser alone."""

    def compose(self) -> ComposeResult:
        yield Teaser()


@pytest.mark.parametrize("width", [40, 80])
async def test_it_shows_a_recorded_run_and_how_to_start_one(width: int) -> None:
    app = Host()
    async with app.run_test(size=(width, 34)) as pilot:
        await pilot.pause()
        rows = screen_rows(app)
    text = "\n".join(rows)
    assert "tiny Shakespeare, preset tiny" in text
    assert "^n trains on a text of yours" in text
    for step in ("0", "30", "100", "400", "1,000", "2,000"):
        assert f"step {step} " in text
    assert text.count("ROMEO:") >= 6
    assert max(map(len, rows)) <= width
