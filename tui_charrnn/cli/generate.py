"""The command `generate`: text from a model, on standard output."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, NamedTuple, TypeAlias

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.opening import leave_numpy_one_thread
from tui_charrnn.cli.options import (
    ModelOption,
    NumbersOption,
    RunsDir,
    complete_corpus,
    complete_path,
    refuse_out_of_bounds,
    with_setting_options,
)
from tui_charrnn.cli.output import TextOutput, narrate, stdin_bytes, stdout_is_terminal, write_text
from tui_charrnn.cli.samples import (
    PlainWriter,
    RecordWriter,
    TextRecorder,
    one_stream,
    parallel_streams,
    write_samples,
)
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, DataError, ExitCode
from tui_charrnn.hangul import whole_text
from tui_charrnn.paths import parse_path
from tui_charrnn.preferences import Preferences, resolve, runs_folder
from tui_charrnn.resources import default_model
from tui_charrnn.text.originality import COPIED_LENGTH, copied_length_in
from tui_charrnn.text.source_reading import BytesFound, Reading, read_pieces

if TYPE_CHECKING:
    from tui_charrnn.cli.originality import OriginalityWatch
    from tui_charrnn.generation.stream import CharacterStream, StopStrings
    from tui_charrnn.model.checkpoint import Model


Seed: TypeAlias = str | Path | BinaryIO
"""A seed text itself, or where it is read from."""
_NAMED_CHARACTERS: Final = 8
"""Unknown characters that are named one by one."""
DEFAULT_LENGTH: Final = 500
"""Characters by default."""
DEFAULT_BEAM: Final = 20
_MOST_TEXTS: Final = 1024
_MOST_TEMPERATURES: Final = 16
_SAMPLING: Final = tuple(name for name in SamplingConfig.bounds() if name in Preferences.bounds())
_DRAWING: Final = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "rng_seed")
"""Settings that mean nothing where nothing is drawn."""
_PREFERRED: Final = (*_SAMPLING, "length", "model", "history", "numbers")
"""The settings that stand in for options."""


@with_setting_options(SamplingConfig, after="length", defaults=SamplingConfig())
def generate(
    seed_text: Annotated[
        str,
        typer.Argument(
            metavar="SEED_TEXT", help="How the text begins; - reads it from standard input."
        ),
    ] = "",
    length: Annotated[
        int | None,
        typer.Option(
            "--length",
            "-n",
            metavar="N",
            help="Characters to generate after the seed text.",
            show_default=str(DEFAULT_LENGTH),
        ),
    ] = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", help="End once the model has written this; several are allowed."
        ),
    ] = None,
    count: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Texts to generate side by side, with successive RNG seeds; or so many records.",
        ),
    ] = 1,
    new_only: Annotated[
        bool,
        typer.Option(
            "--new-only",
            help="Of a model of records: leave out those that its corpus has, and repetitions.",
        ),
    ] = False,
    compare_temperatures: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help="Texts at several temperatures, as 0.3,0.8,1.2, from the same random numbers.",
        ),
    ] = None,
    most_likely: Annotated[
        bool,
        typer.Option(
            "--most-likely", help="Draw nothing: search for the likeliest text. It repeats itself."
        ),
    ] = False,
    beam: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Texts that are gone on with at a time in that search; 1 is greedy.",
            show_default=str(DEFAULT_BEAM),
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write a JSON record a character: probability, surprise.")
    ] = False,
    model: ModelOption = None,
    numbers: NumbersOption = None,
    seed_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            autocompletion=complete_path,
            help="Read the seed text from a file, of any length; - is stdin.",
        ),
    ] = None,
    echo: Annotated[
        bool, typer.Option("--echo/--no-echo", help="Write the seed text first.")
    ] = True,
    clamp: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER:CELL=VALUE",
            help="Clamp a cell to a value, as 0:7=2.5; several are allowed. `neurons` finds cells.",
        ),
    ] = None,
    clamp_gate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER:GATE=MEAN",
            help="Clamp a gate of a layer (i, f, o; of a gru z, r) to a mean from 0 to 1, as "
            "0:f=1; several are allowed.",
        ),
    ] = None,
    originality: Annotated[
        bool,
        typer.Option(
            "--originality",
            help="Tell which passages the model copied from its corpus; mark them on a terminal.",
        ),
    ] = False,
    corpus: Annotated[
        str | None,
        typer.Option(
            metavar="CORPUS",
            autocompletion=complete_corpus,
            help="Look for copied passages in this text: a file, a folder, or a known name.",
            show_default="the model's own",
        ),
    ] = None,
    copied_length: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Characters from which on a passage counts as copied.",
            show_default=f"{COPIED_LENGTH}, or {copied_length_in('jamo')} jamo",
        ),
    ] = None,
    history: Annotated[
        bool | None,
        typer.Option(
            "--history/--no-history",
            help="Keep the text, or not; see `charrnn-tui history`.",
            show_default="as the setting `history` says",
        ),
    ] = None,
    runs_dir: RunsDir = None,
    **settings: str | None,
) -> None:
    """Write text from a model to standard output, character by character.

    On a terminal control characters are shown as signs; into a pipe goes the exact text, in UTF-8.
    Ctrl-C stops and keeps the text so far.

    With --json every record has the character's probability under the settings, and its surprise:
    -log2 of what the model itself gave it, in bits. With --count the texts are generated in
    one pass; each matches a single run with its RNG seed, apart from rounding differences.

    A model of records writes one record, or with --count so many, one after another; with --json
    they are a list. --most-likely with --json writes one document, with the log probability.
    """
    if length is not None and length < 0:
        raise ConfigError(f"--length must be at least 0. Received: {length}.")
    refuse_out_of_bounds("count", count, 1, _MOST_TEXTS)
    _check_search(
        most_likely,
        beam,
        {
            "--count": count > 1 or None,
            "--new-only": new_only or None,
            "--compare-temperatures": compare_temperatures,
            **{f"--{name.replace('_', '-')}": settings.get(name) for name in _DRAWING},
            "--originality": originality or None,
            "--corpus": corpus,
            "--copied-length": copied_length,
        },
    )
    temperatures = _temperatures(compare_temperatures, settings.get("temperature"), count)
    count = len(temperatures) or count
    flags = {name: settings.get(name) for name in _SAMPLING}
    flags |= {"model": model, "numbers": numbers}
    preferred = resolve({**flags, "history": history}, wanted=_PREFERRED).checked()
    rules: dict[str, Any] = {
        name: text for name, text in settings.items() if text is not None and name not in _SAMPLING
    }
    sampling = dataclasses.replace(preferred.sampling(), **rules)
    chosen_length = (preferred.length or DEFAULT_LENGTH) if length is None else length
    seed = find_seed(seed_text, seed_file)
    recorder = TextRecorder(is_wanted=preferred.history)
    stream, path = _open_stream(
        preferred, runs_dir, sampling, recorder, (clamp or [], clamp_gate or [])
    )
    _refuse_unknown(stream.constraints.unknown(sampling))
    if stream.constraints.leave_nothing(sampling):
        received = [f"--{name} {rules[name]!r}" for name in ("allow", "forbid") if name in rules]
        raise ConfigError(
            "No character that the model has seen may come: allow others, or forbid fewer. "
            f"Received: {' '.join(received)}."
        )
    texts = TextRequest(
        stream, path, runs_folder(runs_dir), seed, chosen_length, tuple(stop or ()), as_json, echo
    )
    watched = Watched(originality, corpus, copied_length, new_only)
    in_numbers = None if preferred.numbers == "float32" else stream.model.numbers
    others: list[str] | None = None
    if most_likely:
        is_complete = write_text(partial(lazy.write_most_likely, texts, beam or DEFAULT_BEAM))
    elif watched.is_list(stream.model, count, temperatures):
        is_complete = write_text(partial(lazy.write_records, texts, count, watched))
        others = [*_other_options(count, None, in_numbers), *["--new-only"] * new_only]
    else:
        if settings.get("top_k") is not None:
            _report_idle_filter(sampling.top_k, len(stream.model.vocabulary.characters))
        is_complete = _write_streams(texts, recorder, watched, count, temperatures)
        held_words = [str(clamp) for clamp in stream.clamps]
        recorder.keep(sampling, held_words, stream.model)
        others = _other_options(count, compare_temperatures, in_numbers)
    if sampling.rng_seed is None and others is not None:
        _narrate_options(stream, others)
    if not is_complete:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _write_streams(
    texts: "TextRequest",
    recorder: TextRecorder,
    watched: "Watched",
    count: int,
    temperatures: Sequence[float],
) -> bool:
    """Write texts character by character; False if Ctrl-C cut them short."""
    stream = texts.stream
    stops = _stops(texts, count)
    watch = watched.open(texts)

    def work(output: TextOutput) -> None:
        if stream.model.units == "jamo" and not texts.as_json:
            output.join_syllables()
        in_numbers = stream.model.numbers
        writer: RecordWriter | PlainWriter = PlainWriter(output, watch)
        if texts.as_json:
            end = stream.model.vocabulary.end_index
            writer = RecordWriter(output, watch, in_numbers, end)

        def echo_piece(piece: str) -> None:
            recorder.add_seed_text(whole_text(piece, stream.model.units))
            if texts.echo and isinstance(writer, PlainWriter):
                writer.echo(piece, is_repeated=count > 1)

        read_seed(stream, texts.seed, echo_piece)
        streams = (
            one_stream(stream)
            if count == 1
            else parallel_streams(lazy.SideBySide(stream, count, temperatures), temperatures)
        )
        write_samples(streams, [recorder, writer], texts.length, stops)

    is_complete = write_text(work)
    if watch is not None and not texts.as_json:
        watch.print_summary()
    return is_complete


def _check_search(is_wanted: bool, beam: int | None, others: Mapping[str, object]) -> None:
    """Raise `ConfigError` for options of drawing, None if not given, where nothing is drawn."""
    if beam is not None:
        if not is_wanted:
            raise ConfigError("--beam goes with --most-likely.")
        refuse_out_of_bounds("beam", beam, 1, _MOST_TEXTS)
    given = [name for name, value in others.items() if value is not None]
    if is_wanted and given:
        raise ConfigError(
            "--most-likely draws nothing and is one text, which the model alone decides. Leave "
            f"out: {', '.join(given)}."
        )


def _refuse_unknown(characters: str) -> None:
    """Raise `ConfigError` if lines would have to begin with what the model cannot write."""
    if characters:
        raise ConfigError(
            "Lines cannot begin with characters that the model has never seen. "
            f"Received: {', '.join(characters)}."
        )


def _other_options(count: int, temperatures: str | None, numbers: str | None) -> list[str]:
    """The options that make as many texts again, and in the same numbers."""
    values = {
        "--compare-temperatures": temperatures,
        "--count": count if temperatures is None and count > 1 else None,
        "--numbers": numbers,
    }
    return [f"{name} {value}" for name, value in values.items() if value is not None]


def _narrate_options(stream: "CharacterStream", others: Sequence[str]) -> None:
    """Report on a terminal which options generate the same text again."""
    if stdout_is_terminal():
        clamps = [
            f"{'--clamp' if clamp.neuron.part in 'hc' else '--clamp-gate'} {clamp}"
            for clamp in stream.clamps
        ]
        again = [f"--rng-seed {stream.rng_seed}", *clamps, *others]
        narrate(f"For the same text again: {' '.join(again)}")


def find_seed(seed_text: str, seed_file: str | None) -> Seed:
    """Where the seed text comes from; `-` is standard input, as the text or as the file."""
    if seed_file is not None and seed_text:
        raise ConfigError(
            "The seed text is given twice, as an argument and by --seed-file. Leave one of them "
            f"out. Received: {seed_text[:40]!r} and {seed_file!r}."
        )
    if "-" not in {seed_text, seed_file}:
        if seed_file is None:
            return seed_text
        return parse_path(seed_file, "The seed file", error=DataError)
    stdin = stdin_bytes()
    if stdin is None:
        raise DataError("Standard input is closed: there is no seed text to read from it.")
    return stdin


def read_seed(stream: "CharacterStream", seed: Seed, echo: Callable[[str], None]) -> None:
    """Prime a stream with a seed text, and report characters that the model does not know.

    `echo` takes what the stream read, piece by piece.
    """
    unknown: dict[str, None] = {}
    stream.prime("")
    for piece in _pieces(seed, unify_newlines="\r" not in stream.model.vocabulary.characters):
        primed = stream.feed(piece)
        unknown |= dict.fromkeys(each.character for each in primed.unknown)
        echo(primed.text)
    if unknown:
        vocabulary = stream.model.vocabulary
        has_symbol = vocabulary.unknown_symbol is not None
        other = lazy.bundled_instead("".join(unknown), vocabulary.characters)
        hint = f" --model {other} knows it." if other else ""
        narrate(_unknown_sentence(list(unknown), has_symbol=has_symbol) + hint)


def _pieces(seed: Seed, *, unify_newlines: bool) -> Iterator[str]:
    """A seed text in pieces, so that it may be longer than memory.

    A file is UTF-8, or UTF-16 or 32 with a byte order mark. Line ends of Windows in it become line
    feeds where the model knows no other.
    """
    if isinstance(seed, str):
        yield seed
        return
    name, found = (f"{seed}" if isinstance(seed, Path) else "standard input"), BytesFound()
    try:
        yield from read_pieces(seed, Reading(unify_newlines=unify_newlines), found)
    except OSError as error:
        raise DataError(
            f"The seed text cannot be read from {name}: {error.strerror or error}."
        ) from error
    except UnicodeDecodeError as error:
        place = found.bytes - len(error.object) + error.start
        raise DataError(
            f"The seed text in {name} is not UTF-8: byte {place:,} "
            f"(0x{error.object[error.start]:02x}) cannot be decoded. Convert it, as with iconv."
        ) from error
    except UnicodeError as error:
        raise DataError(f"{name} is not text: it holds a byte that is zero.") from error


def _unknown_sentence(characters: Sequence[str], *, has_symbol: bool) -> str:
    named = [f"{character!r} (U+{ord(character):04X})" for character in characters]
    more = len(named) - _NAMED_CHARACTERS
    listed = ", ".join(named[:_NAMED_CHARACTERS]) + (f" and {more:,} more" if more > 0 else "")
    done = "Read as the unknown symbol" if has_symbol else "Left out of the seed text"
    return f"{done}, as the model does not know it: {listed}."


def _temperatures(given: str | None, temperature: str | None, count: int) -> list[float]:
    """The temperatures that are compared; none if that is not asked for."""
    if given is None:
        return []
    if temperature is not None or count > 1:
        raise ConfigError("--compare-temperatures goes without --temperature and --count.")
    parsed = [SamplingConfig.parse("temperature", each.strip()) for each in given.split(",")]
    if not 2 <= len(parsed) <= _MOST_TEMPERATURES:
        raise ConfigError(
            f"--compare-temperatures takes 2 to {_MOST_TEMPERATURES} numbers with commas between, "
            f"as 0.3,0.8,1.2. Received: {given!r}."
        )
    return parsed


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
        """Prime the stream; what it read."""
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


def _open_stream(
    preferred: Preferences,
    runs_dir: Path | None,
    sampling: SamplingConfig,
    recorder: TextRecorder,
    held: tuple[Sequence[str], Sequence[str]],
) -> "tuple[CharacterStream, Path]":
    leave_numpy_one_thread()
    model = preferred.model
    folder = runs_folder(runs_dir)
    found = default_model() if model is None else lazy.find_model(model, folder, narrate)
    path = recorder.watch(found, model)
    loaded = lazy.load_model(path)
    if preferred.numbers != "float32":
        loaded = lazy.with_numbers(loaded, preferred.numbers, narrate)
    clamps = [
        *lazy.parse_clamps(held[0], loaded.config),
        *lazy.parse_gate_clamps(held[1], loaded.config),
    ]
    return lazy.CharacterStream(loaded, sampling, clamps), path


def _stops(texts: TextRequest, count: int) -> "list[StopStrings]":
    stops = [texts.make_stop() for _ in range(count)]
    for string in stops[0].unreachable(texts.stream.model.vocabulary.characters):
        narrate(
            f"The stop string {string!r} cannot come: the model does not know all its characters."
        )
    return stops


def _report_idle_filter(top_k: int | None, size: int) -> None:
    if top_k is not None and top_k > size:
        narrate(f"top_k is {top_k:,} and the model knows {size:,} characters: all can be chosen.")
