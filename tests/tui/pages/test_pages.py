"""The pages "many to one" and "one to many"."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_host import note_of, opened, page_context, rows_of
from tests.support.themed_app import streamed
from tests.support.tiny_model import tiny_model, tiny_model_file
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.text_scores import OriginReader
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.tui.pages.page import Page, PageContext
from tui_charrnn.tui.pages.tasks import GrowPage, WhichPage
from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.viewing.formatting import percent


async def test_bars_follow_what_is_typed(tmp_path: Path) -> None:
    paths = [tiny_model_file(tmp_path / name, rng_seed=len(name)) for name in ("a", "bcd")]
    page = WhichPage(page_context(tmp_path))
    async with opened(page) as pilot:
        await wait_until(pilot, "the bundled models", lambda: "python" in rows_of(page))
        page.models.value = ", ".join(map(str, paths))
        await pilot.press(*"bad cab")
        read = OriginReader({path.name: load_model(path) for path in paths}).read("bad cab")
        expected = percent(float(read.probabilities.max()))
        await wait_until(pilot, expected, lambda: expected in rows_of(page))
        page.models.value = "nothing"
        await wait_until(pilot, "a refusal", lambda: "two models" in note_of(page))


async def test_texts_grow_as_they_would_alone(tmp_path: Path) -> None:
    context = page_context(tmp_path, seed_text="bad")
    context.session.settings.sampling = SamplingConfig(rng_seed=3)
    page = GrowPage(context)
    async with opened(page) as pilot:
        page.temperatures.value = "0.5 1"
        await pilot.press("enter")
        views = page.texts.query(TextView)
        await wait_until(
            pilot,
            "two texts",
            lambda: len(views.nodes) == 2 and all(view.length > 20 for view in views),
        )
        for view, temperature in zip(views, (0.5, 1.0), strict=True):
            alone = CharacterStream(
                tiny_model(), SamplingConfig(temperature=temperature, rng_seed=3)
            )
            said = alone.prime("b").text + "".join(alone.next().character for _ in range(20))
            assert streamed(view)[:21] == said


@pytest.mark.parametrize("typed", ["", "hot", "1 1 1 1 1"])
async def test_too_many_or_invalid_temperatures_are_refused(tmp_path: Path, typed: str) -> None:
    page = GrowPage(page_context(tmp_path))
    async with opened(page) as pilot:
        page.temperatures.value = typed
        await pilot.press("enter")
        assert "temperature" in note_of(page)


@pytest.mark.parametrize("kind", [WhichPage, GrowPage])
async def test_escape_closes_a_page(tmp_path: Path, kind: Callable[[PageContext], Page]) -> None:
    page = kind(page_context(tmp_path))
    async with opened(page) as pilot:
        await pilot.press("escape")
        await wait_until(pilot, "it is gone", lambda: pilot.app.screen is not page)
