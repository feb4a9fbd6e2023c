"""What is known of one character, and which characters are to be known for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui_charrnn.tui.xray.gaps import Passage
from tui_charrnn.tui.xray.numbers import key_of

if TYPE_CHECKING:
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.lens.prediction import Prediction
    from tui_charrnn.tui.xray.numbers import XrayNumbers

RUNNING: Final = 100
"""Characters over which the running mean of the surprise is taken."""
_FAR_BACK: Final = 1000
"""Characters among which the newest that is known is looked for."""
_MOST_AROUND: Final = 4000
"""Characters before and after those in view that are read ahead of need."""


@dataclass(frozen=True, slots=True)
class XrayPlace:
    """A character and what is known of it."""

    branch: int
    position: int
    index: int
    """Its number in the vocabulary."""
    prediction: Prediction
    running: float
    """Mean surprise of the last characters up to this one, bits."""
    count: int
    """How many those are, `RUNNING` at most."""


def known_place(
    tree: Tree, numbers: XrayNumbers, branch: int, position: int, *, is_newest: bool
) -> XrayPlace | None:
    """What is known of a character; None as long as nothing is.

    Args:
        tree: All continuations.
        numbers: What is known of their characters.
        branch: The one in sight.
        position: Of the character on it.
        is_newest: Whether one shortly before will do, as more may come and not be known yet.
    """
    last = max(position - _FAR_BACK, 0) if is_newest else position
    while numbers.expected(key_of(tree, branch, position)) is None and position > last:
        position -= 1
    surprises = []
    for before in range(position, max(position - RUNNING, -1), -1):
        known = numbers.expected(key_of(tree, branch, before))
        if known is None:
            break
        surprises.append(known.surprise)
    prediction = numbers.prediction(key_of(tree, branch, position))
    if prediction is None or not surprises:
        return None
    (index,) = tree.indices(branch, position, position + 1)
    running = sum(surprises) / len(surprises)
    return XrayPlace(branch, position, index, prediction, running, len(surprises))


def wanted_passages(
    branch: int, explained: int, view: tuple[int, int], shown: int, *, is_streaming: bool
) -> tuple[Passage, ...]:
    """What is to be known, the most urgent first: what is explained, what is in view, what is near.

    Args:
        branch: The continuation in sight.
        explained: Position of the character that the panel is about.
        view: The positions of the first character in view, and after the last.
        shown: How many characters there are.
        is_streaming: Whether more are coming, which nothing may hold up.
    """
    start, stop = view
    passages = (
        Passage(branch, explained, explained + 1),
        Passage(branch, start, stop),
        Passage(branch, max(explained - RUNNING + 1, 0), explained + 1),
    )
    if is_streaming:
        return passages
    around = min(stop - start, _MOST_AROUND)
    after = Passage(branch, stop, min(stop + around, shown))
    before = Passage(branch, max(start - around, 0), start)
    return (*passages, after, before)
