"""Heat maps: every colored or signed cell shows its number."""

import pytest
from textual.color import Color
from textual.content import Content

from tui_charrnn.tui.xray.colorings import GATE_SCALE, neuron_scale
from tui_charrnn.tui.xray.heat_map import (
    SIGNS,
    HeatMap,
    Palette,
    heat_rows,
    rows_needed,
    scale_row,
)

PALETTE = Palette(Color(0, 0, 0), Color(255, 0, 0), Color(0, 0, 255))
VALUES = [((7 * place) % 21 - 10) / 10 for place in range(50)]  # from -1 to 1, unordered
WIDTH = 12


def heat_map(values: list[float], marked: int | None = None) -> HeatMap:
    return HeatMap("hidden state", values, neuron_scale(1), 0.0, 1.0, ("low", "high"), marked)


def colors(row: Content) -> list[tuple[Color | None, Color | None]]:
    """Return foreground and background of every cell of a row."""
    cells: list[tuple[Color | None, Color | None]] = [(None, None)] * len(row.plain)
    for span in row.spans:
        style = span.style
        assert not isinstance(style, str)
        for place in range(span.start, span.end):
            cells[place] = style.foreground, style.background
    return cells


def share(color: Color | None) -> float:
    """Convert a color to its number, from -1 to 1."""
    assert color is not None
    assert color.g == 0
    return (color.b - color.r) / 255


def numbers_of(values: list[float], width: int, height: int) -> list[float]:
    """Return the numbers of a colored map, read from its cells."""
    rows = heat_rows([heat_map(values)], width, height, PALETTE)[1:]
    found = []
    for row in rows:
        cells = colors(row)
        found += [share(upper) for upper, _ in cells if upper is not None]
        found += [share(lower) for _, lower in cells if lower is not None]
    return found


@pytest.mark.parametrize("count", [1, 11, 12, 13, 24, 25, 50])
def test_every_number_has_its_half_of_a_cell(count: int) -> None:
    values = VALUES[:count]
    assert numbers_of(values, WIDTH, 10) == pytest.approx(values, abs=0.03)


def test_of_numbers_without_room_the_furthest_is_shown() -> None:
    found = numbers_of(VALUES, WIDTH, 2)  # one row below the head: 24 places for 50 numbers
    groups = [VALUES[start : start + 3] for start in range(0, 50, 3)]
    assert found == pytest.approx([max(group, key=abs) for group in groups], abs=0.03)
    assert "50 units" in heat_rows([heat_map(VALUES)], 40, 3, None)[0].plain


def test_a_heading_counts_the_units_of_a_symbol() -> None:
    head = heat_rows([heat_map(VALUES * 10)], 60, 3, PALETTE)[0].plain
    assert "500 units, 3 in one" in head


def test_signs_say_the_level_of_each_number() -> None:
    rows = heat_rows([heat_map(VALUES)], WIDTH, 10, None)[1:]
    signs = "".join(row.plain for row in rows).replace(" ", "")
    borders = (-0.5, -0.2, 0.2, 0.5)
    assert signs == "".join(SIGNS[sum(v >= border for border in borders)] for v in VALUES)
    assert signs.isascii()


def test_the_place_that_is_looked_at_is_marked() -> None:
    plain = heat_rows([heat_map(VALUES, marked=14)], WIDTH, 10, None)[2]
    (reversed_one,) = [span for span in plain.spans if "reverse" in str(span.style)]
    assert (reversed_one.start, reversed_one.end) == (2, 3)
    colored = heat_rows([heat_map(VALUES, marked=14)], WIDTH, 10, PALETTE)[1]
    assert colored.plain.index("◆") == 2


@pytest.mark.parametrize("palette", [PALETTE, None])
@pytest.mark.parametrize(("width", "height"), [(20, 4), (36, 22), (76, 7), (76, 30), (5, 1)])
def test_maps_take_no_more_room_than_there_is(
    palette: Palette | None, width: int, height: int
) -> None:
    maps = [heat_map(VALUES * 10) for _ in range(4)]
    rows = heat_rows(maps, width, height, palette)
    assert 0 < len(rows) <= height
    assert all(row.cell_length <= width for row in rows)


def test_with_as_many_rows_as_are_needed_no_number_shares_a_cell() -> None:
    for palette in (PALETTE, None):
        for width in (40, 76):
            maps = [heat_map(VALUES * 10) for _ in range(3)]
            needed = rows_needed(maps, width, palette, 100)
            rows = heat_rows(maps, width, needed, palette)
            assert len(rows) == needed
            assert not any("in one" in row.plain for row in rows)
            fewer = heat_rows(maps, width, needed - len(maps), palette)
            assert any("in one" in row.plain for row in fewer)


def test_a_mean_is_shown_with_a_bar() -> None:
    head = heat_rows([gate()], 40, 3, None)[0].plain
    assert "0.50 ███ " in head


def test_fewer_rows_may_be_enough() -> None:
    maps = [heat_map(VALUES * 10)]
    assert rows_needed(maps, 20, None, 3) == 1 + 3
    assert rows_needed(maps, 20, None, 100) == 1 + 25


def test_the_scale_labels_its_ends() -> None:
    assert scale_row([gate()], None).plain == "=- shut  . between  +# open"
    colored = scale_row([gate()], PALETTE)
    assert colored.plain.startswith("shut ")
    assert colored.plain.endswith(" open")
    spans = [one.style for one in colored.spans if not isinstance(one.style, str)]
    steps = [share(style.foreground) for style in spans]
    assert steps[0] == -1
    assert steps[-1] == 1
    assert steps == sorted(steps)


def gate() -> HeatMap:
    values = [0.2, 0.4, 0.9]
    return HeatMap("forget", values, GATE_SCALE, 0.5, 0.5, ("shut", "open"), has_mean=True)
