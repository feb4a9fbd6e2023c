"""A small app that shows one page, on a tiny model."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from tests.support.themed_app import ThemedApp
from tests.support.tiny_model import tiny_model
from tests.support.waiting import wait_until
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.tui.chrome import KeyRow
from tui_charrnn.tui.pages.page import Page, PageContext, Picture
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.text.model_loader import LoadedModel, ModelLoader, ModelRequest, Wait
from tui_charrnn.tui.text.tape_text import TapeText
from tui_charrnn.tui.text.text_view import TextView

TINY = ModelLabel("tiny")


class GivenLoader(ModelLoader):
    """A loader that answers every request by a function."""

    def __init__(self, load: Callable[[], LoadedModel]) -> None:
        super().__init__()
        self._load = load

    def load(self, _request: ModelRequest, _wait: Wait) -> LoadedModel:
        return self._load()


def page_context(
    folder: Path, model: Model | None = None, seed_text: str = "", label: ModelLabel = TINY
) -> PageContext:
    """What a page is opened with, without a text on a tape."""
    session = Session(runs_folder=folder)
    loaded = LoadedModel(model or tiny_model(), label)
    return PageContext(
        session=session,
        loader=GivenLoader(lambda: loaded),
        request=ModelRequest.of(session),
        text=TapeText(TextView(), session.settings),
        at=None,
        seed_text=seed_text,
    )


@asynccontextmanager
async def opened(page: Page, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[None]]:
    """An app with a page on top."""
    app = ThemedApp()
    async with app.run_test(size=size) as pilot:
        await app.push_screen(page)
        await wait_until(pilot, "the page", lambda: page.query(KeyRow).first().size.width > 0)
        yield pilot


def rows_of(page: Page) -> str:
    """The picture of a page."""
    return str(page.query_one(Picture).content)


def note_of(page: Page) -> str:
    """The line below the frame."""
    return str(page.query_one("#page-note").content)  # type: ignore[attr-defined]  # a Static
