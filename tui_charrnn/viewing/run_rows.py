"""Formats a run in a list of runs, as a row of cells or as a few lines; safe to show."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tui_charrnn.durations import format_duration
from tui_charrnn.metrics import bits_per_character
from tui_charrnn.runs.catalogue import RunSummary
from tui_charrnn.runs.description import RunDescription, RunState, RunStatus
from tui_charrnn.runs.liveness import Verdict
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr, tr_recorded
from tui_charrnn.viewing import run_formatting
from tui_charrnn.viewing.failures import diagnose
from tui_charrnn.viewing.formatting import format_age, format_count, format_time
from tui_charrnn.viewing.run_view import RunView

_FAILED_STATES: Final = frozenset({RunState.DIVERGED, RunState.FAILED})


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run, cell by cell."""

    mark: str
    """Symbol of the state: ● at work, ║ paused, ■ no trainer, ○ not started yet, ✗ failed."""
    state: str
    name: str
    corpus: str
    step: str
    best: str
    """Lowest validation loss."""
    curve: tuple[float, ...]
    """Training losses, oldest first; empty if the run does not record them."""
    age: str
    """Time since its trainer last wrote."""


def run_row(summary: RunSummary, now: float) -> RunRow:
    """A run as a row; `now` is in seconds since 1970."""
    status, description = summary.status, summary.description
    mark, state = _format_state(summary, summary.judge(now))
    return RunRow(
        mark=mark,
        state=state,
        name=safe_line(summary.run.name),
        corpus=safe_line(description.corpus.name) if description else "",
        step=_format_step(status) if status else "",
        best=f"{summary.best_loss:.3f}" if summary.best_loss is not None else "",
        curve=status.curve if status else (),
        age=format_age(now - summary.modified),
    )


def run_lines(summary: RunSummary, now: float) -> list[str]:
    """A run in a few lines, the most important first.

    `now` is in seconds since 1970.
    """
    view = RunView(summary.run, description=summary.description)
    view.observe(summary.status, summary.judge(now) or "ended", time.monotonic())
    row = run_row(summary, now)
    trouble = format_trouble(summary, view)
    state = f"{row.mark} {row.state}"
    lines = [
        " · ".join(filter(None, _format_subject(summary.description, view))) or row.name,
        f"{state} · {trouble}"
        if trouble
        else " · ".join(filter(None, _progress(state, row, view))),
        _format_best(summary),
        safe_line(" · ".join(filter(None, (" ".join(summary.labels.tags), summary.labels.note)))),
        " · ".join(filter(None, _format_origin(summary.description, summary.status))),
        safe_line(str(summary.run.path)),
    ]
    return [line for line in lines if line]


def format_trouble(summary: RunSummary, view: RunView) -> str:
    """What is wrong with a run; empty if all is well."""
    if summary.problem or summary.status is None:
        return safe_line(summary.problem or tr("It has no state.json."))
    failure = diagnose(view)
    if failure is not None:
        return failure.sentence
    message = tr_recorded(safe_line(summary.status.message))
    return message if summary.status.state in _FAILED_STATES else ""


def _format_state(summary: RunSummary, verdict: Verdict | None) -> tuple[str, str]:
    """Symbol and name of the state."""
    status = summary.status
    if status is None:
        return "✗", tr("unreadable")
    if verdict == "lost":
        return "✗", tr("lost")
    if verdict == "silent":
        return "●", tr("no news")
    is_unsaved = status.state is RunState.SAVED and not status.step
    state = tr(str(RunState.STOPPED if is_unsaved else status.state))
    if status.state in _FAILED_STATES:
        return "✗", state
    at_work = "║" if status.state is RunState.PAUSED else "●"
    return ("■" if verdict == "ended" else at_work if verdict else "○"), state


def _format_step(status: RunStatus) -> str:
    step, total = format_count(status.step), status.total_steps
    return step if not total or total == status.step else f"{step}/{format_count(total)}"


def _format_subject(description: RunDescription | None, view: RunView) -> Iterator[str]:
    if description is not None:
        corpus, count = description.corpus, format_count(description.corpus.characters)
        units = tr(safe_line(corpus.units))
        yield tr("{name}, {count} {units}", name=safe_line(corpus.name), count=count, units=units)
        yield run_formatting.format_network(view)
        if description.origin:
            yield tr("from {name}", name=safe_line(description.origin.name))
        if description.preset:
            yield tr("preset {name}", name=safe_line(description.preset))


def _progress(state: str, row: RunRow, view: RunView) -> Iterator[str]:
    yield state
    yield tr("step {step}", step=row.step) if row.step else ""
    yield run_formatting.format_epoch(view)
    yield run_formatting.format_time_left(view)
    yield run_formatting.format_speed(view) if view.is_live else ""
    yield "" if view.is_live and view.life == "alive" else tr("written {age} ago", age=row.age)


def _format_best(summary: RunSummary) -> str:
    if summary.best_loss is None:
        return ""
    loss, bits = summary.best_loss, bits_per_character(summary.best_loss)
    best = tr(
        "best validation loss {loss:.3f} nats, {bits:.3f} bits a character", loss=loss, bits=bits
    )
    step = summary.best_step
    return tr("{best} at step {step:,}", best=best, step=step) if step else best


def _format_origin(description: RunDescription | None, status: RunStatus | None) -> Iterator[str]:
    if status is not None:
        device = tr_recorded(safe_line(status.device))
        yield ", ".join(filter(None, (device, safe_line(status.precision))))
    if description is not None:
        created, host = safe_line(format_time(description.created)), safe_line(description.host)
        yield tr("made {time} on {host}", time=created, host=host)


def comparison_rows(views: Sequence[RunView]) -> list[tuple[str, ...]]:
    """A comparison table with a column per run; its first row has the names. Safe to show."""
    rows = [("", *(safe_line(view.run.name) for view in views))]
    figures = [_figures(view) for view in views]
    rows += [(name, *(each[name] for each in figures)) for name in figures[0]]
    rows += _differences([view.description for view in views])
    return [row for row in rows if any(row[1:])]


def _differences(descriptions: Sequence[RunDescription | None]) -> list[tuple[str, ...]]:
    """Rows of the settings that differ between runs."""
    known = [
        {} if each is None else {**each.model.to_mapping(), **each.training.to_mapping()}
        for each in descriptions
    ]
    names = dict.fromkeys(name for settings in known for name in settings)
    rows = [(name, *(_value(settings.get(name)) for settings in known)) for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else safe_line(str(value))


def _figures(view: RunView) -> dict[str, str]:
    """The figures of a run, by label; empty where they are not known."""
    description, status, best, train = view.description, view.status, view.best, view.smoothed.value
    origin = description.origin if description else None
    speed = status.characters_per_second if status else None
    return {
        "state": view.state.value,
        "corpus": safe_line(description.corpus.name) if description else "",
        "from": safe_line(origin.name) if origin else "",
        "weights": f"{description.parameter_count:,}" if description else "",
        "step": f"{view.step:,}",  # not `steps`, which is a setting
        "best validation": f"{best.loss:.4f} at {best.step:,}" if best else "",
        "bits a character": f"{bits_per_character(best.loss):.4f}" if best else "",
        "train": "" if train is None else f"{train:.4f}",
        "time at work": format_duration(status.elapsed) if status and status.elapsed else "",
        "characters/s": f"{speed:,.0f}" if speed else "",
    }
