"""The size classes of a screen: the same before the first layout as Textual gives them after it."""

from pathlib import Path

import pytest
from textual.geometry import Size

from tests.support.open_app import tiny_app
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.tui.chrome import HEIGHTS, WIDTHS, is_too_small, size_classes


@pytest.mark.parametrize("size", [(39, 11), (40, 12), (109, 29), (110, 30)])
async def test_a_screen_begins_with_the_classes_that_textual_gives_it(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        known = {name for _, name in WIDTHS + HEIGHTS}
        assert app.main.classes & known == set(size_classes(Size(*size)))


@pytest.mark.parametrize(
    ("width", "height", "is_small"), [(40, 12, False), (39, 12, True), (40, 11, True)]
)
def test_what_is_too_small(width: int, height: int, is_small: bool) -> None:
    assert is_too_small(Size(width, height)) is is_small


async def test_a_low_screen_shows_a_note_whole_and_marks_a_hint_that_it_cuts(
    tmp_path: Path,
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(40, 12)) as pilot:
        await wait_until(pilot, "a text", lambda: app.text_pane.text.opening is not None)
        note = app.main.note  # the start of a text clears it
        sentence = "The pages of the x-ray need more rows than there are here."
        note.show_note(sentence)
        await wait_until(pilot, "the note", lambda: note.size.height == 2)
        note.clear()
        await wait_until(pilot, "the hint", lambda: note.size.height == 1)
        assert "…" in screen_text(app).splitlines()[note.region.y]
