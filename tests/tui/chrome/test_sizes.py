"""The size classes of a screen: the same before the first layout as Textual gives them after it."""

from pathlib import Path

import pytest
from textual.geometry import Size

from tests.support.open_app import tiny_app
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
