"""What may stand in the gaps of a text, as rows of a terminal: from the left, from both sides."""

from typing import Final

from rich.cells import cell_len

from tui_charrnn.generation.both_sides import CHAINS, SWEEPS, BothFilled, BothSides
from tui_charrnn.generation.filling import Filled, Filler, measure_right_side, split_gaps
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.viewing.formatting import bar, character_words, padded, percent

__all__ = [
    "BothSides",
    "Filler",
    "candidate_rows",
    "format_both",
    "format_filled",
    "measure_right_side",
    "split_gaps",
]
_NUMBERS: Final = 33
"""Columns of the numbers of a row."""
_BAR: Final = 20


def candidate_rows(
    filled: Filled, width: int, count: int, both: BothFilled | None = None
) -> list[str]:
    """A head and a row for each of the likeliest candidates, among them what the left expects.

    Args:
        filled: A text with gaps, and what may stand in them.
        width: Columns.
        count: Candidates at most.
        both: What a model says that reads both directions, if one was asked.
    """
    shares = both.shares if both is not None else {}
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
        rows.append(
            f"{padded(name, widest)}{percent(each.left):>11}{percent(each.both):>12}{read} "
            f"{share}{each.bits:>+8.2f}"
        )
    return rows


def format_both(both: BothFilled) -> str:
    """How a model that reads both directions computed its candidates."""
    if both.is_exact:
        return tr("The bidirectional model gives one gap exactly.")
    return tr(
        "The bidirectional model: Gibbs sampling, {texts} texts, {sweeps} sweeps.",
        texts=CHAINS,
        sweeps=SWEEPS,
    )


def format_fill(fill: str) -> str:
    """What stands in the gaps, for people: a single sign by its name if it has no shape."""
    return character_words(fill) if len(fill) == 1 else safe_line(fill)


def format_filled(filled: Filled) -> str:
    """What the right side is worth, and whether every candidate was tried."""
    tried = (
        tr("Every candidate was tried.")
        if filled.beam is None
        else tr(
            "A beam of {count:,} candidates: less likely ones were left out.", count=filled.beam
        )
    )
    worth = tr("Knowing the right side is worth {bits:.2f} bits here.", bits=filled.bits)
    return f"{worth} {tried}"
