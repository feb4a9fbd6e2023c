"""What the bits of single characters add up to: for a text, its lines, and from which corpus it is.

Where models are compared character by character, every one is held as likely as any other before
the first; each character then weighs in with its probability under each of them.

Notation: N characters of a block of text, M models.
"""

import heapq
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.calibration import Bin, Reliability
from tui_charrnn.generation.scoring import DynamicScorer, TextScorer
from tui_charrnn.metrics import perplexity
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float64
from tui_charrnn.text.vocabulary import code_points

UNKNOWN_BITS: Final = math.log2(0x110000)
"""What an unknown character costs where models are compared, and only there: a choice among all
code points of Unicode. A model that knows little of a text would otherwise win by what it leaves
out."""
_KEPT_OF_LINE: Final = 1000  # characters of a line that are kept to be shown


@dataclass(slots=True)
class ScoreTotal:
    """What a model made of some text."""

    characters: int = 0
    """Characters that were scored."""
    unknown: int = 0
    """Characters that were not, as the model has never seen them."""
    bits: float = 0.0
    """Of all that were scored."""

    @property
    def bits_per_character(self) -> float | None:
        """The mean, or None if nothing was scored."""
        return self.bits / self.characters if self.characters else None

    @property
    def perplexity(self) -> float | None:
        """Two to the power of the mean, or None if nothing was scored."""
        mean = self.bits_per_character
        return None if mean is None else perplexity(mean * math.log(2))

    @property
    def comparable_bits(self) -> float:
        """What the whole text would cost, unknown characters too: lower is nearer to the model."""
        return self.bits + self.unknown * UNKNOWN_BITS

    @property
    def comparable_bits_per_character(self) -> float | None:
        """The same for each character, or None of a text without one: what `ranked` goes by."""
        whole = self.characters + self.unknown
        return self.comparable_bits / whole if whole else None

    def add(self, bits: Float64) -> None:
        """Add characters: their bits, NaN for an unknown one."""
        is_known = ~np.isnan(bits)
        known = int(is_known.sum())
        self.characters += known
        self.unknown += len(bits) - known
        self.bits += float(bits[is_known].sum())


def ranked(totals: Mapping[str, ScoreTotal]) -> list[str]:
    """The names of models, the one that a text belongs to most first; of equals, the first."""
    return sorted(totals, key=lambda name: totals[name].comparable_bits)


@dataclass(slots=True)
class LineScore:
    """One line of a text, its line feed with it, as every model finds it."""

    number: int
    """From 1."""
    text: str
    """Its first 1,000 characters, without the line feed."""
    totals: dict[str, ScoreTotal]
    """By the name of the model."""


@dataclass(slots=True)
class LineScorer:
    """Cuts a text that comes in blocks into lines; a line costs what its characters cost."""

    models: Sequence[str]
    _line: LineScore = field(init=False)
    _is_empty: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        """Begin with the first line."""
        self._begin(1)

    def add(self, block: str, bits: Mapping[str, Float64]) -> Iterator[LineScore]:
        """Take in N characters and bits by model, shape (N,) each; the lines that end come out."""
        start = 0
        while start < len(block):
            feed = block.find("\n", start)
            end = len(block) if feed < 0 else feed + 1
            self._extend(block[start : end if feed < 0 else feed], bits, slice(start, end))
            if feed >= 0:
                yield self._line
                self._begin(self._line.number + 1)
            start = end

    def end(self) -> Iterator[LineScore]:
        """The last line, if it is not ended by a line feed."""
        if not self._is_empty:
            yield self._line
            self._begin(self._line.number + 1)

    def _begin(self, number: int) -> None:
        self._line = LineScore(number, "", {name: ScoreTotal() for name in self.models})
        self._is_empty = True

    def _extend(self, text: str, bits: Mapping[str, Float64], part: slice) -> None:
        line = self._line
        line.text += text[: _KEPT_OF_LINE - len(line.text)]
        for name, total in line.totals.items():
            total.add(bits[name][part])
        self._is_empty = False


PASSAGE: Final = 40
"""Characters of a passage; a text that is shorter is one passage."""
_NEWLINE: Final = ord("\n")
_CANDIDATES: Final = 3
"""Candidates that are kept for each passage that is asked for: one that is chosen overlaps two of
the others at most, one in the stretch before its own and one in the stretch after."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Some characters of a text that surprised the model."""

    bits_per_character: float
    """The mean, where an unknown character does not count."""
    offset: int
    """Of its first character in the text, from 0."""
    line: int
    """From 1."""
    column: int
    """Of its first character, from 1."""
    text: str


class SurprisingPassages:
    """Finds so many passages whose characters have the most bits, none overlapping another.

    The text is cut into stretches of W places where a passage may begin, and the best of each is a
    candidate.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._best: list[Passage] = []
        self._text = ""  # characters in which a passage may still begin
        self._bits = np.zeros(0)
        self._offset = 0  # of the first of them
        self._line, self._column = 1, 1

    def add(self, block: str, bits: Float64) -> None:
        """Look through the next block of N characters, with bits of shape (N,)."""
        self._text += block
        self._bits = np.concatenate([self._bits, np.nan_to_num(bits)])
        places = (len(self._text) - PASSAGE + 1) // PASSAGE * PASSAGE
        if places > 0:
            self._look_through(places)

    def end(self) -> list[Passage]:
        """The passages, the most surprising first."""
        # only a text that is shorter than a passage is one; the end of a longer one is not
        if len(self._text) >= PASSAGE or (self._text and not self._offset):
            self._look_through(max(1, len(self._text) - PASSAGE + 1))
        chosen: list[Passage] = []
        for candidate in sorted(self._best, key=_rank):
            is_apart = all(abs(candidate.offset - one.offset) >= PASSAGE for one in chosen)
            if len(chosen) < self._count and is_apart:
                chosen.append(candidate)
        return chosen

    def _look_through(self, places: int) -> None:
        """Consider all passages that begin at the first so many places, then let these go."""
        length = min(PASSAGE, len(self._text))
        sums = np.concatenate([[0.0], self._bits.cumsum()])
        means = (sums[length:] - sums[:-length])[:places] / length
        stretches = -(-places // PASSAGE)
        padded = np.full(stretches * PASSAGE, -np.inf)
        padded[:places] = means
        rows = padded.reshape(stretches, PASSAGE)
        starts = rows.argmax(axis=1) + PASSAGE * np.arange(stretches)
        wanted = np.argsort(-padded[starts], kind="stable")[: self._count * _CANDIDATES]
        feeds = np.flatnonzero(code_points(self._text[:places]) == _NEWLINE)
        found = [self._passage(int(start), float(padded[start]), feeds) for start in starts[wanted]]
        self._best = heapq.nsmallest(self._count * _CANDIDATES, [*self._best, *found], key=_rank)
        self._line, self._column = self._position(places, feeds)
        self._text, self._bits = self._text[places:], self._bits[places:]
        self._offset += places

    def _passage(self, start: int, mean: float, feeds: np.ndarray) -> Passage:
        line, column = self._position(start, feeds)
        text = self._text[start : start + PASSAGE]
        return Passage(mean, self._offset + start, line, column, text)

    def _position(self, place: int, feeds: np.ndarray) -> tuple[int, int]:
        """Line and column of a place, given where the line feeds before and after it are."""
        before = int(np.searchsorted(feeds, place))
        if not before:
            return self._line, self._column + place
        return self._line + before, place - int(feeds[before - 1])


def _rank(passage: Passage) -> tuple[float, int]:
    return -passage.bits_per_character, passage.offset


@dataclass(frozen=True, slots=True)
class ModelScore:
    """What one model made of a text."""

    total: ScoreTotal
    unknown: Mapping[str, int]
    """How often each character occurred that the model has never seen, the most frequent first."""
    passages: tuple[Passage, ...]
    """The most surprising, if any were asked for."""
    dynamic: float | None
    """Bits per character where the model learned on from the text, if that was asked for."""
    bins: tuple[Bin, ...] = ()
    """The reliability diagram, if it was asked for."""
    calibration_error: float | None = None
    """Of it."""


@dataclass(frozen=True, slots=True)
class TextScore:
    """What models made of a text."""

    models: dict[str, ModelScore]
    """By name, the one that the text belongs to most first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Callbacks for what is found on the way; None for none."""

    line: Callable[[LineScore], None] | None = None
    """Told of every line."""
    block: Callable[[str, Mapping[str, Float64]], None] | None = None
    """Told of every block of N characters and its bits by model, shape (N,) each."""


def score_text(
    blocks: Iterable[str],
    scorers: Mapping[str, TextScorer],
    listeners: Listeners,
    *,
    top: int = 0,
    learners: Mapping[str, DynamicScorer] | None = None,
    reliabilities: Mapping[str, Reliability] | None = None,
) -> TextScore:
    """Score a text, of which one block at a time is in memory.

    The blocks are its characters in order, in composed form. Scorers, learners and reliabilities
    are by the name of the model, and each is reset; what a reliability counts, its scorer gives it.
    `top` is how many of the most surprising passages are wanted.

    Raises:
        ModelFileError: If a model's scores are not finite numbers.
    """
    learners, reliabilities = learners or {}, reliabilities or {}
    tallies = {name: _Tally(top, learners.get(name), reliabilities.get(name)) for name in scorers}
    lines = LineScorer(list(scorers))
    for scorer in scorers.values():
        scorer.begin()
    for block in blocks:
        bits = {name: scorer.score(block) for name, scorer in scorers.items()}
        for name, found in bits.items():
            tallies[name].add(block, found)
        if listeners.line is not None:
            _pass_on(lines.add(block, bits), listeners.line)
        if listeners.block is not None:
            listeners.block(block, bits)
    if listeners.line is not None:
        _pass_on(lines.end(), listeners.line)
    order = ranked({name: tally.total for name, tally in tallies.items()})
    return TextScore({name: tallies[name].end() for name in order})


def _pass_on(lines: Iterable[LineScore], listener: Callable[[LineScore], None]) -> None:
    for line in lines:
        listener(line)


class _Tally:
    """What one model makes of a text, as far as it was read."""

    def __init__(
        self, top: int, learner: DynamicScorer | None, reliability: Reliability | None
    ) -> None:
        self.total = ScoreTotal()
        self._unknown: Counter[str] = Counter()
        self._passages = SurprisingPassages(top) if top else None
        self._learner = learner
        if learner is not None:
            learner.begin()
        self._reliability = reliability
        if reliability is not None:
            reliability.begin()

    def add(self, block: str, bits: Float64) -> None:
        self.total.add(bits)
        self._unknown.update(block[place] for place in np.flatnonzero(np.isnan(bits)))
        if self._passages is not None:
            self._passages.add(block, bits)
        if self._learner is not None:
            self._learner.add(block)

    def end(self) -> ModelScore:
        return ModelScore(
            total=self.total,
            unknown=dict(self._unknown.most_common()),
            passages=tuple(self._passages.end()) if self._passages is not None else (),
            dynamic=self._learner.end() if self._learner is not None else None,
            bins=tuple(self._reliability.bins) if self._reliability is not None else (),
            calibration_error=self._reliability.error if self._reliability is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """What models make of a text."""

    names: tuple[str, ...]
    """Of the models."""
    text: str
    """In composed form (Unicode NFC)."""
    bits: Float64
    """-log2 p of each character under each model, shape (M, N); where a model does not know the
    character, it is that of a choice among all of Unicode."""
    unknown: tuple[int, ...]
    """Characters that each model does not know."""

    @property
    def totals(self) -> Float64:
        """Bits of the whole text under each model, shape (M,)."""
        totals: Float64 = self.bits.sum(axis=1)
        return totals

    @property
    def path(self) -> Float64:
        """The probability of each model after each character, shape (M, N + 1), from 1/M on."""
        sums = np.pad(self.bits.cumsum(axis=1), ((0, 0), (1, 0)))
        weights = np.exp2(sums.min(axis=0) - sums)
        path: Float64 = weights / weights.sum(axis=0)
        return path

    @property
    def probabilities(self) -> Float64:
        """The probability of each model after the whole text, shape (M,)."""
        path: Float64 = self.path[:, -1]
        return path

    @property
    def order(self) -> list[int]:
        """The models, the likeliest first; of equals, the first named."""
        return [int(number) for number in np.argsort(self.totals, kind="stable")]


class OriginReader:
    """Reads a text that grows, as while it is typed: what was read is not read again."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        """Read nothing yet; there are two models at least.

        Raises:
            ModelFileError: If one reads both directions: it cannot tell as a text grows.
        """
        for name, model in models.items():
            if model.config.reads_both:
                raise ModelFileError(
                    "{name} reads both directions, so it says nothing of a text that still grows.",
                    name=name,
                )
        self._scorers = {name: TextScorer(model, streams=1) for name, model in models.items()}
        self._text = ""
        self._bits = np.zeros((len(models), 0))

    def read(self, text: str) -> Origin:
        """Where a text comes from, which begins as after a newline.

        Raises:
            ModelFileError: If a model's scores are not finite numbers.
        """
        text = unicodedata.normalize("NFC", text)
        if not text.startswith(self._text):
            for scorer in self._scorers.values():
                scorer.begin()
            self._text, self._bits = "", self._bits[:, :0]
        added = text[len(self._text) :]
        if added:
            bits = np.stack([scorer.score(added) for scorer in self._scorers.values()])
            self._bits, self._text = np.concatenate([self._bits, bits], axis=1), text
        unknown = np.isnan(self._bits)
        return Origin(
            names=tuple(self._scorers),
            text=text,
            bits=np.where(unknown, UNKNOWN_BITS, self._bits),
            unknown=tuple(int(count) for count in unknown.sum(axis=1)),
        )
