"""Formats a `RunView`: each function returns a short text that is safe to show."""

import math
from collections.abc import Iterable, Iterator
from typing import Final

from tui_charrnn.config import TrainingConfig
from tui_charrnn.durations import format_duration
from tui_charrnn.metrics import bits_per_character, perplexity
from tui_charrnn.runs.description import GpuUsage, RunDescription, RunState, Usage
from tui_charrnn.runs.records import PathChosen, format_way
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import format_percent, tr, tr_recorded
from tui_charrnn.viewing.formatting import (
    format_count,
    format_ngram,
    format_shape,
    format_size,
    longest_fitting,
)
from tui_charrnn.viewing.run_view import RunView

STATE_LABELS: Final = {
    RunState.CREATED: "starting the trainer",
    RunState.PREPARING: "reading the corpus",
    RunState.LOADING: "loading TensorFlow",
    RunState.TIMING: "timing a few batches",
    RunState.EVALUATING: "scoring held-out text",
    RunState.STOPPED: "stopped, saved",
    RunState.SAVED: "saved, resumable",
}
"""Of the states with another label than their name."""
_SAVED: Final = {RunState.STOPPED, RunState.SAVED}
_WITH_CLOCK = {RunState.CREATED, RunState.PREPARING, RunState.LOADING, RunState.TIMING}


def format_state(view: RunView, now: float) -> str:
    """What the run is doing at `now` (seconds, monotonic), with a clock in states without steps."""
    if view.failed or view.diverged:
        return tr("failed" if view.failed else "diverged")
    if view.state.is_live and view.life == "lost":
        return tr("lost")
    state = tr(STATE_LABELS.get(view.state, view.state.value))
    if view.state is RunState.FINISHED and view.stopped_early is not None:
        state = tr("finished early")
    if view.state in _SAVED and view.checkpoint_step is None:
        state = tr("stopped")
    if view.state in _WITH_CLOCK:
        minutes, seconds = divmod(max(0, int(now - view.state_since)), 60)
        state = f"{state} {minutes}:{seconds:02}"
    if format_degradation(view):
        state = tr("{state}, degraded", state=state)
    if view.is_live and view.life == "silent" and view.status:
        state = tr("{state} (no news)", state=state)
    return state


def format_degradation(view: RunView) -> str:
    """Why a live run is degraded, e.g. by a full disk; empty if it is not."""
    if view.status is None or not view.is_live:
        return ""
    return tr_recorded(safe_line(view.status.degraded))


def state_mark(view: RunView) -> str:
    """Symbol of the state, so that color is not the only distinction."""
    if view.failed or view.diverged or (view.state.is_live and view.life == "lost"):
        return "✗"
    if view.is_live and view.state is RunState.PAUSED:
        return "║"
    return "●" if view.is_live else "■"


def format_epoch(view: RunView) -> str:
    """The epoch reached; empty if unknown."""
    return tr("epoch {epoch:.1f}", epoch=view.epoch) if view.epoch else ""


def format_step(view: RunView) -> str:
    """The step and, if known, the total."""
    total = view.total_steps
    if not total:
        return tr("step {step:,}", step=view.step)
    return tr("step {step:,}/{total:,}", step=view.step, total=total)


def format_time_left(view: RunView) -> str:
    """The remaining time; empty if unknown or at the end."""
    left = _left(view)
    return tr("{time} left", time=left) if left else ""


def _left(view: RunView) -> str:
    eta = view.status.eta if view.is_live and view.status is not None else None
    return "" if eta is None else format_duration(eta)


def format_speed(view: RunView) -> str:
    """Training speed in characters or jamo per second; empty if unknown."""
    rate = view.status.characters_per_second if view.status else None
    if rate is None:
        return ""
    is_jamo = view.description is not None and view.description.training.units == "jamo"
    if rate >= 1000:
        return tr("{rate:,.1f}k jamo/s" if is_jamo else "{rate:,.1f}k ch/s", rate=rate / 1000)
    return tr("{rate:,.0f} jamo/s" if is_jamo else "{rate:,.0f} ch/s", rate=rate)


def format_lead(view: RunView) -> str:
    """How the best validation loss compares with the best n-gram model."""
    if view.lead is None or view.baseline is None:
        return ""
    return tr(
        "{nats:.3f} nats better than the best n-gram"
        if view.lead >= 0
        else "{nats:.3f} nats worse than the best n-gram",
        nats=abs(view.lead),
    )


def format_dropout(training: TrainingConfig) -> str:
    """The dropout, and what each epoch adds to it."""
    grown = f" and {training.dropout_growth:g} more an epoch" if training.dropout_growth else ""
    return f"dropout {training.dropout:g}{grown}"


def needs_bar(view: RunView) -> bool:
    """Whether a progress bar adds information: not once the run is complete."""
    share = view.share_done
    is_whole = view.state is RunState.FINISHED or share == 1
    return share is not None and (view.is_live or not is_whole)


def has_one_text(views: Iterable[RunView]) -> bool:
    """Whether runs were scored on the same held-out text, as far as is known."""
    return len(set(map(heldout_text, views)) - {""}) < 2


def heldout_text(view: RunView) -> str:
    """Identifies a run's held-out text: equal values make losses comparable; empty if unknown."""
    if view.description is None:
        return ""
    corpus, training = view.description.corpus, view.description.training
    parts = (
        corpus.sha256,
        corpus.records,
        corpus.training_characters,
        training.evaluation_characters,
    )
    return " ".join(map(str, parts))


_LARGEST_PERPLEXITY: Final = 10_000
"""Perplexity above which the network has learned nothing."""


def format_perplexity(loss: float) -> str:
    """The perplexity of a loss in nats per character, up to `_LARGEST_PERPLEXITY`."""
    if loss >= math.log(_LARGEST_PERPLEXITY):
        return tr("above {count:,}", count=_LARGEST_PERPLEXITY)
    value = perplexity(loss)
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def format_losses(view: RunView, width: int) -> str:
    """The losses in one line of at most `width` columns, where rows do not fit."""
    train, validation, bits, baseline = "", "", "", ""
    if view.smoothed.value is not None:
        train = tr("train {loss:.3f}", loss=view.smoothed.value)
    if view.validation is not None and view.best is not None:
        validation = tr("val {loss:.3f}", loss=view.validation.loss)
        bits = tr("{bits:.2f} bpc", bits=bits_per_character(view.best.loss))
        if view.validation.loss > view.best.loss:
            bits = tr("best {loss:.3f}", loss=view.best.loss)
    if view.baseline is not None:
        order, loss = view.baseline
        baseline = f"{format_ngram(order)} {loss:.3f}"
    lead = baseline
    if view.lead is not None:
        lead = tr(
            "{nats:.2f} below {baseline}" if view.lead >= 0 else "{nats:.2f} above {baseline}",
            nats=abs(view.lead),
            baseline=baseline,
        )
    return longest_fitting(
        (
            [train, validation, bits, lead],
            [train, validation, lead],
            [train, validation, baseline],
            [train, validation],
        ),
        separator=" · ",
        width=width,
    )


def format_network(view: RunView) -> str:
    """The kind and size of the network."""
    if view.description is None:
        return ""
    network = format_shape(view.description.model)
    amount = format_count(view.description.parameter_count)
    return tr("{network}, {amount} weights", network=network, amount=amount)


_LISTED: Final = 20
"""Maximum number of added characters that are listed."""


def format_origin(description: RunDescription | None) -> str:
    """The model that a run started from, and what was added to its vocabulary; empty for none."""
    if description is None or description.origin is None:
        return ""
    name, added = safe_line(description.origin.name), description.added_characters
    if not added:
        return tr("{name}, no character added", name=name)
    listed = safe_line(" ".join(added[:_LISTED])) + (" ..." if len(added) > _LISTED else "")
    return tr(
        "{name}, {count:,} characters added: {listed}"
        if len(added) > 1
        else "{name}, {count:,} character added: {listed}",
        name=name,
        count=len(added),
        listed=listed,
    )


Row = tuple[str, str]


def card_groups(view: RunView, pinned: RunView | None = None) -> dict[str, list[Row]]:
    """Rows by group, the most important first; only known values, safe to show.

    Names of groups and labels are English; they are translated when shown.
    """
    groups = {
        "progress": [*_progress_rows(view), ("saved", _format_saved(view))],
        "loss": [*_loss_rows(view), *_score_rows(view, pinned)],
        "learning": [*_learning_rows(view)],
        "machine": [*_machine_rows(view)],
    }
    known = {name: [row for row in rows if row[1]] for name, rows in groups.items()}
    return {name: rows for name, rows in known.items() if rows}


def card_rows(view: RunView) -> list[Row]:
    """The rows of all groups."""
    return [row for rows in card_groups(view).values() for row in rows]


def detail_rows(view: RunView) -> list[Row]:
    """Rows that do not fit in the status line: scores, learning, model, machine, checkpoint."""
    rows = [*_score_rows(view), *_learning_rows(view), *_machine_rows(view)]
    return [row for row in [*rows, ("saved", _format_saved(view))] if row[1]]


def _progress_rows(view: RunView) -> Iterator[Row]:
    yield "degraded", format_degradation(view)
    total = f"/{view.total_steps:,}" if view.total_steps else ""
    yield "step", f"{view.step:,}{total}" if view.step else ""
    yield "epoch", f"{view.epoch:.1f}" if view.epoch else ""
    yield "time left", _left(view)
    if view.status is not None and view.status.elapsed:
        yield "trained", format_duration(view.status.elapsed)
    if view.is_live:
        yield "speed", format_speed(view)


def _loss_rows(view: RunView) -> Iterator[Row]:
    if view.smoothed.value is not None:
        yield "train loss", f"{view.smoothed.value:.3f}"
    if view.validation is not None:
        yield "validation", f"{view.validation.loss:.3f}"


def _score_rows(view: RunView, pinned: RunView | None = None) -> Iterator[Row]:
    """The scores of the run; `pinned` is the run to compare with."""
    best, fitted = view.best, view.calibrated
    if best is not None:
        yield "best", tr("{loss:.3f} at step {step:,}", loss=best.loss, step=best.step)
    measured = best.loss if best else view.smoothed.value
    if measured is not None:
        yield "bits/char", f"{bits_per_character(measured):.3f}"
        yield "perplexity", format_perplexity(measured)
    if view.baseline is not None:
        order, loss = view.baseline
        yield "baseline", f"{loss:.3f} ({format_ngram(order)})"
    if fitted is not None and fitted.loss_before is not None and fitted.loss is not None:
        words = tr(
            "{before:.3f} to {after:.3f}, temperature {temperature:.3f}",
            before=fitted.loss_before,
            after=fitted.loss,
            temperature=fitted.temperature,
        )
        yield "calibrated", words
    if pinned is not None and pinned.best is not None:
        name = safe_line(pinned.run.name)
        if not has_one_text([view, pinned]):
            name = tr("{name}, another text", name=name)
        yield "pinned", f"{pinned.best.loss:.3f} ({name})"


def _learning_rows(view: RunView) -> Iterator[Row]:
    batch, share = view.newest_batch, view.clipped_share
    if batch is not None:
        yield "rate", f"{batch.learning_rate:.2e}"
        norm = f"{batch.gradient_norm:.2f}"
        clipped = tr("{norm}, {share} clipped", norm=norm, share=format_percent(share or 0.0))
        yield "gradient", norm if share is None else clipped
    yield "network", format_network(view)
    yield "from", format_origin(view.description)


def _machine_rows(view: RunView) -> Iterator[Row]:
    status = view.status
    if status is None:
        return
    yield "device", tr_recorded(safe_line(status.device))
    yield "precision", safe_line(status.precision or (view.plan.precision if view.plan else ""))
    if view.path is not None:
        yield "computed by", _format_path(view.path)
    if status.usage is not None and view.is_live:
        yield from _usage_rows(status.usage)


def _format_path(path: PathChosen) -> str:
    """The chosen GPU implementation, and how many were tried and failed."""
    way = format_way(path)
    seconds = next((t.seconds_per_step for t in path.trials if format_way(t) == way), None)
    parts = [way]
    if seconds is not None:
        parts.append(tr("{ms:.2f} ms a step when tried", ms=1000 * seconds))
    failed = sum(bool(trial.failure) for trial in path.trials)
    parts.append(tr("{tried} tried, {failed} failed", tried=len(path.trials), failed=failed))
    return safe_line("; ".join(parts))


def _usage_rows(usage: Usage) -> Iterator[Row]:
    if usage.cpu is not None:
        if usage.cpu_count:
            cores = tr("{busy:.1f} of {count} busy", busy=usage.cpu, count=usage.cpu_count)
        else:
            cores = tr("{busy:.1f} busy", busy=usage.cpu)
        yield "cores", cores
    if usage.memory is not None:
        yield "memory", share_of_memory(usage)
    for number, gpu in enumerate(usage.gpus):
        yield "gpu" if len(usage.gpus) == 1 else f"gpu {number}", _format_gpu(gpu)


def share_of_memory(usage: Usage) -> str:
    """Memory in use by a trainer and, if known, in total."""
    used = format_size(usage.memory or 0)
    if not usage.memory_total:
        return used
    return tr("{used} of {total}", used=used, total=format_size(usage.memory_total))


def _format_gpu(gpu: GpuUsage) -> str:
    parts = []
    if gpu.load is not None:
        parts.append(format_percent(gpu.load))
    if gpu.memory is not None:
        of = f"/{gpu.memory_total / 1e9:.0f}" if gpu.memory_total else ""
        parts.append(f"{gpu.memory / 1e9:.1f}{of} GB")  # short: the row has 37 columns at most
    if gpu.temperature is not None:
        parts.append(f"{gpu.temperature:.0f} °C")
    if gpu.power is not None:
        parts.append(f"{gpu.power:.0f} W")
    return " ".join(parts) or safe_line(gpu.name)


def _format_saved(view: RunView) -> str:
    """The newest checkpoint's step and its age in training time."""
    if view.checkpoint_step is None:
        return ""
    if view.status is None or view.checkpoint_elapsed is None or not view.is_live:
        return tr("step {step:,}", step=view.checkpoint_step)
    ago = format_duration(view.status.elapsed - view.checkpoint_elapsed)
    return tr("step {step:,}, {time} ago", step=view.checkpoint_step, time=ago)
