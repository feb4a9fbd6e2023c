"""Watches generated text for passages of a corpus: marks them as they come, and sums up."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tui_charrnn.cli.output import TextOutput, narrate, progress_bar, stdout_is_terminal
from tui_charrnn.cli.reading import read_named_corpus
from tui_charrnn.cli.samples import PlainWriter, RecordWriter, Writer
from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.training_corpus import (
    IndexedCorpus,
    index_corpus,
    kept_training_corpus,
    read_training_corpus,
)
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import Corpus
from tui_charrnn.text.originality import OriginalityMeter, PassageMarks
from tui_charrnn.viewing.originality_words import NEW_LENGTHS, new_share_words, share_words

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import GeneratedCharacter
    from tui_charrnn.model.weights import Float32


_UNDERLINED: Final = "\x1b[4m"
_UNDERLINED_MAGENTA: Final = "\x1b[4;35m"

_QUOTED: Final = 200
"""Characters of a passage that are quoted."""


class OriginalityWatch:
    """Measures every text of one invocation; the seed text is the user's, and not looked at."""

    def __init__(self, corpus: IndexedCorpus, copied_length: int) -> None:
        """See nothing yet.

        Args:
            corpus: Where passages are looked for.
            copied_length: Characters from which on a passage counts as copied.
        """
        self.corpus: Final = corpus
        self.copied_length: Final = copied_length
        self.rng_seeds: Sequence[int] = ()
        self.meters: list[OriginalityMeter] = []
        self._is_told_elsewhere = False

    def writer(self, output: TextOutput, *, as_json: bool) -> Writer:
        """What takes the characters: with --json their records, and one more at the end."""
        self._is_told_elsewhere = as_json
        return _RecordWriter(output, self) if as_json else _MarkingWriter(output, self)

    def begin(self, rng_seeds: Sequence[int]) -> None:
        """Take the RNG seeds of the texts."""
        self.rng_seeds = rng_seeds
        self.meters = [OriginalityMeter(self.corpus.index, self.copied_length) for _ in rng_seeds]

    def print_summary(self) -> None:
        """Sum every text up on standard error, unless records have done so."""
        if self._is_told_elsewhere:
            return
        for number, meter in enumerate(self.meters, 1):
            text = f"Text {number} of {len(self.meters)}: " if len(self.meters) > 1 else ""
            for line in original_lines(meter, self.corpus, text):
                narrate(line)


class _MarkingWriter(PlainWriter):
    """Writes texts; on a terminal, with their copied passages marked."""

    def __init__(self, output: TextOutput, watch: OriginalityWatch) -> None:
        super().__init__(output)
        self._watch = watch
        self._style = terminal_style() if stdout_is_terminal() else ""
        self._marks: list[PassageMarks] = []

    def begin(self, rng_seeds: Sequence[int], temperatures: Sequence[float]) -> None:
        self._watch.begin(rng_seeds)
        self._marks = [PassageMarks(self._watch.copied_length) for _ in rng_seeds]
        super().begin(rng_seeds, temperatures)

    def add(
        self, text: int, position: int, character: "GeneratedCharacter", logits: "Float32"
    ) -> None:
        match = self._watch.meters[text].add(character.character)
        if not self._style:
            super().add(text, position, character, logits)
            return
        for piece, is_copied in self._marks[text].add(character.character, match):
            self.put(text, piece, self._style if is_copied else "")

    def close(self) -> None:
        for text, marks in enumerate(self._marks):
            if held := marks.close():
                self.put(text, held)
        super().close()


class _RecordWriter(RecordWriter):
    """Writes records with the match of every character, and one at the end that sums up."""

    def __init__(self, output: TextOutput, watch: OriginalityWatch) -> None:
        super().__init__(output)
        self._watch = watch

    def begin(self, rng_seeds: Sequence[int], temperatures: Sequence[float]) -> None:
        self._watch.begin(rng_seeds)
        super().begin(rng_seeds, temperatures)

    def facts(self, text: int, character: "GeneratedCharacter") -> Mapping[str, object]:
        match = self._watch.meters[text].add(character.character)
        line = self._watch.corpus.index.line(match.offset)
        place = {"length": match.length, "offset": match.offset, "line": line}
        return {"match": place if match.length else None}

    def close(self) -> None:
        watch = self._watch
        pairs = zip(watch.rng_seeds, watch.meters, strict=True)
        document = {
            "corpus": {
                "name": watch.corpus.name,
                "sha256": watch.corpus.sha256,
                "characters": len(watch.corpus.index),
            },
            "copied_length": watch.copied_length,
            "texts": [{"rng_seed": seed, **original_facts(meter)} for seed, meter in pairs],
        }
        self.write({"originality": document})


def terminal_style(environment: Mapping[str, str] = os.environ) -> str:
    """What makes a terminal mark what follows: by a line below it, and a color if that is wanted.

    Args:
        environment: The variables of this process.
    """
    if environment.get("TERM", "") in {"", "dumb"}:
        return ""
    return _UNDERLINED if environment.get("NO_COLOR") else _UNDERLINED_MAGENTA


def open_named_corpus(argument: str, model: Model) -> IndexedCorpus:
    """Read a corpus that the user names, with line ends as the model writes them, and index it.

    Raises:
        CorpusError: If it cannot be read, or is too long for an index.
    """
    corpus = read_named_corpus(
        [argument],
        encoding="utf-8",
        keep_newlines="\r" in model.vocabulary.characters,
        keep_decomposed=False,
        units=model.units,
    )
    return _indexed(corpus)


def open_own_corpus(model: Model, path: Path, runs: Path) -> IndexedCorpus:
    """Find the corpus that a model was trained on, and index it.

    Args:
        model: As it was loaded.
        path: Of its file.
        runs: Where runs are looked up by name.

    Raises:
        CorpusError: If it is not found, or has changed.
    """
    kept = kept_training_corpus(model)
    if kept is not None:
        return kept
    try:
        with progress_bar("Reading the corpus of the model") as progress:
            corpus = read_training_corpus(model, path, runs, progress=progress)
    except CorpusError as error:
        raise CorpusError(f"{error} Any text can be named with --corpus.") from error
    return _indexed(corpus)


def _indexed(corpus: Corpus) -> IndexedCorpus:
    with progress_bar("Indexing the corpus") as progress:
        return index_corpus(corpus, progress=progress, tell=narrate)


def original_lines(meter: OriginalityMeter, corpus: IndexedCorpus, text: str) -> Iterator[str]:
    """What is to be said of a text, line by line.

    Args:
        meter: Has measured it.
        corpus: What it was compared with.
        text: Begins the first line: which text it is.
    """
    name = f"{corpus.name} ({len(corpus.index):,} characters)"
    longest = meter.longest
    if longest is None:
        nothing = "no text" if not meter.characters else "no character of it"
        yield f"{text}Copied from {name}: {nothing}."
        return
    share = meter.copied_characters / meter.characters
    yield (
        f"{text}Copied from {name} in passages of {meter.copied_length} characters or more: "
        f"{meter.copied_characters:,} of {meter.characters:,} characters, {share_words(share)}."
    )
    passage = corpus.index.passage(longest.offset, min(longest.length, _QUOTED))
    rest = " ..." if longest.length > _QUOTED else ""
    plural = "" if longest.length == 1 else "s"
    yield (
        f"Longest copied passage: {longest.length:,} character{plural}, from line "
        f"{corpus.index.line(longest.offset):,}, character {longest.offset:,}: "
        f'"{safe_line(passage)}"{rest}'
    )
    told = list(new_share_words(meter))
    if told:
        yield f"New text at length {', '.join(told)}."


def original_facts(meter: OriginalityMeter) -> dict[str, Any]:
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
            "offset": longest.offset,
            "line": index.line(longest.offset),
            "text": index.passage(longest.offset, longest.length),
        },
        "new_share": {str(length): meter.new_share(length) for length in NEW_LENGTHS},
    }
