"""Listens to a text that streams: what the x-ray asks for is there as each character comes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn.tui.xray.numbers import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.generation.tape import Tape
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.lens.trace import LayerView
    from tui_charrnn.model.weights import Float32
    from tui_charrnn.tui.xray.numbers import ProbeValues

_MOST_TAPPED: Final = 1024
"""Characters that are kept until numbers are made of them; older ones are read again."""
_NEAR: Final = 64
"""Characters from the newest one back within which one of a text that streams is near it."""


class Tapped(NamedTuple):
    """A character that was just said."""

    branch: int
    position: int
    logits: Float32
    """The scores that it was chosen by, shape (V,)."""


class LayerSnapshot:
    """States and gates of the step in which a character was read."""

    def __init__(self, branch: int, position: int, layers: tuple[LayerView, ...]) -> None:
        self.branch = branch
        self.position = position
        self.layers: Final = layers
        """The lowest first."""


class StreamTap:
    """Notes what a stream knows as it speaks; called in the thread that speaks.

    A character is known to be read only when the next one is chosen: states are those of the
    character before the newest.
    """

    def __init__(self) -> None:
        """Have heard nothing yet."""
        self.values: ProbeValues | None = None
        """Takes what the chosen neuron or gate has after each character, if there is one."""
        self.wants_snapshot = False
        """Whether states and gates are to be noted at the next character."""
        self.snapshot: LayerSnapshot | None = None
        """Those that were noted last."""
        self.last: tuple[int, int] | None = None
        """Branch and position of the newest character."""
        self._tapped: deque[Tapped] = deque(maxlen=_MOST_TAPPED)

    def __bool__(self) -> bool:
        """Whether characters came that nobody has taken yet."""
        return bool(self._tapped)

    def is_near(self, place: tuple[int, int]) -> bool:
        """Whether a character is one of the newest, by its branch and position."""
        return self.last is not None and (
            place[0] == self.last[0] and place[1] >= self.last[1] - _NEAR
        )

    def on_character(self, tape: Tape) -> None:
        """Note the scores that the newest character was chosen by, and what was read before it."""
        number, position = tape.branch.number, tape.position - 1
        self._tapped.append(Tapped(number, position, tape.stream.logits.copy()))
        self.last = number, position
        values = self.values
        if position and values is not None:
            values.keep(
                key_of(tape.tree, number, position - 1), values.probe.value(tape.stream.layers)
            )
        if position and self.wants_snapshot:
            # deferred: NumPy, which the first frame does not wait for
            from tui_charrnn.lens.trace import view_layers  # noqa: PLC0415 - as said

            self.wants_snapshot = False
            self.snapshot = LayerSnapshot(number, position - 1, view_layers(tape.stream.layers))

    def take(self) -> list[Tapped]:
        """What came since the last call."""
        return [self._tapped.popleft() for _ in range(len(self._tapped))]


def came(tree: Tree, tapped: Sequence[Tapped]) -> list[int]:
    """The characters that were heard, by their numbers in the vocabulary."""
    branches = tree.branches
    return [
        branches[one.branch].indices[one.position - branches[one.branch].start] for one in tapped
    ]
