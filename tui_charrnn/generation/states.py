"""What a network remembered at some places of a text: many at first, fewer as the text grows."""

from collections.abc import Iterable
from typing import Final

from tui_charrnn.generation.tree import Branch
from tui_charrnn.model.weights import Float32

BUDGET: Final = 64 << 20
"""Bytes of all states together, after which every second one is let go."""
_FIRST_STRIDE: Final = 16
"""Characters from one state to the next in a short text."""


class KeptStates:
    """States by branch and position, at even distances.

    The state of a position is what the network remembers before it reads the character there is
    before that position: what a stream holds when it has said so many characters.
    """

    def __init__(self, origin: Float32, budget: int = BUDGET) -> None:
        """Keep the first state for ever.

        Args:
            origin: At position 0 of the first branch, shape (S,).
            budget: Bytes; one state at least is kept beside the first.
        """
        self.stride = _FIRST_STRIDE
        """Characters from one state to the next; doubled whenever the budget is spent."""
        self._most = max(1, budget // max(1, origin.nbytes))
        self._states = {(0, 0): origin}

    def __len__(self) -> int:
        return len(self._states)

    def shrink(self, budget: int) -> None:
        """Let go of states until no more than so many bytes are kept, now and later.

        Args:
            budget: Bytes; one state at least is kept beside the first.
        """
        self._most = min(self._most, max(1, budget // max(1, self._states[0, 0].nbytes)))
        self._thin()

    def offer(self, branch: int, position: int, state: Float32) -> None:
        """Keep a copy of a state if its place is one of those to be kept."""
        if position % self.stride or (branch, position) in self._states:
            return
        self._states[branch, position] = state.copy()
        self._thin()

    def _thin(self) -> None:
        while len(self._states) - 1 > self._most:
            self.stride *= 2
            self._states = {
                place: kept for place, kept in self._states.items() if not place[1] % self.stride
            }

    def nearest(self, lineage: Iterable[tuple[Branch, int]], position: int) -> tuple[int, Float32]:
        """The last state at or before a position.

        Args:
            lineage: The branches of the text; see `Tree.lineage`.
            position: Where a state is wanted.

        Returns:
            The position of the state that there is, and the state, not to be written to.
        """
        for branch, end in lineage:
            last = min(end, position)
            for place in range(last - last % self.stride, branch.start - 1, -self.stride):
                state = self._states.get((branch.number, place))
                if state is not None:
                    return place, state
        return 0, self._states[0, 0]
