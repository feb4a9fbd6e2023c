"""The page that fills gaps: candidates while the user types, and a seed with a gap opens it."""

import string
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.open_app import tiny_app
from tests.support.page_host import note_of, opened, page_context, rows_of
from tests.support.tiny_model import JAMO_VOCABULARY, tiny_config, tiny_model, tiny_model_file
from tests.support.waiting import wait_until
from tui_charrnn import folders
from tui_charrnn.generation.filling import BothSides, Filler, split_gaps
from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS, is_jamo
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.translation import Language, set_language
from tui_charrnn.tui.pages.tasks import FillPage
from tui_charrnn.viewing.formatting import percent
from tui_charrnn.viewing.probability_rows import candidate_rows, format_filled


async def test_candidates_are_those_of_the_model(tmp_path: Path) -> None:
    page = FillPage(page_context(tmp_path, seed_text="ba▢ cab"))
    async with opened(page) as pilot:
        found = Filler(tiny_model()).fill(split_gaps("ba▢ cab"))
        await wait_until(pilot, "an answer", lambda: format_filled(found) in note_of(page))
        width = page.picture.size.width
        assert "\n".join(candidate_rows(found, width, 5)) in rows_of(page)
        await pilot.press("enter")
        assert page.text.value == "ba▢ cab"  # nothing is lost
        await pilot.press(*"ab")
        assert page.text.value == "ab"
        await wait_until(pilot, "a hint", lambda: "needs 1 to 64 gaps" in note_of(page))


async def test_hangul_is_filled_by_the_korean_model_unless_another_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    korean = tiny_model_file(
        tmp_path / "korean.safetensors", vocabulary=JAMO_VOCABULARY, units="jamo"
    )
    models = {"shakespeare": tmp_path / "not opened", "korean": korean}
    monkeypatch.setattr(folders, "bundled_models", lambda: models)
    context = page_context(tmp_path, seed_text="ba▢ cab")
    page = FillPage(context)
    async with opened(page) as pilot:
        await wait_until(pilot, "an answer", lambda: "Knowing the right side" in note_of(page))
        assert "korean" not in note_of(page)
        page.text.value = "가▢ 각"
        await wait_until(pilot, "the Korean model", lambda: "By korean;" in note_of(page))
        assert not any(map(is_jamo, rows_of(page)))
        context.session.model = "chosen"
        page.text.value = "가▢"
        await wait_until(pilot, "that of the app", lambda: "are not known" in note_of(page))
        assert "korean" not in note_of(page)


@pytest.mark.usefixtures("korean")
@pytest.mark.parametrize(("language", "example"), [("ko", "그는 "), ("en", "The k")])
def test_the_example_is_in_the_language_of_the_user(
    tmp_path: Path, language: Language, example: str
) -> None:
    set_language(language)
    assert FillPage(page_context(tmp_path))._first.startswith(example)


@pytest.mark.parametrize(
    ("units", "vocabulary", "example"),
    [
        ("jamo", " " + "".join(sorted(INITIALS | MEDIALS | FINALS)), "그는 "),
        ("characters", " T" + string.ascii_lowercase, "The k"),
    ],
)
@pytest.mark.usefixtures("korean")
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_example_for_a_chosen_model_is_in_its_script(
    tmp_path: Path, language: Language, units: str, vocabulary: str, example: str
) -> None:
    set_language(language)
    context = page_context(tmp_path, tiny_model(vocabulary=vocabulary, units=units))
    context.session.model = "chosen"
    page = FillPage(context)
    async with opened(page) as pilot:
        await wait_until(pilot, "the example", lambda: page.text.value.startswith(example))


async def test_a_bidirectional_model_is_shown_beside_the_candidates(tmp_path: Path) -> None:
    config = replace(tiny_config(), direction="both")
    path = tiny_model_file(tmp_path / "both.safetensors", config=config)
    page = FillPage(page_context(tmp_path, seed_text="ba▢ cab"))
    async with opened(page) as pilot:
        page.second.value = str(path)
        await wait_until(pilot, "both", lambda: "BIDIRECTIONAL" in rows_of(page))
        shares = BothSides(load_model(path)).fill(split_gaps("ba▢ cab"))
        assert percent(max(shares.values())) in rows_of(page)
        page.second.value = "nothing"
        await wait_until(pilot, "a refusal", lambda: "no model file" in note_of(page))


async def test_an_open_bidirectional_model_is_shown_beside_a_bundled_one(
    tmp_path: Path,
) -> None:
    model = tiny_model(config=replace(tiny_config(), direction="both"))
    page = FillPage(page_context(tmp_path, model, seed_text="ba▢ cab"))
    async with opened(page) as pilot:
        await wait_until(pilot, "both", lambda: "BIDIRECTIONAL" in rows_of(page))


async def test_a_seed_with_a_gap_opens_the_page(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.main.text_pane.seed.load_text("ba▢")
        await pilot.press("enter")
        await wait_until(pilot, "the page", lambda: isinstance(app.screen, FillPage))
        page = app.screen
        assert isinstance(page, FillPage)
        await wait_until(pilot, "an answer", lambda: "BOTH SIDES" in rows_of(page))
        assert page.text.value == "ba▢"
