"""The command `runs show`, and the JSON values of runs."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from tui_charrnn.cli.options import JsonDocument, RunArgument, RunsDir
from tui_charrnn.cli.output import card_lines, print_data, print_json
from tui_charrnn.errors import RunError
from tui_charrnn.metrics import bits_per_character, perplexity
from tui_charrnn.preferences import runs_folder
from tui_charrnn.runs.catalogue import RunSummary, find_run, summarize_run
from tui_charrnn.runs.checkpoints import list_checkpoints, read_manifest, read_pointer
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.file_system import disk_size
from tui_charrnn.runs.layout import RunDirectory, foreign_parts
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import CheckpointSaved, SampleTaken
from tui_charrnn.safe_text import safe_text
from tui_charrnn.viewing.failures import diagnose, format_advice
from tui_charrnn.viewing.formatting import (
    counted,
    format_ngram,
    format_shape,
    format_size,
    format_time,
)
from tui_charrnn.viewing.run_formatting import (
    Row,
    card_rows,
    format_dropout,
    format_lead,
    format_origin,
)
from tui_charrnn.viewing.run_rows import format_trouble, run_row
from tui_charrnn.viewing.run_view import RunView, format_extension

_SHOWN_WARNINGS: Final = 5


@dataclass(frozen=True, slots=True)
class SavedCheckpoint:
    """One checkpoint on disk."""

    step: int
    loss: float | None
    """Validation loss at this step; None if it was not measured."""
    size: int
    """Size in bytes."""
    seconds: float | None
    """Seconds that saving paused the training; None if not recorded."""
    is_latest: bool
    is_best: bool


class RunDetails:
    """All information in a run directory; of a damaged run, what can be read."""

    def __init__(self, run: RunDirectory) -> None:
        self.summary = summarize_run(run)
        self.now = time.time()
        self.view = view = RunView(run, description=self.summary.description)
        warnings: list[str] = []
        seconds: dict[int, float] = {}
        with suppress(RunError, OSError):
            for item in RunReader(run).read_all():
                notices = view.take([item])
                warnings += [each.sentence for each in notices if each.severity != "information"]
                if isinstance(item, CheckpointSaved):
                    seconds[item.step] = item.seconds
        view.observe(self.summary.status, self.summary.judge(self.now) or "ended", time.monotonic())
        self.warnings = warnings[-_SHOWN_WARNINGS:]
        """The last warnings, oldest first; safe to show."""
        self.checkpoints = _checkpoints(run, seconds)
        self.size = disk_size(run.path)
        self.samples = list({each.seed_text: each for each in view.samples}.values())
        """The newest sample of each pinned seed text."""


def show(
    run: RunArgument,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Show everything about a run."""
    details = RunDetails(find_run(run, runs_folder(runs_dir)))
    if as_json:
        print_json(_details_values(details))
        return
    print_data(*card_lines(row for row in _rows(details) if row[1]))
    for sample in details.samples:
        print_data(*_sample_lines(sample))


def _rows(details: RunDetails) -> Iterator[Row]:
    """Yield labels and values; rows without a value are not shown."""
    yield from _head_rows(details)
    if details.summary.description is not None:
        yield from _description_rows(details.summary.description)
    yield from _plan_rows(details.view)
    yield from (row for row in card_rows(details.view) if row[0] not in {"network", "from"})
    yield from _ladder_rows(details.view)
    yield from _several("checkpoints", map(_format_checkpoint, details.checkpoints))
    yield from _several("warnings", details.warnings)


def _several(label: str, values: Iterable[str]) -> Iterator[Row]:
    return ((label if number == 0 else "", value) for number, value in enumerate(values))


def _head_rows(details: RunDetails) -> Iterator[Row]:
    row = run_row(details.summary, details.now)
    failure = diagnose(details.view)
    trouble = format_trouble(details.summary, details.view)
    yield "run", row.name
    yield "path", str(details.summary.run.path)
    yield "on disk", format_size(details.size)
    yield "state", f"{row.mark} {row.state}, written {row.age} ago"
    yield "pinned", "in every chart of the app" if details.summary.labels.pinned else ""
    yield "tags", " ".join(details.summary.labels.tags)
    yield from _several("note", details.summary.labels.note.splitlines())
    if (stop := details.view.stopped_early) is not None:
        count = counted(stop.patience, "validation")
        yield "", f"stopped early: no lower loss in {count} after step {stop.best_step:,}"
    yield "", trouble
    yield "links", foreign_parts(details.summary.run)
    yield "", failure.hint if failure is not None else format_advice(details.view)


def _description_rows(description: RunDescription) -> Iterator[Row]:
    model, corpus = description.model, description.corpus
    held_out = corpus.characters - corpus.training_characters
    versions = (f"{name} {version}" for name, version in description.versions.items())
    tied = ", output tied" if model.tied_output else ""
    network = f"{format_shape(model)}, embedding {model.embedding_size}{tied}"
    units = corpus.units
    split = f"{corpus.training_characters:,} {units} to train on, {held_out:,} held out"
    yield "made", f"{format_time(description.created)} on {description.host}"
    yield "with", ", ".join(versions)
    yield "preset", description.preset
    yield "network", f"{network}, {description.parameter_count:,} weights"
    if description.origin is not None:
        yield "from", format_origin(description)
        yield "", f"{description.origin.path}, sha256 {description.origin.sha256[:12]}"
    yield "corpus", corpus.name
    yield "", ", ".join(corpus.sources) or "a copy in the run"
    yield "", f"{split}, {len(description.vocabulary):,} different"
    yield "records", "" if corpus.records == "none" else corpus.records
    yield from _several("seeds", description.pinned_seeds)


def _plan_rows(view: RunView) -> Iterator[Row]:
    plan, description = view.plan, view.description
    if plan is None:
        return
    length = f"{plan.total_steps:,} steps, {plan.steps_per_epoch:,} an epoch"
    yield "plan", f"{length}, scored every {plan.evaluate_every:,}"
    if description is not None:
        training = description.training
        batch = f"{plan.batch_size:,} streams of {training.sequence_length:,} characters"
        later = "" if view.peak_rate is None else f" (later {view.peak_rate:.3g})"
        rate = f"learning rate {view.planned_rate:.3g}{later}"
        yield "", f"{batch}, {rate}, {format_dropout(training)}"
    yield from _several("extended", map(format_extension, view.extensions))


def _ladder_rows(view: RunView) -> Iterator[Row]:
    if view.baselines is not None:
        steps = zip(view.baselines.orders, view.baselines.losses, strict=True)
        yield "counting", ", ".join(f"{format_ngram(order)} {loss:.3f}" for order, loss in steps)
    yield "", format_lead(view)
    if view.calibrated is not None and view.calibrated.temperature is None:
        yield "calibrated", f"no. {view.calibrated.reason}"


def _format_checkpoint(saved: SavedCheckpoint) -> str:
    loss = f"validation {saved.loss:.3f}" if saved.loss is not None else ""
    marks = ("best" if saved.is_best else "", "newest" if saved.is_latest else "")
    time = f"saved in {saved.seconds:.2f} s" if saved.seconds is not None else ""
    parts = [f"step {saved.step:,}", format_size(saved.size), time, loss, *marks]
    return ", ".join(filter(None, parts))


def _sample_lines(sample: SampleTaken) -> Iterator[str]:
    """Yield a heading and the lines of a sample."""
    yield ""
    yield f"sample of step {sample.step:,}, temperature {sample.temperature:g}:"
    text = safe_text(sample.seed_text + sample.text)
    yield from (f"  {line}".rstrip() for line in text.split("\n"))


def summary_values(summary: RunSummary, now: float) -> dict[str, Any]:
    """Return a run of the list as JSON values; `now` is in seconds since 1970."""
    status, description = summary.status, summary.description
    return {
        "name": summary.run.name,
        "path": str(summary.run.path),
        "state": str(status.state) if status else None,
        "trainer": summary.judge(now),
        "corpus": description.corpus.name if description else None,
        "preset": description.preset if description else None,
        "from": description.origin.name if description and description.origin else None,
        "step": status.step if status else None,
        "total_steps": status.total_steps if status else None,
        "best_validation_loss": summary.best_loss,
        "best_step": summary.best_step,
        "curve": list(status.curve) if status else [],
        "modified": summary.modified,
        "problem": summary.problem,
        "tags": list(summary.labels.tags),
        "note": summary.labels.note,
        "pinned": summary.labels.pinned,
    }


def _details_values(details: RunDetails) -> dict[str, Any]:
    """Return everything about a run as JSON values, including `summary_values`."""
    description, status = details.summary.description, details.summary.status
    view = details.view
    return {
        **summary_values(details.summary, details.now),
        "description": description.to_json() if description else None,
        "status": status.to_json() if status else None,
        "plan": view.plan,
        "extensions": view.extensions,
        "losses": _loss_values(view),
        "baselines": view.baselines,
        "calibration": view.calibrated,
        "checkpoints": details.checkpoints,
        "samples": details.samples,
        "warnings": details.warnings,
        "bytes": details.size,
    }


def _loss_values(view: RunView) -> dict[str, float | int | None]:
    best = view.best.loss if view.best else None
    return {
        "train": view.smoothed.value,
        "validation": view.validation.loss if view.validation else None,
        "best_validation": best,
        "best_step": view.best.step if view.best else None,
        "bits_per_character": bits_per_character(best) if best is not None else None,
        "perplexity": perplexity(best) if best is not None else None,
        "best_baseline": view.baseline[1] if view.baseline else None,
    }


def _checkpoints(run: RunDirectory, seconds: Mapping[int, float]) -> list[SavedCheckpoint]:
    """Return the checkpoints of a run, newest first; `seconds` is what saving took, by step."""
    latest, best = read_pointer(run, run.latest), read_pointer(run, run.best)
    found = []
    for checkpoint in list_checkpoints(run):
        manifest, step = read_manifest(checkpoint), checkpoint.step
        found.append(
            SavedCheckpoint(
                step=step,
                loss=manifest.loss if manifest else None,
                size=disk_size(checkpoint.path),
                seconds=seconds.get(step),
                is_latest=latest is not None and latest.step == step,
                is_best=best is not None and best.step == step,
            )
        )
    return found
