"""Fill the gaps of a text by a forward or a bidirectional model.

A forward model has probabilities given the left context alone, and by Bayes' rule given both
contexts: it reads the right context after each candidate, and the candidate is weighted by the
likelihood of that context. Up to `LIMIT` candidates are all scored; of more, the likeliest so far
are kept (beam search).

A gap is one character. A forward model of jamo fills a Hangul syllable jamo by jamo.

Notation: N candidates, V vocabulary size, S state size of the network.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.lstm import (
    Stepper,
    StepWeights,
    fold_embedding,
    read_symbols,
    stacks_of,
)
from tui_charrnn.generation.sampling import log_softmax
from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS, join_syllables
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, Float64, Indices

GAPS: Final = "▢□_ㅁ"
"""Characters that mark a gap; if a text has several of them, the first one here counts."""
LIMIT: Final = 4096
"""Up to so many candidates for one gap are all scored."""
_AT_ONCE: Final = 1024  # rows of one product: more would take more memory and no less time
_MOST_GAPS: Final = 64
CHAINS: Final = 128
"""Parallel chains of the Gibbs sampler."""
SWEEPS: Final = 60
"""Sweeps of the Gibbs sampler; the first third is burn-in and is not counted."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible fill of the gaps."""

    fill: str
    """One character for each gap."""
    left: float
    """Its probability given only the text before each gap."""
    both: float
    """Its probability given the whole text."""
    bits: float | None
    """Evidence from the right context, log2(both / left), in bits; negative if against it.

    None if the model read no text after a gap: then `both` is above `left` only by what was left
    out.
    """


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with gaps and the candidates for them."""

    parts: tuple[str, ...]
    """The text before, between and after the gaps."""
    candidates: tuple[Candidate, ...]
    """In descending order of `both`."""
    beam: int | None
    """The beam width, if candidates were dropped; None if all were scored."""
    unknown: int
    """Characters of the text that are not in the model's vocabulary."""

    @property
    def is_single(self) -> bool:
        """Whether there is one gap, which a bidirectional model computes exactly."""
        return len(self.parts) == 2

    @property
    def bits(self) -> float | None:
        """Information gain of the right context: the mean of `Candidate.bits`, at least 0."""
        gains = [each.both * each.bits for each in self.candidates if each.bits is not None]
        return max(0.0, sum(gains)) if gains else None

    def text(self, fill: str) -> str:
        """Return the text with its gaps filled."""
        return "".join(part + sign for part, sign in zip(self.parts, [*fill, ""], strict=True))


def split_gaps(text: str, sign: str | None = None) -> tuple[str, ...]:
    """Split a text at its gaps, in composed form (Unicode NFC).

    `sign` is the character that marks a gap; None stands for the first of `GAPS` in the text.

    Raises:
        ConfigError: If there is no gap, or there are too many.
    """
    text = unicodedata.normalize("NFC", text)
    if sign is None:
        sign = next((each for each in GAPS if each in text), None)
    if sign is not None and len(sign) != 1:
        raise ConfigError("A gap is written as one character. Received: {sign!r}.", sign=sign)
    count = text.count(sign) if sign is not None else 0
    if not 1 <= count <= _MOST_GAPS or sign is None:
        known = f"{sign!r}" if sign else ", ".join(map(repr, GAPS))
        raise ConfigError(
            "The text needs 1 to {most} gaps, each written as {known}. Received: {count}.",
            most=_MOST_GAPS,
            known=known,
            count=count,
        )
    return tuple(text.split(sign))


@dataclass(slots=True)
class _Beam:
    """N candidates that are read in parallel; at first a single empty one."""

    weights: StepWeights
    state: Float32
    """States of the network, shape (N, S)."""
    logits: Float32
    """Logits of the next symbol, shape (N, V)."""
    fills: npt.NDArray[np.object_] = field(default_factory=lambda: np.array([""], object))
    """The characters of each candidate, shape (N,)."""
    left: Float64 = field(default_factory=lambda: np.zeros(1))
    """ln p of each candidate given the left context, shape (N,)."""
    total: Float64 = field(default_factory=lambda: np.zeros(1))
    """ln p of each candidate and all context read so far, shape (N,)."""
    is_cut: bool = field(default=False, kw_only=True)
    """Whether candidates were dropped."""

    def advance(self, symbols: Indices) -> None:
        """Read one symbol in each candidate, shape (N,)."""
        state = np.empty_like(self.state)
        logits = np.empty((len(symbols), self.logits.shape[1]), np.float32)
        for first in range(0, len(symbols), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            stepper = Stepper(self.weights, len(symbols[rows]))
            stepper.restore(self.state[rows])
            logits[rows] = stepper.read_each(symbols[rows])
            state[rows] = stepper.state
        self.state, self.logits = state, logits

    def read(self, symbol: int) -> None:
        """Read one symbol of the context in every candidate and add its ln p to `total`."""
        self.total = self.total + log_softmax(self.logits)[:, symbol]
        self.advance(np.full(len(self.total), symbol))

    @property
    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """Everything that has a row for each candidate."""
        return self.state, self.logits, self.fills, self.left, self.total

    def select(self, rows: Indices) -> "_Beam":
        """Return the candidates of some rows, which may repeat."""
        columns = (column[rows] for column in self.columns)
        return _Beam(self.weights, *columns, is_cut=self.is_cut)

    def joined(self, other: "_Beam") -> "_Beam":
        """Return the candidates of both beams."""
        pairs = zip(self.columns, other.columns, strict=True)
        is_cut = self.is_cut or other.is_cut
        return _Beam(self.weights, *map(np.concatenate, pairs), is_cut=is_cut)

    def extended(self, allowed: Indices, characters: str, limit: int) -> "_Beam":
        """Return every candidate with every allowed symbol read, but only the likeliest `limit`."""
        steps = log_softmax(self.logits)[:, allowed]
        totals = (self.total[:, None] + steps).ravel()
        kept = np.argsort(-totals, kind="stable")[:limit]
        rows, columns = np.divmod(kept, len(allowed))
        grown = self.select(rows)
        symbols = allowed[columns]
        grown.fills = grown.fills + np.array([*characters], object)[symbols]
        grown.left = grown.left + steps[rows, columns]
        grown.total = totals[kept]
        grown.is_cut |= len(totals) > limit
        grown.advance(symbols)
        return grown


class Filler:
    """Fills the gaps of texts by a forward model."""

    def __init__(self, model: Model) -> None:
        self._vocabulary = model.vocabulary
        self._weights = fold_embedding(model)
        characters = enumerate(model.vocabulary.characters)
        known = {character: index for index, character in characters}
        for symbol in (model.vocabulary.unknown_symbol, model.vocabulary.end_symbol):
            known.pop(symbol or "", None)
        self._is_jamo = model.units == "jamo"
        parts = (INITIALS, MEDIALS, FINALS) if self._is_jamo else ((), (), ())
        self._initial, self._medial, self._final = (
            np.array([known[jamo] for jamo in sorted(part) if jamo in known], np.intp)
            for part in parts
        )
        inside = {*self._medial, *self._final}
        self._starts = np.array([index for index in known.values() if index not in inside], np.intp)

    def fill(self, parts: Sequence[str], *, beam: int = 200) -> Filled:
        """Predict the characters in the gaps of a text; see `split_gaps` for `parts`.

        The text begins as if after a newline. With more than one gap at most `beam` candidates are
        kept.

        Raises:
            ModelFileError: If the model's logits are not finite.
        """
        spelled = [self._vocabulary.spell(part) for part in parts]
        limit = LIMIT if len(parts) == 2 else beam
        before = [self._vocabulary.start_index, *spelled[0].indices.tolist()]
        found = _Beam(self._weights, *read_symbols(self._weights, before))
        for number, part in enumerate(spelled[1:], 2):
            is_end = number == len(spelled) and not len(part.indices)
            found = self._fill_gap(found, limit, is_end=is_end)
            for symbol in part.indices.tolist():
                found.read(symbol)
        both = log_softmax(found.total)
        has_right_context = any(len(part.indices) for part in spelled[1:])
        gains = ((both - found.left) / np.log(2)).tolist()
        bits = gains if has_right_context else [None] * len(gains)
        columns = found.fills, np.exp(found.left).tolist(), np.exp(both).tolist(), bits
        candidates = [
            Candidate(join_syllables(fill), *numbers)
            for fill, *numbers in zip(*columns, strict=True)
        ]
        candidates.sort(key=lambda one: (-one.both, -one.left))
        return Filled(
            parts=tuple(parts),
            candidates=tuple(candidates),
            beam=limit if found.is_cut else None,
            unknown=sum(int((~each.is_known).sum()) for each in spelled),
        )

    def _fill_gap(self, found: _Beam, limit: int, *, is_end: bool) -> _Beam:
        """Extend the candidates by one more gap; `is_end`: no text follows it."""
        characters = self._vocabulary.characters
        grown = found.extended(self._starts, characters, limit)
        if not self._is_jamo:
            return grown
        is_open = np.isin([characters.index(fill[-1]) for fill in grown.fills], self._initial)
        whole = grown.select(np.flatnonzero(~is_open))
        if is_open.any():
            syllables = grown.select(np.flatnonzero(is_open))
            syllables = syllables.extended(self._medial, characters, limit)
            closed = syllables.extended(self._final, characters, limit)
            final = np.exp(log_softmax(syllables.logits)[:, self._final]).sum(axis=1)
            no_final = np.log1p(-np.minimum(final, 1 - 1e-12))
            syllables.left = syllables.left + no_final
            # text that follows the gap accounts for the missing final
            syllables.total = syllables.total + (no_final if is_end else 0)
            whole = whole.joined(syllables).joined(closed)
            whole.is_cut |= len(whole.fills) > limit
        return whole.select(np.argsort(-whole.total, kind="stable")[:limit])


class BothSides:
    """Fills gaps by both directions."""

    def __init__(self, model: Model) -> None:
        """Prepare the weights of a model; see `stacks_of`."""
        self.vocabulary: Final = model.vocabulary
        self._is_jamo = model.units == "jamo"
        self._forward, self._backward = map(fold_embedding, stacks_of(model))

    def fill(self, parts: Sequence[str]) -> dict[str, float]:
        """Predict the characters in the gaps of a text; see `split_gaps` for `parts`.

        The text begins as if after a newline. Several gaps are sampled with a Gibbs sampler of
        `CHAINS` parallel chains with random initial characters.

        Returns:
            The probability of each character for a single gap, which is exact; else the relative
            frequency of each sampled fill.

        Raises:
            ConfigError: If the model reads Hangul in jamo, as a gap has an unknown number of jamo.
            ModelFileError: If the model's logits are not finite.
        """
        if self._is_jamo:
            raise ConfigError(
                "A bidirectional model of jamo cannot fill a syllable, whose number of jamo is "
                "unknown. Train one with --units characters."
            )
        spelled = [self.vocabulary.spell(part).indices for part in parts]
        region: list[int | None] = [None]
        for part in spelled[1:-1]:
            region += [*part.tolist(), None]
        before = read_symbols(self._forward, [self.vocabulary.start_index, *spelled[0].tolist()])
        after = read_symbols(self._backward, spelled[-1][::-1].tolist())
        if len(parts) == 2:
            probabilities = np.exp(self._log_probabilities(before[1], after[1]))[0]
            pairs = zip(self.vocabulary.characters, probabilities.tolist(), strict=True)
            return {character: p for character, p in pairs if p > 0}
        return self._sample(region, before, after)

    def _sample(
        self, region: list[int | None], before: Sequence[Float32], after: Sequence[Float32]
    ) -> dict[str, float]:
        """Return the relative frequency of each fill; `region` has None at each gap.

        `before` and `after` are the states and the logits of the stacks at both ends of it.
        """
        rng, characters = np.random.default_rng(0), self.vocabulary.characters
        values = rng.integers(0, len(characters), (len(region), CHAINS))
        for position, symbol in enumerate(region):
            if symbol is not None:
                values[position] = symbol
        gaps = [position for position, symbol in enumerate(region) if symbol is None]
        counts: Counter[tuple[int, ...]] = Counter()
        forward, backward = Stepper(self._forward, CHAINS), Stepper(self._backward, CHAINS)
        backward_logits = np.zeros((len(region), CHAINS, len(characters)), np.float32)
        for sweep in range(SWEEPS):
            backward.restore(after[0])
            backward_logits[-1] = after[1]
            for position in range(len(region) - 1, 0, -1):
                backward_logits[position - 1] = backward.read_each(values[position])
            forward.restore(before[0])
            logits = before[1]
            for position in range(len(region)):
                if region[position] is None:
                    log_p = self._log_probabilities(logits, backward_logits[position])
                    cumulative = np.exp(log_p).cumsum(axis=1)
                    uniform = rng.random((CHAINS, 1)) * cumulative[:, -1:]
                    drawn = (cumulative < uniform).sum(axis=1)
                    values[position] = np.minimum(drawn, len(characters) - 1)
                logits = forward.read_each(values[position])
            if sweep >= SWEEPS // 3:
                counts.update(map(tuple, values[gaps].T.tolist()))
        total = counts.total()
        return {
            "".join(characters[index] for index in fill): count / total
            for fill, count in counts.most_common()
        }

    def _log_probabilities(self, forward: Float32, backward: Float32) -> Float64:
        """Return ln p of each symbol from the logits of both directions, shape (N, V)."""
        scores = log_softmax(forward + backward)
        if self.vocabulary.unknown_index is not None:
            scores[:, self.vocabulary.unknown_index] = -np.inf
        return scores


@dataclass(frozen=True, slots=True)
class RightSide:
    """Information gain of the right context over a text, in bits per symbol."""

    places: int
    """Positions that were evaluated."""
    left: float
    """Mean of -log2 p of the symbols given the left context."""
    both: float
    """Mean of -log2 p of the symbols given both contexts."""

    @property
    def bits(self) -> float:
        """The information gain, left - both."""
        return self.left - self.both


def measure_right_side(
    model: Model, text: str, *, places: int = 100, right: int = 32
) -> Iterator[RightSide]:
    """Measure how much better symbols are predicted if the text after them is known.

    At up to `places` evenly spaced positions every symbol of the vocabulary replaces the true one
    and is scored together with the next `right` symbols; each position yields the result so far.
    The text must be held out from training.

    Raises:
        ConfigError: If the text is too short.
        ModelFileError: If the model's logits are not finite.
    """
    symbols = model.vocabulary.spell(unicodedata.normalize("NFC", text)).indices
    last = len(symbols) - right
    if last < 2:
        raise ConfigError(
            "The text must be longer than the {right} symbols to the right. Received: {count}.",
            right=right,
            count=len(symbols),
        )
    chosen = set(np.linspace(1, last - 1, min(places, last - 1)).astype(int).tolist())
    weights = fold_embedding(model)
    size, reader = len(model.vocabulary), Stepper(weights, 1)
    reader.read(model.vocabulary.start_index)
    left = both = 0.0
    count = 0
    for position, symbol in enumerate(symbols[:last].tolist()):
        if position in chosen:
            beam = _Beam(weights, reader.state.copy(), reader.logits.copy())
            grown = beam.extended(np.arange(size), model.vocabulary.characters, size)
            for following in symbols[position + 1 : position + 1 + right].tolist():
                grown.read(following)
            truth = np.flatnonzero(grown.fills == model.vocabulary.characters[symbol]).item()
            count += 1
            left -= grown.left.item(truth) / np.log(2)
            both -= log_softmax(grown.total).item(truth) / np.log(2)
            yield RightSide(count, left / count, both / count)
        reader.read(symbol)
