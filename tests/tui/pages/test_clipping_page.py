"""The page on gradient clipping."""

from pathlib import Path

from tests.support.page_host import note_of, opened, page_context, rows_of
from tests.support.waiting import wait_until
from tui_charrnn.tui.pages.gradients import ClippingPage


async def test_both_runs_are_trained_and_keys_restart_them(tmp_path: Path) -> None:
    page = ClippingPage(page_context(tmp_path))
    async with opened(page) as pilot:
        await wait_until(pilot, "the end", lambda: "diverged" in rows_of(page))
        await pilot.press("left", "up", "s")
        assert "Spectral radius 1.4, limit 3" in note_of(page)
        assert "seed 1" in note_of(page)
        await wait_until(pilot, "it trains", lambda: "limit 3" in rows_of(page))
