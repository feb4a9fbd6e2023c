"""The baseline ladder: how far plain counting gets on the same split.

Interpolated n-gram models with Witten-Bell weights. With c the next character, ctx the n - 1
characters before it and T(ctx) the number of distinct characters seen after ctx,

    p_n(c | ctx) = (count(ctx, c) + T(ctx) · p_{n-1}(c | shorter ctx)) / (count(ctx) + T(ctx))

where p_0 = 1/V; a context never seen in training has the probabilities of its shorter one.

Source:
    Witten & Bell (1991), The zero-frequency problem, method C; interpolated as in Chen & Goodman
    (1999), An empirical study of smoothing techniques for language modeling, section 2.4.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.numbered_text import IndexedText
from tui_charrnn.text.sources import never_cancelled

Integers = npt.NDArray[np.integer]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

TRAINING_LIMIT: Final = 3_000_000  # characters
HELDOUT_LIMIT: Final = 1_000_000  # characters
_NAMES: Final = {0: "uniform", 1: "unigram", 2: "bigram"}
_PATIENCE: Final = 2  # orders in a row that may be worse than the best before counting stops


@dataclass(frozen=True, slots=True)
class Baselines:
    """The loss of n-gram models on held-out text, by rising order."""

    orders: tuple[int, ...]
    """0 uniform, 1 unigram, 2 bigram, n the n-gram."""
    losses: tuple[float, ...]
    """Mean cross-entropy of each order, nats per character."""
    training_characters: int
    """How many were counted: those nearest the end of a training text past the limit."""
    heldout_characters: int
    """How many were scored: the first of a held-out text past the limit."""

    def per_character(self, units: float) -> "Baselines":
        """The same for characters of so many units each, where it was measured in units."""
        return replace(self, losses=tuple(loss * units for loss in self.losses))

    @property
    def names(self) -> tuple[str, ...]:
        """What the orders are called."""
        return tuple(_NAMES.get(order, f"{order}-gram") for order in self.orders)

    @property
    def best_order(self) -> int:
        """The order of the lowest loss."""
        return self.orders[self.losses.index(self.best_loss)]

    @property
    def best_loss(self) -> float:
        """The lowest loss, nats per character."""
        return min(self.losses)


def measure_baselines(  # noqa: PLR0913 (what is counted, and limits that each caller names)
    training: Integers | IndexedText,
    heldout: Integers | IndexedText,
    vocabulary_size: int,
    *,
    highest_order: int = 7,
    training_limit: int = TRAINING_LIMIT,
    heldout_limit: int = HELDOUT_LIMIT,
    end: int | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
) -> Baselines:
    """Count n-grams in the training text and score the held-out text with them.

    Stops once two orders in a row are worse than the best. The context of a held-out character
    reaches back over earlier held-out characters into the training text.

    Large texts are bounded, in time and memory: only the `training_limit` characters nearest the
    held-out text are counted, and only the first `heldout_limit` held-out characters are scored.
    The result has their numbers.

    Args:
        training: Character indices, shape (N,), each at least 0 and below V.
        heldout: Character indices that follow the training text, shape (M,).
        vocabulary_size: V.
        highest_order: The last order to try, at least 0.
        training_limit: Characters that are counted at most.
        heldout_limit: Characters that are scored at most.
        end: Index of the sign that ends a record; no context reaches back beyond it.
        check_cancelled: Called before every order; it raises to give the counting up.

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
    counted, scored = training[-training_limit:], heldout[:heldout_limit]
    text = np.concatenate([np.asarray(counted), np.asarray(scored)]).astype(np.int64)
    ladder = _Ladder(text, len(counted), vocabulary_size, text == (-1 if end is None else end))
    losses = [ladder.loss]
    while len(losses) <= highest_order and _is_worth_going_on(losses):
        check_cancelled()
        ladder.climb()
        losses.append(ladder.loss)
    return Baselines(tuple(range(len(losses))), tuple(losses), len(counted), len(scored))


def _is_worth_going_on(losses: list[float]) -> bool:
    return losses.index(min(losses)) >= len(losses) - _PATIENCE


class _Ladder:
    """Held-out probabilities of one order, raised to the next order step by step."""

    def __init__(
        self, text: Int64, training_characters: int, vocabulary_size: int, is_end: Bool
    ) -> None:
        self._is_end = is_end  # the signs that end a record, (N + M,)
        self._text = text  # training text and held-out text, one after the other, (N + M,)
        self._split = training_characters
        self._size = vocabulary_size
        self._order = 0
        # The number of the context that each character has at the next order. Numbers are
        # dense, below N + M, so that number · V + character never leaves 64 bits.
        self._contexts = np.zeros(len(text), dtype=np.int64)
        self._probabilities = np.full(len(text) - training_characters, 1 / vocabulary_size)

    @property
    def loss(self) -> float:
        """Mean cross-entropy of the held-out text at this order, nats per character."""
        return float(-np.log(self._probabilities).mean())

    def climb(self) -> None:
        """Go up one order."""
        history = self._order  # characters that a context of the new order holds
        grams, gram_ids = np.unique(self._contexts * self._size + self._text, return_inverse=True)
        counted = slice(min(history, self._split), self._split)  # with a whole context before
        counts = np.bincount(gram_ids[counted], minlength=len(grams))
        context_count = int(self._contexts.max()) + 1
        totals = np.bincount(self._contexts[counted], minlength=context_count)
        followers = np.bincount(grams[counts > 0] // self._size, minlength=context_count)
        self._interpolate(counts[gram_ids[self._split :]], totals, followers)
        self._order += 1
        # all signs are one context, whatever stands before them
        self._contexts[1:] = np.where(self._is_end, len(grams), gram_ids)[:-1]
        self._contexts[0] = 0

    def _interpolate(self, counts: Int64, totals: Int64, followers: Int64) -> None:
        """Mix the counts of the new order into the probabilities of the order below.

        Args:
            counts: How often training saw each held-out character after its context, shape (M,).
            totals: How often it saw each context.
            followers: How many distinct characters it saw after each context.
        """
        contexts = self._contexts[self._split :]
        total, weight = totals[contexts], followers[contexts]
        below = self._probabilities
        mixed = (counts + weight * below) / np.maximum(total + weight, 1)
        self._probabilities = np.where(total > 0, mixed, below)
