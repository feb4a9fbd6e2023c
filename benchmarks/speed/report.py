"""The results of `train_speed` as Markdown."""

import math
from collections.abc import Iterable, Sequence

from benchmarks.rounds import Spread
from benchmarks.speed.results import RATIO_BARS, SHARE_BAR, SizeResult
from benchmarks.tables import markdown_table

_FORMULA = (
    "Share: operations that the mathematics needs, 6·(4H·H·(2L - 1) + H·V) a character, a second, "
    "over those of the best large matrix product. The first layer's input product is a look-up and "
    "not counted."
)


def speed_report(results: Sequence[SizeResult], *, has_bars: bool) -> str:
    """All tables.

    Args:
        results: One for each size.
        has_bars: Whether to say what is met and missed; the bars are for processors.
    """
    names = list(dict.fromkeys(name for result in results for name in result.rates))
    kinds = list(dict.fromkeys(kind for result in results for kind in result.products))
    parts = [
        "### Characters per second: median (lowest to highest round)",
        markdown_table(["size", *names], (_rate_row(result, names) for result in results)),
        "### Against the bars" if has_bars else "### Ratios",
        _ratio_table(results, has_bars=has_bars),
    ]
    if kinds:
        rows = (_product_row(result, kinds) for result in results)
        parts += [
            _FORMULA,
            "### Large matrix products, 10^9 operations a second: median (lowest to highest round)",
            markdown_table(["beside", *kinds], rows),
        ]
    parts += [
        "### Losses of the first and the last batch before timing, nats per character",
        markdown_table(["size", "ln V", *names], (_loss_row(result, names) for result in results)),
    ]
    return "\n\n".join(parts)


def versions_line(results: Iterable[SizeResult]) -> str:
    """The libraries that took part, as `keras 3.15.1, tensorflow 2.21.0`."""
    versions: dict[str, str] = {}
    for result in results:
        for facts in result.facts.values():
            versions |= facts.get("versions", {})
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _rate_row(result: SizeResult, names: Sequence[str]) -> list[str]:
    cells = (_spread(result.rates.get(name), 1.0) for name in names)
    return [result.size.label, *cells]


def _product_row(result: SizeResult, kinds: Sequence[str]) -> list[str]:
    cells = (_spread(result.products.get(kind), 1e9) for kind in kinds)
    return [result.size.label, *cells]


def _spread(rates: Sequence[float] | None, unit: float) -> str:
    if not rates:
        return ""
    spread = Spread.of([rate / unit for rate in rates])
    return f"{spread.median:,.0f} ({spread.minimum:,.0f} to {spread.maximum:,.0f})"


def _ratio_table(results: Sequence[SizeResult], *, has_bars: bool) -> str:
    header = [
        "size",
        *(
            _title(f"ours / {peer}", f"{bar.limit:g}", has_bars=has_bars)
            for peer, bar in RATIO_BARS.items()
        ),
        _title("share of the best product", f"{SHARE_BAR.limit:.0%}", has_bars=has_bars),
    ]
    return markdown_table(header, (_ratio_row(result, has_bars=has_bars) for result in results))


def _title(title: str, limit: str, *, has_bars: bool) -> str:
    return f"{title} (bar {limit})" if has_bars else title


def _ratio_row(result: SizeResult, *, has_bars: bool) -> list[str]:
    cells = [result.size.label]
    for peer, bar in RATIO_BARS.items():
        ratio = result.ratio(peer)
        verdict = f" {bar.verdict(ratio)}" if has_bars and ratio is not None else ""
        cells.append("" if ratio is None else f"{ratio:.2f}{verdict}")
    share = result.share()
    verdict = f" {SHARE_BAR.verdict(share)}" if has_bars and share is not None else ""
    cells.append("" if share is None else f"{share:.1%} of {result.best_product()}{verdict}")
    return cells


def _loss_row(result: SizeResult, names: Sequence[str]) -> list[str]:
    cells = []
    for name in names:
        losses = result.facts.get(name, {}).get("losses", [])
        cells.append(f"{losses[0]:.3f} to {losses[-1]:.3f}" if losses else "")
    return [result.size.label, f"{math.log(result.vocabulary_size):.3f}", *cells]
