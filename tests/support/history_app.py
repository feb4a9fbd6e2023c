"""The app with texts in its history, and its page of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from tests.support.generations import make_generation
from tests.support.open_app import shown_text, tiny_app
from tests.support.tiny_model import tiny_model_file
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.history.generation import Generation, ModelFile
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import History
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.history.screen import HistoryScreen


def generated_entry(path: Path, length: int = 40, seed_text: str = "bad") -> Generation:
    """A text that a tiny model, whose file is made, says; settings change on the way."""
    cool, hot = SamplingConfig(temperature=0.4, rng_seed=3), SamplingConfig(temperature=2.0)
    tiny_model_file(path)
    origin = ModelFile(path).reference(ModelLabel("tiny"))
    stream = CharacterStream(load_model(path), cool)
    stream.prime(seed_text)
    text = "".join(stream.next().character for _ in range(length // 2))
    stream.sampling = hot
    text += "".join(stream.next().character for _ in range(length - length // 2))
    return make_generation(
        text, seed_text, sampling=((0, cool), (length // 2, hot)), rng_seed=3, model=origin
    )


@asynccontextmanager
async def history_page(
    folder: Path, *texts: Generation, size: tuple[int, int] = (80, 24), keeps: bool = True
) -> AsyncIterator[tuple[HistoryScreen, Pilot[None]]]:
    """The page of the history, with these texts in it, the last the newest."""
    if texts:
        History().add_all(texts)
    app = tiny_app(folder)
    app.session.settings.speed = 1  # what it says by itself does not end meanwhile
    if not keeps:
        object.__setattr__(app.session.preferences, "history", False)
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "a text", lambda: bool(shown_text(app)))
        app.main.text_pane.action_history()
        yield await opened(app, pilot), pilot


async def opened(app: CharRNNApp, pilot: Pilot[None]) -> HistoryScreen:
    """The page, once it shows something."""
    await wait_until(pilot, "the page", lambda: isinstance(app.screen, HistoryScreen))
    page = app.screen
    assert isinstance(page, HistoryScreen)
    await wait_until(pilot, "its parts", lambda: bool(page.query("HistoryPreview")))
    await wait_until(pilot, "a listing", lambda: page.browser.is_listed)
    return page


async def shown(pilot: Pilot[None], page: HistoryScreen, text: str) -> None:
    """Wait until the text under the cursor has these words."""

    def is_shown() -> bool:
        entry = page.browser.entry
        return entry is not None and text in entry.generation.text

    await wait_until(pilot, f"{text!r} under the cursor", is_shown)


async def noted(pilot: Pilot[None], page: HistoryScreen, words: str) -> str:
    """Wait until the page has told something with these words, and return all of it."""
    await wait_until(pilot, f"{words!r} told", lambda: words in str(page.note.content))
    return str(page.note.content)
