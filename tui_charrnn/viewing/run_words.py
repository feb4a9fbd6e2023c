"""A run in words: each function turns a `RunView` into a short text that is safe to show."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from tui_charrnn.durations import format_duration
from tui_charrnn.invocation import command
from tui_charrnn.metrics import bits_per_character, perplexity
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.user_folders import default_runs_folder
from tui_charrnn.viewing.run_view import RunView

_STATE_WORDS = {
    RunState.CREATED: "starting the trainer",
    RunState.PREPARING: "reading the corpus",
    RunState.LOADING: "loading TensorFlow",
    RunState.TIMING: "timing a few batches",
    RunState.TRAINING: "training",
    RunState.PAUSED: "paused",
    RunState.EVALUATING: "scoring held-out text",
    RunState.SAVING: "saving",
    RunState.FINISHED: "finished",
    RunState.STOPPED: "stopped, saved",
    RunState.SAVED: "saved, to be resumed",
    RunState.INTERRUPTED: "interrupted",
    RunState.DIVERGED: "diverged",
    RunState.FAILED: "failed",
}
_WITH_CLOCK = {RunState.CREATED, RunState.PREPARING, RunState.LOADING, RunState.TIMING}
_PARTS = " ▏▎▍▌▋▊▉"
"""Eighths of a cell."""


def clock_words(seconds: float) -> str:
    """A running clock: 0:07, 12:40."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02}"


def state_words(view: RunView, now: float) -> str:
    """What the run is doing at `now` (seconds, monotonic), with a clock while nothing moves."""
    if view.failure or view.diverged:
        return _STATE_WORDS[RunState.FAILED if view.failure else RunState.DIVERGED]
    if view.state.is_live and view.life == "lost":
        return "lost"
    words = _STATE_WORDS[view.state]
    if view.state is RunState.FINISHED and view.stopped_early is not None:
        words = f"{words} early"
    if view.state in _WITH_CLOCK:
        words = f"{words} {clock_words(now - view.state_since)}"
    if degraded_words(view):
        words = f"{words}, degraded"
    return f"{words} (no news)" if view.is_live and view.life == "silent" and view.status else words


def degraded_words(view: RunView) -> str:
    """Why a run that is being trained is less safe than it should be: disk full, last saved ..."""
    return safe_line(view.status.degraded) if view.status is not None and view.is_live else ""


def state_mark(view: RunView) -> str:
    """One sign for the state, so that color is never alone in telling it."""
    if view.failure or view.diverged or (view.state.is_live and view.life == "lost"):
        return "✗"
    return "●" if view.is_live else "■"


def epoch_words(view: RunView) -> str:
    """How often the training text has been read."""
    return f"epoch {view.epoch:.1f}" if view.epoch else ""


def step_words(view: RunView) -> str:
    """The step and how many there will be."""
    total = view.total_steps
    return f"step {view.step:,}/{total:,}" if total else f"step {view.step:,}"


def fraction(view: RunView) -> float | None:
    """The share of the run that is done, 0 to 1, or None before it is planned."""
    total = view.total_steps
    return min(1.0, view.step / total) if total else None


def bar(share: float, width: int) -> str:
    """A bar of `width` cells of which a share (0 to 1) is filled, to an eighth of a cell."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_PARTS[rest] if rest else "")).ljust(width)


def left_words(view: RunView) -> str:
    """The time that is left, or nothing where it is not known or all is done."""
    if not view.is_live or view.status is None or view.status.eta is None:
        return ""
    return f"{format_duration(view.status.eta)} left"


def speed_words(view: RunView) -> str:
    """Characters trained on a second."""
    rate = view.status.characters_per_second if view.status else None
    if rate is None:
        return ""
    return f"{rate / 1000:,.1f}k ch/s" if rate >= 1000 else f"{rate:,.0f} ch/s"


def lead_words(view: RunView) -> str:
    """How the best validation loss compares with the best n-gram model."""
    if view.lead is None or view.baseline is None:
        return ""
    side = "better" if view.lead >= 0 else "worse"
    return f"{abs(view.lead):.3f} nats {side} than the best n-gram"


def needs_bar(view: RunView) -> bool:
    """Whether a bar tells more than the state: not of a run that has come to its end."""
    share = fraction(view)
    is_whole = view.state is RunState.FINISHED or share == 1
    return share is not None and (view.is_live or not is_whole)


def loss_rows(view: RunView) -> list[tuple[str, str]]:
    """The losses as rows of a label and a value; only those that are known."""
    rows = []
    if view.smoothed.value is not None:
        rows.append(("train loss", f"{view.smoothed.value:.3f}"))
    if view.validation is not None:
        rows.append(("validation", f"{view.validation.loss:.3f}"))
    return rows + score_rows(view)


def score_rows(view: RunView) -> list[tuple[str, str]]:
    """How good the run is, as rows of a label and a value."""
    rows = []
    if view.best is not None:
        rows.append(("best", f"{view.best.loss:.3f} at step {view.best.step:,}"))
    measured = view.best.loss if view.best else view.smoothed.value
    if measured is not None:
        rows.extend((
            ("bits/char", f"{bits_per_character(measured):.3f}"),
            ("perplexity", f"{perplexity(measured):.2f}"),
        ))
    if view.baseline is not None:
        order, loss = view.baseline
        rows.append(("baseline", f"{loss:.3f} ({gram_words(order)})"))
    return rows


def loss_words(view: RunView, width: int) -> str:
    """The losses in one line of at most `width` columns, for where there is no room for rows."""
    train, validation, bits, baseline = "", "", "", ""
    if view.smoothed.value is not None:
        train = f"train {view.smoothed.value:.3f}"
    if view.validation is not None and view.best is not None:
        validation = f"val {view.validation.loss:.3f}"
        bits = f"{bits_per_character(view.best.loss):.2f} bpc"
    if view.baseline is not None:
        order, loss = view.baseline
        baseline = f"{gram_words(order)} {loss:.3f}"
    lead = baseline
    if view.lead is not None:
        lead = f"{abs(view.lead):.2f} {'below' if view.lead >= 0 else 'above'} {baseline}"
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


def longest_fitting(choices: Iterable[Sequence[str]], *, separator: str, width: int) -> str:
    """The first choice whose parts fit into a row together, or else the last one.

    Args:
        choices: Parts of a row each, the longest first; empty parts are passed over.
        separator: What stands between two parts.
        width: Columns of the row.
    """
    row = ""
    for parts in choices:
        row = separator.join(filter(None, parts))
        if cell_len(row) <= width:
            break
    return row


def network_words(view: RunView) -> str:
    """The kind and size of the network."""
    if view.description is None:
        return ""
    model, count = view.description.model, view.description.parameter_count
    amount = f"{count / 1e6:.1f}M" if count >= 1_000_000 else f"{count / 1e3:.0f}k"
    amount = amount if count >= 10_000 else f"{count:,}"
    return f"{model.layer_count}x{model.hidden_size} {model.cell_name}, {amount} weights"


def command_words(word: str, run: RunDirectory, *options: str) -> str:
    """The command line that does something with a run, whatever folder it lies in.

    Args:
        word: The subcommand.
        run: The run.
        options: What stands before the run.
    """
    is_found_by_name = run.path.parent == default_runs_folder()
    address = run.name if is_found_by_name else str(run.path)
    return safe_line(command(word, *options, address))


def gram_words(order: int) -> str:
    """What `Baselines.names` calls it; asked there, it would bring NumPy."""
    return {0: "uniform", 1: "unigram", 2: "bigram"}.get(order, f"{order}-gram")
