"""Aggregate the bits of characters: for a text, its lines and passages, and its likely origin.

The origin of a text is inferred by Bayes' rule: all models are equally likely at first, and each
character updates them by its probability under each model.

Notation: N characters of a block of text, M models.
"""

import heapq
import io
import math
import unicodedata
from collections import Counter, defaultdict
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

UNKNOWN_BITS: Final = math.log2(0x110000)
"""Cost of an unknown character when models are compared: a uniform choice among all code points of
Unicode. Otherwise a model that knows few of the characters would win by skipping the others."""
_KEPT_OF_LINE: Final = 1000  # characters of a line that are stored for display


@dataclass(slots=True)
class ScoreTotal:
    """The score of some text under a model."""

    characters: int = 0
    """Characters that were scored."""
    unknown: int = 0
    """Characters that were not scored, as the model does not know them."""
    bits: float = 0.0
    """Sum of -log2 p over the scored characters."""

    @property
    def bits_per_character(self) -> float | None:
        """The mean, or None if nothing was scored."""
        return self.bits / self.characters if self.characters else None

    @property
    def perplexity(self) -> float | None:
        """2 to the power of the bits per character, or None if nothing was scored."""
        mean = self.bits_per_character
        return None if mean is None else perplexity(mean * math.log(2))

    @property
    def comparable_bits(self) -> float:
        """Bits of the whole text with `UNKNOWN_BITS` for each unknown character."""
        return self.bits + self.unknown * UNKNOWN_BITS

    @property
    def comparable_bits_per_character(self) -> float | None:
        """The mean of `comparable_bits`; None for an empty text."""
        whole = self.characters + self.unknown
        return self.comparable_bits / whole if whole else None

    def add(self, bits: Float64) -> None:
        """Add characters by their bits, NaN for an unknown one."""
        is_known = ~np.isnan(bits)
        known = int(is_known.sum())
        self.characters += known
        self.unknown += len(bits) - known
        self.bits += float(bits[is_known].sum())


def ranked(totals: Mapping[str, ScoreTotal]) -> list[str]:
    """Return the names of models in ascending order of `comparable_bits`; ties keep their order."""
    return sorted(totals, key=lambda name: totals[name].comparable_bits)


@dataclass(frozen=True, slots=True)
class LineScore:
    """The scores of one line of a text, its line feed included, under every model."""

    number: int
    """From 1."""
    text: str
    """Its first 1,000 characters, without the line feed."""
    totals: dict[str, ScoreTotal]
    """By the name of the model."""


def line_scores(scored: Iterable[tuple[str, Mapping[str, Float64]]]) -> Iterator[LineScore]:
    """Yield the lines of a text that arrives in blocks of N characters.

    Each block comes with its bits by the name of the model, shape (N,) each.
    """
    number, kept = 1, ""
    totals = defaultdict[str, ScoreTotal](ScoreTotal)
    for block, bits in scored:
        start = 0
        for part in io.StringIO(block):
            end = start + len(part)
            kept += part.removesuffix("\n")[: _KEPT_OF_LINE - len(kept)]
            for name, each in bits.items():
                totals[name].add(each[start:end])
            if part.endswith("\n"):
                yield LineScore(number, kept, totals)
                number, kept = number + 1, ""
                totals = defaultdict(ScoreTotal)
            start = end
    if totals:
        yield LineScore(number, kept, totals)


PASSAGE: Final = 40
"""Characters of a passage; a shorter text is one passage."""
_CANDIDATES: Final = 3
"""Candidates that are stored per requested passage: a chosen one overlaps at most two others, one
in the segment before and one in the segment after."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A surprising passage of a text."""

    bits: float
    """Sum over the characters that the model knows."""
    bits_per_character: float
    """Mean over the same characters."""
    offset: int
    """Of its first character in the text, from 0."""
    line: int
    """From 1."""
    column: int
    """Of its first character, from 1."""
    text: str


class SurprisingPassages:
    """Finds the `count` passages with the most bits that do not overlap.

    A passage without bits, such as one of unknown characters, is not listed.

    The text is divided into segments of `PASSAGE` start positions; the best start of each segment
    is a candidate.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._best: list[Passage] = []
        self._text = ""  # characters at which a passage may still start
        self._bits = np.zeros(0)
        self._offset = 0  # of `_text` in the whole text
        self._line, self._column = 1, 1

    def add(self, block: str, bits: Float64) -> None:
        """Add the next block of N characters, with bits of shape (N,)."""
        self._text += block
        self._bits = np.concatenate([self._bits, bits])
        starts = (len(self._text) - PASSAGE + 1) // PASSAGE * PASSAGE
        if starts > 0:
            self._search(starts)

    def end(self) -> list[Passage]:
        """Return the passages, the most surprising first."""
        # a remainder shorter than a passage counts only if it is the whole text
        if len(self._text) >= PASSAGE or (self._text and not self._offset):
            self._search(max(1, len(self._text) - PASSAGE + 1))
        chosen: list[Passage] = []
        for candidate in sorted(self._best, key=_rank):
            is_apart = all(abs(candidate.offset - one.offset) >= PASSAGE for one in chosen)
            if len(chosen) < self._count and is_apart:
                chosen.append(candidate)
        return chosen

    def _search(self, count: int) -> None:
        """Search the passages that start at the first `count` characters, and drop these."""
        length = min(PASSAGE, len(self._text))
        sums = np.concatenate([[0.0], np.nan_to_num(self._bits).cumsum()])
        segments = -(-count // PASSAGE)
        padded = np.full(segments * PASSAGE, -np.inf)
        padded[:count] = (sums[length:] - sums[:-length])[:count]
        rows = padded.reshape(segments, PASSAGE)
        starts = rows.argmax(axis=1) + PASSAGE * np.arange(segments)
        best = np.argsort(-padded[starts], kind="stable")[: self._count * _CANDIDATES]
        new = [self._passage(int(start)) for start in starts[best] if padded[start] > 0]
        self._best = heapq.nsmallest(self._count * _CANDIDATES, [*self._best, *new], key=_rank)
        self._line, self._column = self._position(count)
        self._text, self._bits = self._text[count:], self._bits[count:]
        self._offset += count

    def _passage(self, start: int) -> Passage:
        line, column = self._position(start)
        part = slice(start, start + PASSAGE)
        known = self._bits[part][~np.isnan(self._bits[part])]
        bits, mean = float(known.sum()), float(known.mean())
        return Passage(bits, mean, self._offset + start, line, column, self._text[part])

    def _position(self, index: int) -> tuple[int, int]:
        """Return line and column of an index of `_text`."""
        feeds = self._text.count("\n", 0, index)
        if not feeds:
            return self._line, self._column + index
        return self._line + feeds, index - self._text.rindex("\n", 0, index)


def _rank(passage: Passage) -> tuple[float, int]:
    return -passage.bits, passage.offset


@dataclass(frozen=True, slots=True)
class ModelScore:
    """All scores of a text under one model."""

    total: ScoreTotal
    unknown: Mapping[str, int]
    """Counts of the characters that the model does not know, the most frequent first."""
    passages: tuple[Passage, ...]
    """The most surprising passages, as many as requested."""
    dynamic: float | None
    """Bits per character by dynamic evaluation; None if it was not requested."""
    bins: tuple[Bin, ...] = ()
    """The reliability diagram; empty if it was not requested."""
    calibration_error: float | None = None
    """The expected calibration error of `bins`."""


class ModelScorer:
    """Scores texts under one model.

    `streams` and `threads` are those of `SegmentReader`, `rate` is that of `DynamicScorer`, None
    for none. `top` is how many of the most surprising passages to find, `has_bins` whether to
    compute the reliability diagram.
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
        """Start a new text, as if after a newline."""
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
        self._unknown.update(block[index] for index in np.flatnonzero(np.isnan(bits)))
        if self._top:
            self._passages.add(block, bits)
        if self._learner is not None:
            self._learner.add(block)
        return bits

    def end(self) -> ModelScore:
        """Return the scores of the text."""
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
    """Score a text under several models, and return the scores by model, in order of `ranked`.

    The blocks are in composed form (Unicode NFC). `on_line` is called with every line, `on_block`
    with every block of N characters and its bits by model, shape (N,) each.

    Raises:
        ModelFileError: If a model's logits are not finite.
    """
    for scorer in scorers.values():
        scorer.begin()

    def score() -> Iterator[tuple[str, Mapping[str, Float64]]]:
        for block in blocks:
            bits = {name: scorer.add(block) for name, scorer in scorers.items()}
            if on_block is not None:
                on_block(block, bits)
            yield block, bits

    if on_line is None:
        for _ in score():
            pass
    else:
        for line in line_scores(score()):
            on_line(line)
    order = ranked({name: scorer.total for name, scorer in scorers.items()})
    return {name: scorers[name].end() for name in order}


@dataclass(frozen=True, slots=True)
class Origin:
    """The bits of a text under several models, and the probability that it comes from each."""

    names: tuple[str, ...]
    """Of the models."""
    text: str
    """In composed form (Unicode NFC)."""
    bits: Float64
    """-log2 p of each character under each model, shape (M, N); `UNKNOWN_BITS` for unknown ones."""
    unknown: tuple[int, ...]
    """Number of characters that each model does not know."""

    @property
    def totals(self) -> Float64:
        """Bits of the whole text under each model, shape (M,)."""
        totals: Float64 = self.bits.sum(axis=1)
        return totals

    @property
    def path(self) -> Float64:
        """The posterior of each model after each character, shape (M, N + 1); at first 1/M."""
        sums = np.pad(self.bits.cumsum(axis=1), ((0, 0), (1, 0)))
        weights = np.exp2(sums.min(axis=0) - sums)
        path: Float64 = weights / weights.sum(axis=0)
        return path

    @property
    def probabilities(self) -> Float64:
        """The posterior of each model after the whole text, shape (M,)."""
        last: Float64 = self.path[:, -1]
        return last

    @property
    def order(self) -> list[int]:
        """Indices of the models, the likeliest first; ties in order of `names`."""
        return [int(index) for index in np.argsort(self.totals, kind="stable")]


class OriginReader:
    """Scores a growing text, as while it is typed; only new characters are read."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        """Prepare two or more models.

        Raises:
            ModelFileError: If a model is bidirectional, as it cannot score a growing text.
        """
        for name, model in models.items():
            if model.config.reads_both:
                raise ModelFileError(
                    "{name} is bidirectional, so it cannot score a text that still grows.",
                    name=name,
                )
        self._scorers = {name: TextScorer(model, streams=1) for name, model in models.items()}
        self._text = ""
        self._bits = np.zeros((len(models), 0))

    def read(self, text: str) -> Origin:
        """Infer the origin of a text, which starts as if after a newline.

        Raises:
            ModelFileError: If a model's logits are not finite.
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
