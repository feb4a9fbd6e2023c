"""Finds passages of a corpus in generated text: marks them in the output, and summarizes them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tui_charrnn.cli.output import print_message, progress_bar, stdout_has_colors, stdout_has_styles
from tui_charrnn.cli.reading import read_named_corpus
from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.training_corpus import (
    IndexedCorpus,
    TrainingTexts,
    index_corpora,
    reading_for,
)
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.originality import OriginalityMeter, PassageMarks
from tui_charrnn.viewing.formatting import NEW_LENGTHS, format_new_shares, format_share

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import GeneratedCharacter

_UNDERLINED: Final = "\x1b[4m"
_UNDERLINED_MAGENTA: Final = "\x1b[4;35m"

_QUOTED: Final = 200
"""Characters of a passage that the summary quotes."""


class CopySearch:
    """Finds what of a generated text is copied from a corpus; its seed text is not searched."""

    def __init__(self, corpus: IndexedCorpus, copied_length: int, model: Model) -> None:
        """Count passages of `copied_length` units of the model as copied."""
        self._corpus, self._units = corpus, model.units
        self._characters = model.vocabulary.characters  # with the end sign of records
        self._meter = OriginalityMeter(corpus.index, copied_length)
        self._marks = PassageMarks(copied_length)
        self._style = ""
        """The escape sequence that marks a passage; empty if the terminal shows no styles."""
        if stdout_has_styles():
            self._style = _UNDERLINED_MAGENTA if stdout_has_colors() else _UNDERLINED

    def styled(self, character: "GeneratedCharacter") -> Iterable[tuple[str, str]]:
        """Add a character; return pieces that can be written now, with their styles."""
        match = self._meter.add(self._characters[character.index])
        if not self._style:
            return ((character.character, ""),)
        pieces = self._marks.add(character.character, match)
        return [(piece, self._style if is_copied else "") for piece, is_copied in pieces]

    def held_back(self) -> str:
        """Return the rest of the text that `styled` has not returned yet; the text has ended."""
        return self._marks.close()

    def match_facts(self, character: "GeneratedCharacter") -> Mapping[str, object] | None:
        """Add a character; return the passage that it ends as JSON values, or None."""
        match = self._meter.add(self._characters[character.index])
        return (
            {"length": match.length, **self._corpus.facts(match.offset)} if match.length else None
        )

    def search_facts(self) -> dict[str, object]:
        """Return the corpus and the length from which a passage counts as JSON values."""
        corpus = self._corpus
        facts = {"name": corpus.name, "sha256": corpus.sha256, "characters": len(corpus.index)}
        return {"corpus": facts, "copied_length": self._meter.copied_length}

    def facts(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        meter, corpus = self._meter, self._corpus
        longest = meter.longest
        return {
            "characters": meter.characters,
            "copied_characters": meter.copied_characters,
            "longest": None
            if longest is None
            else {
                **asdict(longest),
                **corpus.facts(longest.offset),
                "text": corpus.passage(longest.offset, longest.length),
            },
            "new_share": {str(length): meter.new_share(length) for length in NEW_LENGTHS},
        }

    def lines(self, text: str) -> Iterator[str]:
        """Yield the summary, line by line; the first starts with `text`, which names the text."""
        meter, corpus, units = self._meter, self._corpus, self._units
        name = f"{corpus.name} ({len(corpus.index):,} {units})"
        longest = meter.longest
        if longest is None:
            amount = "no text" if not meter.characters else "no character of it"
            yield f"{text}Copied from {name}: {amount}."
            return
        share = meter.copied_characters / meter.characters
        yield (
            f"{text}Copied from {name} in passages of {meter.copied_length} {units} or more: "
            f"{meter.copied_characters:,} of {meter.characters:,} {units}, {format_share(share)}."
        )
        passage = corpus.passage(longest.offset, min(longest.length, _QUOTED))
        rest = " ..." if longest.length > _QUOTED else ""
        counted = units if longest.length > 1 else units.removesuffix("s")
        place = corpus.place(longest.offset)
        yield (
            f"Longest copied passage: {longest.length:,} {counted}, from position "
            f"{place.offset:,} of {place.text or 'the text'}, line {place.line:,}: "
            f'"{safe_line(passage)}"{rest}'
        )
        shares = list(format_new_shares(meter))
        if shares:
            yield f"New text at length {', '.join(shares)}."


def open_named_corpus(argument: str, encoding: str, model: Model) -> IndexedCorpus:
    """Read and index a corpus that the user names; line ends are kept if the model has CR."""
    corpus = read_named_corpus([argument], replace(reading_for(model), encoding=encoding))
    with progress_bar("Indexing the corpus") as progress:
        return index_corpora([corpus], progress=progress, notify=print_message)


def open_own_corpus(model: Model, path: Path, runs: Path) -> IndexedCorpus:
    """Find the corpus that a model was trained on, and index it."""
    try:
        with progress_bar("Reading and indexing the corpus of the model") as progress:
            return TrainingTexts(model, path, runs, progress).open_index(progress, print_message)
    except CorpusError as error:
        raise CorpusError(f"{error} Name a text with --corpus.") from error
