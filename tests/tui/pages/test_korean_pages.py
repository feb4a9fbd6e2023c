"""The pages in Korean: their frames and their notes."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.korean import latin_words
from tests.support.page_host import note_of, opened, page_context, rows_of
from tests.support.shown_screen import screen_rows
from tests.support.waiting import wait_until
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.tui.pages.embedding import EmbeddingPage
from tui_charrnn.tui.pages.gradients import ClippingPage, MemoryPage
from tui_charrnn.tui.pages.page import Page, PageContext
from tui_charrnn.tui.pages.tasks import FillPage, GrowPage, WhichPage

MODELS = {"tiny", "shakespeare", "python", "korean", "lstm", "RNN"}
COMMANDS = {"charrnn", "tui", "direction", "both"}


@pytest.mark.usefixtures("korean")
@pytest.mark.parametrize(
    ("kind", "drawn", "note"),
    [
        (MemoryPage, "100분의 1", "모델이 직접 쓴 글의 마지막 2,000자에서 쟀습니다. "),
        (EmbeddingPage, "자음", "원-핫"),
        (ClippingPage, "원소별", "스펙트럼"),
        (FillPage, "왼쪽만", "비트를 얻습니다"),
        (WhichPage, "비트/글자", ""),
        (GrowPage, "", "난수"),
    ],
)
async def test_a_page_is_entirely_korean(
    tmp_path: Path, kind: Callable[[PageContext], Page], drawn: str, note: str
) -> None:
    context = page_context(tmp_path, seed_text="bad __ cab", label=ModelLabel("tiny", "newest", 20))
    page = kind(context)
    async with opened(page) as pilot:
        if drawn:
            await wait_until(pilot, drawn, lambda: drawn in rows_of(page))
        await wait_until(pilot, f"a note: {note}", lambda: note in note_of(page))
        fields = [f"{field.border_title} {field.placeholder}" for field in page.query(Input)]
        rows = [row for row in screen_rows(pilot.app)[:-1] if not re.search("│ │|▸| %", row)]
        words = latin_words("\n".join([*fields, *rows, note_of(page)]), MODELS | COMMANDS)
        assert words == []


@pytest.mark.usefixtures("korean")
async def test_the_embedding_names_the_model_that_it_draws(tmp_path: Path) -> None:
    page = EmbeddingPage(page_context(tmp_path, label=ModelLabel("tiny", "file")))
    async with opened(page) as pilot:
        foot = page.query_one("#page")
        await wait_until(pilot, "its name", lambda: "모델 tiny ·" in str(foot.border_subtitle))
