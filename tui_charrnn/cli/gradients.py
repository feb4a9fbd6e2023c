"""The commands `memory` and `lab clipping`: how far gradients reach, and how they are clipped."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.options import (
    DrawnInAscii,
    Encoding,
    JsonDocument,
    RunsDir,
    apply_settings,
    complete_corpus,
    complete_model,
    number_option,
    with_setting_options,
)
from tui_charrnn.cli.output import (
    picture_width,
    print_json,
    print_message,
    print_picture,
    progress_bar,
    symbols,
)
from tui_charrnn.cli.reading import load_models, read_named_corpus
from tui_charrnn.config import ClippingSettings
from tui_charrnn.errors import ExitCode
from tui_charrnn.preferences import runs_folder
from tui_charrnn.presets import find_preset
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.records import MemoryMeasured, Record
from tui_charrnn.text.corpus import Corpus, Reading

if TYPE_CHECKING:
    from tui_charrnn.cli.reporting import RowsOf
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.viewing.gradient_pictures import MemoryCurve

_HEIGHT: Final = 22  # rows
_CELLS: Final = ("rnn", "gru", "lstm")
"""Cells that `memory --train` trains."""


def memory(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            autocompletion=complete_model,
            help="Model files, runs or bundled models; with --train, texts to train on.",
        ),
    ],
    text: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            autocompletion=complete_corpus,
            help="Text to measure on: a file or a named corpus. Default: the corpus of the first "
            "model, or the training text.",
        ),
    ] = None,
    train: Annotated[
        bool,
        typer.Option(
            "--train",
            help="Train an rnn, a gru and an lstm on the text, one after another; models trained "
            "before are reused.",
        ),
    ] = False,
    train_time: Annotated[
        str, typer.Option(metavar="DURATION", help="With --train: training time of each.")
    ] = "60s",
    hidden_size: Annotated[
        int, typer.Option(metavar="H", help="With --train: hidden size of each.")
    ] = 128,
    characters: Annotated[
        int, number_option("Read the last N characters of the text.", 2, 1_000_000)
    ] = 20_000,
    reach: Annotated[
        int, number_option("Largest distance to measure, in characters.", 1, 500, metavar="D")
    ] = 200,
    as_json: JsonDocument = False,
    is_ascii: DrawnInAscii = False,
    encoding: Encoding = "utf-8",
    runs_dir: RunsDir = None,
) -> None:
    """Measure how far back models look: the mean influence of a character by its distance.

    The influence of an earlier character on a later one is the norm of the gradient of the later
    one's log probability with respect to the earlier one's input vector. The table shows
    the distances from which the mean is below a half, a tenth and a hundredth of its maximum. The
    strips below show how the gradient of the loss fades on its way back through h.
    """
    if train:
        corpus = read_named_corpus(models, Reading(encoding=encoding))
        read = (read_named_corpus([text], corpus.reading) if text else corpus).text
        settings = {"hidden_size": str(hidden_size), "train_time": train_time}
        rows_of = _rows_of(is_ascii=is_ascii)
        found = _train_cells(models, corpus, runs_dir, settings, rows_of)
    else:
        named, read = _find_models(models, text, encoding, runs_dir)
        found = ((name, model, False) for name, model in named.items())
    read, curves = read[-characters:], []
    for name, model, is_drawn in found:
        curves.append(_measure(name, model, read, reach))
        if is_drawn and not as_json:
            _print_curves(curves, is_ascii=is_ascii)
    if as_json:
        document = {
            "characters": len(read),
            "reach": reach,
            "models": [lazy.memory_document(curve) for curve in curves],
        }
        print_json(document)
    else:
        _print_curves(curves, is_ascii=is_ascii)


def _rows_of(*, is_ascii: bool) -> "RowsOf":
    """Return a function that draws a `MemoryMeasured` record of a run while it trains."""
    shown = symbols(is_ascii=is_ascii)

    def rows_of(record: Record) -> Sequence[str]:
        if not isinstance(record, MemoryMeasured):
            return ()
        return list(map(shown, lazy.recorded_rows(record, picture_width())))

    return rows_of


def _measure(name: str, model: "Model", text: str, reach: int) -> "MemoryCurve":
    task = f"Measuring {len(text):,} characters with {name}"
    with progress_bar(task, in_bytes=False) as progress:
        return lazy.measure_model(
            name,
            model,
            text,
            reach=reach,
            on_progress=lambda share: progress(round(100 * share), 100),
        )


def _print_curves(curves: "Sequence[MemoryCurve]", *, is_ascii: bool) -> None:
    print_picture(lazy.memory_rows(curves, picture_width(), _HEIGHT), is_ascii=is_ascii)


def _find_models(
    models: Sequence[str], text: str | None, encoding: str, runs_dir: Path | None
) -> "tuple[dict[str, Model], str]":
    """Load the models by name, and the text to measure on."""
    found = load_models(models, runs_dir)
    if text is not None:
        return found, read_named_corpus([text], Reading(encoding=encoding)).text
    first, folder = models[0], runs_folder(runs_dir)
    print_message(f"Reading the corpus of {first}; --text names another text.")
    path = lazy.find_model(first, folder)
    return found, lazy.TrainingTexts(found[first], path, folder).read().text


def _train_cells(
    arguments: Sequence[str],
    text: Corpus,
    runs_dir: Path | None,
    settings: Mapping[str, str],
    rows_of: "RowsOf",
) -> "Iterator[tuple[str, Model, bool]]":
    """Train each cell; yield its name, its model, and whether to draw before the next one.

    A cell that was already trained on that text with those settings is not trained again.
    """
    require_tensorflow()
    for cell in _CELLS:
        request = lazy.RunRequest(
            folder=runs_folder(runs_dir),
            name="-".join(["memory", cell, *settings.values(), text.sha256[:6]]),
            may_exist=True,
            corpus=arguments,
            reading=text.reading,
            preset="small",
            # the rnn and the gru have no layer normalization, so the lstm gets none
            configurations=apply_settings(
                find_preset("small"), {"cell": cell, "layer_norm": "false", **settings}
            ),
        )
        with lazy.handle_preemption():
            run = request.find_or_make(text)
            status = lazy.newest_status(run)
            is_new = status is None or status.state is not RunState.FINISHED
            if is_new:
                code = lazy.train_headless(
                    run, lazy.FollowOptions(headless=True, rows_of=rows_of), None
                )
                if code != ExitCode.OK:
                    raise typer.Exit(code if code > 0 else int(ExitCode.UNEXPECTED))
        (model,) = load_models([str(run.path)], runs_dir).values()
        yield cell, model, is_new and cell != _CELLS[-1]


lab_app = typer.Typer()


@lab_app.callback(invoke_without_command=True)
def lab(context: typer.Context) -> None:
    """Small experiments that need no model and no trainer."""
    if context.invoked_subcommand is None:
        print_message(*context.get_help().splitlines())
        raise typer.Exit(ExitCode.USAGE)


@lab_app.command()
@with_setting_options(ClippingSettings, defaults=ClippingSettings())
def clipping(
    as_json: JsonDocument = False, is_ascii: DrawnInAscii = False, **settings: str | None
) -> None:
    """Train a small plain RNN twice, with and without a limit for the norm of its gradient.

    Text, weights and batches are the same. Where the spectral radius of the recurrent kernel is
    above 1, gradients grow on their way back through time, and a very large one makes training
    diverge. Clipping by the norm shortens a gradient and keeps its direction; clipping each
    element to reach the same norm turns it (ELEMENT-WISE: mean over the clipped gradients).
    """
    given = {name: text for name, text in settings.items() if text is not None}
    chosen = ClippingSettings(**{name: ClippingSettings.parse(name, given[name]) for name in given})
    runs = [lazy.ClippingRun(chosen, is_clipped=each) for each in (False, True)]
    for run in runs:
        for _ in range(chosen.steps):
            run.advance()
    if as_json:
        print_json(lazy.clipping_document(runs, chosen))
        return
    rows = lazy.clipping_rows(runs, chosen, picture_width(), _HEIGHT)
    print_picture(rows, is_ascii=is_ascii)
