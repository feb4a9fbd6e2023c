"""The page on the embedding: the cursor, and newer weights of a run."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.page_host import GivenLoader, opened, page_context, rows_of
from tests.support.tiny_model import tiny_model
from tests.support.waiting import wait_until
from tui_charrnn.errors import RunError
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.tui.pages import embedding as page_module
from tui_charrnn.tui.pages.embedding import EmbeddingPage
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.viewing.embedding import Embedding, format_neighbors


async def test_the_cursor_is_moved_by_keys_and_lists_neighbors(tmp_path: Path) -> None:
    page = EmbeddingPage(page_context(tmp_path))
    async with opened(page) as pilot:
        await wait_until(pilot, "the model", lambda: page.shown is not None)
        await pilot.press("b")
        near = format_neighbors(Embedding(tiny_model()), 3, 6)
        assert near in rows_of(page)
        seen = {"b"}
        for key in ["left", "up", "right", "right", "down", "down"]:
            await pilot.press(key)
            seen.add(page.character)
        assert len(seen) > 2


async def test_newer_weights_are_drawn_as_they_are_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "INTERVAL", 0.01)
    loads: list[int] = []

    def load() -> LoadedModel:
        loads.append(len(loads))
        if len(loads) == 1:
            raise RunError("It has no weights yet.")
        return LoadedModel(tiny_model(rng_seed=min(len(loads), 4)), ModelLabel("r", "newest"))

    context = page_context(tmp_path)
    live = [True]
    monkeypatch.setattr(Session, "has_live_run", property(lambda _: any(live)))
    page = EmbeddingPage(replace(context, loader=GivenLoader(load)))
    async with opened(page) as pilot:
        newest = Embedding(tiny_model(rng_seed=4)).vectors
        await wait_until(
            pilot,
            "the newest",
            lambda: page.shown is not None and bool((page.shown.vectors == newest).all()),
        )
        live.clear()
