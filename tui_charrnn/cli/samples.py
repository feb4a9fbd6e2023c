"""What `generate` writes: one text or several, as text or as records."""

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tui_charrnn import lazy
from tui_charrnn.cli.output import TextOutput, narrate, progress_bar, stdout_is_terminal
from tui_charrnn.cli.reading import Seed, read_named_corpus, read_seed
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, CorpusError, DataError, HistoryError
from tui_charrnn.hangul import INITIALS, join_syllables, whole_text
from tui_charrnn.history.generation import KEPT_CHARACTERS, Generation, ModelFile
from tui_charrnn.history.store import History
from tui_charrnn.text.originality import copied_length_in

if TYPE_CHECKING:
    from tui_charrnn.cli.originality import OriginalityWatch
    from tui_charrnn.generation.side_by_side import SideBySide
    from tui_charrnn.generation.stream import CharacterStream, GeneratedCharacter, StopStrings
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.model.weights import Float32


class SampleStreams(NamedTuple):
    """One text or several that are generated at the same time."""

    rng_seeds: Sequence[int]
    """The RNG seed of each."""
    temperatures: Sequence[float]
    """Of each, where several are compared; else empty."""
    next: "Callable[[], Sequence[GeneratedCharacter]]"
    """The next character of each."""
    logits_of: "Callable[[int], Float32]"
    """What the last character of one was chosen by, shape (V,)."""
    is_complete: Callable[[int], bool]
    """Whether one has all lines that the settings ask for, or is a record that has ended."""


def one_stream(stream: "CharacterStream") -> SampleStreams:
    """A stream, exactly as it is."""
    return SampleStreams(
        (stream.rng_seed,),
        (),
        lambda: (stream.next(),),
        lambda _: stream.logits,
        lambda _: stream.is_complete or stream.is_between_records,
    )


def parallel_streams(batch: "SideBySide", temperatures: Sequence[float]) -> SampleStreams:
    """Texts side by side."""
    return SampleStreams(
        tuple(batch.rng_seeds),
        temperatures,
        batch.next,
        lambda text: batch.logits[text],
        lambda text: batch.is_complete(text) or batch.is_between_records(text),
    )


class Writer(Protocol):
    """Takes characters as they come."""

    def begin(self, rng_seeds: Sequence[int], temperatures: Sequence[float]) -> None:
        """Take what distinguishes the texts, before their first characters; see `SampleStreams`."""

    def add(
        self, text: int, position: int, character: "GeneratedCharacter", logits: "Float32"
    ) -> None:
        """Take one character of one text."""

    def close(self) -> None:
        """Write what was held back."""


class PlainWriter:
    """Writes the first text as it comes, the others after it, each under a line of its own.

    The watch for copied passages decides the style of each piece.
    """

    def __init__(self, output: TextOutput, watch: "OriginalityWatch | None" = None) -> None:
        self._output = output
        self._watch = watch
        self._seeds: Sequence[int] = ()
        self._temperatures: Sequence[float] = ()
        self._waiting: dict[int, list[tuple[str, str]]] = {}
        self._seed_text: list[str] = []

    def echo(self, seed_text: str, *, is_repeated: bool) -> None:
        """Write a piece of the seed text; hold it for the other texts too if there are any."""
        if is_repeated:
            self._seed_text.append(seed_text)
        else:
            self._output.write(seed_text)

    def begin(self, rng_seeds: Sequence[int], temperatures: Sequence[float]) -> None:
        """Write the line above the first of several texts; see `Writer`."""
        self._seeds, self._temperatures = rng_seeds, temperatures
        if self._watch is not None:
            self._watch.begin(rng_seeds)
        if len(rng_seeds) > 1:
            self._output.write(self._heading(0) + "".join(self._seed_text))

    def add(self, text: int, _position: int, character: "GeneratedCharacter", _: "Float32") -> None:
        """Write or hold a character; see `Writer`."""
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
        """Write what was held back, and the texts after the first; see `Writer`."""
        for text in range(len(self._seeds) if self._watch is not None else 0):
            if self._watch is not None and (held := self._watch.held_back(text)):
                self._put(text, held)
        for text in range(1, len(self._seeds)):
            self._output.write("\n\n" + self._heading(text) + "".join(self._seed_text))
            for piece, style in self._waiting.get(text, []):
                self._output.write(piece, style)

    def _heading(self, text: int) -> str:
        option = f"--rng-seed {self._seeds[text]}"
        if self._temperatures:
            option = f"--temperature {self._temperatures[text]:g} {option}"
        return f"==> {text + 1} of {len(self._seeds)}: {option} <==\n"


class RecordWriter:
    """Writes a JSON object a line for every character, and one that sums up what was watched."""

    def __init__(
        self,
        output: TextOutput,
        watch: "OriginalityWatch | None" = None,
        numbers: str = "float32",
        end: int | None = None,
    ) -> None:
        self._output = output
        self._watch = watch
        self._numbers = numbers
        self._end = end  # index of what ends a record
        self._surprise = lazy.surprise
        self._texts: Sequence[Mapping[str, float | str]] = ()

    def begin(self, rng_seeds: Sequence[int], temperatures: Sequence[float]) -> None:
        """Take what distinguishes the texts; see `Writer`."""
        self._texts = [{"rng_seed": seed, "numbers": self._numbers} for seed in rng_seeds]
        if temperatures:
            pairs = zip(temperatures, self._texts, strict=True)
            self._texts = [{"temperature": each, **text} for each, text in pairs]
        if self._watch is not None:
            self._watch.begin(rng_seeds)

    def add(
        self, text: int, position: int, character: "GeneratedCharacter", logits: "Float32"
    ) -> None:
        """Write a record; see `Writer`."""
        record: dict[str, object] = {
            **self._texts[text],
            "position": position,
            "character": character.character,
            "probability": character.probability,
            "surprise": self._surprise(logits, character.index),
        }
        if character.index == self._end:
            record["is_end"] = True
        if self._watch is not None:
            record["match"] = self._watch.match_facts(text, character.character)
        self._write(record)

    def close(self) -> None:
        """Write the record that sums up; see `Writer`."""
        if self._watch is not None:
            self._write({"originality": self._watch.document()})

    def _write(self, record: Mapping[str, object]) -> None:
        self._output.write(json.dumps(record) + "\n")


def write_samples(
    streams: SampleStreams, writers: Sequence[Writer], length: int, stops: "Sequence[StopStrings]"
) -> None:
    """Generate and write texts, each up to `length` characters or its stop string.

    One more where the last character begins a syllable of jamo. What was held back is written even
    if this is interrupted.
    """
    for each in writers:
        each.begin(streams.rng_seeds, streams.temperatures)
    running = [length > 0] * len(stops)
    try:
        for position in range(length + 1):
            if not any(running):
                return
            for text, character in enumerate(streams.next()):
                if running[text]:
                    logits = streams.logits_of(text)
                    for each in writers:
                        each.add(text, position, character, logits)
                    has_ended = stops[text].has_ended(character.character)
                    has_ended |= position >= length - 1 and character.character not in INITIALS
                    running[text] = not (has_ended or streams.is_complete(text))
    finally:
        for each in writers:
            each.close()


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
    """A `Writer` that records an invocation for the history: model, seed text and texts."""

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

    def begin(self, rng_seeds: Sequence[int], temperatures: Sequence[float]) -> None:
        """See `Writer`."""
        each: Sequence[float | None] = temperatures or [None] * len(rng_seeds)
        self._texts = [_RecordedText(*pair, []) for pair in zip(rng_seeds, each, strict=True)]

    def add(self, text: int, _position: int, character: "GeneratedCharacter", _: "Float32") -> None:
        """See `Writer`."""
        recorded = self._texts[text]
        recorded.length += 1
        if recorded.length <= KEPT_CHARACTERS:
            recorded.characters.append(character.character)

    def close(self) -> None:
        """See `Writer`: `keep` stores the texts."""

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
            narrate(f"The text was not kept: {error}")


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

    def make_stop(self) -> "StopStrings":
        """What watches a text for the strings that end it."""
        return lazy.StopStrings(self.stop, self.stream.model.units)


class Watched(NamedTuple):
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

    def open(self, texts: TextRequest) -> "OriginalityWatch | None":
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
        return lazy.OriginalityWatch(compared, length or copied_length_in(model.units), model.units)


_MOST_FAILURES: Final = 1000
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
    stream, stop = texts.stream, texts.make_stop()
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
    while failures < _MOST_FAILURES:
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
        f"After {count:,} records {_MOST_FAILURES:,} in a row were empty, known or repeated: "
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
                model, texts.path, texts.runs, progress=progress, notify=narrate
            )
    except CorpusError as error:
        raise CorpusError(
            f"--new-only needs what the model was trained on. {error} Any text can be named with "
            "--corpus."
        ) from error
    learned = (lazy.records_of(text.numbered.pieces()) for _, text in found)
    return frozenset(itertools.chain.from_iterable(learned))


def write_records(texts: TextRequest, count: int, watched: Watched, output: TextOutput) -> None:
    """Write `count` records, as lines or as a JSON list, which is valid even if interrupted."""
    known = _known_records(texts, watched.corpus) if watched.is_new_only else None
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
