"""Watches generated text for passages of a corpus: marks them as they come, and sums up."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from tui_charrnn.cli.originality_words import original_facts, original_lines
from tui_charrnn.cli.output import TextOutput, narrate, stdout_is_terminal
from tui_charrnn.cli.samples import PlainWriter, RecordWriter, Writer
from tui_charrnn.generation.training_corpus import IndexedCorpus
from tui_charrnn.text.originality import OriginalityMeter, PassageMarks

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import GeneratedCharacter
    from tui_charrnn.model.weights import Float32

_UNDERLINED: Final = "\x1b[4m"
_UNDERLINED_MAGENTA: Final = "\x1b[4;35m"


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

    def tell(self) -> None:
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

    def begin(self, rng_seeds: Sequence[int]) -> None:
        self._watch.begin(rng_seeds)
        self._marks = [PassageMarks(self._watch.copied_length) for _ in rng_seeds]
        super().begin(rng_seeds)

    def add(self, text: int, position: int, said: "GeneratedCharacter", logits: "Float32") -> None:
        match = self._watch.meters[text].add(said.character)
        if not self._style:
            super().add(text, position, said, logits)
            return
        for piece, is_copied in self._marks[text].add(said.character, match):
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

    def begin(self, rng_seeds: Sequence[int]) -> None:
        self._watch.begin(rng_seeds)
        super().begin(rng_seeds)

    def facts(self, text: int, said: "GeneratedCharacter") -> Mapping[str, object]:
        match = self._watch.meters[text].add(said.character)
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
