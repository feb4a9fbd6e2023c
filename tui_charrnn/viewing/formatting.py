"""Sizes, counts, ages, shares and characters as text: one way for the app and the commands."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

from tui_charrnn.hangul import FINALS
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import chosen_language, tr
from tui_charrnn.viewing.ascii_signs import in_ascii

if TYPE_CHECKING:
    from tui_charrnn.text.originality import OriginalityMeter

NAMES: Final = {
    " ": "space",
    "\n": "newline",
    "\t": "tab",
    "\r": "return",
    "\xa0": "no-break",
    "\x1e": "end",  # of a record
}
_PARTS: Final = " ▏▎▍▌▋▊▉"


def format_size(count: float) -> str:
    """A number of bytes in three digits: 870 B, 470 kB, 1.12 MB, 23.4 GB."""
    number, letter = _rounded(count)
    return f"{number} {letter}B"


def format_count(count: int) -> str:
    """A number that has little room: 1,234 and 12.3k and 1.23M."""
    return f"{count:,}" if count < 10_000 else "".join(_rounded(count))


def counted(count: int, noun: str) -> str:
    """A number of things: 1 character, 1,234 characters; Korean has no plural."""
    if chosen_language() != "en":
        return tr(f"{{count}} {noun}", count=f"{count:,}")
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_time(stamp: str) -> str:
    """A moment in ISO 8601 as local time, 2026-11-30 18:45:18; what is none stays as it is."""
    try:
        return f"{datetime.fromisoformat(stamp).astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return stamp


def format_age(seconds: float) -> str:
    """How long ago something was, in one unit: 12s, 5m, 3h, 2d; a list changes seldom by it."""
    whole = max(0, int(seconds))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= size:
            return f"{whole // size:,}{unit}"
    return f"{whole}s"


def format_character(character: str, *, is_ascii: bool = False) -> str:
    """A character of a vocabulary for people, safe to show.

    In ASCII, a sign that would be drawn as another one has its code point.
    """
    if character in NAMES:
        return tr(NAMES[character])
    shown = safe_line(character)
    if character in FINALS:  # which look like initials; grammars write them so
        return f"-{shown}"
    if unicodedata.combining(character):
        return f"\N{DOTTED CIRCLE}{shown}"
    if is_ascii and in_ascii(shown) != shown:
        return f"U+{ord(character):04X}"
    return shown


GRAMS: Final = {0: "uniform", 1: "unigram", 2: "bigram"}


def format_ngram(order: int) -> str:
    """What an n-gram model of an order is called."""
    return tr(GRAMS[order]) if order in GRAMS else f"{order}-gram"


def format_distance(distance: int | None, reach: int) -> str:
    """How many characters back something lies; None is farther than was looked."""
    return f">{reach:,}" if distance is None else f"{distance:,}"


def percent(probability: float) -> str:
    """A probability in seven columns at most."""
    if probability <= 0:
        return "0 %"
    if probability < 1e-4:
        return "<0.01 %"
    return f"{100 * probability:.{1 if probability >= 0.1 else 2}f} %"


def bar(share: float, width: int) -> str:
    """A bar as wide as a share of its columns, in eighths of one; what is not nothing is seen."""
    eighths = round(8 * width * min(max(share, 0.0), 1.0)) or (1 if share > 0 else 0)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + _PARTS[part]).rstrip()


def padded(text: str, width: int, *, to_right: bool = False) -> str:
    """A text with spaces up to a number of columns, of which a letter of Hangul takes two.

    A text that is wider stays as it is; it is safe to show.
    """
    spaces = " " * max(width - cell_len(text), 0)
    return spaces + text if to_right else text + spaces


def fitted(text: str, columns: int) -> str:
    """A text in exactly so many columns; a longer one ends with an ellipsis."""
    if cell_len(text) > columns:
        return set_cell_size(text, columns - 1) + "…"
    return set_cell_size(text, columns)


def _rounded(count: float) -> tuple[str, str]:
    """Three digits of a number, and the letter of the power of 1000 that they count."""
    letter = ""
    for larger in "kMG":
        if count < 999.5:
            break
        count, letter = count / 1000, larger
    return (f"{count:.3g}" if count < 999.5 else f"{count:,.0f}"), letter


NEW_LENGTHS: Final = (5, 10, 20, 50)
"""Lengths for which the share of new text is shown."""


def format_share(share: float) -> str:
    """A share as a percentage; one that is neither 0 nor 1 is never shown as such."""
    if 0 < share < 1:
        return f"{min(max(100 * share, 0.1), 99.9):.1f} %"
    return f"{share:.0%}".replace("%", " %")


def format_new_shares(meter: "OriginalityMeter") -> Iterator[str]:
    """The share of new text at every length that the text has, as `20: 98.1 %`."""
    for length in NEW_LENGTHS:
        share = meter.new_share(length)
        if share is not None:
            yield f"{length}: {format_share(share)}"
