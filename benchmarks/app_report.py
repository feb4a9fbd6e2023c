"""The tables of `benchmarks.app`, and the bars that their figures have to reach."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.costs.attaching import Attached
from benchmarks.costs.starting import Starts
from benchmarks.costs.streaming import Streamed
from benchmarks.costs.xray import Xrayed
from benchmarks.rounds import Bar, Spread, median_ratio
from benchmarks.tables import markdown_table

FIRST_FRAME_BAR: Final = Bar(0.5, is_upper=True)
HISTORY_BAR: Final = Bar(5.0, is_upper=True)
MEMORY_BAR: Final = Bar(150.0, is_upper=True)
FRAME_BAR: Final = Bar(1.25, is_upper=True)
START_BAR: Final = Bar(1.5, is_upper=True)
CHARACTER_BAR: Final = Bar(2.0, is_upper=True)
LAG_BAR: Final = Bar(0.050, is_upper=True)
STREAMING_BAR: Final = Bar(0.30, is_upper=True)
KEY_BAR: Final = Bar(0.050, is_upper=True)
IDLE_BAR: Final = Bar(0.01, is_upper=True)
XRAY_BAR: Final = Bar(0.5)


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a table: the same thing, measured once a round."""

    name: str
    values: Sequence[float]
    form: str
    bar: Bar | None = None
    scale: float = 1.0
    """What values are multiplied with to be printed."""


def figures_table(title: str, figures: Sequence[Figure]) -> str:
    """Medians of figures, how far their rounds lie apart, and whether the medians are in bounds."""
    rows = []
    for figure in figures:
        spread = Spread.of(figure.values)
        median, lowest, highest = (
            format(value * figure.scale, figure.form)
            for value in (spread.median, spread.minimum, spread.maximum)
        )
        verdict = figure.bar.verdict(spread.median) if figure.bar is not None else ""
        rows.append([figure.name, median, f"{lowest} to {highest}", verdict])
    return markdown_table([title, "median", "lowest to highest", ""], rows)


def attaching_report(starts: Sequence[Attached]) -> str:
    """The table of the app that is opened on a run."""
    figures: tuple[tuple[str, Callable[[Attached], float], str, Bar | None], ...] = (
        ("first frame, s (bar below 0.5)", lambda start: start.first_frame, ".2f", FIRST_FRAME_BAR),
        ("whole history, s (bar below 5)", lambda start: start.whole_history, ".2f", HISTORY_BAR),
        ("processor time until then, s", lambda start: start.processor, ".2f", None),
        ("memory after it, MB (bar below 150)", lambda start: start.resident, ".0f", MEMORY_BAR),
        ("memory at most, MB", lambda start: start.peak, ".0f", None),
    )
    return figures_table(
        "from the start of the process",
        [
            Figure(name, [figure(start) for start in starts], form, bar)
            for name, figure, form, bar in figures
        ],
    )


def frames_report(spans: dict[str, dict[int, list[float]]]) -> str:
    """The table of single frames."""
    rows = []
    for name, seconds in spans.items():
        (short, long), (few, many) = (list(seconds.values()), list(seconds))
        ratio = median_ratio(long, short)
        cells = [_milliseconds(Spread.of(short)), _milliseconds(Spread.of(long))]
        rows.append([name, *cells, f"{ratio:.2f}", FRAME_BAR.verdict(ratio)])
    header = [
        "milliseconds a frame: median (lowest)",
        f"{few:,} batches",
        f"{many:,} batches",
        "ratio",
        "below 1.25",
    ]
    return markdown_table(header, rows)


def starting_report(starts: Starts) -> str:
    """The table of starts beside those of a bare Textual app, with the ratios of single rounds."""
    frames, characters = starts.first_frame, starts.first_character
    to_frame = [ours / bare for ours, bare in zip(frames, starts.bare, strict=True)]
    to_character = [ours / bare for ours, bare in zip(characters, starts.bare, strict=True)]
    return figures_table(
        "from the start of the process",
        [
            Figure("a bare Textual app: its label, ms", starts.bare, ".0f", scale=1e3),
            Figure("first frame, ms", frames, ".0f", scale=1e3),
            Figure("first character of the model, ms", characters, ".0f", scale=1e3),
            Figure("first frame / bare app (bar at most 1.5)", to_frame, ".2f", START_BAR),
            Figure(
                "first character / bare app (bar at most 2)", to_character, ".2f", CHARACTER_BAR
            ),
        ],
    )


def streaming_report(looks: Sequence[Streamed]) -> str:
    """The table of a text that comes fast."""
    lags, shares = [look.worst_lag for look in looks], [look.processor for look in looks]
    drawing, rates = [look.drawing for look in looks], [look.rate for look in looks]
    network, app = [look.network for look in looks], [look.app for look in looks]
    return figures_table(
        "while it streams",
        [
            Figure("characters a second", rates, ",.0f"),
            Figure("worst lag of the event loop, ms (bar below 50)", lags, ".0f", LAG_BAR, 1e3),
            Figure("share of a core, % (bar at most 30)", shares, ".1f", STREAMING_BAR, 1e2),
            Figure("of it, the network by itself, %", network, ".1f", scale=1e2),
            Figure("of it, all the rest, %", app, ".1f", scale=1e2),
            Figure("of that, drawing, %", drawing, ".1f", scale=1e2),
        ],
    )


def xray_report(looks: Sequence[Xrayed]) -> str:
    """The table of a text that streams with the x-ray on, by its colorings."""
    rows = []
    for name in dict.fromkeys(look.name for look in looks):
        shares = [look.shares for look in looks if look.name == name]
        kept, cores = (Spread.of([share[side] for share in shares]) for side in range(2))
        among = f"{kept.minimum:.2f} to {kept.maximum:.2f}"
        verdict = XRAY_BAR.verdict(kept.median)
        rows.append([name, f"{kept.median:.2f}", among, verdict, f"{cores.median:.2f}"])
    rates = Spread.of([rate for look in looks for rate, _ in (look.before, look.after)])
    table = markdown_table(
        [
            "colored by",
            "speed with / without",
            "lowest to highest",
            "at least 0.5",
            "a core-second",
        ],
        rows,
    )
    plain = f"{rates.median:,.0f} ({rates.minimum:,.0f} to {rates.maximum:,.0f})"
    return f"{table}\n\nCharacters a second without: {plain}."


def keys_report(rounds: Sequence[Sequence[float]]) -> str:
    """The table of keys that are pressed while a training goes on."""
    halves, nineties = ([quantile(waits, share) for waits in rounds] for share in (0.5, 0.9))
    last = [quantile(waits, 0.99) for waits in rounds]
    return figures_table(
        "from the key to the bytes that draw it",
        [
            Figure("half of the keys within, ms", halves, ".1f", scale=1e3),
            Figure("90 % within, ms", nineties, ".1f", scale=1e3),
            Figure("99 % within, ms (bar below 50)", last, ".1f", KEY_BAR, 1e3),
        ],
    )


def idling_report(shares: Sequence[float]) -> str:
    """The table of an app in which nothing happens."""
    name = "share of a core, % (bar below 1)"
    return figures_table("after the text has ended", [Figure(name, shares, ".2f", IDLE_BAR, 1e2)])


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _milliseconds(spread: Spread) -> str:
    return f"{spread.median * 1e3:.1f} ({spread.minimum * 1e3:.1f})"
