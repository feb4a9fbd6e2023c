"""The commands `score` and `which`: measure the surprise of texts, and compare models by it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.options import (
    DrawnInAscii,
    Encoding,
    Force,
    JsonDocument,
    NumbersOption,
    ParallelStreams,
    RunsDir,
    model_option,
    number_option,
    path_option,
    texts_argument,
)
from tui_charrnn.cli.output import (
    picture_width,
    print_data,
    print_json,
    print_message,
    print_picture,
    progress_bar,
    stderr_is_terminal,
    stdout_is_terminal,
)
from tui_charrnn.cli.reading import load_models, read_argument, read_blocks, unknown_sentence
from tui_charrnn.errors import ConfigError
from tui_charrnn.folders import bundled_models
from tui_charrnn.paths import is_file, parse_path
from tui_charrnn.preferences import resolve
from tui_charrnn.runs.storage import refuse_taken
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.sources import Source, find_sources
from tui_charrnn.training.machine import thread_count

if TYPE_CHECKING:
    from tui_charrnn.generation.text_scores import LineScore, ModelScore, Origin, ScoreTotal

_MAX_RATE: Final = 10.0
_NUMBER_WIDTH: Final = 10
_NAME_WIDTH: Final = 16
_HEADING: Final = "BITS/CHAR  PERPLEXITY    CHARACTERS   UNKNOWN"


def _page_path(text: str, name: str) -> Path:
    if text == "-":
        raise ConfigError(
            f"{name} needs a file name: standard output is used for the table. Received: '-'."
        )
    return parse_path(text, name)


def score(
    files: Annotated[list[str], texts_argument("FILE...")],
    model: Annotated[
        list[str] | None,
        model_option("A model file, a run, or a bundled model; repeatable, to rank them."),
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Score each line as well.")] = False,
    top: Annotated[int, number_option("Show the N most surprising passages.", 0, 1000)] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document per line (NDJSON).")
    ] = False,
    html: Annotated[
        Path | None,
        path_option(
            "--html", "Write a page that colors every character by its surprise.", _page_path
        ),
    ] = None,
    force: Force = False,
    calibration: Annotated[
        bool,
        typer.Option(
            "--calibration",
            help="Show how often the likeliest character was right, by its predicted probability.",
        ),
    ] = False,
    parallel: ParallelStreams = None,
    dynamic_evaluation_rate: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Score again while the output layer learns from the text, at this learning rate "
            "(try 0.1).",
        ),
    ] = None,
    numbers: NumbersOption = None,
    encoding: Encoding = "utf-8",
    runs_dir: RunsDir = None,
) -> None:
    """Measure how surprising texts are to a model, in bits per character.

    A text begins as after a newline. Characters that the model has never seen are counted, not
    scored. Long texts are split into parts that are read in parallel, each after the 256
    characters before it; --parallel 1 reads the whole text in order.

    Several models are ranked for every text, the best fit first; there, an unknown character costs
    20.1 bits, as a choice among all of Unicode. Dynamic evaluation is shown beside the plain score
    and does not affect the ranking; it reads the text in order.
    """
    rate = dynamic_evaluation_rate
    if rate is not None and not 0 < rate <= _MAX_RATE:
        raise ConfigError(
            f"--dynamic-evaluation-rate must be above 0 and at most {_MAX_RATE:g}. "
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
            print_message(
                f"{name} is bidirectional: its bits are of characters whose both sides are known."
            )
    scorers = {
        name: lazy.ModelScorer(
            each,
            streams=parallel,
            threads=thread_count(None),
            top=top,
            rate=rate,
            has_bins=calibration,
        )
        for name, each in models.items()
    }
    used = {name: each.numbers for name, each in models.items()}
    report: JsonReport | PlainReport = (
        JsonReport(used) if as_json else PlainReport(used, has_lines=lines)
    )
    with lazy.open_page(html, overwrite=force) as page:
        for source in sources:
            name = safe_line(source.name)
            bar: AbstractContextManager[Progress | None] = nullcontext()
            if stderr_is_terminal() and not (lines and stdout_is_terminal()):
                bar = progress_bar(f"Scoring {source.name}")
            with bar as progress:
                blocks = read_blocks(source, encoding, progress)
                found = lazy.score_text(
                    blocks,
                    scorers,
                    on_line=report.line_of(source.name) if lines else None,
                    on_block=page.add if page else None,
                )
            report.text(source.name, found)
            if page:
                page.end(name, found)


def _refuse_to_overwrite(page: Path | None, sources: Iterable[Source], *, force: bool) -> None:
    """Raise an error before scoring if the page would replace a text or an existing file."""
    for source in sources:
        if page and source.path and is_file(page) and page.samefile(source.path):
            raise ConfigError(f"--html would overwrite the text {source.name}; name another file.")
    if page is not None:
        refuse_taken(page, overwrite=force)


class JsonReport:
    """Prints one JSON document for every text, and one for every line with --lines."""

    def __init__(self, models: Mapping[str, str]) -> None:
        """Report on models: their names, each with the type of its numbers."""
        self._numbers = models

    def line_of(self, text: str) -> "Callable[[LineScore], None]":
        """Return a function that prints the scores of a line of the text."""

        def print_line(line: "LineScore") -> None:
            order = lazy.ranked(line.totals)
            scores = [{"model": model, **_total_values(line.totals[model])} for model in order]
            print_json({
                "kind": "line",
                "text": text,
                "line": line.number,
                "content": line.text,
                "scores": scores,
            })

        return print_line

    def text(self, name: str, found: "Mapping[str, ModelScore]") -> None:
        """Print the document of a text."""
        scores = [
            {**_model_values(model, score), "numbers": self._numbers[model]}
            for model, score in found.items()
        ]
        print_json({"kind": "text", "text": name, "scores": scores})


class PlainReport:
    """Prints a row for every text and model, after the lines and before the passages of a text."""

    def __init__(self, models: Mapping[str, str], *, has_lines: bool) -> None:
        """Report on models: their names, each with the type of its numbers."""
        self._models = models
        self._is_ranking = len(models) > 1
        self._has_lines = has_lines
        self._width = max(len(safe_line(model)) for model in models)
        self._has_heading = False

    def line_of(self, text: str) -> "Callable[[LineScore], None]":
        """Return a function that prints the scores of a line of the text."""
        names = self._models if self._is_ranking else ["BITS/CHAR"]
        columns = [f"{safe_line(name)[:_NAME_WIDTH]:>{_NAME_WIDTH}} " for name in names]
        print_data(f"{''.join(columns)}    LINE  {safe_line(text)}")
        return self._print_line

    def text(self, name: str, found: "Mapping[str, ModelScore]") -> None:
        """Print the rows of a text."""
        if not self._has_heading or self._has_lines:
            self._has_heading = True
            model = f"COMPARABLE  {'MODEL':<{self._width + 2}}  " if self._is_ranking else ""
            print_data(f"{_HEADING}  {model}TEXT")
        for place, (model, score) in enumerate(found.items()):
            mark = self._mark(model, score.total, place)
            print_data(f"{_numbers(score.total)}  {mark}{safe_line(name)}")
            if score.dynamic is not None:
                print_data(f"{score.dynamic:9.3f}  with dynamic evaluation")
            for passage in score.passages:  # right below the heading of their numbers
                print_data(
                    f"{passage.bits_per_character:9.3f}  line {passage.line:,}, "
                    f"column {passage.column:,}: {safe_line(passage.text)}"
                )
            if score.bins:
                lines = lazy.reliability_lines(score.bins, score.calibration_error)
                print_data(*map(lazy.in_ascii, lines))
            if score.unknown:
                print_message(unknown_sentence(name, model, score.unknown))

    def _mark(self, model: str, total: "ScoreTotal", place: int) -> str:
        if not self._is_ranking:
            return ""
        comparable = _number(total.comparable_bits_per_character, 10)
        star = "*" if place == 0 else " "
        return f"{comparable}  {star} {safe_line(model):<{self._width}}  "

    def _print_line(self, line: "LineScore") -> None:
        best = lazy.ranked(line.totals)[0] if self._is_ranking else ""
        columns = [
            f"{_number(line.totals[name].bits_per_character, _NAME_WIDTH)}"
            f"{'*' if name == best else ' '}"
            for name in self._models
        ]
        print_data(f"{''.join(columns)}{line.number:8,}  {safe_line(line.text)}".rstrip())


def _total_values(total: "ScoreTotal") -> dict[str, float | None]:
    """Return a total as JSON values; null if nothing was scored."""
    means = ("bits_per_character", "perplexity", "comparable_bits", "comparable_bits_per_character")
    return {**asdict(total), **{name: getattr(total, name) for name in means}}


def _model_values(model: str, score: "ModelScore") -> dict[str, Any]:
    passages = [
        {
            "bits_per_character": passage.bits_per_character,
            "offset": passage.offset,
            "line": passage.line,
            "column": passage.column,
            "content": passage.text,
        }
        for passage in score.passages
    ]
    return {
        "model": model,
        **_total_values(score.total),
        "dynamic_bits_per_character": score.dynamic,
        "unknown_characters": dict(score.unknown),
        "passages": passages,
        "calibration_error": score.calibration_error,
        "reliability": [each._asdict() for each in score.bins],
    }


def _numbers(total: "ScoreTotal") -> str:
    return (
        f"{_number(total.bits_per_character, 9)}  {_number(total.perplexity, _NUMBER_WIDTH)}"
        f"  {total.characters:12,}  {total.unknown:8,}"
    )


def _number(value: float | None, width: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.3f}"


def which(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The text itself; - reads it from standard input.")
    ],
    model: Annotated[
        list[str] | None,
        model_option("A model file, a run, or a bundled model; two or more.", "the bundled models"),
    ] = None,
    as_json: JsonDocument = False,
    is_ascii: DrawnInAscii = False,
    runs_dir: RunsDir = None,
) -> None:
    """Find the model whose corpus a text fits best, character by character.

    Before the first character every model is equally likely; each character then counts by its
    probability under each model. The logarithm of the ratio of two models is the difference of
    their bits in `score`. A character that a model has never seen costs 20.1 bits.
    """
    text = read_argument(text)
    names = list(model or bundled_models())
    if len(names) < 2:
        raise ConfigError(f"`which` compares at least two models. Received: {len(names)}.")
    models = load_models(names, runs_dir)
    origin = lazy.OriginReader(models).read(text)
    if as_json:
        print_json(_origin_document(origin))
        return
    width = picture_width()
    rows = [*lazy.bar_rows(origin, width), "", *lazy.path_rows(origin, width)]
    print_picture(rows, is_ascii=is_ascii)
    for name, count in zip(origin.names, origin.unknown, strict=True):
        if count:
            print_message(
                f"{name} has never seen {count:,} of the {len(origin.text):,} characters."
            )


def _origin_document(origin: "Origin") -> dict[str, object]:
    return {
        "text": origin.text,
        "models": [
            {
                "model": origin.names[number],
                "probability": float(origin.probabilities[number]),
                "bits": float(origin.totals[number]),
                "unknown": origin.unknown[number],
            }
            for number in origin.order
        ],
        "characters": list(_characters(origin)),
    }


def _characters(origin: "Origin") -> Iterator[dict[str, object]]:
    for place, character in enumerate(origin.text):
        after = origin.path[:, place + 1]
        yield {
            "character": character,
            "bits": dict(zip(origin.names, origin.bits[:, place].tolist(), strict=True)),
            "probability": dict(zip(origin.names, after.tolist(), strict=True)),
        }
