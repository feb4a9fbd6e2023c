"""The candidate characters of one position, as rows: a character, a bar, probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import set_cell_size
from textual.content import Content

from tui_charrnn.generation.tape import Alternative
from tui_charrnn.translation import tr
from tui_charrnn.viewing.formatting import bar, format_character, padded, percent

_NAME_WIDTH: Final = 9  # columns
_NUMBER_WIDTH: Final = 9  # columns of a percentage
_NUMBERS_WIDTH: Final = 20  # columns of both, and of a gap before each
_MARGIN: Final = 5  # columns of the mark, the key and the gaps
_KEYS: Final = 9
"""The first rows, which are chosen by a digit."""
_WIDEST_NOTE: Final = 22  # columns of a branch's name, with the gap before it
_ROOMY: Final = 60  # least columns at which names are shown


_CHOSEN: Final = "▸"
FORBIDDEN_MARK: Final = "✗"
"""Marks a character that a sampling rule excludes."""
FORBIDDEN: Final = "forbidden"
"""Shown instead of its probability."""


@dataclass(frozen=True, slots=True)
class AlternativeRow:
    """One candidate character."""

    alternative: Alternative
    is_chosen: bool
    """Whether it is the one on the branch."""
    note: str = ""
    """The branch that continues with it; safe to show."""


def page_rows(
    alternatives: Sequence[Alternative],
    chosen: int | None,
    branches: Mapping[int, str],
    first: int,
    count: int,
) -> list[AlternativeRow]:
    """Return one page of rows; the first page also has every character that a branch took.

    Args:
        alternatives: All candidates, the likeliest first.
        chosen: Vocabulary index of the character on the branch; None at its end.
        branches: Names of the branches that continue with a character, by vocabulary index.
        first: Number of candidates on the pages before.
        count: Rows per page.
    """
    page = list(alternatives[first : first + count])
    if first == 0:
        taken = [other for other in alternatives[count:] if other.index in {chosen, *branches}]
        taken = taken[: count - 1]
        page = page[: max(count - len(taken), 1)] + taken
    return [
        AlternativeRow(other, other.index == chosen, branches.get(other.index, ""))
        for other in page
    ]


def draw_rows(rows: Sequence[AlternativeRow], width: int, *, is_ascii: bool) -> list[Content]:
    """Return a header and one line per row; a bar is as long as the probability."""
    has_notes = any(row.note for row in rows)
    note_width = min(_WIDEST_NOTE, width // 4) if width >= _ROOMY and has_notes else 0
    bar_width = max(width - note_width - _NUMBERS_WIDTH - _NAME_WIDTH - _MARGIN, 1)
    left = set_cell_size(f"    {tr('next')}", bar_width + _NAME_WIDTH + _MARGIN)
    heads = [padded(head, _NUMBER_WIDTH, to_right=True) for head in (tr("as set"), tr("model"))]
    lines = [Content(" ".join([left, *heads])).stylize("$note-text")]
    for key, row in enumerate(rows, 1):
        other = row.alternative
        as_set = tr(FORBIDDEN) if other.is_forbidden else percent(other.probability)
        line = character_row(
            mark_of(is_chosen=row.is_chosen, is_forbidden=other.is_forbidden),
            str(key) if key <= _KEYS else " ",
            format_character(other.character, is_ascii=is_ascii),
            (other.probability, bar_width),
            padded(as_set, _NUMBER_WIDTH, to_right=True),
            f" {percent(other.model_probability):>9}",
        )
        note = Content(row.note).truncate(max(note_width - 2, 0), ellipsis=True)
        lines.append(line.append("  ").append(note) if note else line)
    return lines


def mark_of(*, is_chosen: bool, is_forbidden: bool) -> str:
    """Return the mark of a chosen or a forbidden character; a space for any other."""
    return _CHOSEN if is_chosen else FORBIDDEN_MARK if is_forbidden else " "


def character_row(
    mark: str, key: str, shown: str, share: tuple[float, int], number: str, more: str = ""
) -> Content:
    """Return one line: a mark (see `mark_of`), a key, a character, a bar and its probability.

    The character must be safe to show; `share` is its probability and the columns of a full bar.
    """
    strength = "bold" if mark == _CHOSEN else ""
    name, (probability, width) = Content(shown), share
    row = Content.assemble(
        (mark, "bold"),
        f" {key} " if key else " ",
        name.stylize(strength) if strength else name,
        " " * (max(_NAME_WIDTH - name.cell_length, 0) + 1),
        (f"{bar(probability, width):<{width}}", "$accent"),
        (f" {number}", strength),
        more,
    )
    return row.stylize("dim") if mark == FORBIDDEN_MARK else row
