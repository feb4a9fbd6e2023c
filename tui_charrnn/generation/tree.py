"""A tree of continuations of one text: plain data, without a network.

A position counts generated characters from the end of the seed text: the character at position p
has p generated characters before it. A branch shares the first `start` characters with its parent
and has its own from there on.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn.sampling_config import SamplingConfig

if TYPE_CHECKING:
    from tui_charrnn.generation.neuron import Clamp


LONGEST_NAME: Final = 40
"""Characters of the name of a branch."""


class DrawsFrom(NamedTuple):
    """Random numbers, and the position from which each character takes one of them."""

    position: int
    rng_seed: int
    drawn: int
    """How many numbers of that seed came before."""


@dataclass(slots=True)
class Branch:
    """One continuation."""

    number: int
    """Its place in the tree's list."""
    parent: int | None
    """The number of the branch that it leaves; None for the first."""
    start: int
    """How many characters it shares with its parent."""
    name: str
    """At most `LONGEST_NAME` characters."""
    sampling: list[tuple[int, SamplingConfig]]
    """What its characters were chosen by, and from which position on, ascending; the first holds
    from `start`."""
    draws: list[DrawsFrom]
    """Which random numbers they took, ascending; the first are those from `start`."""
    indices: array[int] = field(default_factory=lambda: array("i"))
    """Numbers in the vocabulary of its own characters."""
    probabilities: array[float] = field(default_factory=lambda: array("d"))
    """What each of them had when it was chosen."""
    taken: list[int] = field(default_factory=list)
    """Positions of those that were not drawn but taken at somebody's word, ascending."""
    clamps: list[tuple[int, tuple[Clamp, ...]]] = field(default_factory=list)
    """Which neurons were held, and from which position on, ascending; before the first of these,
    none. The network holds them as it reads the character before that position, for that is what
    the character at the position is chosen by."""

    @property
    def length(self) -> int:
        """Characters from the end of the seed text to its end."""
        return self.start + len(self.indices)

    def sampling_at(self, position: int) -> SamplingConfig:
        """The settings that hold at a position from `start` on."""
        return next(used for start, used in reversed(self.sampling) if start <= position)

    def clamps_at(self, position: int) -> tuple[Clamp, ...]:
        """The neurons that are held for a position from `start` on."""
        return next((held for start, held in reversed(self.clamps) if start <= position), ())

    def draws_at(self, position: int) -> DrawsFrom:
        """The random numbers from a position on, which is `start` or later."""
        used = next(used for used in reversed(self.draws) if used.position <= position)
        return DrawsFrom(position, used.rng_seed, used.drawn + position - used.position)


class ListedBranch(NamedTuple):
    """A branch in the list of all."""

    branch: Branch
    depth: int
    """How many branches it lies on; 0 for the first."""


class Tree:
    """All continuations, in the order in which they came to be; the first has no parent.

    Numbers and arrays in it only grow, so it may be read while a text streams into it.
    """

    def __init__(
        self, sampling: SamplingConfig, draws: DrawsFrom, clamps: tuple[Clamp, ...] = ()
    ) -> None:
        """Begin with one branch, whose first character has these settings, draws and clamps."""
        self.branches: list[Branch] = [Branch(0, None, 0, "1", [(0, sampling)], [draws])]
        self.branches[0].clamps += [(0, clamps)] if clamps else []

    def fork(self, number: int, position: int) -> Branch:
        """Let a new branch, without a character of its own, leave another one at a position."""
        trunk = self._trunk(number, position)
        branch = Branch(
            number=len(self.branches),
            parent=trunk.number,
            start=position,
            name=str(len(self.branches) + 1),
            sampling=[(position, trunk.sampling_at(position))],
            draws=[trunk.draws_at(position)],
        )
        held = trunk.clamps_at(position)
        branch.clamps += [(position, held)] if held else []
        self.branches.append(branch)
        return branch

    def lineage(self, number: int) -> Iterator[tuple[Branch, int]]:
        """The branches that a branch's text lies on, from itself back to the first.

        Yields:
            Each, with the position at which the text leaves it.
        """
        end = self.branches[number].length
        parent: int | None = number
        while parent is not None:
            branch = self.branches[parent]
            yield branch, end
            end, parent = branch.start, branch.parent

    def holder(self, number: int, position: int) -> Branch:
        """The branch on which a branch's text has the character at a position, or would have."""
        return next(branch for branch, _ in self.lineage(number) if branch.start <= position)

    def indices(self, number: int, start: int = 0, stop: int | None = None) -> list[int]:
        """The characters of a branch's text from one position to another, by their numbers."""
        stop = self.branches[number].length if stop is None else stop
        parts: list[array[int]] = []
        for branch, end in self.lineage(number):
            first, last = max(start, branch.start), min(stop, end)
            if first < last:
                parts.append(branch.indices[first - branch.start : last - branch.start])
            if branch.start <= start:
                break
        return [index for part in reversed(parts) for index in part]

    def forks(self, number: int) -> list[Branch]:
        """The branches that leave a branch, by the position at which they do."""
        return sorted(
            (branch for branch in self.branches if branch.parent == number),
            key=lambda branch: (branch.start, branch.number),
        )

    def shared(self, number: int, other: int) -> int:
        """How many characters two branches' texts have in common from their beginning on."""
        ours, theirs = self.indices(number), self.indices(other)
        pairs = zip(ours, theirs, strict=False)
        differing = (place for place, (one, two) in enumerate(pairs) if one != two)
        return next(differing, min(len(ours), len(theirs)))

    def fork_positions(self, number: int) -> list[int]:
        """Where another branch continues a branch's text differently, ascending."""
        found = set()
        for branch, end in self.lineage(number):
            found |= {
                other.start
                for other in self.branches
                if other.parent == branch.number and other.start <= end
            }
        return sorted(found)

    def continuations(self, number: int, position: int) -> dict[int, int]:
        """What follows the first characters of a branch's text, on it and on others.

        `position` is how many characters they share.

        Returns:
            The number of the next character by that of the branch that has it, in the order in
            which they came to be. The branch itself is among them unless it ends here.
        """
        trunk = self._trunk(number, position)
        leaving = [
            other for other in self.forks(trunk.number) if other.start == position and other.indices
        ]
        own = self.holder(number, position)
        return {
            number if branch is own else branch.number: branch.indices[position - branch.start]
            for branch in ([trunk] if trunk.length > position else []) + leaving
        }

    def parting(self, number: int, other: int) -> int:
        """The position from which on two branches' texts are not the same characters."""
        ends = {branch.number: end for branch, end in self.lineage(number)}
        return next(
            min(end, ends[branch.number])
            for branch, end in self.lineage(other)
            if branch.number in ends
        )

    def outline(self) -> list[ListedBranch]:
        """All branches, each followed by those that leave it, the earliest first."""
        listed: list[ListedBranch] = []
        waiting = [ListedBranch(self.branches[0], 0)]
        while waiting:
            newest = waiting.pop()
            listed.append(newest)
            leaving = self.forks(newest.branch.number)
            waiting += [ListedBranch(branch, newest.depth + 1) for branch in reversed(leaving)]
        return listed

    def _trunk(self, number: int, position: int) -> Branch:
        """The branch that one which leaves a branch's text at a position is a fork of."""
        return next(
            branch
            for branch, _ in self.lineage(number)
            if branch.start < position or branch.parent is None
        )
