"""Watches generated text for passages of a corpus: marks them as they come, and sums up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tui_charrnn.cli.output import print_message, progress_bar, stdout_has_colors, stdout_has_styles
from tui_charrnn.cli.reading import read_named_corpus
from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.training_corpus import (
    IndexedCorpus,
    index_corpus,
    open_training_index,
)
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.originality import OriginalityMeter, PassageMarks
from tui_charrnn.viewing.formatting import NEW_LENGTHS, format_new_shares, format_share

_UNDERLINED: Final = "\x1b[4m"
_UNDERLINED_MAGENTA: Final = "\x1b[4;35m"

_QUOTED: Final = 200
"""Characters of a passage that are quoted."""


class OriginalityWatch:
    """Measures every text of one invocation; the seed text is the user's, and not looked at."""

    def __init__(self, corpus: IndexedCorpus, copied_length: int, units: str, count: int) -> None:
        """Passages of so many characters, or jamo, count as copied, in each of `count` texts."""
        self._corpus, self._copied_length, self._units = corpus, copied_length, units
        self._meters = [OriginalityMeter(corpus.index, copied_length) for _ in range(count)]
        self._marks = [PassageMarks(copied_length) for _ in range(count)]
        self._style = ""
        """The escape sequence that marks a passage; empty where none can be shown."""
        if stdout_has_styles():
            self._style = _UNDERLINED_MAGENTA if stdout_has_colors() else _UNDERLINED

    def styled(self, text: int, character: str) -> Iterable[tuple[str, str]]:
        """Take a character of a text; what can be written of it now, and how it looks."""
        match = self._meters[text].add(character)
        if not self._style:
            return ((character, ""),)
        pieces = self._marks[text].add(character, match)
        return [(piece, self._style if is_copied else "") for piece, is_copied in pieces]

    def held_back(self, text: int) -> str:
        """What `styled` has held back of a text that has ended."""
        return self._marks[text].close()

    def match_facts(self, text: int, character: str) -> Mapping[str, object] | None:
        """Take a character of a text; the passage that it ends, for a record."""
        match = self._meters[text].add(character)
        return (
            {"length": match.length, **self._corpus.facts(match.offset)} if match.length else None
        )

    def document(self, rng_seeds: Sequence[int]) -> Mapping[str, object]:
        """All texts summed up, with their RNG seeds, for a record."""
        pairs = zip(rng_seeds, self._meters, strict=True)
        return {
            "corpus": {
                "name": self._corpus.name,
                "sha256": self._corpus.sha256,
                "characters": len(self._corpus.index),
            },
            "copied_length": self._copied_length,
            "texts": [
                {"rng_seed": seed, **_original_facts(meter, self._corpus)} for seed, meter in pairs
            ],
        }

    def print_summary(self) -> None:
        """Sum every text up on standard error."""
        for number, meter in enumerate(self._meters, 1):
            text = f"Text {number} of {len(self._meters)}: " if len(self._meters) > 1 else ""
            for line in _original_lines(meter, self._corpus, text, self._units):
                print_message(line)


def open_named_corpus(argument: str, model: Model) -> IndexedCorpus:
    """Read a corpus that the user names, with line ends as the model writes them, and index it."""
    corpus = read_named_corpus(
        [argument], keep_newlines="\r" in model.vocabulary.characters, units=model.units
    )
    with progress_bar("Indexing the corpus") as progress:
        return index_corpus(corpus, progress=progress, notify=print_message)


def open_own_corpus(model: Model, path: Path, runs: Path) -> IndexedCorpus:
    """Find the corpus that a model was trained on, and index it."""
    try:
        with progress_bar("Reading and indexing the corpus of the model") as progress:
            return open_training_index(
                model, path, runs, reading=progress, indexing=progress, notify=print_message
            )
    except CorpusError as error:
        raise CorpusError(f"{error} Any text can be named with --corpus.") from error


def _original_lines(
    meter: OriginalityMeter, corpus: IndexedCorpus, text: str, units: str
) -> Iterator[str]:
    """The report on a text, line by line; the first begins with `text`, which names it."""
    name = f"{corpus.name} ({len(corpus.index):,} {units})"
    longest = meter.longest
    if longest is None:
        nothing = "no text" if not meter.characters else "no character of it"
        yield f"{text}Copied from {name}: {nothing}."
        return
    share = meter.copied_characters / meter.characters
    yield (
        f"{text}Copied from {name} in passages of {meter.copied_length} {units} or more: "
        f"{meter.copied_characters:,} of {meter.characters:,} {units}, {format_share(share)}."
    )
    passage = corpus.index.passage(longest.offset, min(longest.length, _QUOTED))
    rest = " ..." if longest.length > _QUOTED else ""
    counted = units if longest.length > 1 else units.removesuffix("s")
    place = corpus.place(longest.offset)
    yield (
        f"Longest copied passage: {longest.length:,} {counted}, from position "
        f"{place.offset:,} of {place.text or 'the text'}, line {place.line:,}: "
        f'"{safe_line(passage)}"{rest}'
    )
    told = list(format_new_shares(meter))
    if told:
        yield f"New text at length {', '.join(told)}."


def _original_facts(meter: OriginalityMeter, corpus: IndexedCorpus) -> dict[str, Any]:
    """The same as JSON values."""
    longest, index = meter.longest, meter.index
    return {
        "characters": meter.characters,
        "copied_characters": meter.copied_characters,
        "longest": None
        if longest is None
        else {
            "position": longest.position,
            "length": longest.length,
            **corpus.facts(longest.offset),
            "text": index.passage(longest.offset, longest.length),
        },
        "new_share": {str(length): meter.new_share(length) for length in NEW_LENGTHS},
    }
