"""The command `generate`: text from a model, on standard output."""

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui_charrnn.cli.history_recording import KeepsHistory, TextRecorder
from tui_charrnn.cli.neurons_clamping import Clamps, clamp_options
from tui_charrnn.cli.options import RunsDir, complete_model, complete_path
from tui_charrnn.cli.originality_options import (
    ComparedWith,
    CopiedLength,
    Originality,
    open_watch,
)
from tui_charrnn.cli.output import TextOutput, narrate, stdout_is_terminal, write_text
from tui_charrnn.cli.samples import (
    OneVoice,
    PlainWriter,
    SeveralVoices,
    Voices,
    write_samples,
)
from tui_charrnn.cli.sampling_options import (
    MinP,
    RepetitionPenalty,
    RepetitionWindow,
    RngSeed,
    Temperature,
    TopK,
    TopP,
)
from tui_charrnn.cli.seed_reading import find_seed, read_seed
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, ExitCode
from tui_charrnn.preferences.resolution import resolve, runs_folder

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import CharacterStream, StopStrings

DEFAULT_LENGTH: Final = 500
"""Characters, where neither an option nor a setting says how many."""

_MOST_TEXTS: Final = 1024

_SAMPLING: Final = tuple(name for name in SamplingConfig.bounds() if name != "rng_seed")
_PREFERRED: Final = (*_SAMPLING, "length", "model", "history")
"""The settings that stand in for options."""


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
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    min_p: MinP = None,
    repetition_penalty: RepetitionPenalty = None,
    repetition_window: RepetitionWindow = None,
    rng_seed: RngSeed = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="End once the model has written this; several are allowed.",
            show_default=False,
        ),
    ] = None,
    count: Annotated[
        int,
        typer.Option(
            metavar="N", help="Texts to generate side by side, with successive RNG seeds."
        ),
    ] = 1,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Write a JSON record a character: probability, surprise."),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="FILE|RUN|NAME",
            autocompletion=complete_model,
            help="A model file, a run, or a bundled model; the first bundled one if left out.",
        ),
    ] = None,
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
    clamp: Clamps = None,
    originality: Originality = False,
    corpus: ComparedWith = None,
    copied_length: CopiedLength = None,
    history: KeepsHistory = None,
    runs_dir: RunsDir = None,
) -> None:
    """Write text from a model to standard output, character by character.

    On a terminal control characters are shown as signs; into a pipe goes the exact text, in UTF-8.
    Ctrl-C stops and keeps the text so far.

    With --json every record has the character's probability under the settings, and its surprise:
    -log2 of what the model itself gave it, in bits. With --count the texts are generated in
    one pass; each matches a single run with its RNG seed, apart from rounding differences.
    """
    _check_counts(length, count)
    flags = {
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "repetition_penalty": repetition_penalty,
        "repetition_window": repetition_window,
        "model": model,
        "history": history,
    }
    preferred = resolve(flags, wanted=_PREFERRED).checked()
    rng = None if rng_seed is None else SamplingConfig.parse("rng_seed", rng_seed)
    sampling = dataclasses.replace(preferred.sampling(), rng_seed=rng)
    chosen_length = (preferred.length or DEFAULT_LENGTH) if length is None else length
    seed = find_seed(seed_text, seed_file)
    recorder = TextRecorder(is_wanted=preferred.history)
    stream, path = _open_stream(preferred.model, runs_dir, sampling, recorder, clamp or [])
    stops = _stops(stop or [], count, stream.model.vocabulary.characters)
    if top_k is not None:
        _tell_idle_filter(sampling.top_k, len(stream.model.vocabulary.characters))
    watch = open_watch(
        stream.model,
        path,
        runs_folder(runs_dir),
        is_wanted=originality,
        corpus=corpus,
        copied_length=copied_length,
    )

    def work(output: TextOutput) -> None:
        writer = watch.writer(output, as_json=as_json)

        def echo_piece(piece: str) -> None:
            recorder.hear_seed(piece)
            if echo and isinstance(writer, PlainWriter):
                writer.echo(piece, is_repeated=count > 1)

        read_seed(stream, seed, echo_piece)
        write_samples(_voices(stream, count), recorder.listening(writer), chosen_length, stops)

    is_complete = write_text(work)
    recorder.keep(sampling, [str(clamp) for clamp in stream.clamps])
    watch.tell()
    if rng is None and stdout_is_terminal():
        again = [f"--rng-seed {stream.rng_seed}", *clamp_options(stream)]
        again += [f"--count {count}"] if count > 1 else []
        narrate(f"For the same text again: {' '.join(again)}")
    if not is_complete:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _check_counts(length: int | None, count: int) -> None:
    if length is not None and length < 0:
        raise ConfigError(f"--length must be at least 0. Received: {length}.")
    if not 1 <= count <= _MOST_TEXTS:
        raise ConfigError(
            f"--count must be at least 1 and at most {_MOST_TEXTS}. Received: {count}."
        )


def _open_stream(
    model: str | None,
    runs_dir: Path | None,
    sampling: SamplingConfig,
    recorder: TextRecorder,
    clamps: Sequence[str],
) -> "tuple[CharacterStream, Path]":
    if "numpy" not in sys.modules:
        # One thread is enough for a vector and takes nothing from a trainer beside it; more
        # threads on a machine of many cores only wait for each other.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # deferred: NumPy, 0.1 s that `--help` does not need
    from tui_charrnn.generation.clamping import parse_clamps  # noqa: PLC0415  deferred, see above
    from tui_charrnn.generation.sources import find_model  # noqa: PLC0415  deferred, see above
    from tui_charrnn.generation.stream import CharacterStream  # noqa: PLC0415  deferred, see above
    from tui_charrnn.model.checkpoint import load_model  # noqa: PLC0415  deferred, see above

    path = recorder.watch(find_model(model, runs_folder(runs_dir), narrate), model)
    loaded = load_model(path)
    return CharacterStream(loaded, sampling, parse_clamps(clamps, loaded.config)), path


def _voices(stream: "CharacterStream", count: int) -> Voices:
    if count == 1:
        return OneVoice(stream)
    # deferred: it loads NumPy
    from tui_charrnn.generation.side_by_side import SideBySide  # noqa: PLC0415  deferred, see above

    return SeveralVoices(SideBySide(stream, count))


def _stops(strings: list[str], count: int, vocabulary: str) -> "list[StopStrings]":
    from tui_charrnn.generation.stream import StopStrings  # noqa: PLC0415  deferred, as NumPy is

    stops = [StopStrings(strings) for _ in range(count)]
    for string in stops[0].unreachable(vocabulary):
        narrate(
            f"The stop string {string!r} cannot come: the model does not know all its characters."
        )
    return stops


def _tell_idle_filter(top_k: int | None, size: int) -> None:
    if top_k is not None and top_k > size:
        narrate(f"top_k is {top_k:,} and the model knows {size:,} characters: all can be chosen.")
