"""The tree of branches of a text: plain data, without a network.

Positions count from the end of the seed text: the character at position p has p generated
characters before it. A branch shares its first `start` characters with its parent and stores the
others itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from operator import eq
from typing import Final, NamedTuple

from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.neuron import Clamp

LONGEST_NAME: Final = 40
"""Most characters of the name of a branch."""


class DrawsFrom(NamedTuple):
    """The random numbers that the characters from a position on use, one each."""

    position: int
    rng_seed: int
    drawn: int
    """Numbers of that seed that were drawn before."""


@dataclass(slots=True)
class Branch:
    """One branch of a text."""

    number: int
    """Its index in `Tree.branches`."""
    parent: int | None
    """Number of the branch that it forks from; None for the first."""
    start: int
    """How many characters it shares with its parent."""
    name: str
    """At most `LONGEST_NAME` characters."""
    sampling: list[tuple[int, SamplingConfig]]
    """Settings and the positions from which on they apply, ascending; the first is `start`."""
    draws: list[DrawsFrom]
    """Random numbers that its characters used, ascending; the first is from `start` on."""
    clamps: list[tuple[int, tuple[Clamp, ...]]]
    """Clamps and the positions from which on they apply, ascending; the first is `start`. They
    apply while the network reads the character before the position, as the character at the
    position is sampled from that step."""
    indices: array[int] = field(default_factory=lambda: array("i"))
    """Its own characters, as indices of the vocabulary."""
    probabilities: array[float] = field(default_factory=lambda: array("d"))
    """The probability of each own character under the settings."""
    taken: list[int] = field(default_factory=list)
    """Positions of the characters that the user chose instead of sampling them, ascending."""

    @property
    def length(self) -> int:
        """Characters from the end of the seed text to the end of the branch."""
        return self.start + len(self.indices)

    def sampling_at(self, position: int) -> SamplingConfig:
        """Return the settings at a position from `start` on."""
        return next(used for start, used in reversed(self.sampling) if start <= position)

    def clamps_at(self, position: int) -> tuple[Clamp, ...]:
        """Return the clamps at a position from `start` on."""
        return next(used for start, used in reversed(self.clamps) if start <= position)

    def draws_at(self, position: int) -> DrawsFrom:
        """Return the random numbers from a position on, which is `start` or later."""
        used = next(used for used in reversed(self.draws) if used.position <= position)
        return DrawsFrom(position, used.rng_seed, used.drawn + position - used.position)


class ListedBranch(NamedTuple):
    """An entry of `Tree.outline`."""

    branch: Branch
    depth: int
    """Number of its ancestors; 0 for the first branch."""


class Tree:
    """All branches of a text, in the order of their creation; the first has no parent.

    Lists and arrays in it only grow, so it can be read while another thread generates.
    """

    def __init__(
        self, sampling: SamplingConfig, draws: DrawsFrom, clamps: tuple[Clamp, ...] = ()
    ) -> None:
        """Start with one empty branch that has these settings, random numbers and clamps."""
        first = Branch(0, None, 0, "1", [(0, sampling)], [draws], [(0, clamps)])
        self.branches: list[Branch] = [first]

    def fork(self, number: int, position: int) -> Branch:
        """Add and return a new, empty branch that forks from another one at a position."""
        trunk = self._trunk(number, position)
        branch = Branch(
            number=len(self.branches),
            parent=trunk.number,
            start=position,
            name=str(len(self.branches) + 1),
            sampling=[(position, trunk.sampling_at(position))],
            draws=[trunk.draws_at(position)],
            clamps=[(position, trunk.clamps_at(position))],
        )
        self.branches.append(branch)
        return branch

    def lineage(self, number: int) -> Iterator[tuple[Branch, int]]:
        """Yield the branches that store a branch's text, from itself back to the first.

        Each comes with the position at which the text leaves it.
        """
        end = self.branches[number].length
        parent: int | None = number
        while parent is not None:
            branch = self.branches[parent]
            yield branch, end
            end, parent = branch.start, branch.parent

    def holder(self, number: int, position: int) -> Branch:
        """Return the branch that stores, or would store, the character at a position of a text."""
        return next(branch for branch, _ in self.lineage(number) if branch.start <= position)

    def indices(self, number: int, start: int = 0, stop: int | None = None) -> list[int]:
        """Return the characters of a branch's text between two positions, by index."""
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
        """Return the branches that fork from a branch, in order of position."""
        return sorted(
            (branch for branch in self.branches if branch.parent == number),
            key=lambda branch: (branch.start, branch.number),
        )

    def shared(self, number: int, other: int) -> int:
        """Return the length of the common prefix of two branches' texts."""
        return sum(takewhile(bool, map(eq, self.indices(number), self.indices(other))))

    def fork_positions(self, number: int) -> list[int]:
        """Return the positions at which other branches fork from a branch's text, ascending."""
        positions = set()
        for branch, end in self.lineage(number):
            positions |= {
                other.start
                for other in self.branches
                if other.parent == branch.number and other.start <= end
            }
        return sorted(positions)

    def continuations(self, number: int, position: int) -> dict[int, int]:
        """Return the characters that follow a position of a branch's text, in all its branches.

        They are indices by the number of the branch, in order of creation. The branch itself is
        among them unless it ends at the position.
        """
        trunk = self._trunk(number, position)
        forks = [
            other for other in self.forks(trunk.number) if other.start == position and other.indices
        ]
        own = self.holder(number, position)
        return {
            number if branch is own else branch.number: branch.indices[position - branch.start]
            for branch in ([trunk] if trunk.length > position else []) + forks
        }

    def split_position(self, number: int, other: int) -> int:
        """Return the position at which the paths of two branches in the tree separate."""
        ends = {branch.number: end for branch, end in self.lineage(number)}
        return next(
            min(end, ends[branch.number])
            for branch, end in self.lineage(other)
            if branch.number in ends
        )

    def outline(self) -> list[ListedBranch]:
        """Return all branches in depth-first order: each is followed by its forks, by position."""
        listed: list[ListedBranch] = []
        waiting = [ListedBranch(self.branches[0], 0)]
        while waiting:
            newest = waiting.pop()
            listed.append(newest)
            forks = self.forks(newest.branch.number)
            waiting += [ListedBranch(branch, newest.depth + 1) for branch in reversed(forks)]
        return listed

    def _trunk(self, number: int, position: int) -> Branch:
        """Return the branch from which a fork of a branch's text at a position starts."""
        return next(
            branch
            for branch, _ in self.lineage(number)
            if branch.start < position or branch.parent is None
        )
