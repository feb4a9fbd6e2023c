"""The page on memory."""

from pathlib import Path

import pytest

from tests.support.page_host import note_of, opened, page_context, rows_of
from tests.support.tiny_model import tiny_model_file
from tests.support.waiting import wait_until
from tui_charrnn.generation.training_corpus import TrainingTexts
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import MemoryMeasured
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.tui.pages.gradients import MemoryPage
from tui_charrnn.viewing.run_view import RunView


async def test_models_are_measured_in_the_text_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tiny_model_file(tmp_path / name, rng_seed=len(name)) for name in ("a", "bcd")]
    (tmp_path / "text.txt").write_text("bad cab, a big jade face.\n" * 20, encoding="utf-8")
    corpus = read_corpus([str(tmp_path / "text.txt")])
    monkeypatch.setattr(TrainingTexts, "read", lambda _: corpus)
    context = page_context(tmp_path)
    view = context.session.view = RunView(RunDirectory(tmp_path / "run"))
    page = MemoryPage(context)
    async with opened(page) as pilot:
        page.models.value = ", ".join(map(str, paths))
        await pilot.press("enter")
        await wait_until(pilot, "both", lambda: len(page.curves) == 2 and "◆" in rows_of(page))
        assert "In the last 520 characters of text" in note_of(page)
        view.take([MemoryMeasured(7, 3, None, 100, (1.0, 0.5, 0.1))])
        await wait_until(pilot, "the run", lambda: "step 7: under a half" in rows_of(page))
        assert "a half from 3, a tenth from >100" in rows_of(page)
        page.models.value = "nothing"
        await pilot.press("enter")
        await wait_until(pilot, "a refusal", lambda: "nothing" in note_of(page))


async def test_an_unchanged_picture_is_not_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = MemoryPage(page_context(tmp_path))
    async with opened(page) as pilot:
        await wait_until(pilot, "a curve", lambda: len(page.curves) == 1)
        page.context.session.view = view = RunView(RunDirectory(tmp_path / "run"))
        drawn: list[object] = []
        monkeypatch.setattr(page.picture, "update", lambda rows, **_: drawn.append(rows))
        page.picture.draw()
        assert drawn == []
        view.take([MemoryMeasured(7, 3, None, 100, (1.0, 0.5, 0.1))])
        page.picture.draw()
        assert len(drawn) == 1


async def test_without_a_corpus_the_model_generates_a_text(tmp_path: Path) -> None:
    page = MemoryPage(page_context(tmp_path))
    async with opened(page) as pilot:
        await wait_until(pilot, "a curve", lambda: len(page.curves) == 1)
        assert "that it generated" in note_of(page)
