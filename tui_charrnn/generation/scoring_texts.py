"""A text from beginning to end, scored by several models at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tui_charrnn.generation.scoring import Float64, TextScorer
from tui_charrnn.generation.scoring_dynamic import DynamicScorer
from tui_charrnn.generation.scoring_passages import Passage, SurprisingPassages
from tui_charrnn.generation.scoring_totals import (
    LineScore,
    LineScorer,
    ScoreTotal,
    UnknownCharacters,
    ranked,
)


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


@dataclass(frozen=True, slots=True)
class TextScore:
    """What models made of a text."""

    models: dict[str, ModelScore]
    """By name, the one that the text belongs to most first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told of what is found on the way; None for nobody."""

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
) -> TextScore:
    """Score a text, of which one block at a time is in memory.

    Args:
        blocks: Its characters in order, in composed form.
        scorers: By the name of the model; each begins anew.
        listeners: Who is told of lines and blocks.
        top: How many of the most surprising passages are wanted.
        learners: By the name of the model; each begins anew.

    Raises:
        ModelFileError: If a model's scores are not finite numbers.
    """
    learners = learners or {}
    tallies = {name: _Tally(top, learners.get(name)) for name in scorers}
    lines = LineScorer(list(scorers))
    tell_line, tell_block = listeners.line, listeners.block
    for scorer in scorers.values():
        scorer.begin()
    for block in blocks:
        bits = {name: scorer.score(block) for name, scorer in scorers.items()}
        for name, found in bits.items():
            tallies[name].add(block, found)
        if tell_line is not None:
            _tell_all(lines.add(block, bits), tell_line)
        if tell_block is not None:
            tell_block(block, bits)
    if tell_line is not None:
        _tell_all(lines.end(), tell_line)
    order = ranked({name: tally.total for name, tally in tallies.items()})
    return TextScore({name: tallies[name].end() for name in order})


class _Tally:
    """What one model makes of a text, as far as it was read."""

    def __init__(self, top: int, learner: DynamicScorer | None) -> None:
        self.total = ScoreTotal()
        self._unknown = UnknownCharacters()
        self._passages = SurprisingPassages(top) if top else None
        self._learner = learner
        if learner is not None:
            learner.begin()

    def add(self, block: str, bits: Float64) -> None:
        self.total.add(bits)
        self._unknown.add(block, bits)
        if self._passages is not None:
            self._passages.add(block, bits)
        if self._learner is not None:
            self._learner.add(block)

    def end(self) -> ModelScore:
        return ModelScore(
            total=self.total,
            unknown=dict(self._unknown.counts.most_common()),
            passages=tuple(self._passages.end()) if self._passages is not None else (),
            dynamic=self._learner.end() if self._learner is not None else None,
        )


def _tell_all(lines: Iterable[LineScore], tell: Callable[[LineScore], None]) -> None:
    for line in lines:
        tell(line)
