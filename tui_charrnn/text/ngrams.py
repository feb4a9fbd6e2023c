"""N-gram baselines on the held-out text, and detection of repeated text.

The baselines are interpolated n-gram models with Witten-Bell weights, on the same split. With c the
next character, ctx the n - 1 characters before it and T(ctx) the number of distinct characters seen
after ctx,

    p_n(c | ctx) = (count(ctx, c) + T(ctx) · p_{n-1}(c | shorter ctx)) / (count(ctx) + T(ctx))

where p_0 = 1/V; a context never seen in training has the probabilities of its shorter one.

Source:
    Witten & Bell (1991), The zero-frequency problem, method C; interpolated as in Chen & Goodman
    (1999), An empirical study of smoothing techniques for language modeling, section 2.4.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError, never_cancelled
from tui_charrnn.text.numbered_text import IndexedText
from tui_charrnn.translation import format_percent, tr

Integers = npt.NDArray[np.integer]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

HIGHEST_ORDER: Final = 7
LIMITS: Final = (3_000_000, 1_000_000)
"""Maximum characters that are counted, and that are scored."""
_PATIENCE: Final = 2  # orders in a row that may be worse than the best before counting stops


@dataclass(frozen=True, slots=True)
class Baselines:
    """The loss of n-gram models on held-out text, by rising order."""

    orders: tuple[int, ...]
    """0 uniform, 1 unigram, 2 bigram, n the n-gram."""
    losses: tuple[float, ...]
    """Mean cross-entropy of each order, nats per character."""
    training_characters: int
    """Number of characters counted: at most the limit, from the end of the training text."""
    heldout_characters: int
    """Number of characters scored: at most the limit, from the beginning of the held-out text."""

    def per_character(self, units: float) -> "Baselines":
        """Convert losses per unit to losses per character of `units` units."""
        return replace(self, losses=tuple(loss * units for loss in self.losses))

    @property
    def best_order(self) -> int:
        """The order of the lowest loss."""
        return self.orders[self.losses.index(min(self.losses))]


def measure_baselines(
    training: Integers | IndexedText,
    heldout: Integers | IndexedText,
    vocabulary_size: int,
    *,
    limits: tuple[int, int] = LIMITS,
    end: int | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
) -> Baselines:
    """Count n-grams in the training text and score the held-out text with them.

    Both are character indices below V, shapes (N,) and (M,). Stops after two orders in a row are
    worse than the best. The context of a held-out character reaches back over earlier held-out
    characters into the training text, but not beyond the sign that ends a record, of index `end`.

    Large texts are bounded, in time and memory: only as many characters as `limits` say, nearest to
    the split, are counted and scored. `check_cancelled` is called before every order and raises to
    cancel.

    Raises:
        CorpusError: If there is no training text or no held-out text.
    """
    if not len(training) or not len(heldout):
        raise CorpusError(
            "The baselines need training text and held-out text. Received: {training:,} and "
            "{heldout:,} characters.",
            training=len(training),
            heldout=len(heldout),
        )
    most_counted, most_scored = limits
    counted, scored = training[-most_counted:], heldout[:most_scored]
    text = np.concatenate([np.asarray(counted), np.asarray(scored)]).astype(np.int64)
    is_end = text == (-1 if end is None else end)
    losses: list[float] = []
    for loss in _losses(text, len(counted), vocabulary_size, is_end):
        losses.append(loss)
        if len(losses) > HIGHEST_ORDER or losses.index(min(losses)) < len(losses) - _PATIENCE:
            break
        check_cancelled()
    return Baselines(tuple(range(len(losses))), tuple(losses), len(counted), len(scored))


def _losses(text: Int64, split: int, vocabulary_size: int, is_end: Bool) -> Iterator[float]:
    """Yield the loss of each order, from 0 on, in nats per character.

    `text` has the N characters to count, up to `split`, and the M to score, shape (N + M,);
    `is_end` says which of them end a record.
    """
    # The number of the context that each character has at the next order. Numbers are dense,
    # below N + M, so that number · V + character never leaves 64 bits.
    contexts = np.zeros(len(text), dtype=np.int64)
    probabilities = np.full(len(text) - split, 1 / vocabulary_size)
    for history in itertools.count():  # characters that a context of the next order holds
        yield float(-np.log(probabilities).mean())
        grams, gram_ids = np.unique(contexts * vocabulary_size + text, return_inverse=True)
        counted = slice(min(history, split), split)  # with a complete context
        counts = np.bincount(gram_ids[counted], minlength=len(grams))
        context_count = int(contexts.max()) + 1
        totals = np.bincount(contexts[counted], minlength=context_count)
        followers = np.bincount(grams[counts > 0] // vocabulary_size, minlength=context_count)
        total, weight = totals[contexts[split:]], followers[contexts[split:]]
        mixed = counts[gram_ids[split:]] + weight * probabilities
        probabilities = np.where(total > 0, mixed / np.maximum(total + weight, 1), probabilities)
        # all end signs are one context, whatever precedes them
        contexts[1:] = np.where(is_end, len(grams), gram_ids)[:-1]
        contexts[0] = 0


PASSAGE: Final = 50
"""Characters of a passage: long enough to be rarely repeated by chance."""
REPORTED_SHARE: Final = 0.05
"""Repeated share of the held-out passages from which on the validation loss is too low."""
_MAX_TRAINING, _MAX_HELD_OUT = 8_000_000, 500_000
"""Maximum characters compared, nearest to the split on either side."""
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
"""An odd 64-bit base whose powers are spread evenly."""
_SAME_LINES: Final = 0.8
"""Minimum share of common distinct lines for two files to be reported."""
_SHORTEST_LINE: Final = 20
"""Minimum characters of a line that is compared; shorter ones occur in many files."""
_MAX_COMMON: Final = 20  # a line that more files have in common is ignored


def repeated_share(training: IndexedText, held_out: IndexedText, length: int = PASSAGE) -> float:
    """How much of a held-out text, shape (M,), also occurs in the training text, shape (N,).

    Returns:
        The share of the held-out passages of `length` characters that also occur in the training
        text; 0 if either text is shorter.
    """
    if min(len(training), len(held_out)) < length:
        return 0.0
    known = np.unique(_hashes(np.asarray(training[-_MAX_TRAINING:]), length))
    return float(np.isin(_hashes(np.asarray(held_out[:_MAX_HELD_OUT]), length), known).mean())


def repetition_sentence(share: float) -> str:
    """What a `repeated_share` means for the validation loss; empty below `REPORTED_SHARE`."""
    if share < REPORTED_SHARE:
        return ""
    return tr(
        "{share} of the held-out text, in passages of {length} characters, also occurs in "
        "the training text: the validation loss will be too low. Remove repeated text.",
        share=format_percent(share),
        length=PASSAGE,
    )


def _hashes(numbers: npt.NDArray[np.integer], length: int) -> npt.NDArray[np.uint64]:
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
        if 2 <= len(names) <= _MAX_COMMON
        for pair in itertools.combinations(names, 2)
    )
    shares = [
        (one, other, count / min(len(lines[one]), len(lines[other])))
        for (one, other), count in common.items()
    ]
    found = [pair for pair in shares if pair[2] >= _SAME_LINES]
    return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))
