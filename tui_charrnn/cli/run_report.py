"""`charrnn-tui runs show`: everything about one run."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from tui_charrnn.cli.options import RunArgument, RunsDir, runs_folder
from tui_charrnn.cli.output import print_data
from tui_charrnn.cli.run_facts import (
    JsonDocument,
    SavedCheckpoint,
    WholeRun,
    read_whole_run,
    whole_facts,
)
from tui_charrnn.runs.catalogue import find_run
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.records import SampleTaken
from tui_charrnn.safe_text import safe_line, safe_text
from tui_charrnn.viewing.card_rows import Row, card_rows
from tui_charrnn.viewing.failures import advice_words, diagnose
from tui_charrnn.viewing.formatting import format_size
from tui_charrnn.viewing.run_rows import run_row, trouble_words
from tui_charrnn.viewing.run_view import RunView
from tui_charrnn.viewing.run_words import gram_words, lead_words

_LABEL_WIDTH: Final = 12  # columns


def show(
    run: RunArgument,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Show everything about a run."""
    whole = read_whole_run(find_run(run, runs_folder(runs_dir)))
    if as_json:
        print_data(json.dumps(whole_facts(whole)))
        return
    for line in _lines(whole):
        print_data(line)


def _lines(whole: WholeRun) -> Iterator[str]:
    yield from _labeled(_head_rows(whole))
    if whole.summary.description is not None:
        yield from _labeled(_description_rows(whole.summary.description))
    progress = [row for row in card_rows(whole.view) if row[0] != "network"]
    yield from _labeled([*_plan_rows(whole.view), *progress, *_ladder_rows(whole.view)])
    yield from _labeled(_several("checkpoints", map(_checkpoint_words, whole.checkpoints)))
    yield from _labeled(_several("warnings", whole.warnings))
    for sample in whole.samples:
        yield from _sample_lines(sample)


def _labeled(rows: Iterable[Row]) -> Iterator[str]:
    return (f"{label:<{_LABEL_WIDTH}}{value}".rstrip() for label, value in rows if value)


def _several(label: str, values: Iterable[str]) -> Iterator[Row]:
    return ((label if number == 0 else "", value) for number, value in enumerate(values))


def _head_rows(whole: WholeRun) -> Iterator[Row]:
    row = run_row(whole.summary, whole.now)
    failure = diagnose(whole.view, None, ())
    trouble = trouble_words(whole.summary, whole.view)
    yield "run", row.name
    yield "path", safe_line(str(whole.summary.run.path))
    yield "on disk", format_size(whole.size)
    yield "state", f"{row.mark} {row.state}, written {row.age} ago"
    yield "", trouble
    yield "", failure.hint if failure is not None else advice_words(whole.view)


def _description_rows(description: RunDescription) -> Iterator[Row]:
    model, corpus = description.model, description.corpus
    held_out = corpus.characters - corpus.training_characters
    versions = (f"{name} {version}" for name, version in description.versions.items())
    network = f"{model.layer_count} x {model.hidden_size} {model.cell_name}"
    network += f", embedding {model.embedding_size}{', output tied' if model.tied_output else ''}"
    split = f"{corpus.training_characters:,} characters to train on, {held_out:,} held out"
    yield "made", safe_line(f"{description.created} on {description.host}")
    yield "with", safe_line(", ".join(versions))
    yield "preset", safe_line(description.preset)
    yield "network", f"{network}, {description.parameter_count:,} weights"
    yield "corpus", safe_line(corpus.name)
    yield "", safe_line(", ".join(corpus.sources) or "the run holds a copy")
    yield "", f"{split}, {len(description.vocabulary):,} different"
    yield from _several("pinned", map(safe_line, description.pinned_seeds))


def _plan_rows(view: RunView) -> Iterator[Row]:
    plan, description = view.plan, view.description
    if plan is None:
        return
    length = f"{plan.total_steps:,} steps, {plan.steps_per_epoch:,} an epoch"
    yield "plan", f"{length}, scored every {plan.evaluate_every:,}"
    if description is not None:
        training = description.training
        batch = f"{plan.batch_size:,} streams of {training.sequence_length:,} characters"
        rate = f"learning rate {view.planned_rate:.3g}, dropout {training.dropout:g}"
        yield "", f"{batch}, {rate}"


def _ladder_rows(view: RunView) -> Iterator[Row]:
    if view.baselines is not None:
        steps = zip(view.baselines.orders, view.baselines.losses, strict=True)
        yield "counting", ", ".join(f"{gram_words(order)} {loss:.3f}" for order, loss in steps)
    yield "", lead_words(view)


def _checkpoint_words(saved: SavedCheckpoint) -> str:
    loss = f"validation {saved.loss:.3f}" if saved.loss is not None else ""
    marks = ("best" if saved.is_best else "", "newest" if saved.is_latest else "")
    time = f"saved in {saved.seconds:.2f} s" if saved.seconds is not None else ""
    parts = [f"step {saved.step:,}", format_size(saved.size), time, loss, *marks]
    return ", ".join(filter(None, parts))


def _sample_lines(sample: SampleTaken) -> Iterator[str]:
    """A sample as it is, below a line that says whose it is."""
    yield ""
    yield f"sample of step {sample.step:,}, temperature {sample.temperature:g}:"
    text = safe_text(sample.seed_text + sample.text)
    yield from (f"  {line}".rstrip() for line in text.split("\n"))
