"""Formats sizes, counts, ages, shares, characters and sampling settings.

For terminals and fonts that lack them, symbols are replaced by ASCII of the same width, so the
layout does not change. Letters of any script are not symbols: names and texts stay unchanged.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

from tui_charrnn.config import FILTERS, RULES, SamplingConfig
from tui_charrnn.durations import TIME_UNITS, format_units
from tui_charrnn.hangul import FINALS
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import chosen_language, format_percent, tr

if TYPE_CHECKING:
    from tui_charrnn.config import ModelConfig
    from tui_charrnn.generation.tape import Alternative, TapePosition
    from tui_charrnn.text.originality import OriginalityMeter

NAMES: Final = {
    " ": "space",
    "\n": "newline",
    "\t": "tab",
    "\r": "return",
    "\xa0": "no-break",
    "\x1e": "end",  # of a record
}
HEIGHTS: Final = "▁▂▃▄▅▆▇█"
_PARTS: Final = " ▏▎▍▌▋▊▉"


def format_size(count: float) -> str:
    """A number of bytes in three digits: 870 B, 470 kB, 1.12 MB, 23.4 GB."""
    number, letter = _rounded(count)
    return f"{number} {letter}B"


def format_count(count: int) -> str:
    """A count in little space: 1,234 or 12.3k or 1.23M."""
    return f"{count:,}" if count < 10_000 else "".join(_rounded(count))


def counted(count: int, noun: str) -> str:
    """A count with its noun: 1 character, 1,234 characters; Korean has no plural."""
    if chosen_language() != "en":
        return tr(f"{{count}} {noun}", count=f"{count:,}")
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_shape(model: "ModelConfig") -> str:
    """The layers of a network in little space: 2x512 lstm, perhaps with +norm or +both."""
    norm, both = "+norm" if model.layer_norm else "", "+both" if model.reads_both else ""
    return f"{model.layer_count}x{model.hidden_size} {model.cell}{norm}{both}"


def format_model_loss(loss: float, units: str) -> str:
    """The loss of a model with its unit: in a text of jamo, a character is a syllable."""
    if units == "jamo":
        return tr("{loss:.2f} nats/syllable", loss=loss)
    return tr("{loss:.2f} nats/char", loss=loss)


def format_time(stamp: str) -> str:
    """An ISO 8601 time as local time, 2026-11-30 18:45:18; other text is returned unchanged."""
    try:
        return f"{datetime.fromisoformat(stamp).astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return stamp


def format_age(seconds: float) -> str:
    """An age in one unit, so that lists seldom change: 12s, 5m, 3h, 2d; in Korean 12초, 5분."""
    whole = max(0, int(seconds))
    unit, size = next((pair for pair in TIME_UNITS.items() if whole >= pair[1]), ("s", 1.0))
    return format_units(f"{whole // int(size):,}{unit}")


def age_width() -> int:
    """Columns of the widest age below 1,000 days."""
    return max(cell_len(format_age(days * TIME_UNITS["d"])) for days in (999, 0.99))


def format_character(character: str, *, is_ascii: bool = False) -> str:
    """A readable form of a character, safe to show.

    A character without a width, as a joiner of emoji, is shown as its code point; with `is_ascii`,
    also a symbol that `in_ascii` would replace.
    """
    if character in NAMES:
        return tr(NAMES[character])
    shown = safe_line(character)
    if character in FINALS:  # a final looks like an initial: mark it with a hyphen, as grammars do
        return f"-{shown}"
    if unicodedata.combining(character):
        return f"\N{DOTTED CIRCLE}{shown}"
    if not cell_len(shown) or (is_ascii and in_ascii(shown) != shown):
        return f"U+{ord(character):04X}"
    return shown


GRAMS: Final = {0: "uniform", 1: "unigram", 2: "bigram"}


def format_ngram(order: int) -> str:
    """The name of an n-gram model of an order."""
    return tr(GRAMS[order]) if order in GRAMS else f"{order}-gram"


def format_choice(position: "TapePosition", alternatives: "Sequence[Alternative]") -> str:
    """How a character was chosen: its rank, its surprise in bits, and the sampling settings."""
    parts = [format_sampling(position.sampling)]
    surprise = position.surprise
    if surprise is not None:
        by_model = sorted(alternatives, key=lambda other: -other.model_probability)
        ranked = [other.index for other in by_model]
        rank = tr("unknown to the model")
        if position.chosen in ranked:  # false for the unknown symbol
            place = ranked.index(position.chosen) + 1
            rank = tr("likeliest {place} of {count}", place=place, count=len(ranked))
        outcome = (
            tr("taken: {rank}, {bits:.1f} bits", rank=rank, bits=surprise)
            if position.was_taken
            else tr("drawn: {rank}, {bits:.1f} bits", rank=rank, bits=surprise)
        )
        parts.insert(0, outcome)
    return " · ".join(parts)


def format_sampling(sampling: SamplingConfig) -> str:
    """The settings that differ from plain sampling, and the temperature."""
    parts = [tr("temperature {value:g}", value=sampling.temperature)]
    for name, label in FILTERS.items():
        if (value := getattr(sampling, name)) is not None:
            parts.append(f"{label} {value:g}")
    if sampling.repetition_penalty != 1:
        parts.append(tr("repetition penalty {value:g}", value=sampling.repetition_penalty))
        parts.append(tr("window {count}", count=sampling.repetition_window))
    for name in RULES:
        if rule := getattr(sampling, name):
            parts.append(f"{tr(name.replace('_', ' '))} {safe_line(rule)}")
    return " · ".join(parts)


def format_distance(distance: int | None, reach: int) -> str:
    """A distance in characters; None means more than `reach`."""
    return f">{reach:,}" if distance is None else f"{distance:,}"


def percent(probability: float) -> str:
    """A probability as a percentage, at most seven columns wide."""
    if probability <= 0:
        return format_percent(0)
    if probability < 1e-4:
        return f"<{format_percent(1e-4, 2)}"
    return format_percent(probability, 1 if probability >= 0.1 else 2)


def bar(share: float, width: int) -> str:
    """A bar that fills a share of `width` columns, in eighths; never empty above 0."""
    eighths = round(8 * width * min(max(share, 0.0), 1.0)) or (1 if share > 0 else 0)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + _PARTS[part]).rstrip()


def padded(text: str, width: int, *, to_right: bool = False) -> str:
    """Pad a text to a width in terminal columns, of which a Hangul syllable takes two.

    A wider text is returned unchanged. The text must be safe to show.
    """
    spaces = " " * max(width - cell_len(text), 0)
    return spaces + text if to_right else text + spaces


def fitted(text: str, columns: int) -> str:
    """Pad or cut a text to exactly `columns`; a cut one ends with an ellipsis."""
    if cell_len(text) > columns:
        return set_cell_size(text, columns - 1) + "…"
    return set_cell_size(text, columns)


def longest_fitting(choices: Iterable[Sequence[str]], *, separator: str, width: int) -> str:
    """Join the parts of the first choice that fits in `width` columns, else of the last.

    Empty parts are skipped.
    """
    row = ""
    for parts in choices:
        row = separator.join(filter(None, parts))
        if cell_len(row) <= width:
            break
    return row


def _rounded(count: float) -> tuple[str, str]:
    """A number in three digits, and the letter of its power of 1000."""
    letter = ""
    for larger in "kMG":
        if count < 999.5:
            break
        count, letter = count / 1000, larger
    return (f"{count:.3g}" if count < 999.5 else f"{count:,.0f}"), letter


NEW_LENGTHS: Final = (5, 10, 20, 50)
"""n-gram lengths, in characters, for which the share of new text is shown."""


def format_share(share: float) -> str:
    """A share as a percentage; only exactly 0 and 1 are shown as 0 % and 100 %."""
    if 0 < share < 1:
        return format_percent(min(max(share, 0.001), 0.999), 1)
    return format_percent(share)


def format_new_shares(meter: "OriginalityMeter") -> Iterator[str]:
    """Yield the share of new text for each of `NEW_LENGTHS`, as `20: 98.1 %`."""
    for length in NEW_LENGTHS:
        share = meter.new_share(length)
        if share is not None:
            yield f"{length}: {format_share(share)}"


_SIGNS: Final = {
    "_": "␣",
    "-": "─┄┅┈┉╌╍╴╶╼╾╸╺▔·\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}",
    "=": "━═■⏸",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻╽╿▏▎▍▌▋▊▉▐▕",
    "#": "▖▗▘▙▚▛▜▝▞▟▓",
    ":": "░",
    "%": "▒",
    '"': "▀\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}",
    "'": "˙\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}",
    "*": "●★",
    "o": "○•□▢◇\N{DOTTED CIRCLE}",
    "x": "◆✗✘×\N{BOX DRAWINGS LIGHT DIAGONAL CROSS}",
    "v": "✓✔▼▽▾↓",
    "^": "▲△▴↑⇧",
    ">": "▶▷▸→»≥\N{MATHEMATICAL RIGHT ANGLE BRACKET}",
    "<": "◀◁◂←«≤\N{MATHEMATICAL LEFT ANGLE BRACKET}",
    "/": "\N{BOX DRAWINGS LIGHT DIAGONAL UPPER RIGHT TO LOWER LEFT}",
    "\\": "\N{BOX DRAWINGS LIGHT DIAGONAL UPPER LEFT TO LOWER RIGHT}",
    "~": "…±≈",
    "!": "⚠",
    "i": "ⓘ",
    "?": "\N{REPLACEMENT CHARACTER}",
    " ": "°\N{NO-BREAK SPACE}",
    "? ": "\N{LEFT-POINTING MAGNIFYING GLASS}\N{RIGHT-POINTING MAGNIFYING GLASS}",
}
"""The symbols that each replacement stands for."""

ASCII: Final[dict[int, str]] = {
    **dict.fromkeys(range(0x2500, 0x2580), "+"),  # corners and crossings
    **dict.fromkeys(range(0x2400, 0x2427), "?"),  # pictures of control characters
    **dict.fromkeys(range(0x2801, 0x2900), ":"),  # braille
    0x2800: " ",
    **dict(zip(map(ord, HEIGHTS), "_.:-=+*#", strict=True)),
    **{ord(sign): plain for plain, signs in _SIGNS.items() for sign in signs},
}
"""For `str.translate`: the replacement of each symbol's code point."""


def in_ascii(text: str) -> str:
    """Replace the symbols of a text by ASCII of the same width."""
    if text.isascii():
        return text
    return text.replace(" …", "..").translate(ASCII)
