"""The guided tour: both languages agree, and its pages in docs are up to date."""

import re

import pytest
from rich.cells import cell_len
from textual.content import Content

from scripts.learn_page import PAGES, learn_page
from tui_charrnn.cli.main import COMMANDS
from tui_charrnn.translation import LANGUAGES
from tui_charrnn.tui.keys.table import KEYS
from tui_charrnn.tui.pages.page import LESSONS, lesson_rows, lesson_title


def keys_of(text: str) -> list[str]:
    return sorted(re.findall(r"\{([a-z_.]+)\}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_up_to_date(language: str) -> None:
    assert PAGES[language].read_text(encoding="utf-8") == learn_page(language), "Run: make keys"


def test_both_languages_name_the_same_keys_which_are_there() -> None:
    known = {key.id for key in KEYS}
    for lesson in LESSONS:
        found = [keys_of("\n".join(lesson.texts[each].tries)) for each in LANGUAGES]
        assert found[0] == found[1]
        assert set(found[0]) <= known
        assert lesson.command.split()[0] in COMMANDS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_lesson_has_two_things_to_try_and_leaves_no_id(language: str) -> None:
    assert [lesson.page for lesson in LESSONS] == [
        *("memory", "embedding", "clipping", "fill", "which")
    ]
    for number, lesson in enumerate(LESSONS):
        assert len(lesson.texts[language].tries) == 2
        assert "{" not in lesson_rows(number, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_terminal_of_80_columns_shows_all_of_a_lesson_and_leaves_room(language: str) -> None:
    for number in range(len(LESSONS)):
        assert len(Content(lesson_rows(number, language)).wrap(76)) <= 6
        assert cell_len(lesson_title(number, language)) <= 74
