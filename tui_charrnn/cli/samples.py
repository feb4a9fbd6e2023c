"""What `generate` writes: one text or several, as text or as records."""

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn import lazy
from tui_charrnn.cli.output import TextOutput, print_message, progress_bar, stdout_is_terminal
from tui_charrnn.cli.reading import Seed, read_named_corpus, read_seed
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, CorpusError, DataError, HistoryError
from tui_charrnn.hangul import INITIALS, join_syllables, whole_text
from tui_charrnn.history.generation import KEPT_CHARACTERS, Generation, ModelFile
from tui_charrnn.history.store import History
from tui_charrnn.text.originality import copied_length_in

if TYPE_CHECKING:
    from tui_charrnn.cli.originality import OriginalityWatch
    from tui_charrnn.generation.stream import CharacterStream, GeneratedCharacter, StopStrings
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.model.weights import Float32


class SampleStreams(NamedTuple):
    """One text or several that are generated at the same time."""

    model: "Model"
    rng_seeds: Sequence[int]
    """The RNG seed of each."""
    temperatures: Sequence[float | None]
    """Of each, where several are compared; else None."""
    next: "Callable[[], Sequence[GeneratedCharacter]]"
    """The next character of each."""
    logits_of: "Callable[[int], Float32]"
    """What the last character of one was chosen by, shape (V,)."""
    is_complete: Callable[[int], bool]
    """Whether one has all lines that the settings ask for, or is a record that has ended."""


def one_stream(stream: "CharacterStream") -> SampleStreams:
    """A stream, exactly as it is."""
    return SampleStreams(
        stream.model,
        (stream.rng_seed,),
        (None,),
        lambda: (stream.next(),),
        lambda _: stream.logits,
        lambda _: stream.is_complete or stream.is_between_records,
    )


def parallel_streams(
    stream: "CharacterStream", count: int, temperatures: Sequence[float]
) -> SampleStreams:
    """Texts side by side, which go on from what a stream has read; temperatures as compared."""
    batch = lazy.SideBySide(stream, count, temperatures)
    return SampleStreams(
        stream.model,
        tuple(batch.rng_seeds),
        temperatures or (None,) * count,
        batch.next,
        lambda text: batch.logits[text],
        lambda text: batch.is_complete(text) or batch.is_between_records(text),
    )


class PlainWriter:
    """Writes the first text as it comes, the others after it, each under a line of its own.

    The watch for copied passages decides the style of each piece.
    """

    def __init__(
        self,
        output: TextOutput,
        streams: SampleStreams,
        watch: "OriginalityWatch | None" = None,
        seed_text: str = "",
    ) -> None:
        """Write the line above the first of several texts, and what each begins with."""
        self._output, self._streams, self._watch = output, streams, watch
        self._seed_text = seed_text
        self._waiting: dict[int, list[tuple[str, str]]] = {}
        if len(streams.rng_seeds) > 1:
            output.write(self._heading(0))

    def add(self, text: int, _position: int, character: "GeneratedCharacter", _: "Float32") -> None:
        """Write or hold a character of one of the texts."""
        if self._watch is None:
            self._put(text, character.character)
            return
        for piece, style in self._watch.styled(text, character.character):
            self._put(text, piece, style)

    def _put(self, text: int, piece: str, style: str = "") -> None:
        """Write a piece of the first text, or hold one of another; `TextOutput` has the styles."""
        if text == 0:
            self._output.write(piece, style)
        else:
            self._waiting.setdefault(text, []).append((piece, style))

    def close(self) -> None:
        """Write what was held back, and the texts after the first."""
        count = len(self._streams.rng_seeds)
        for text in range(count if self._watch is not None else 0):
            if self._watch is not None and (held := self._watch.held_back(text)):
                self._put(text, held)
        for text in range(1, count):
            self._output.write("\n\n" + self._heading(text))
            for piece, style in self._waiting.get(text, []):
                self._output.write(piece, style)

    def _heading(self, text: int) -> str:
        streams = self._streams
        option = f"--rng-seed {streams.rng_seeds[text]}"
        if (temperature := streams.temperatures[text]) is not None:
            option = f"--temperature {temperature:g} {option}"
        return f"==> {text + 1} of {len(streams.rng_seeds)}: {option} <==\n{self._seed_text}"


class RecordWriter:
    """Writes a JSON object a line for every character, and one that sums up what was copied."""

    def __init__(
        self, output: TextOutput, streams: SampleStreams, watch: "OriginalityWatch | None" = None
    ) -> None:
        self._output, self._streams, self._watch = output, streams, watch
        self._end = streams.model.vocabulary.end_index
        self._surprise = lazy.surprise

    def add(
        self, text: int, position: int, character: "GeneratedCharacter", logits: "Float32"
    ) -> None:
        """Write a character of one of the texts."""
        streams, record = self._streams, dict[str, object]()
        if (temperature := streams.temperatures[text]) is not None:
            record["temperature"] = temperature
        record |= {
            "rng_seed": streams.rng_seeds[text],
            "numbers": streams.model.numbers,
            "position": position,
            "character": character.character,
            "probability": character.probability,
            "surprise": self._surprise(logits, character.index),
        }
        if character.index == self._end:
            record["is_end"] = True
        if self._watch is not None:
            record["match"] = self._watch.match_facts(text, character.character)
        self._output.write(json.dumps(record) + "\n")

    def close(self) -> None:
        """Write the record that sums up."""
        if self._watch is not None:
            document = {"originality": self._watch.document(self._streams.rng_seeds)}
            self._output.write(json.dumps(document) + "\n")


def write_samples(
    streams: SampleStreams,
    writer: PlainWriter | RecordWriter,
    length: int,
    stops: "Sequence[StopStrings]",
    recorder: "TextRecorder | None" = None,
) -> None:
    """Generate and write texts, each up to `length` characters or its stop string.

    One more where the last character begins a syllable of jamo. What was held back is written even
    if this is interrupted.
    """
    running = [length > 0] * len(stops)
    try:
        for position in range(length + 1):
            if not any(running):
                return
            for text, character in enumerate(streams.next()):
                if running[text]:
                    if recorder is not None:
                        recorder.add(text, character.character)
                    writer.add(text, position, character, streams.logits_of(text))
                    has_ended = stops[text].has_ended(character.character)
                    has_ended |= position >= length - 1 and character.character not in INITIALS
                    running[text] = not (has_ended or streams.is_complete(text))
    finally:
        writer.close()


@dataclasses.dataclass(slots=True)
class _RecordedText:
    """One generated text."""

    rng_seed: int
    temperature: float | None
    """None where none was compared."""
    characters: list[str]
    """At most as many as are kept."""
    length: int = 0


class TextRecorder:
    """Records an invocation for the history: model, seed text and texts."""

    def __init__(self, path: Path, label: str, *, is_wanted: bool) -> None:
        """Take the file and the name of the model before it is loaded; stores only if wanted."""
        self._is_wanted = is_wanted
        self._file, self._label = ModelFile(path), label
        self._seed_text = ""
        self._texts: list[_RecordedText] = []

    def add_seed_text(self, piece: str) -> None:
        """Add a piece of the seed text."""
        longest = KEPT_CHARACTERS + 1  # one more shows that it was longer
        self._seed_text = (self._seed_text + piece)[-longest:]

    def begin(self, streams: SampleStreams) -> None:
        """Begin an empty text for each that is generated."""
        pairs = zip(streams.rng_seeds, streams.temperatures, strict=True)
        self._texts = [_RecordedText(*pair, []) for pair in pairs]

    def add(self, text: int, character: str) -> None:
        """Add a character to one of the texts."""
        recorded = self._texts[text]
        recorded.length += 1
        if recorded.length <= KEPT_CHARACTERS:
            recorded.characters.append(character)

    def keep(self, sampling: SamplingConfig, held: Sequence[str], model: "Model") -> None:
        """Put every text of at least one character into the history.

        Settings are without temperatures that were compared; clamps are `held` as LAYER:CELL=VALUE.
        """
        texts = [text for text in self._texts if text.length]
        if not (self._is_wanted and texts):
            return
        try:
            origin = self._file.origin(self._label)
            History().add_all([
                Generation(
                    seed_text=self._seed_text,
                    text=whole_text("".join(text.characters), model.units),
                    length=text.length,
                    sampling=(
                        (
                            0,
                            sampling
                            if text.temperature is None
                            else dataclasses.replace(sampling, temperature=text.temperature),
                        ),
                    ),
                    rng_seed=text.rng_seed,
                    model=origin,
                    clamps=((0, tuple(held)),) if held else (),
                    numbers=model.numbers,
                )
                for text in texts
            ])
        except HistoryError as error:
            print_message(f"The text was not kept: {error}")


class TextRequest(NamedTuple):
    """What is to be written after which seed text."""

    stream: "CharacterStream"
    path: Path
    """Of the model's file."""
    runs: Path
    """Where runs are looked up by name."""
    seed: Seed
    length: int
    stop: tuple[str, ...]
    as_json: bool
    echo: bool

    def read_seed(self) -> str:
        """Prime the stream; returns what it read."""
        read: list[str] = []
        read_seed(self.stream, self.seed, read.append)
        return "".join(read)

    def make_stop_strings(self) -> "StopStrings":
        """What watches a text for the strings that end it."""
        return lazy.StopStrings(self.stop, self.stream.model.units)


class Comparison(NamedTuple):
    """What texts are compared with."""

    originality: bool
    corpus: str | None
    """A text that is named instead of the model's own."""
    copied_length: int | None
    is_new_only: bool
    """Whether records of the corpus are left out."""

    def is_list(self, model: "Model", count: int, temperatures: Sequence[float]) -> bool:
        """Whether records are written one after another."""
        is_watched = self.originality or self.copied_length is not None or bool(temperatures)
        if not self.is_new_only:
            is_watched = is_watched or self.corpus is not None
            return model.records != "none" and count > 1 and not is_watched
        if model.records == "none":
            raise ConfigError(
                "--new-only needs a model of records, as train --records line makes one. What "
                "another model copies, --originality tells."
            )
        if is_watched:
            raise ConfigError(
                "--new-only goes without --compare-temperatures, --originality and --copied-length."
            )
        return True

    def open(self, texts: TextRequest, count: int) -> "OriginalityWatch | None":
        """Open the corpus in which copied passages are looked for, if an option asks for that."""
        length, model = self.copied_length, texts.stream.model
        if length is not None and length < 2:
            raise ConfigError(f"--copied-length must be at least 2. Received: {length}.")
        if not self.originality and self.corpus is None and length is None:
            return None
        if self.corpus is None:
            compared = lazy.open_own_corpus(model, texts.path, texts.runs)
        else:
            compared = lazy.open_named_corpus(self.corpus, model)
        return lazy.OriginalityWatch(
            compared, length or copied_length_in(model.units), model.units, count
        )


_MAX_FAILURES: Final = 1000
"""Records in a row that are none to be written, after which there is no hope."""

_REASON: Final = (
    "A likeliest text repeats itself: what was said once is likelier the next time, and nothing is "
    "drawn that would lead out of the circle."
)


class _GeneratedRecord(NamedTuple):
    """A record, the seed text with it."""

    text: str
    bits: float
    """Surprise of what was generated, its end sign with it."""
    is_whole: bool
    """Whether the model ended it."""


def _draw_record(texts: TextRequest, seed_text: str) -> _GeneratedRecord:
    """Draw a record after the seed text, which the stream has read."""
    stream, stop = texts.stream, texts.make_stop_strings()
    characters, bits = [seed_text], 0.0
    for _ in range(texts.length):
        drawn = stream.next()
        bits += lazy.surprise(stream.logits, drawn.index)
        if stream.is_between_records:
            return _GeneratedRecord("".join(characters), bits, is_whole=True)
        characters.append(drawn.character)
        if stop.has_ended(drawn.character):
            break
    return _GeneratedRecord("".join(characters), bits, is_whole=False)


def _draw_records(
    texts: TextRequest, seed_text: str, known: frozenset[str] | None
) -> Iterator[_GeneratedRecord]:
    """Records without end, none empty; without `known` ones and repetitions, unless None.

    Each begins from the same state; random numbers are not reset between them.
    """
    stream, start = texts.stream, texts.stream.snapshot()
    seen = {""}
    failures = count = 0
    while failures < _MAX_FAILURES:
        draws = stream.draws
        stream.restore(start)
        stream.draws = draws
        record = _draw_record(texts, seed_text)
        if record.text in seen or (known is not None and record.text in known):
            failures += 1
            continue
        failures, count = 0, count + 1
        if known is not None:
            seen.add(record.text)
        yield record
    raise DataError(
        f"After {count:,} records {_MAX_FAILURES:,} in a row were empty, known or repeated: "
        "the model has nothing else to say. Try a higher --temperature."
    )


def _known_records(texts: TextRequest, corpus: str | None) -> frozenset[str]:
    """The records that a model was trained on, or those of the text `corpus`."""
    model = texts.stream.model
    if corpus is not None:
        text = read_named_corpus(
            [corpus],
            keep_newlines="\r" in model.vocabulary.characters,
            units=model.units,
            records=model.records,
        )
        return frozenset(lazy.records_of(text.numbered.pieces()))
    try:
        with progress_bar("Reading the corpus of the model") as progress:
            found = lazy.read_learned_texts(
                model, texts.path, texts.runs, progress=progress, notify=print_message
            )
    except CorpusError as error:
        raise CorpusError(
            f"--new-only needs what the model was trained on. {error} Any text can be named with "
            "--corpus."
        ) from error
    learned = (lazy.records_of(text.numbered.pieces()) for _, text in found)
    return frozenset(itertools.chain.from_iterable(learned))


def write_records(
    texts: TextRequest, count: int, comparison: Comparison, output: TextOutput
) -> None:
    """Write `count` records, as lines or as a JSON list, which is valid even if interrupted."""
    known = _known_records(texts, comparison.corpus) if comparison.is_new_only else None
    seed_text = texts.read_seed()
    records = _draw_records(texts, seed_text, known)
    hidden = 0 if texts.echo else len(seed_text)
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
    found = lazy.search_likeliest(
        texts.stream, texts.length, beam, texts.make_stop_strings().strings
    )
    count, text = len(found.indices), join_syllables(seed_text + found.text)
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
