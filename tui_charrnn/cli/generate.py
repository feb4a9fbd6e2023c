"""The command `generate`: write generated text to standard output."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.opening import use_one_numpy_thread
from tui_charrnn.cli.options import (
    ModelOption,
    NumbersOption,
    RunsDir,
    complete_corpus,
    complete_path,
    encoding_option,
    number_option,
    with_setting_options,
)
from tui_charrnn.cli.output import print_message, stdout_is_terminal, text_output
from tui_charrnn.cli.reading import find_seed
from tui_charrnn.cli.samples import (
    TextRequest,
    keep_samples,
    write_most_likely,
    write_records,
    write_samples,
)
from tui_charrnn.config import SamplingConfig, SamplingNumbers
from tui_charrnn.errors import ConfigError, ExitCode
from tui_charrnn.folders import default_model
from tui_charrnn.history.generation import reference_to
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.paths import file_mark
from tui_charrnn.preferences import read_sampling, resolve, runs_folder
from tui_charrnn.text.originality import COPIED_LENGTH, copied_length_in

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import CharacterStream


DEFAULT_LENGTH: Final = 500
"""Default number of characters."""
DEFAULT_BEAM: Final = 20
_MAX_TEXTS: Final = 1024
_MAX_TEMPERATURES: Final = 16
_SAMPLING: Final = tuple(SamplingNumbers.bounds())
"""Preferences of sampling; with --most-likely, which samples nothing, they have no effect."""
_PREFERRED: Final = (*_SAMPLING, "length", "model", "history", "numbers")
"""Preferences that are the defaults of options."""


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
            min=0,
            help="Characters to generate after the seed text.",
            show_default=str(DEFAULT_LENGTH),
        ),
    ] = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", help="Stop after the model has generated this string; repeatable."
        ),
    ] = None,
    count: Annotated[
        int,
        number_option("Number of texts (or of records), with successive RNG seeds.", 1, _MAX_TEXTS),
    ] = 1,
    new_only: Annotated[
        bool,
        typer.Option(
            "--new-only",
            help="For models of records: skip records that are in the corpus or repeated.",
        ),
    ] = False,
    compare_temperatures: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help="One text per temperature, as 0.3,0.8,1.2, from the same random numbers.",
        ),
    ] = None,
    most_likely: Annotated[
        bool,
        typer.Option(
            "--most-likely",
            help="Search for the likeliest text instead of sampling; it repeats itself.",
        ),
    ] = False,
    beam: Annotated[
        int | None,
        number_option(
            "Beam width of that search; 1 is greedy.", 1, _MAX_TEXTS, default=str(DEFAULT_BEAM)
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Write one JSON record per character: probability, surprise."),
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
            help="Clamp a cell to a value, as 0:7=2.5; repeatable. `neurons` finds cells.",
        ),
    ] = None,
    clamp_gate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER:GATE=MEAN",
            help="Clamp a gate of a layer (i, f, o; gru: z, r) to a mean from 0 to 1, as 0:f=1; "
            "repeatable.",
        ),
    ] = None,
    originality: Annotated[
        bool,
        typer.Option(
            "--originality",
            help="Report passages copied from the corpus; mark them on a terminal.",
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
    encoding: Annotated[str, encoding_option("Encoding of the text of --corpus.")] = "utf-8",
    copied_length: Annotated[
        int | None,
        number_option(
            "Length from which a passage counts as copied.",
            2,
            default=f"{COPIED_LENGTH}, or {copied_length_in('jamo')} jamo",
        ),
    ] = None,
    history: Annotated[
        bool | None,
        typer.Option(
            "--history/--no-history",
            help="Keep the text in the history or not; see `charrnn-tui history`.",
            show_default="as the setting `history` says",
        ),
    ] = None,
    runs_dir: RunsDir = None,
    **settings: str | None,
) -> None:
    """Write text from a model to standard output, character by character.

    A terminal shows control characters as visible signs; a pipe gets the exact text, in UTF-8.
    Ctrl-C stops and keeps the text so far.

    With --json every record has the character's probability under the settings, and its surprise:
    -log2 of its probability under the model alone, in bits. With --count the texts are generated
    in one pass; each matches a single run with its RNG seed, apart from rounding differences.

    A model of records generates one record, or N with --count N, one after another; --json prints
    them as a list. --most-likely with --json prints one document, with the log probability.
    """
    _check_search(
        most_likely,
        beam,
        {
            "--count": count > 1 or None,
            "--new-only": new_only or None,
            "--compare-temperatures": compare_temperatures,
            **{f"--{name.replace('_', '-')}": settings.get(name) for name in _SAMPLING},
            "--originality": originality or None,
            "--corpus": corpus,
            "--copied-length": copied_length,
        },
    )
    temperatures = _temperatures(compare_temperatures, settings.get("temperature"), count)
    count = len(temperatures) or count
    options = {"model": model, "numbers": numbers, "history": history}
    flags, rules = read_sampling({**settings, **options})
    preferred = resolve(flags, wanted=_PREFERRED).checked()
    sampling = dataclasses.replace(preferred.sampling(), **rules)
    seed = find_seed(seed_text, seed_file)
    use_one_numpy_thread()
    folder, model = runs_folder(runs_dir), preferred.model
    path = default_model() if model is None else lazy.find_model(model, folder, print_message)
    mark = file_mark(path)
    loaded = lazy.load_model(path)
    if preferred.numbers != "float32":
        loaded = lazy.with_numbers(loaded, preferred.numbers, print_message)
    clamps = lazy.parse_clamps(clamp or [], loaded.config, clamp_gate or [])
    stream = lazy.CharacterStream(loaded, sampling, clamps)
    _refuse_impossible(stream, sampling, rules)
    texts = TextRequest(
        stream=stream,
        path=path,
        runs=folder,
        seed=seed,
        length=(preferred.length or DEFAULT_LENGTH) if length is None else length,
        stop=tuple(stop or ()),
        count=count,
        temperatures=temperatures,
        as_json=as_json,
        echo=echo,
        originality=originality,
        corpus=corpus,
        encoding=encoding,
        copied_length=copied_length,
        is_new_only=new_only,
    )
    if most_likely or texts.is_list():
        with text_output() as output:
            if most_likely:
                write_most_likely(texts, beam or DEFAULT_BEAM, output)
            else:
                write_records(texts, output)
        is_interrupted = output.is_interrupted
    else:
        top_k, known = sampling.top_k or 0, len(stream.model.vocabulary.characters)
        if top_k > known and settings.get("top_k") is not None:
            print_message(
                f"top_k is {top_k:,} and the model knows {known:,} characters: all can be chosen."
            )
        seed_text, samples, is_interrupted = write_samples(texts)
        if preferred.history:
            origin = reference_to(path, mark, ModelLabel(model or path.stem))
            keep_samples(samples, seed_text, stream, origin)
    if sampling.rng_seed is None and not most_likely and stdout_is_terminal():
        others = {
            "--compare-temperatures": compare_temperatures
            and "".join(compare_temperatures.split()),
            "--count": count if compare_temperatures is None and count > 1 else None,
            "--numbers": None if preferred.numbers == "float32" else stream.model.numbers,
            "--new-only": "" if new_only else None,
        }
        _print_repeat_options(stream, others)
    if is_interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _check_search(is_wanted: bool, beam: int | None, others: Mapping[str, object]) -> None:
    """Raise `ConfigError` for sampling options with --most-likely; a value of None is not given."""
    if beam is not None and not is_wanted:
        raise ConfigError("--beam requires --most-likely.")
    given = [name for name, value in others.items() if value is not None]
    if is_wanted and given:
        raise ConfigError(
            f"--most-likely generates one text without sampling. Leave out: {', '.join(given)}."
        )


def _refuse_impossible(
    stream: "CharacterStream", sampling: SamplingConfig, rules: Mapping[str, object]
) -> None:
    """Raise `ConfigError` for `--allow` and other rules that leave no character to generate."""
    if unknown := stream.constraints.unknown(sampling):
        raise ConfigError(
            "Lines cannot begin with characters that the model has never seen. "
            f"Received: {', '.join(unknown)}."
        )
    if stream.constraints.excludes_all(sampling):
        received = [f"--{name} {rules[name]!r}" for name in ("allow", "forbid") if name in rules]
        raise ConfigError(
            "The settings exclude every character of the model: allow others, or forbid fewer. "
            f"Received: {' '.join(received)}."
        )


def _print_repeat_options(stream: "CharacterStream", others: Mapping[str, object]) -> None:
    """Print the options that generate the same text again; `others` without those that are None."""
    clamps = [
        f"{'--clamp' if clamp.neuron.part in 'hc' else '--clamp-gate'} {clamp}"
        for clamp in stream.clamps
    ]
    given = [f"{name} {value}".rstrip() for name, value in others.items() if value is not None]
    print_message(
        "To generate the same text again: "
        f"{' '.join([f'--rng-seed {stream.rng_seed}', *clamps, *given])}"
    )


def _temperatures(given: str | None, temperature: str | None, count: int) -> list[float]:
    """Parse --compare-temperatures; return an empty list if it is not given."""
    if given is None:
        return []
    if temperature is not None or count > 1:
        raise ConfigError(
            "--compare-temperatures cannot be combined with --temperature or --count."
        )
    try:
        parsed = [SamplingConfig.parse("temperature", each.strip()) for each in given.split(",")]
    except ConfigError as error:
        raise ConfigError(f"--compare-temperatures: {error}") from error
    if not 2 <= len(parsed) <= _MAX_TEMPERATURES:
        raise ConfigError(
            f"--compare-temperatures takes 2 to {_MAX_TEMPERATURES} numbers separated by commas, "
            f"as 0.3,0.8,1.2. Received: {given!r}."
        )
    return parsed
