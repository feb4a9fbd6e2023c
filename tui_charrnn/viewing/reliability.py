"""The reliability diagram: what was expected beside what came, in signs that every terminal has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.translation import tr
from tui_charrnn.viewing.formatting import padded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tui_charrnn.generation.calibration import Bin


def reliability_lines(bins: Sequence[Bin], error: float | None, width: int = 78) -> Iterator[str]:
    """The diagram in lines: a head, one for each bin, and what the signs mean.

    Args:
        bins: From the least probable on.
        error: Expected calibration error.
        width: Columns; below 66 the counts are left out, and the bars get shorter.
    """
    has_counts = width >= 66
    most = max(width - (42 if has_counts else 30), 6)
    heads = {tr("COUNT"): 12 if has_counts else 0, tr("MEAN"): 9, tr("CAME"): 9}
    head = padded(tr("EXPECTED"), 10)
    head += "".join(padded(name, size, to_right=True) for name, size in heads.items() if size)
    yield f"{head}  0 %{'100 %':>{max(most - 3, 6)}}"
    for each in bins:
        edges = f"{100 * each.low:.0f}-{100 * each.high:.0f} %"
        line = f"{edges:<10}{each.symbols:>12,}" if has_counts else f"{edges:<10}"
        if each.expected is not None and each.observed is not None:
            bar = list(f"{'#' * round(each.observed * most):<{most}}")
            bar[min(round(each.expected * most), most - 1)] = "|"
            numbers = f"{100 * each.expected:7.1f} %{100 * each.observed:7.1f} %"
            line += f"{numbers}  {''.join(bar).rstrip()}"
        yield line
    yield tr("Of the likeliest next character: | expected, # came.")
    if error is not None:
        share = 100 * error
        yield tr("Mean distance of the two (calibration error): {share:.2f} %", share=share)
