"""What is known of one character, in one line and in rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from tui_charrnn.tui.renderables.alternative_rows import bar, percent
from tui_charrnn.tui.xray_coloring import LOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui_charrnn.tui.xray_coloring import ScaleName
    from tui_charrnn.tui.xray_pages import Page
    from tui_charrnn.tui.xray_places import XrayPlace
    from tui_charrnn.viewing.xray import Expectation

_NAME: Final = 9  # columns of a character's name
_NUMBER: Final = 8  # columns of its probability


def place_words(
    name: str, expected: Expectation, running: float, count: int, more: str = ""
) -> str:
    """A character's numbers in one line.

    Args:
        name: The character, safe to show.
        expected: What was expected of it.
        running: Mean surprise of the last characters, bits.
        count: How many those are.
        more: What there is to say of it first, safe to show.
    """
    first = f"{more} · " if more else ""
    return (
        f"{name}: {first}{percent(expected.probability)}, {expected.surprise:.2f} bits"
        f" · entropy {expected.entropy:.2f} · last {count}: {running:.2f} bits/char"
    )


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


def legend_row(scale: ScaleName, head: str, words: Sequence[str]) -> Content:
    """What the levels of a coloring mean, each as its characters look."""
    parts = [Content(f"{head} ")]
    for said, (color, style) in zip(words, LOOKS[scale], strict=False):
        if said:
            look = f"{color} {'' if style == 'none' else style}".strip()
            parts.append(Content(said).stylize(look))
    return Content(" ").join(parts)


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
