"""The tables of `benchmarks.gpu`: the best of each contender a network, then every row."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.cards.rows import HEADLINE, Network, Row
from benchmarks.rounds import Bar
from benchmarks.tables import markdown_table

BARS: Final = {"keras": Bar(1.5), "torch": Bar(1.2)}
"""Our best way over the best of theirs."""
HEADLINE_BAR: Final = Bar(2.5e6)
"""Characters per second of `HEADLINE` on an H100."""
MEDIUM_BAR: Final = Bar(1.42, is_upper=True)
"""Validation loss of the preset `medium` on tiny Shakespeare."""
MEDIUM_SECONDS: Final = 90.0
NAMES: Final = {"ours": "ours", "keras": "Keras fit", "torch": "PyTorch"}

Results = Mapping[str, Mapping[str, Any]]
"""By `Row.key`: `characters_per_second`, `loss` and `first_step`, or `failure`."""


def gpu_report(rows: Sequence[Row], results: Results, card: str, medium: float | None) -> str:
    """Everything that was measured, in Markdown.

    Args:
        rows: All that were asked for, in their order.
        results: Of those that were measured.
        card: Name of the GPU, or `CPU`.
        medium: Validation loss of `medium` after `MEDIUM_SECONDS`; None if it was not trained.
    """
    measured = [row for row in rows if row.key in results]
    networks = list(dict.fromkeys(row.network for row in measured))
    summary = [_summary(network, measured, results) for network in networks]
    header = ["network", *NAMES.values(), "ours / Keras (bar 1.5)", "ours / PyTorch (bar 1.2)"]
    parts = [markdown_table(header, summary)]
    best = _best(HEADLINE, "ours", measured, results)
    if best is not None and "H100" in card:
        verdict = HEADLINE_BAR.verdict(best[1])
        parts.append(
            f"{HEADLINE.label}: {best[1]:,.0f} characters a second (bar 2.5 million): {verdict}."
        )
    if medium is not None:
        verdict = MEDIUM_BAR.verdict(medium)
        parts.append(
            f"`medium` after {MEDIUM_SECONDS:g} s of training: {medium:.4f} (bar 1.42): {verdict}."
        )
    parts.append(
        markdown_table(
            ["row", "characters a second", "first step, s", "loss"],
            [_detail(row, results[row.key]) for row in measured],
        )
    )
    if missing := len(rows) - len(measured):
        parts.append(f"{missing} of {len(rows)} rows did not fit into the time: run it again.")
    return "\n\n".join(parts)


def _best(
    network: Network, contender: str, rows: Sequence[Row], results: Results
) -> tuple[str, float] | None:
    """The way of a contender that is the fastest, and its speed."""
    speeds = [
        (float(results[row.key]["characters_per_second"]), row.way)
        for row in rows
        if (row.network, row.contender) == (network, contender)
        and "failure" not in results[row.key]
    ]
    return max(speeds)[::-1] if speeds else None


def _summary(network: Network, rows: Sequence[Row], results: Results) -> list[str]:
    best = {name: _best(network, name, rows, results) for name in NAMES}
    cells = [f"{each[1]:,.0f} ({each[0]})" if each else "-" for each in best.values()]
    ours, ratios = best["ours"], []
    for name, bar in BARS.items():
        theirs = best[name]
        if ours is None or theirs is None:
            ratios.append("-")
        else:
            ratio = ours[1] / theirs[1]
            ratios.append(f"{ratio:.2f} {bar.verdict(ratio)}")
    return [network.label, *cells, *ratios]


def _detail(row: Row, result: Mapping[str, Any]) -> list[str]:
    name = f"{row.network.label}: {NAMES[row.contender]}, {row.way}"
    if "failure" in result:
        return [name, str(result["failure"]), "-", "-"]
    speed, first = result["characters_per_second"], result["first_step"]
    return [name, f"{speed:,.0f}", f"{first:.1f}", f"{result['loss']:.3f}"]
