"""The numbers of single characters of a tape, as far as they are known."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.generation.neuron import Probe
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.lens.reading import Prediction, Predictions

_MOST: Final = 20_000
"""Characters of which something is known at most; the screen shows fewer."""

RUNNING: Final = 100
"""Characters over which the running mean of the surprise is taken."""
_FAR_BACK: Final = 1000
"""Characters among which the newest that is known is looked for."""

Key = tuple[int, int]
"""Names a character of a tape: the branch that has it as its own, and its position."""


class Expected(NamedTuple):
    """The numbers of one character; see `Prediction`."""

    probability: float
    surprise: float
    entropy: float


class XrayNumbers:
    """Written by one thread and read by any; of those that are too many, the first known go."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[Key, tuple[Expected, Predictions, int]] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._known

    def keep(self, keys: Sequence[Key], predictions: Predictions) -> None:
        """Know what was expected of characters.

        Args:
            keys: N of them.
            predictions: Of the same ones.
        """
        columns = predictions.probability, predictions.surprise, predictions.entropy
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for place, (key, row) in enumerate(zip(keys, rows, strict=True)):
            self._known[key] = Expected(*row), predictions, place
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]

    def expected(self, key: Key) -> Expected | None:
        """The numbers of a character; None as long as they are not known."""
        found = self._known.get(key)
        return None if found is None else found[0]

    def prediction(self, key: Key) -> Prediction | None:
        """The same with the likeliest characters."""
        found = self._known.get(key)
        return None if found is None else found[1].of(found[2])


class ProbeValues:
    """What a probe had after each character of a tape: four bytes a character, no states.

    Written by one thread and read by any.
    """

    def __init__(self, probe: Probe) -> None:
        """Know nothing yet.

        Args:
            probe: Whose values these are.
        """
        self.probe: Final = probe
        self.largest = 0.0
        """The largest absolute value that is known."""
        self._by_branch: dict[int, array[float]] = {}
        """Values by the branch that has the characters as its own, from position 0 on."""

    def keep(self, key: Key, value: float) -> None:
        """Know the value after a character."""
        number, position = key
        values = self._by_branch.get(number)
        if values is None:
            values = self._by_branch[number] = array("f")
        if position > len(values):
            values.extend([math.nan] * (position - len(values)))
        if position == len(values):
            values.append(value)
        else:
            values[position] = value
        self.largest = max(self.largest, abs(value))

    def of(self, key: Key) -> float | None:
        """The value after a character; None as long as it is not known."""
        values = self._by_branch.get(key[0])
        if values is None or key[1] >= len(values):
            return None
        value = values[key[1]]
        return None if math.isnan(value) else value

    def __contains__(self, key: Key) -> bool:
        return self.of(key) is not None


def key_of(tree: Tree, branch: int, position: int) -> Key:
    """The name of a character, the same on all branches that share it."""
    if tree.branches[branch].start <= position:  # most are; asked for at every character
        return branch, position
    return tree.holder(branch, position).number, position


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
    forbidden: frozenset[int] = frozenset()
    """The numbers of the characters that a rule took away."""


def known_place(
    tree: Tree,
    numbers: XrayNumbers,
    branch: int,
    position: int,
    *,
    is_newest: bool,
    unknown: int | None = None,
) -> XrayPlace | None:
    """What is known of a character; None as long as nothing is.

    Args:
        tree: All continuations.
        numbers: What is known of their characters.
        branch: The one in sight.
        position: Of the character on it.
        is_newest: Whether one shortly before will do, as more may come and not be known yet.
        unknown: Index of the unknown symbol, which counts in no mean; None if there is none.
    """
    last = max(position - _FAR_BACK, 0) if is_newest else position
    while numbers.expected(key_of(tree, branch, position)) is None and position > last:
        position -= 1
    prediction = numbers.prediction(key_of(tree, branch, position))
    if prediction is None:
        return None
    first, surprises = max(position - RUNNING + 1, 0), []
    indices = tree.indices(branch, first, position + 1)
    for before in range(position, first - 1, -1):
        known = numbers.expected(key_of(tree, branch, before))
        if known is None:
            break
        if indices[before - first] != unknown:
            surprises.append(known.surprise)
    running = sum(surprises) / max(len(surprises), 1)
    return XrayPlace(branch, position, indices[-1], prediction, running, len(surprises))
