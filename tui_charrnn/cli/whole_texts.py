"""Whole texts that `generate` writes: records, one after another or as a list; the likeliest."""

import itertools
import json
import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from tui_charrnn import lazy
from tui_charrnn.cli.generate import TextRequest, Watched
from tui_charrnn.cli.output import TextOutput, narrate, progress_bar, stdout_is_terminal
from tui_charrnn.errors import CorpusError, DataError
from tui_charrnn.generation.sampling import surprise
from tui_charrnn.hangul import join_syllables
from tui_charrnn.text.records import records_of

_MOST_FAILURES: Final = 1000
"""Records in a row that are none to be written, after which there is no hope."""

_REASON: Final = (
    "A likeliest text repeats itself: what was said once is likelier the next time, and nothing is "
    "drawn that would lead out of the circle."
)


class GeneratedRecord(NamedTuple):
    """A record, the seed text with it."""

    text: str
    bits: float
    """Surprise of what was generated, its end sign with it."""
    is_whole: bool
    """Whether the model ended it."""


class RecordDrawer:
    """Draws records, each from the same seed text; random numbers are not reset between them."""

    def __init__(self, texts: TextRequest) -> None:
        self._texts = texts
        self.seed_text: Final = texts.read_seed()
        """What the model read of the seed text."""
        self._start = texts.stream.snapshot()

    def draw(self) -> GeneratedRecord:
        """The next record."""
        stream, stop = self._texts.stream, self._texts.make_stop()
        draws = stream.draws
        stream.restore(self._start)
        stream.draws = draws
        characters, bits = [self.seed_text], 0.0
        for _ in range(self._texts.length):
            said = stream.next()
            bits += surprise(stream.logits, said.index)
            if stream.is_between_records:
                return GeneratedRecord("".join(characters), bits, is_whole=True)
            characters.append(said.character)
            if stop.has_ended(said.character):
                break
        return GeneratedRecord("".join(characters), bits, is_whole=False)

    def draw_each(self, known: frozenset[str] | None) -> Iterator[GeneratedRecord]:
        """Records without end, none empty; without `known` ones and repetitions, unless None."""
        seen = {""}
        failures = count = 0
        while failures < _MOST_FAILURES:
            record = self.draw()
            if record.text in seen or (known is not None and record.text in known):
                failures += 1
                continue
            failures, count = 0, count + 1
            if known is not None:
                seen.add(record.text)
            yield record
        raise DataError(
            f"After {count:,} records {_MOST_FAILURES:,} in a row were empty, known or repeated: "
            "the model has nothing else to say. Try a higher --temperature."
        )


def known_records(texts: TextRequest, corpus: str | None) -> frozenset[str]:
    """The records that a model was trained on, or those of the text `corpus`."""
    model = texts.stream.model
    if corpus is not None:
        text = lazy.read_named_corpus(
            [corpus],
            keep_newlines="\r" in model.vocabulary.characters,
            units=model.units,
            records=model.records,
        )
        return frozenset(records_of(text.numbered.pieces()))
    try:
        with progress_bar("Reading the corpus of the model") as progress:
            found = lazy.read_learned_texts(
                model, texts.path, texts.runs, progress=progress, notify=narrate
            )
    except CorpusError as error:
        raise CorpusError(
            f"--new-only needs what the model was trained on. {error} Any text can be named with "
            "--corpus."
        ) from error
    learned = (records_of(text.numbered.pieces()) for _, text in found)
    return frozenset(itertools.chain.from_iterable(learned))


def write_records(texts: TextRequest, count: int, watched: Watched, output: TextOutput) -> None:
    """Write `count` records, as lines or as a JSON list, which is valid even if interrupted."""
    known = known_records(texts, watched.corpus) if watched.is_new_only else None
    drawer = RecordDrawer(texts)
    records = drawer.draw_each(known)
    hidden = 0 if texts.echo else len(drawer.seed_text)
    if texts.as_json:
        output.write("[")
    try:
        for number, record in enumerate(itertools.islice(records, count)):
            text = join_syllables(record.text[hidden:])
            if texts.as_json:
                document = {"text": text, "bits": record.bits, "is_whole": record.is_whole}
                output.write(("," * bool(number)) + "\n" + json.dumps(document))
            else:
                # a record of several lines is kept apart from the one before
                output.write(("\n" if number and "\n" in text else "") + text + "\n")
    finally:
        if texts.as_json:
            output.write("\n]\n")


def write_most_likely(texts: TextRequest, beam: int, output: TextOutput) -> None:
    """Search for the likeliest text with a beam, and write it."""
    seed_text = texts.read_seed() if texts.echo else texts.read_seed()[:0]
    found = lazy.search_likeliest(texts.stream, texts.length, beam, texts.make_stop().strings)
    count, text = len(found.indices), join_syllables(seed_text + found.text)
    end = texts.stream.model.vocabulary.end_index
    if not texts.as_json:
        output.write(text)
        if stdout_is_terminal():
            narrate(f"ln p = {found.log_probability:.2f} with --beam {beam}. {_REASON}")
        return
    bits = -found.log_probability / math.log(2)
    document = {
        "text": text[:-1] if found.indices[-1:] == (end,) else text,
        "length": count,
        "log_probability": found.log_probability,
        "bits_per_character": bits / count if count else None,
        "is_ended": found.is_ended,
        "beam": beam,
    }
    output.write(json.dumps(document) + "\n")
