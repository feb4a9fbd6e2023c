"""Draws probabilities in terminal rows: origins of a text, gap fillings, reliability.

Rows use block symbols; `formatting.in_ascii` replaces them by ASCII of the same width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from tui_charrnn.generation.filling import CHAINS, SWEEPS
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import format_percent, tr
from tui_charrnn.viewing.formatting import HEIGHTS, bar, fitted, format_character, padded, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tui_charrnn.generation.calibration import Bin
    from tui_charrnn.generation.filling import Filled
    from tui_charrnn.generation.text_scores import Origin

_NAME: Final = 16
"""Maximum columns of a name."""
_NUMBERS: Final = 33
"""Columns of the numbers of a row of candidates."""
_BAR: Final = 20


def bar_rows(origin: Origin, width: int) -> list[str]:
    """A heading and a row for each model: name, bar, probability, bits per character.

    The most likely model is first.
    """
    names = _names(origin)
    rows = [padded(tr("PROBABILITY  BITS/CHAR"), width - 1, to_right=True)]
    length = max(width - cell_len(names[0]) - 25, 4)
    characters = max(len(origin.text), 1)
    for number in origin.order:
        share = float(origin.probabilities[number])
        bits = f"{origin.totals[number] / characters:9.3f}" if origin.text else ""
        rows.append(f"{names[number]}  {bar(share, length):<{length}} {percent(share):>9}  {bits}")
    return rows


def path_rows(origin: Origin, width: int) -> list[str]:
    """Each model's probability, character by character, above the end of the text."""
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
            HEIGHTS[min(int(8 * share), 7)] * columns[place]
            for place, share in enumerate(path[number, first:], first)
        )
        for number in origin.order
    ]
    return [*rows, " " * (cell_len(names[0]) + 2) + "".join(shown[first:])]


def _names(origin: Origin) -> list[str]:
    names = [safe_line(name) for name in origin.names]
    widest = min(max(map(cell_len, names)), _NAME)
    return [fitted(name, widest) for name in names]


def candidate_rows(
    filled: Filled, width: int, count: int, both: Mapping[str, float] | None = None
) -> list[str]:
    """A heading and a row for each best candidate, with the best by the left context alone.

    `both` has the probabilities of a bidirectional model.
    """
    shares = both or {}
    best = sorted(filled.candidates, key=lambda one: -max(one.both, shares.get(one.fill, 0)))
    shown, expected = best[:count], max(filled.candidates, key=lambda one: one.left)
    if expected not in shown and count > 1:
        shown[-1] = expected
    names = [format_fill(each.fill) for each in shown]
    widest = max([8, *map(cell_len, names)])
    third = 14 if both is not None else 0
    length = min(_BAR, max(width - widest - _NUMBERS - third, 0))
    heads = {tr("LEFT ALONE"): 11, tr("BOTH SIDES"): 12, tr("BIDIRECTIONAL"): third}
    heads[tr("BITS")] = 1 + length + 8
    rows = [
        padded(tr("FILL"), widest)
        + "".join(
            padded(name, columns, to_right=True) for name, columns in heads.items() if columns
        )
    ]
    for name, each in zip(names, shown, strict=True):
        share = f"{bar(each.both, length):<{length}}"
        read = f"{percent(shares.get(each.fill, 0.0)):>{third}}" if third else ""
        bits = "-" if each.bits is None else f"{each.bits:+.2f}"
        rows.append(
            f"{padded(name, widest)}{percent(each.left):>11}{percent(each.both):>12}{read} "
            f"{share}{bits:>8}"
        )
    return rows


def format_both(filled: Filled) -> str:
    """How a model that reads both directions computes its candidates for the same gaps."""
    if filled.is_single:
        return tr("The bidirectional model gives one gap exactly.")
    return tr(
        "The bidirectional model: Gibbs sampling, {texts} texts, {sweeps} sweeps.",
        texts=CHAINS,
        sweeps=SWEEPS,
    )


def format_fill(fill: str) -> str:
    """The text of the gaps in readable form; a single invisible character by its name."""
    return format_character(fill) if len(fill) == 1 else safe_line(fill).replace(" ", "␣")


def format_filled(filled: Filled) -> str:
    """Bits gained from the right context, and whether every candidate was tried."""
    tried = (
        tr("Every candidate was tried.")
        if filled.beam is None
        else tr(
            "A beam of {count:,} candidates: less likely ones were left out.", count=filled.beam
        )
    )
    if (bits := filled.bits) is None:
        return tried
    worth = tr("Knowing the right side is worth {bits:.2f} bits here.", bits=bits)
    return f"{worth} {tried}"


def reliability_lines(bins: Sequence[Bin], error: float | None, width: int = 78) -> Iterator[str]:
    """Yield the diagram in lines: a heading, one line per bin, and a legend.

    Below a width of 66 the counts are left out and the bars get shorter. `error` is the expected
    calibration error.
    """
    has_counts = width >= 66
    most = max(width - (42 if has_counts else 30), 6)
    heads = {tr("COUNT"): 12 if has_counts else 0, tr("MEAN"): 9, tr("OBSERVED"): 9}
    head = padded(tr("PREDICTED"), 10)
    head += "".join(padded(name, size, to_right=True) for name, size in heads.items() if size)
    yield f"{head}  {format_percent(0):<3}{format_percent(1):>{max(most - 3, 6)}}"
    for each in bins:
        edges = f"{100 * each.low:.0f}-{format_percent(each.high)}"
        line = f"{edges:<10}{each.symbols:>12,}" if has_counts else f"{edges:<10}"
        if each.expected is not None and each.observed is not None:
            marks = list(f"{'█' * round(each.observed * most):<{most}}")
            marks[min(round(each.expected * most), most - 1)] = "│"
            numbers = (format_percent(share, 1) for share in (each.expected, each.observed))
            line += f"{''.join(f'{number:>9}' for number in numbers)}  {''.join(marks).rstrip()}"
        yield line
    yield tr("Likeliest character: │ mean, █ observed")
    if error is not None:
        yield tr("Calibration error: {share}", share=format_percent(error, 2))
