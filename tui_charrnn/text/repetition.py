"""What stands twice in a text: held-out passages that are trained on, files that are nearly one."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.text.numbered_text import IndexedText
from tui_charrnn.translation import tr

PASSAGE: Final = 50
"""Characters of a passage: so many in a row are hardly ever the same by chance."""
WORTH_TELLING: Final = 0.05
"""Share of the held-out passages from which on a validation loss is too good."""
_MOST_TRAINING, _MOST_HELD_OUT = 8_000_000, 500_000
"""Characters that are looked at: those on either side of the split."""
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
"""An odd number of 64 bits whose powers are spread evenly."""
_SAME_LINES: Final = 0.8
"""Share of its distinct lines that a file must have in common with another to be reported."""
_SHORTEST_LINE: Final = 20
"""Characters of a line that counts; shorter ones are the same in many files."""
_MOST_COMMON: Final = 20  # files that have a line in common; a line of more is ignored

UInt64 = npt.NDArray[np.uint64]


def repeated_share(training: IndexedText, held_out: IndexedText, length: int = PASSAGE) -> float:
    """How much of a held-out text, shape (M,), is trained on, shape (N,), word for word.

    Returns:
        The share of the held-out passages of that length that stand in the training text too; 0 if
        one of both is shorter.
    """
    if min(len(training), len(held_out)) < length:
        return 0.0
    known = np.unique(_hashes(np.asarray(training[-_MOST_TRAINING:]), length))
    return float(np.isin(_hashes(np.asarray(held_out[:_MOST_HELD_OUT]), length), known).mean())


def repetition_sentence(share: float) -> str:
    """What a `repeated_share` means for the validation loss; empty if it is hardly any."""
    if share < WORTH_TELLING:
        return ""
    return tr(
        "{share:.0%} of the held-out text, in passages of {length} characters, stands in the "
        "training text too: its loss will be too good. Leave out what the text has twice.",
        share=share,
        length=PASSAGE,
    )


def _hashes(numbers: npt.NDArray[np.integer], length: int) -> UInt64:
    """A hash of every passage, shape (N - length + 1,): a polynomial modulo 2**64."""
    values = np.asarray(numbers, np.uint64) + np.uint64(1)
    total = np.zeros(len(values) - length + 1, np.uint64)
    with np.errstate(over="ignore"):
        for start in range(length):
            total *= _BASE
            total += values[start : start + len(total)]
    return total


def similar_files(files: Iterable[tuple[str, str]]) -> list[tuple[str, str, float]]:
    """Pairs of files, by name and text, that have most of their lines in common.

    Returns:
        Both names, and the share of the smaller one's distinct lines that the other has, the
        largest first.
    """
    lines = {
        name: {line for line in text.splitlines() if len(line.strip()) >= _SHORTEST_LINE}
        for name, text in files
    }
    holders: dict[str, list[str]] = defaultdict(list)
    for name, own in lines.items():
        for line in own:
            holders[line].append(name)
    common = Counter(
        pair
        for names in holders.values()
        if 2 <= len(names) <= _MOST_COMMON
        for pair in combinations(names, 2)
    )
    shares = [
        (one, other, count / min(len(lines[one]), len(lines[other])))
        for (one, other), count in common.items()
    ]
    found = [pair for pair in shares if pair[2] >= _SAME_LINES]
    return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))
