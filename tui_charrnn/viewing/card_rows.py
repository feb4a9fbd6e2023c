"""Everything that is known of a run as rows of a label and a value, for the run card."""

from collections.abc import Iterable, Iterator

from tui_charrnn.durations import format_duration
from tui_charrnn.runs.description import GpuUsage, Usage
from tui_charrnn.runs.records import PathChosen, format_way
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing import run_words as words
from tui_charrnn.viewing.run_view import RunView

Row = tuple[str, str]


def card_groups(view: RunView) -> dict[str, list[Row]]:
    """All rows by what they are about, the most wanted first; only what is known, safe to show."""
    groups: dict[str, Iterable[Row]] = {
        "progress": [*_progress_rows(view), ("saved", _saved_words(view))],
        "loss": words.loss_rows(view),
        "learning": _learning_rows(view),
        "machine": _machine_rows(view),
    }
    known = {name: [row for row in rows if row[1]] for name, rows in groups.items()}
    return {name: rows for name, rows in known.items() if rows}


def card_rows(view: RunView) -> list[Row]:
    """All rows."""
    return [row for rows in card_groups(view).values() for row in rows]


def detail_rows(view: RunView) -> list[Row]:
    """What the status line has no room for: learning, model, machine, what is saved."""
    rows = [*_learning_rows(view), *_machine_rows(view), ("saved", _saved_words(view))]
    return [(label, value) for label, value in rows if value]


def gigabytes(count: int) -> str:
    """A number of bytes for people: 1.4 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"


def _progress_rows(view: RunView) -> Iterator[Row]:
    yield "degraded", words.degraded_words(view)
    yield "step", words.step_words(view).removeprefix("step ") if view.step else ""
    yield "epoch", words.epoch_words(view).removeprefix("epoch ")
    yield "time left", words.left_words(view).removesuffix(" left")
    if view.status is not None and view.status.elapsed:
        yield "trained", format_duration(view.status.elapsed)
    if view.is_live:
        yield "speed", words.speed_words(view)


def _learning_rows(view: RunView) -> Iterator[Row]:
    batch, share = view.newest_batch, view.clipped_share
    if batch is not None:
        yield "rate", f"{batch.learning_rate:.2e}"
        clipped = f", {share:.0%} clipped" if share is not None else ""
        yield "gradient", f"{batch.gradient_norm:.2f}{clipped}"
    yield "network", words.network_words(view)


def _machine_rows(view: RunView) -> Iterator[Row]:
    status = view.status
    if status is None:
        return
    yield "device", safe_line(status.device)
    yield "precision", safe_line(status.precision or (view.plan.precision if view.plan else ""))
    if view.path is not None:
        yield "computed by", _path_words(view.path)
    if status.usage is not None and view.is_live:
        yield from _usage_rows(status.usage)


def _path_words(path: PathChosen) -> str:
    """The way that a GPU computes in, and what came of trying the others."""
    way = format_way(path)
    seconds = next((t.seconds_per_step for t in path.trials if format_way(t) == way), None)
    parts = [way]
    if seconds is not None:
        parts.append(f"{1000 * seconds:.2f} ms a step when tried")
    failed = sum(bool(trial.failure) for trial in path.trials)
    parts.append(f"{len(path.trials)} tried, {failed} failed")
    return safe_line("; ".join(parts))


def _usage_rows(usage: Usage) -> Iterator[Row]:
    if usage.cpu is not None:
        of = f" of {usage.cpu_count}" if usage.cpu_count else ""
        yield "cores", f"{usage.cpu:.1f}{of} busy"
    if usage.memory is not None:
        of = f" of {gigabytes(usage.memory_total)}" if usage.memory_total else ""
        yield "memory", f"{gigabytes(usage.memory)}{of}"
    for number, gpu in enumerate(usage.gpus):
        yield "gpu" if len(usage.gpus) == 1 else f"gpu {number}", _gpu_words(gpu)


def _gpu_words(gpu: GpuUsage) -> str:
    parts = []
    if gpu.load is not None:
        parts.append(f"{gpu.load:.0%}")
    if gpu.memory is not None:
        of = f"/{gpu.memory_total / 1e9:.0f}" if gpu.memory_total else ""
        parts.append(f"{gpu.memory / 1e9:.1f}{of} GB")
    if gpu.temperature is not None:
        parts.append(f"{gpu.temperature:.0f} °C")
    if gpu.power is not None:
        parts.append(f"{gpu.power:.0f} W")
    return " ".join(parts) or safe_line(gpu.name)


def _saved_words(view: RunView) -> str:
    """The newest checkpoint, and how much training it is behind."""
    if view.checkpoint_step is None:
        return ""
    saved = f"step {view.checkpoint_step:,}"
    if view.status is None or view.checkpoint_elapsed is None or not view.is_live:
        return saved
    return f"{saved}, {format_duration(view.status.elapsed - view.checkpoint_elapsed)} ago"
