"""The numbers of single characters of a tape, as far as they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.lens.prediction import Prediction, Predictions

_MOST: Final = 20_000
"""Characters of which something is known at most; the screen shows fewer."""

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


def key_of(tree: Tree, branch: int, position: int) -> Key:
    """The name of a character, the same on all branches that share it."""
    return tree.holder(branch, position).number, position
