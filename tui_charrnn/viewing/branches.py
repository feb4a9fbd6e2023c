"""A tape's tree as its reader walks it: where it forks, what continues from there, all in order.

Everything here reads numbers and arrays that only grow, so a tree may be looked at while a text
streams into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui_charrnn.generation.tree import Branch, Tree


class Listed(NamedTuple):
    """A branch in the list of all."""

    branch: Branch
    depth: int
    """How many branches it lies on; 0 for the first."""


def forks_on(tree: Tree, number: int) -> list[int]:
    """The positions of a branch's text at which another one continues differently, ascending."""
    found = set()
    for branch, end in tree.lineage(number):
        found |= {
            other.start
            for other in tree.branches
            if other.parent == branch.number and other.start <= end
        }
    return sorted(found)


def continuations(tree: Tree, number: int, position: int) -> dict[int, int]:
    """What follows the first characters of a branch's text, on it and on others.

    `position` is how many characters they share.

    Returns:
        The number of the next character by that of the branch that has it, in the order in which
        they came to be. The branch itself is among them unless it ends here.
    """
    trunk = next(
        branch
        for branch, _ in tree.lineage(number)
        if branch.start < position or branch.parent is None
    )
    leaving = [
        other
        for other in tree.branches
        if other.parent == trunk.number and other.start == position and other.indices
    ]
    own = tree.holder(number, position)
    return {
        number if branch is own else branch.number: branch.indices[position - branch.start]
        for branch in ([trunk] if trunk.length > position else []) + leaving
    }


def parting(tree: Tree, one: int, other: int) -> int:
    """The position up to which two branches' texts are one."""
    ends = {branch.number: end for branch, end in tree.lineage(one)}
    return next(
        min(end, ends[branch.number])
        for branch, end in tree.lineage(other)
        if branch.number in ends
    )


def outline(tree: Tree) -> list[Listed]:
    """All branches, each followed by those that leave it, the earliest first."""
    listed: list[Listed] = []
    waiting = [Listed(tree.branches[0], 0)]
    while waiting:
        newest = waiting.pop()
        listed.append(newest)
        leaving = tree.forks(newest.branch.number)
        waiting += [Listed(branch, newest.depth + 1) for branch in reversed(leaving)]
    return listed
