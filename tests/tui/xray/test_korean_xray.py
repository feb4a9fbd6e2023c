"""The x-ray in Korean: legend, panel, neuron list and gates have no English text."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.korean import latin_words
from tests.support.neuron_app import neuron_app
from tests.support.page_host import rows_of
from tests.support.tape_app import tape_app
from tests.support.tiny_model import tiny_config
from tests.support.waiting import wait_until
from tests.support.xray_app import xray_app
from tui_charrnn.translation import set_language
from tui_charrnn.tui.pages.gates import GatesPage
from tui_charrnn.tui.xray.legend import question_for
from tui_charrnn.tui.xray.panel import XrayPanel


@pytest.fixture(autouse=True)
def then_english() -> Iterator[None]:
    """Switch to Korean after the app is open, because its helpers wait for English notes."""
    yield
    set_language("en")


async def test_every_coloring_and_page_is_korean(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=(120, 36)) as app:
        set_language("ko")
        await app.pilot.press("x")
        legend, panel = app.pane.xray, app.app.main.query_one(XrayPanel)
        names = []
        while (coloring := app.colors.coloring) is not None:
            names.append(coloring.name)
            await wait_until(app.pilot, "a legend", lambda: app.colors.legend is not None)
            await app.pilot.press("d")
            shown = [str(panel.content), str(panel.border_title)]
            shown += [str(line.content) for line in legend.query("Static")]  # type: ignore[attr-defined]
            assert latin_words("\n".join(shown), {"tiny"}) == []
            await app.pilot.press("x")
        assert names == [
            *("probability", "surprise", "entropy", "neuron", "gate", "originality", "influence")
        ]


async def test_the_list_of_neurons_is_korean(tmp_path: Path) -> None:
    async with neuron_app(tmp_path, size=(120, 36)) as app:
        set_language("ko")
        panel = app.neurons
        panel.draw_all()
        rows = [panel.render_line(y).text for y in range(panel.size.height)]
        shown = "\n".join([str(panel.border_title), str(panel.border_subtitle), *rows])
        assert latin_words(shown, {"brackets", "txt"}) == []
        assert "괄호 깊이" in shown


async def test_gates_have_korean_names(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        set_language("ko")
        await app.press("left", "left")
        await app.pilot.press("v")
        await wait_until(app.pilot, "the page", lambda: isinstance(app.app.screen, GatesPage))
        page = app.app.screen
        assert isinstance(page, GatesPage)
        await wait_until(app.pilot, "the gates", lambda: page.found is not None)
        rows = rows_of(page).split("\n")
        assert "망각" in "".join(rows)
        pictures = [row for row in rows if "└" not in row]
        assert latin_words("\n".join(pictures[: len(pictures) // 2])) == []


def test_the_question_for_a_unit_is_one_korean_sentence() -> None:
    set_language("ko")
    assert latin_words(question_for(tiny_config())) == []
