"""What is known of a run, read as a whole, and as JSON values for programs."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, TypeAlias

import typer

from tui_charrnn.cli.following import unread_records
from tui_charrnn.metrics import bits_per_character, perplexity
from tui_charrnn.runs.catalogue import RunSummary, summarize_run
from tui_charrnn.runs.checkpoint_folders import checkpoint_folders
from tui_charrnn.runs.disk_usage import disk_size
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.manifest import read_manifest, read_pointer
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import CheckpointSaved, SampleTaken
from tui_charrnn.viewing.notices import Notice
from tui_charrnn.viewing.run_view import RunView

JsonDocument: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_SHOWN_WARNINGS: Final = 5


@dataclass(frozen=True, slots=True)
class SavedCheckpoint:
    """One checkpoint on disk."""

    step: int
    loss: float | None
    """Validation loss, if it was measured there."""
    size: int
    """Bytes."""
    seconds: float | None
    """How long training stood still for it; None if the run does not tell."""
    is_latest: bool
    is_best: bool


@dataclass(frozen=True, slots=True)
class WholeRun:
    """All that can be known of a run without its trainer."""

    summary: RunSummary
    view: RunView
    """All records, folded."""
    checkpoints: tuple[SavedCheckpoint, ...]
    """The newest first."""
    warnings: tuple[str, ...]
    """The last ones, oldest first; safe to show."""
    size: int
    """Bytes on disk."""
    now: float
    """When it was read: seconds since 1970."""

    @property
    def samples(self) -> list[SampleTaken]:
        """The newest of each pinned seed."""
        return list({sample.seed_text: sample for sample in self.view.samples}.values())


def read_whole_run(run: RunDirectory) -> WholeRun:
    """Read everything of a run; a damaged one as far as it can be read."""
    now, reader = time.time(), RunReader(run)
    summary = summarize_run(run)
    view = RunView(run, description=summary.description)
    news: list[Notice] = []
    seconds: dict[int, float] = {}
    for records in unread_records(reader):
        news += view.take(records)
        seconds |= {
            each.step: each.seconds for each in records if isinstance(each, CheckpointSaved)
        }
    view.observe(summary.status, summary.judge(now) or "ended", time.monotonic())
    warnings = [told.sentence for told in news if told.severity != "information"]
    return WholeRun(
        summary=summary,
        view=view,
        checkpoints=_checkpoints(run, seconds),
        warnings=tuple(warnings[-_SHOWN_WARNINGS:]),
        size=disk_size(run.path),
        now=now,
    )


def summary_facts(summary: RunSummary, now: float) -> dict[str, Any]:
    """A run as a line of the list.

    Args:
        summary: What was read of it.
        now: Seconds since 1970.
    """
    status, description = summary.status, summary.description
    return {
        "name": summary.run.name,
        "path": str(summary.run.path),
        "state": str(status.state) if status else None,
        "trainer": summary.judge(now),
        "corpus": description.corpus.name if description else None,
        "preset": description.preset if description else None,
        "step": status.step if status else None,
        "total_steps": status.total_steps if status else None,
        "best_validation_loss": summary.best_loss,
        "best_step": summary.best_step,
        "curve": list(status.curve) if status else [],
        "modified": summary.modified,
        "problem": summary.problem,
    }


def whole_facts(whole: WholeRun) -> dict[str, Any]:
    """Everything of a run: what the list says of it, and the rest."""
    description, status, plan = whole.summary.description, whole.summary.status, whole.view.plan
    return {
        **summary_facts(whole.summary, whole.now),
        "description": description.to_json() if description else None,
        "status": status.to_json() if status else None,
        "plan": asdict(plan) if plan else None,
        "losses": _loss_facts(whole.view),
        "baselines": asdict(whole.view.baselines) if whole.view.baselines else None,
        "checkpoints": [asdict(saved) for saved in whole.checkpoints],
        "samples": [asdict(sample) for sample in whole.samples],
        "warnings": list(whole.warnings),
        "bytes": whole.size,
    }


def _loss_facts(view: RunView) -> dict[str, float | int | None]:
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


def _checkpoints(run: RunDirectory, seconds: Mapping[int, float]) -> tuple[SavedCheckpoint, ...]:
    latest, best = read_pointer(run, run.latest), read_pointer(run, run.best)
    found = []
    for step, path in checkpoint_folders(run):
        manifest = read_manifest(CheckpointDirectory(path))
        found.append(
            SavedCheckpoint(
                step=step,
                loss=manifest.loss if manifest else None,
                size=disk_size(path),
                seconds=seconds.get(step),
                is_latest=latest is not None and latest.step == step,
                is_best=best is not None and best.step == step,
            )
        )
    return tuple(found)
