"""What the bits of single characters add up to: for a text, its lines, and from which corpus it is.

Where models are compared character by character, every one is held as likely as any other before
the first; each character then weighs in with its probability under each of them.

Notation: N characters of a block of text, M models.
"""

import heapq
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
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


_PARTS_OF_LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")


class LineScorer:
    """Cuts a text that comes in blocks into lines; a line costs what its characters cost."""

    def __init__(self, models: Iterable[str]) -> None:
        """Begin with the first line; models are scored by these names."""
        self._models = tuple(models)
        self._line = self._empty(1)

    def add(self, block: str, bits: Mapping[str, Float64]) -> Iterator[LineScore]:
        """Take in N characters and bits by model, shape (N,) each; the lines that end come out."""
        start = 0
        for part in _PARTS_OF_LINES.findall(block):
            line, end = self._line, start + len(part)
            line.text += part.removesuffix("\n")[: _KEPT_OF_LINE - len(line.text)]
            for name, total in line.totals.items():
                total.add(bits[name][start:end])
            if part.endswith("\n"):
                yield line
                self._line = self._empty(line.number + 1)
            start = end

    def end(self) -> Iterator[LineScore]:
        """The last line, if it is not ended by a line feed."""
        if any(total.characters or total.unknown for total in self._line.totals.values()):
            yield self._line

    def _empty(self, number: int) -> LineScore:
        return LineScore(number, "", {name: ScoreTotal() for name in self._models})


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


class ModelScorer:
    """Scores one text after another by one model, in every way that is wanted.

    Args:
        model: The model.
        streams: As of `TextScorer`.
        threads: Likewise.
        top: How many of the most surprising passages are looked for.
        rate: At which the model learns on in a second score; None for none. See `DynamicScorer`.
        has_bins: Whether its reliability is counted.
    """

    def __init__(
        self,
        model: Model,
        *,
        streams: int | None = None,
        threads: int = 1,
        top: int = 0,
        rate: float | None = None,
        has_bins: bool = False,
    ) -> None:
        self._reliability = Reliability(model.vocabulary.unknown_index) if has_bins else None
        listener = self._reliability.add if self._reliability is not None else None
        self._scorer = TextScorer(model, streams=streams, threads=threads, listener=listener)
        self._learner = DynamicScorer(model, rate) if rate is not None else None
        self._top = top
        self.begin()

    def begin(self) -> None:
        """Forget the text so far; the next starts as after a newline."""
        for each in (self._scorer, self._learner, self._reliability):
            if each is not None:
                each.begin()
        self.total = ScoreTotal()
        """Of the text so far."""
        self._unknown: Counter[str] = Counter()
        self._passages = SurprisingPassages(self._top)

    def add(self, block: str) -> Float64:
        """Score the next block of N characters; see `TextScorer.score`."""
        bits = self._scorer.score(block)
        self.total.add(bits)
        self._unknown.update(block[place] for place in np.flatnonzero(np.isnan(bits)))
        if self._top:
            self._passages.add(block, bits)
        if self._learner is not None:
            self._learner.add(block)
        return bits

    def end(self) -> ModelScore:
        """What the model made of the text."""
        reliability = self._reliability
        return ModelScore(
            total=self.total,
            unknown=dict(self._unknown.most_common()),
            passages=tuple(self._passages.end()),
            dynamic=self._learner.end() if self._learner is not None else None,
            bins=tuple(reliability.bins) if reliability is not None else (),
            calibration_error=reliability.error if reliability is not None else None,
        )


def score_text(
    blocks: Iterable[str],
    scorers: Mapping[str, ModelScorer],
    *,
    on_line: Callable[[LineScore], object] | None = None,
    on_block: Callable[[str, Mapping[str, Float64]], object] | None = None,
) -> dict[str, ModelScore]:
    """Score a text, of which one block at a time is in memory.

    The blocks are its characters in order, in composed form; scorers are by the name of the model.
    `on_block` takes every block of N characters and its bits by model, shape (N,) each.

    Returns:
        What each model made of the text, the one that it belongs to most first.

    Raises:
        ModelFileError: If a model's scores are not finite numbers.
    """
    lines = LineScorer(scorers)
    for scorer in scorers.values():
        scorer.begin()
    for block in blocks:
        bits = {name: scorer.add(block) for name, scorer in scorers.items()}
        if on_line is not None:
            for line in lines.add(block, bits):
                on_line(line)
        if on_block is not None:
            on_block(block, bits)
    if on_line is not None:
        for line in lines.end():
            on_line(line)
    order = ranked({name: scorer.total for name, scorer in scorers.items()})
    return {name: scorers[name].end() for name in order}


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
