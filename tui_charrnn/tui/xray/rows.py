"""What is known of one character, in one line and in rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from tui_charrnn.tui.text.alternative_rows import bar, percent
from tui_charrnn.tui.xray.coloring import LOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui_charrnn.tui.xray.coloring import ScaleName
    from tui_charrnn.tui.xray.pages import Page
    from tui_charrnn.tui.xray.places import XrayPlace
    from tui_charrnn.viewing.xray import Expectation

_NAME: Final = 9  # columns of a character's name
_NUMBER: Final = 8  # columns of its probability


def place_words(
    name: str, expected: Expectation, running: float, count: int, width: int, more: str = ""
) -> str:
    """A character's numbers in one line; the last of them are left out where they have no room.

    Args:
        name: The character, safe to show.
        expected: What was expected of it.
        running: Mean surprise of the last characters, bits.
        count: How many those are.
        width: Columns.
        more: What there is to say of it first, safe to show.
    """
    parts = [
        *([more] if more else []),
        f"{percent(expected.probability)}, {expected.surprise:.2f} bits",
        f"entropy {expected.entropy:.2f}",
        f"last {count}: {running:.2f} bits/char",
    ]
    words = f"{name}: {parts[0]}"
    for part in parts[1:]:
        longer = f"{words} · {part}"
        if Content(longer).cell_length > width:
            break
        words = longer
    return words


def place_rows(expected: Expectation, running: float, count: int) -> list[tuple[str, str]]:
    """A character's numbers as names and values.

    Args:
        expected: What was expected of it.
        running: Mean surprise of the last characters, bits.
        count: How many those are.
    """
    return [
        ("probability", percent(expected.probability)),
        ("surprise", f"{expected.surprise:.2f} bits"),
        ("entropy", f"{expected.entropy:.2f} bits"),
        (f"last {count}", f"{running:.2f} bits/char"),
    ]


def expected_rows(
    seen: XrayPlace, width: int, height: int, name_of: Callable[[int], str]
) -> list[Content]:
    """What else the model expected: a head, and a bar for each character, the likeliest first.

    Args:
        seen: The character that came, and what was expected.
        width: Columns.
        height: Rows at most.
        name_of: A character of the vocabulary, by its number, safe to show.
    """
    head = Content("expected by the model").stylize("$note-text")
    count = max(height - 1, 0)
    rows = [
        _expected_row(name_of(index), share, width, has_come=index == seen.index)
        for index, share in seen.prediction.alternatives[:count]
    ]
    return [head, *rows][:height]


def _expected_row(shown: str, probability: float, width: int, *, has_come: bool) -> Content:
    name = Content(shown)
    bar_width = max(width - _NAME - _NUMBER - 4, 1)
    strength = "bold" if has_come else ""
    return Content.assemble(
        ("▸ " if has_come else "  ", "bold"),
        name.stylize(strength) if strength else name,
        " " * max(_NAME - name.cell_length, 0),
        " ",
        (f"{bar(probability, bar_width):<{bar_width}}", "$accent"),
        (f" {percent(probability):>{_NUMBER}}", strength),
    )


def legend_row(scale: ScaleName, head: str, words: Sequence[str], keys: str = "") -> Content:
    """What the levels of a coloring mean, each as its characters look.

    Args:
        scale: How the levels look.
        head: What is colored by, safe to show.
        words: What each level means, safe to show; one without words is left out.
        keys: Which keys change something about it; empty for none.
    """
    parts = [Content(f"{head} ")]
    for said, (color, style) in zip(words, LOOKS[scale], strict=False):
        if said:
            look = f"{color} {'' if style == 'none' else style}".strip()
            parts.append(Content(said).stylize(look))
    row = Content(" ").join(parts)
    return row.append(Content(f"  {keys}").stylize("$note-text")) if keys else row


def tabs_row(pages: Sequence[Page], now: int, key: str, width: int) -> Content:
    """The names of the pages, the one that is shown standing out, and the key that turns them."""
    names = [
        Content(page.words).stylize("bold underline" if number == now else "$note-text")
        for number, page in enumerate(pages)
    ]
    row = Content(" · ").join(names).append(f"  {key}")
    if row.cell_length <= width:
        return row
    return names[now].append(f" · page {now + 1} of {len(pages)}  {key}")
