"""What stands in the gaps of a text: from the left side alone, and from both sides.

A model that reads forward knows the right side too: each candidate is carried on through it, and
counts by how well the right side then fits (Bayes). Every candidate is tried as long as there are
no more than `LIMIT`; of more, the likeliest so far are kept (a beam), and the result says so.

A gap is one character. Where a model reads Hangul in jamo, a syllable is filled in jamo by jamo.

Notation: N candidates, V vocabulary size, S numbers that a network remembers.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.lstm import Stepper, StepWeights, fold_embedding
from tui_charrnn.generation.sampling import log_softmax
from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS, join_syllables
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, Float64, Indices

GAPS: Final = "▢□_ㅁ"
"""Signs that stand for a gap; of those that a text has, the first one here."""
LIMIT: Final = 4096
"""Candidates that are all tried for one gap."""
_AT_ONCE: Final = 1024  # rows of one product: more of them take more memory and no less time
_MOST_GAPS: Final = 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may stand in the gaps."""

    fill: str
    """A character for each gap."""
    left: float
    """Its probability, each character given only what stands before it."""
    both: float
    """Its probability given the whole text."""

    @property
    def bits(self) -> float:
        """What the right side adds to it, log2(both / left); negative if it is against it."""
        return float(np.log2(self.both / self.left)) if self.both and self.left else 0.0


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with gaps, and what may stand in them."""

    parts: tuple[str, ...]
    """What stands before, between and behind the gaps."""
    candidates: tuple[Candidate, ...]
    """The likeliest from both sides first."""
    beam: int | None
    """Candidates that were kept at most; None if every one was tried."""
    unknown: int
    """Characters of the text that the model has never seen."""

    @property
    def bits(self) -> float:
        """What knowing the right side is worth: the mean of `Candidate.bits`, never below 0."""
        return max(0.0, sum(each.both * each.bits for each in self.candidates))

    def text(self, fill: str) -> str:
        """The text with its gaps filled."""
        return "".join(part + sign for part, sign in zip(self.parts, [*fill, ""], strict=True))


def split_gaps(text: str, sign: str | None = None) -> tuple[str, ...]:
    """The parts of a text between its gaps, in composed form (Unicode NFC).

    A gap is written as a sign; None is the first of `GAPS` that the text has.

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
    """N candidates that are carried through a text side by side, one without a character first."""

    weights: StepWeights
    state: Float32
    """What the network remembers, shape (N, S)."""
    logits: Float32
    """What it expects next, shape (N, V)."""
    fills: list[str] = field(default_factory=lambda: [""])
    left: Float64 = field(default_factory=lambda: np.zeros(1))
    """ln of each candidate's probability from the left alone."""
    total: Float64 = field(default_factory=lambda: np.zeros(1))
    """ln of the probability of all that was read with it."""

    def take(self, symbols: Indices) -> None:
        """Read one symbol with each candidate, shape (N,)."""
        state = np.empty_like(self.state)
        logits = np.empty((len(symbols), self.logits.shape[1]), np.float32)
        for first in range(0, len(symbols), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            stepper = Stepper(self.weights, len(symbols[rows]))
            stepper.state[:] = self.state[rows]
            logits[rows] = stepper.read_each(symbols[rows])
            state[rows] = stepper.state
        self.state, self.logits = state, logits

    def read(self, symbol: int) -> None:
        """Let a symbol of the text come, which every candidate has to explain."""
        self.total = self.total + log_softmax(self.logits)[:, symbol]
        self.take(np.full(len(self.total), symbol))

    def only(self, rows: Indices) -> "_Beam":
        """Some of the candidates, each perhaps several times."""
        fills = [self.fills[row] for row in rows]
        state, logits = self.state[rows], self.logits[rows]
        return _Beam(self.weights, state, logits, fills, self.left[rows], self.total[rows])

    def extended(self, allowed: Indices, characters: str, limit: int) -> "tuple[_Beam, bool]":
        """Every candidate with every symbol that is allowed, or the likeliest of those.

        Returns:
            The candidates, having read the symbol, and whether some were left out.
        """
        steps = log_softmax(self.logits)[:, allowed]
        totals = (self.total[:, None] + steps).ravel()
        kept = np.argsort(-totals, kind="stable")[:limit]
        rows, columns = np.divmod(kept, len(allowed))
        grown = self.only(rows)
        symbols = allowed[columns]
        grown.fills = [
            fill + characters[symbol] for fill, symbol in zip(grown.fills, symbols, strict=True)
        ]
        grown.left = grown.left + steps[rows, columns]
        grown.total = totals[kept]
        grown.take(symbols)
        return grown, len(totals) > limit

    def joined(self, other: "_Beam") -> "_Beam":
        """These candidates and those."""
        return _Beam(
            self.weights,
            np.concatenate([self.state, other.state]),
            np.concatenate([self.logits, other.logits]),
            self.fills + other.fills,
            np.concatenate([self.left, other.left]),
            np.concatenate([self.total, other.total]),
        )


class Filler:
    """Fills the gaps of texts by a model that reads forward."""

    def __init__(self, model: Model) -> None:
        self._vocabulary = model.vocabulary
        self._weights = fold_embedding(model)
        characters = enumerate(model.vocabulary.characters)
        known = {sign: place for place, sign in characters}
        for sign in (model.vocabulary.unknown_symbol, model.vocabulary.end_symbol):
            known.pop(sign or "", None)
        self._is_jamo = model.units == "jamo"
        parts = (INITIALS, MEDIALS, FINALS) if self._is_jamo else ((), (), ())
        self._initial, self._medial, self._final = (
            np.array([known[sign] for sign in sorted(part) if sign in known], np.intp)
            for part in parts
        )
        inside = {*self._medial, *self._final}
        self._starts = np.array([place for place in known.values() if place not in inside], np.intp)

    def fill(self, parts: Sequence[str], *, beam: int = 200) -> Filled:
        """What may stand in the gaps of a text, which begins as after a newline; see `split_gaps`.

        Where there is more than one gap, `beam` candidates are kept at most.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        spelled = [self._vocabulary.spell(part) for part in parts]
        limit = LIMIT if len(parts) == 2 else beam
        found, is_cut = self._before(spelled[0].indices), False
        for place, part in enumerate(spelled[1:], 2):
            is_end = place == len(spelled) and not len(part.indices)
            found, was_cut = self._filled(found, limit, is_end=is_end)
            is_cut |= was_cut
            for symbol in part.indices.tolist():
                found.read(symbol)
        weights = np.exp(found.total - found.total.max())
        both = weights / weights.sum()
        candidates = [
            Candidate(join_syllables(fill), float(left), float(share))
            for fill, left, share in zip(found.fills, np.exp(found.left), both, strict=True)
        ]
        candidates.sort(key=lambda one: (-one.both, -one.left))
        return Filled(
            parts=tuple(parts),
            candidates=tuple(candidates),
            beam=limit if is_cut else None,
            unknown=sum(int((~each.is_known).sum()) for each in spelled),
        )

    def _before(self, symbols: Indices) -> _Beam:
        """What the model remembers and expects before the first gap."""
        stepper = Stepper(self._weights, 1)
        for symbol in (self._vocabulary.start_index, *symbols.tolist()):
            stepper.read(symbol)
        return _Beam(self._weights, stepper.state.copy(), stepper.logits.copy())

    def _filled(self, found: _Beam, limit: int, *, is_end: bool) -> tuple[_Beam, bool]:
        """Every candidate with every character that may stand in one more gap."""
        characters = self._vocabulary.characters
        grown, is_cut = found.extended(self._starts, characters, limit)
        if not self._is_jamo:
            return grown, is_cut
        is_open = np.isin([characters.index(fill[-1]) for fill in grown.fills], self._initial)
        whole = grown.only(np.flatnonzero(~is_open))
        if is_open.any():
            syllables, was_cut = grown.only(np.flatnonzero(is_open)).extended(
                self._medial, characters, limit
            )
            closed, were_cut = syllables.extended(self._final, characters, limit)
            shares = np.exp(log_softmax(syllables.logits)[:, self._final]).sum(axis=1)
            ended = np.log1p(-np.minimum(shares, 1 - 1e-12))  # else what follows tells it
            syllables.left = syllables.left + ended
            syllables.total = syllables.total + (ended if is_end else 0)
            whole = whole.joined(syllables).joined(closed)
            is_cut = is_cut or was_cut or were_cut or len(whole.fills) > limit
        best = np.argsort(-whole.total, kind="stable")[:limit]
        return whole.only(best), is_cut


@dataclass(frozen=True, slots=True)
class RightSide:
    """What knowing the right side was worth over a text, in bits per symbol."""

    places: int
    left: float
    """-log2 p of the symbols from the left alone, their mean."""
    both: float
    """The same from both sides."""

    @property
    def bits(self) -> float:
        """What knowing the right side is worth."""
        return self.left - self.both


def measure_right_side(
    model: Model, text: str, *, places: int = 100, right: int = 32
) -> Iterator[RightSide]:
    """How much better symbols are known if what follows is known too.

    At some places in even distances each symbol of the vocabulary is tried in the place of the true
    one, and carried on through the symbols to the right. The model must not have learned from the
    text.

    Yields:
        What is known after each place.

    Raises:
        ConfigError: If the text is too short.
        ModelFileError: If the model's scores are not finite numbers.
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
    for place, symbol in enumerate(symbols[:last].tolist()):
        if place in chosen:
            beam = _Beam(weights, reader.state.copy(), reader.logits.copy())
            grown, _ = beam.extended(np.arange(size), model.vocabulary.characters, size)
            for following in symbols[place + 1 : place + 1 + right].tolist():
                grown.read(following)
            truth = grown.fills.index(model.vocabulary.characters[symbol])
            shares = grown.total - grown.total.max()
            count += 1
            left -= float(grown.left[truth]) / np.log(2)
            both -= float(shares[truth] - np.log(np.exp(shares).sum())) / np.log(2)
            yield RightSide(count, left / count, both / count)
        reader.read(symbol)
