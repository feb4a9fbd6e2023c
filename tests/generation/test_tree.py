"""Queries of the tree: forks, continuations, common prefixes, order."""

from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.tree import DrawsFrom, Tree

FORKS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 30), st.text("abc", min_size=1, max_size=6)),
    max_size=7,
)


def tree_of(first: str, forks: list[tuple[int, int, str]]) -> Tree:
    """A tree whose branches leave others (by number) at positions, each with a text of its own."""
    tree = Tree(SamplingConfig(), DrawsFrom(0, 1, 0))
    _say(tree, 0, first)
    for number, position, text in forks:
        left = tree.branches[number % len(tree.branches)]
        if left.length:
            branch = tree.fork(left.number, position % left.length)
            _say(tree, branch.number, text)
    return tree


def _say(tree: Tree, number: int, text: str) -> None:
    branch = tree.branches[number]
    for character in text:
        branch.indices.append(ord(character))
        branch.probabilities.append(0.5)


def text_of(tree: Tree, number: int) -> str:
    return "".join(map(chr, tree.indices(number)))


def paths(tree: Tree, number: int) -> list[tuple[int, int]]:
    """Every character of a branch's text by the branch that holds it and its position."""
    length = tree.branches[number].length
    return [(tree.holder(number, place).number, place) for place in range(length)]


@given(st.text("abc", min_size=1, max_size=12), FORKS)
def test_branches_part_where_their_characters_are_no_longer_the_same_ones(
    first: str, forks: list[tuple[int, int, str]]
) -> None:
    tree = tree_of(first, forks)
    for one in range(len(tree.branches)):
        for other in range(len(tree.branches)):
            shared = zip(paths(tree, one), paths(tree, other), strict=False)
            expected = sum(1 for ours, theirs in shared if ours == theirs)
            assert tree.split_position(one, other) == expected


@given(st.text("abc", min_size=1, max_size=12), FORKS)
def test_every_branch_is_found_at_the_fork_where_it_parts(
    first: str, forks: list[tuple[int, int, str]]
) -> None:
    tree = tree_of(first, forks)
    for number in range(len(tree.branches)):
        text = text_of(tree, number)
        for position in tree.fork_positions(number):
            found = tree.continuations(number, position)
            assert len(found) > 1 or position == len(text)
            assert (number in found) == (position < len(text))
            for other, index in found.items():
                assert text_of(tree, other)[: position + 1] == text[:position] + chr(index)
        for branch in tree.branches:
            apart = tree.split_position(number, branch.number)
            if branch.number != number and apart < len(text):
                assert apart in tree.fork_positions(number)


def test_continuations_of_a_fork_are_all_branches_that_leave_there() -> None:
    tree = tree_of("abcdef", [(0, 3, "xy"), (1, 3, "z"), (0, 3, "q"), (1, 4, "w")])
    assert [branch.parent for branch in tree.branches] == [None, 0, 0, 0, 1]
    assert tree.continuations(4, 3) == {0: ord("d"), 4: ord("x"), 2: ord("z"), 3: ord("q")}
    assert tree.continuations(4, 4) == {1: ord("y"), 4: ord("w")}
    assert tree.continuations(0, 2) == {0: ord("c")}
    assert tree.continuations(0, 6) == {}
    assert tree.fork_positions(4) == [3, 4]
    assert tree.fork_positions(0) == [3]


def test_each_branch_is_followed_by_those_that_leave_it_the_earliest_first() -> None:
    tree = tree_of("abcdef", [(0, 4, "x"), (0, 1, "yz"), (2, 2, "w")])
    listed = [(row.branch.number, row.depth) for row in tree.outline()]
    assert listed == [(0, 0), (2, 1), (3, 2), (1, 1)]
