"""Which corpus a text comes from, as rows of a terminal: a bar a model, and how it came about.

The signs are those of blocks; `ascii_signs.in_ascii` makes others of them in as many columns.
"""

from typing import Final

from rich.cells import cell_len

from tui_charrnn.generation.which import Origin, OriginReader
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.viewing.formatting import bar, padded, percent

__all__ = ["Origin", "OriginReader", "bar_rows", "path_rows"]
_HEIGHTS: Final = "▁▂▃▄▅▆▇█"
_NAME: Final = 16
"""Columns of a name at most."""


def bar_rows(origin: Origin, width: int, *, has_head: bool = False) -> list[str]:
    """A row for each model, the likeliest first: name, bar, probability, bits per character.

    Args:
        origin: What the models make of a text.
        width: Columns.
        has_head: Whether a row above says what the numbers are.
    """
    names, rows = _names(origin), []
    if has_head:
        rows.append(padded(tr("PROBABILITY  BITS/CHAR"), width - 1, to_right=True))
    length = max(width - cell_len(names[0]) - 25, 4)
    characters = max(len(origin.text), 1)
    for number in origin.order:
        share = float(origin.probabilities[number])
        bits = f"{origin.totals[number] / characters:9.3f}" if origin.text else ""
        rows.append(f"{names[number]}  {bar(share, length):<{length}} {percent(share):>9}  {bits}")
    return rows


def path_rows(origin: Origin, width: int) -> list[str]:
    """How each model's probability changed, character by character, above the end of the text.

    Args:
        origin: What the models make of a text.
        width: Columns.
    """
    names = _names(origin)
    room, first = width - cell_len(names[0]) - 2, len(origin.text)
    shown = [safe_line(character) or " " for character in origin.text]
    columns = [max(cell_len(sign), 1) for sign in shown]
    while first and sum(columns[first - 1 :]) <= room:
        first -= 1
    path = origin.path[:, 1:]
    rows = [
        f"{names[number]}  "
        + "".join(
            _HEIGHTS[min(int(8 * share), 7)] * columns[place]
            for place, share in enumerate(path[number, first:], first)
        )
        for number in origin.order
    ]
    return [*rows, " " * (cell_len(names[0]) + 2) + "".join(shown[first:])]


def _names(origin: Origin) -> list[str]:
    names = [safe_line(name)[:_NAME] for name in origin.names]
    widest = max(map(cell_len, names))
    return [padded(name, widest) for name in names]
