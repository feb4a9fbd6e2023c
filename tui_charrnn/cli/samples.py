"""Generates texts and records for `generate`, and writes them as text or JSON."""

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn import lazy
from tui_charrnn.cli.output import (
    TextOutput,
    print_message,
    progress_bar,
    stdout_is_terminal,
    text_output,
)
from tui_charrnn.cli.reading import Seed, read_named_corpus, read_seed
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, CorpusError, DataError, HistoryError
from tui_charrnn.hangul import INITIALS, join_syllables, whole_text
from tui_charrnn.history.generation import KEPT_CHARACTERS, Generation, ModelReference
from tui_charrnn.history.store import History
from tui_charrnn.text.originality import copied_length_in

if TYPE_CHECKING:
    from tui_charrnn.cli.originality import CopySearch
    from tui_charrnn.generation.side_by_side import SideBySide
    from tui_charrnn.generation.stream import CharacterStream, GeneratedCharacter, StopStrings
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.model.weights import Float32


@dataclasses.dataclass(slots=True)
class Sample:
    """One generated text."""

    rng_seed: int
    temperature: float | None
    """None without --compare-temperatures."""
    stop: "StopStrings"
    copies: "CopySearch | None" = None
    """The passages that are copied from a corpus; None if they are not searched for."""
    characters: list[str] = dataclasses.field(default_factory=list)
    """The first `KEPT_CHARACTERS`."""
    length: int = 0
    is_running: bool = True
    pieces: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """Text and style of what is written after the texts before this one."""


class OneText:
    """A stream that generates one text, as `SideBySide` generates several."""

    def __init__(self, stream: "CharacterStream") -> None:
        self._stream = stream
        self.rng_seeds = [stream.rng_seed]

    @property
    def logits(self) -> "list[Float32]":
        """The logits of the last character, shape (1, V)."""
        return [self._stream.logits]

    def next(self) -> "list[GeneratedCharacter]":
        """Generate the next character."""
        return [self._stream.next()]

    def has_ended(self, _text: int) -> bool:
        """Return whether the text has all requested lines, or is a record that has ended."""
        return self._stream.is_complete or self._stream.is_between_records


class PlainWriter:
    """Writes the first text while it is generated, then the others, each below a heading.

    The style of a piece marks copied passages.
    """

    def __init__(self, output: TextOutput, samples: Sequence[Sample], seed_text: str = "") -> None:
        """Write the first heading if there are several; `seed_text` is written below each."""
        self._output, self._samples, self._seed_text = output, samples, seed_text
        if len(samples) > 1:
            output.write(self._heading(0))

    def add(self, sample: Sample, character: "GeneratedCharacter", _: "Float32") -> None:
        """Write a character of the first text, or keep one of another text."""
        if sample.copies is None:
            self._put(sample, character.character)
            return
        for piece, style in sample.copies.styled(character):
            self._put(sample, piece, style)

    def _put(self, sample: Sample, piece: str, style: str = "") -> None:
        if sample is self._samples[0]:
            self._output.write(piece, style)
        else:
            sample.pieces.append((piece, style))

    def close(self) -> None:
        """Write the rest of the first text, then the other texts."""
        for number, sample in enumerate(self._samples):
            if sample.copies is not None:
                self._put(sample, sample.copies.held_back())
            if number:
                self._output.write("\n\n" + self._heading(number))
            for piece, style in sample.pieces:
                self._output.write(piece, style)

    def _heading(self, number: int) -> str:
        sample, count = self._samples[number], len(self._samples)
        option = f"--rng-seed {sample.rng_seed}"
        if sample.temperature is not None:
            option = f"--temperature {sample.temperature:g} {option}"
        return f"==> {number + 1} of {count}: {option} <==\n{self._seed_text}"


class RecordWriter:
    """Writes a line of JSON for every character, and one with the summary of copied passages."""

    def __init__(self, output: TextOutput, samples: Sequence[Sample], model: "Model") -> None:
        self._output, self._samples, self._numbers = output, samples, model.numbers
        self._end = model.vocabulary.end_index
        self._surprise = lazy.surprise

    def add(self, sample: Sample, character: "GeneratedCharacter", logits: "Float32") -> None:
        """Write the record of a character."""
        record = dict[str, object]()
        if sample.temperature is not None:
            record["temperature"] = sample.temperature
        record |= {
            "rng_seed": sample.rng_seed,
            "numbers": self._numbers,
            "position": sample.length - 1,
            "character": character.character,
            "probability": character.probability,
            "surprise": self._surprise(logits, character.index),
        }
        if character.index == self._end:
            record["is_end"] = True
        if sample.copies is not None:
            record["match"] = sample.copies.match_facts(character)
        self._output.write(json.dumps(record) + "\n")

    def close(self) -> None:
        """Write the summary of copied passages, if they were searched for."""
        searched = [(each.rng_seed, each.copies) for each in self._samples if each.copies]
        if searched:
            texts = [{"rng_seed": rng_seed, **copies.facts()} for rng_seed, copies in searched]
            document = {"originality": {**searched[0][1].search_facts(), "texts": texts}}
            self._output.write(json.dumps(document) + "\n")


def generate_samples(
    batch: "OneText | SideBySide",
    samples: Sequence[Sample],
    writer: PlainWriter | RecordWriter,
    length: int,
) -> None:
    """Generate and write texts, each up to `length` characters or its stop string.

    A text gets one more character if the last one starts a syllable of jamo. Buffered text is
    written even after an interrupt.
    """
    for sample in samples:
        sample.is_running = length > 0
    try:
        while any(sample.is_running for sample in samples):
            generated = zip(samples, batch.next(), batch.logits, strict=True)
            for text, (sample, character, logits) in enumerate(generated):
                if not sample.is_running:
                    continue
                if sample.length < KEPT_CHARACTERS:
                    sample.characters.append(character.character)
                sample.length += 1  # before writing, so that what was written is kept
                writer.add(sample, character, logits)
                has_ended = sample.stop.has_ended(character.character)
                has_ended |= sample.length > length or (
                    sample.length == length and character.character not in INITIALS
                )
                sample.is_running = not (has_ended or batch.has_ended(text))
    finally:
        writer.close()


def write_samples(texts: "TextRequest") -> tuple[str, Sequence[Sample], bool]:
    """Write texts character by character.

    Returns:
        The end of the seed text, the texts, and whether Ctrl-C interrupted them.
    """
    stream, is_plain = texts.stream, not texts.as_json
    for string in texts.make_stop_strings().unreachable(stream.model.vocabulary.characters):
        print_message(
            f"The stop string {string!r} cannot occur: the model does not know all its characters."
        )
    start_search = texts.open_search()
    seed_text, repeated = "", list[str]()
    samples: Sequence[Sample] = ()
    with text_output() as output:
        if stream.model.units == "jamo" and is_plain:
            output.join_syllables()
        for piece in read_seed(stream, texts.seed):
            # one character more than is kept marks it as truncated
            seed_text += whole_text(piece, stream.model.units)
            seed_text = seed_text[-KEPT_CHARACTERS - 1 :]
            if texts.echo and is_plain:  # several texts: each is written after the seed text
                (output.write if texts.count == 1 else repeated.append)(piece)
        batch = (
            lazy.SideBySide(stream, texts.count, texts.temperatures)
            if texts.count > 1
            else OneText(stream)
        )
        temperatures = texts.temperatures or (None,) * texts.count
        samples = [
            Sample(rng_seed, temperature, texts.make_stop_strings(), start_search())
            for rng_seed, temperature in zip(batch.rng_seeds, temperatures, strict=True)
        ]
        writer = (
            PlainWriter(output, samples, "".join(repeated))
            if is_plain
            else RecordWriter(output, samples, stream.model)
        )
        generate_samples(batch, samples, writer, texts.length)
    for number, sample in enumerate(samples if is_plain else (), 1):
        if sample.copies is not None:
            name = f"Text {number} of {len(samples)}: " if len(samples) > 1 else ""
            print_message(*sample.copies.lines(name))
    return seed_text, samples, output.is_interrupted


def keep_samples(
    samples: Sequence[Sample],
    seed_text: str,
    stream: "CharacterStream",
    origin: ModelReference,
) -> None:
    """Add every text that is not empty to the history."""
    samples = [sample for sample in samples if sample.length]
    if not samples:
        return
    model, clamps = stream.model, tuple(map(str, stream.clamps))
    try:
        History().add([
            Generation(
                seed_text=seed_text,
                text=whole_text("".join(sample.characters), model.units),
                length=sample.length,
                sampling=((0, _sampling_of(sample, stream.sampling)),),
                rng_seed=sample.rng_seed,
                model=origin,
                clamps=((0, clamps),) if clamps else (),
                numbers=model.numbers,
            )
            for sample in samples
        ])
    except HistoryError as error:
        print_message(f"The text was not kept: {error}")


def _sampling_of(sample: Sample, sampling: SamplingConfig) -> SamplingConfig:
    if sample.temperature is None:
        return sampling
    return dataclasses.replace(sampling, temperature=sample.temperature)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TextRequest:
    """The options of a `generate` command."""

    stream: "CharacterStream"
    path: Path
    """Path of the model file."""
    runs: Path
    """Folder of the runs."""
    seed: Seed
    length: int
    stop: tuple[str, ...]
    count: int
    """Number of texts, or of records."""
    temperatures: Sequence[float]
    """Those of --compare-temperatures, one for each text; empty without the option."""
    as_json: bool
    echo: bool
    originality: bool
    corpus: str | None
    """The corpus to compare with; None uses the one that the model was trained on."""
    encoding: str
    """Encoding of `corpus`."""
    copied_length: int | None
    is_new_only: bool
    """Whether to leave out records that the corpus contains."""

    def make_stop_strings(self) -> "StopStrings":
        """Return a new matcher of the stop strings for one text."""
        return lazy.StopStrings(self.stop, self.stream.model.units)

    def is_list(self) -> bool:
        """Return whether to write a list of records, one after another.

        Raises:
            ConfigError: If --new-only has no effect on this model, or with the other options.
        """
        has_records = self.stream.model.records != "none"
        is_watched = self.originality or self.copied_length is not None or bool(self.temperatures)
        if not self.is_new_only:
            is_watched = is_watched or self.corpus is not None
            return has_records and self.count > 1 and not is_watched
        if not has_records:
            raise ConfigError(
                "--new-only needs a model of records (train --records). For other models, "
                "--originality reports copied passages."
            )
        if is_watched:
            raise ConfigError(
                "--new-only cannot be combined with --compare-temperatures, --originality or "
                "--copied-length."
            )
        return True

    def open_search(self) -> "Callable[[], CopySearch | None]":
        """Open the corpus to search for copied passages; return what starts it for each text.

        It returns None if no option requests a search.
        """
        length, model = self.copied_length, self.stream.model
        if not self.originality and self.corpus is None and length is None:
            return lambda: None
        if self.corpus is None:
            compared = lazy.open_own_corpus(model, self.path, self.runs)
        else:
            compared = lazy.open_named_corpus(self.corpus, self.encoding, model)
        return partial(lazy.CopySearch, compared, length or copied_length_in(model.units), model)


_MAX_FAILURES: Final = 1000
"""Rejected records in a row after which generation fails."""

_REASON: Final = (
    "A likeliest text repeats itself: a passage becomes likelier each time it occurs, and no "
    "sampling leaves the loop."
)


class _GeneratedRecord(NamedTuple):
    """A generated record, including the seed text."""

    text: str
    bits: float
    """Surprise of the generated characters, including the end symbol."""
    is_whole: bool
    """Whether the model generated its end symbol."""


def _sample_record(texts: TextRequest, seed_text: str) -> _GeneratedRecord:
    """Sample a record after the seed text, which the stream has read."""
    stream, stop = texts.stream, texts.make_stop_strings()
    characters, bits = [seed_text], 0.0
    for _ in range(texts.length):
        sampled = stream.next()
        bits += lazy.surprise(stream.logits, sampled.index)
        if stream.is_between_records:
            return _GeneratedRecord("".join(characters), bits, is_whole=True)
        characters.append(sampled.character)
        if stop.has_ended(sampled.character):
            break
    return _GeneratedRecord("".join(characters), bits, is_whole=False)


def _sample_records(
    texts: TextRequest, seed_text: str, known: frozenset[str] | None
) -> Iterator[_GeneratedRecord]:
    """Sample records without end, except empty ones and, with `known`, known and repeated ones.

    Each record starts from the same state; the random numbers continue.

    Raises:
        DataError: If too many records in a row are rejected.
    """
    stream, start = texts.stream, texts.stream.snapshot()
    refused = {"", *(known or ())}
    failures = count = 0
    while failures < _MAX_FAILURES:
        draws = stream.draws
        stream.restore(start)
        stream.draws = draws
        record = _sample_record(texts, seed_text)
        if record.text in refused:
            failures += 1
            continue
        failures, count = 0, count + 1
        if known is not None:
            refused.add(record.text)
        yield record
    raise DataError(
        f"After {count:,} records {_MAX_FAILURES:,} in a row were empty, known or repeated: the "
        "model generates nothing new. Try a higher --temperature."
    )


def _known_records(texts: TextRequest) -> frozenset[str]:
    """Return the records that a model was trained on, or those of the text of --corpus."""
    model = texts.stream.model
    if texts.corpus is not None:
        reading = dataclasses.replace(lazy.reading_for(model), encoding=texts.encoding)
        text = read_named_corpus([texts.corpus], reading)
        return frozenset(text.numbered.records())
    try:
        with progress_bar("Reading the corpus of the model") as progress:
            learned = lazy.TrainingTexts(model, texts.path, texts.runs, progress)
            found = learned.read_all(print_message)
    except CorpusError as error:
        raise CorpusError(
            f"--new-only needs the corpus of the model. {error} Name a text with --corpus."
        ) from error
    records = (text.numbered.records() for text in found)
    return frozenset(itertools.chain.from_iterable(records))


def write_records(texts: TextRequest, output: TextOutput) -> None:
    """Write records, as lines or as a JSON list, which is valid even if interrupted."""
    known = _known_records(texts) if texts.is_new_only else None
    seed_text = "".join(read_seed(texts.stream, texts.seed))
    records = _sample_records(texts, seed_text, known)
    hidden = 0 if texts.echo else len(seed_text)
    if texts.as_json:
        output.write("[")
    try:
        for number, record in enumerate(itertools.islice(records, texts.count)):
            text = join_syllables(record.text[hidden:])
            if texts.as_json:
                document = {"text": text, "bits": record.bits, "is_whole": record.is_whole}
                output.write(("," * bool(number)) + "\n" + json.dumps(document))
            else:
                # a blank line separates a record of several lines from the one before
                output.write(("\n" if number and "\n" in text else "") + text + "\n")
    finally:
        if texts.as_json:
            output.write("\n]\n")


def write_most_likely(texts: TextRequest, beam: int, output: TextOutput) -> None:
    """Search for the likeliest text with a beam, and write it."""
    read = "".join(read_seed(texts.stream, texts.seed))
    found = lazy.search_likeliest(
        texts.stream, texts.length, beam, texts.make_stop_strings().strings
    )
    count, text = len(found.indices), join_syllables((read if texts.echo else "") + found.text)
    end = texts.stream.model.vocabulary.end_index
    if not texts.as_json:
        output.write(text)
        if stdout_is_terminal():
            print_message(f"ln p = {found.log_probability:.2f} with --beam {beam}. {_REASON}")
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
