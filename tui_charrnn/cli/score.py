"""The command `score`: how surprising texts are to models."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.options import (
    NumbersOption,
    RunsDir,
    complete_corpus,
    complete_path,
    model_option,
    refuse_out_of_bounds,
)
from tui_charrnn.cli.output import narrate
from tui_charrnn.cli.reading import (
    Encoding,
    load_models,
    read_blocks,
    scoring_bar,
)
from tui_charrnn.errors import ConfigError
from tui_charrnn.paths import is_file, parse_path
from tui_charrnn.preferences import resolve
from tui_charrnn.runs.output_file import refuse_taken
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.sources import Source, find_sources
from tui_charrnn.training.machine import thread_count

_MOST_STREAMS: Final = 4096
_MOST_PASSAGES: Final = 1000
_HIGHEST_RATE: Final = 10.0


def _page_path(text: str) -> Path:
    if text == "-":
        raise ConfigError(
            "--html takes the name of a file: standard output is for the table. Received: '-'."
        )
    return parse_path(text, "--html")


def score(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            autocompletion=complete_corpus,
            help="Text files, folders, globs, - for standard input, or a known name.",
        ),
    ],
    model: Annotated[
        list[str] | None,
        model_option("A model file, a run, or a bundled model; several, to see which fits best."),
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Score every line, too.")] = False,
    top: Annotated[int, typer.Option(metavar="N", help="Show the N most surprising passages.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document a line (NDJSON).")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            autocompletion=complete_path,
            parser=_page_path,
            help="Write a page that colors every character by its surprise.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Replace a page of that name.")
    ] = False,
    calibration: Annotated[
        bool,
        typer.Option(
            "--calibration",
            help="Show how often the likeliest character came, by the probability it was given.",
        ),
    ] = False,
    parallel: Annotated[
        int | None,
        typer.Option(
            metavar="STREAMS",
            help="Stretches of a text that are read side by side; 1 reads it in one, exactly.",
            show_default="automatic",
        ),
    ] = None,
    dynamic_evaluation_rate: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Score once more with an output layer that learns on from the text, in steps of "
            "this size (try 0.1).",
        ),
    ] = None,
    numbers: NumbersOption = None,
    encoding: Encoding = "utf-8",
    runs_dir: RunsDir = None,
) -> None:
    """Measure how surprising texts are to a model, in bits per character.

    A text begins as after a newline. Characters that the model has never seen are counted, not
    scored. Long texts are cut into stretches that are read side by side, each after the 256
    characters before it; --parallel 1 reads without a cut.

    Several models are ranked for every text, the one that it belongs to most first; there, an
    unknown character costs 20.1 bits, as a choice among all of Unicode. Dynamic evaluation is told
    beside the plain score and never ranked by; it reads in one stretch.
    """
    refuse_out_of_bounds("top", top, 0, _MOST_PASSAGES)
    if parallel is not None:
        refuse_out_of_bounds("parallel", parallel, 1, _MOST_STREAMS)
    rate = dynamic_evaluation_rate
    if rate is not None and not 0 < rate <= _HIGHEST_RATE:
        raise ConfigError(
            f"--dynamic-evaluation-rate must be above 0 and at most {_HIGHEST_RATE:g}. "
            f"Received: {rate}."
        )
    sources = find_sources(files, encoding=encoding).sources
    _refuse_to_overwrite(html, sources, force=force)
    wanted = ["numbers"] if model else ["numbers", "model"]
    preferred = resolve({"numbers": numbers}, wanted=wanted).checked()
    named = model or ([preferred.model] if preferred.model else [])
    models = load_models(named, runs_dir, preferred.numbers)
    for name, each in models.items():
        if each.config.reads_both:
            narrate(f"{name} reads both directions: its bits are of characters between known ones.")
    reliabilities = {
        name: lazy.Reliability(each.vocabulary.unknown_index)
        for name, each in models.items()
        if calibration
    }
    scorers = {
        name: lazy.TextScorer(
            each,
            streams=parallel,
            threads=thread_count(None),
            listener=reliabilities[name].add if calibration else None,
        )
        for name, each in models.items()
    }
    learners = {name: lazy.DynamicScorer(each, rate) for name, each in models.items() if rate}
    used = {name: each.numbers for name, each in models.items()}
    report = (lazy.JsonReport if as_json else lazy.PlainReport)(used, has_lines=lines)
    with lazy.open_page(html, overwrite=force) as page:
        for source in sources:
            name = safe_line(source.name)
            listeners = lazy.Listeners(
                line=report.line_of(source.name) if lines else None,
                block=page.add if page else None,
            )
            if page:
                page.begin(list(scorers))
            with scoring_bar(source, has_lines=lines) as progress:
                blocks = read_blocks(source, encoding, progress)
                found = lazy.score_text(
                    blocks,
                    scorers,
                    listeners,
                    top=top,
                    learners=learners,
                    reliabilities=reliabilities,
                )
            report.text(source.name, found)
            if page:
                page.end(name, found)


def _refuse_to_overwrite(page: Path | None, sources: Iterable[Source], *, force: bool) -> None:
    """Find out what is wrong with the name of a page before a text is scored."""
    for source in sources:
        if page and source.path and is_file(page) and page.samefile(source.path):
            raise ConfigError(f"--html would overwrite the text {source.name}; name another file.")
    if page is not None:
        refuse_taken(page, overwrite=force)
