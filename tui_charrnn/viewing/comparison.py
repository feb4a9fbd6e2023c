"""Several runs side by side: what they reached, what it took, and in which settings they differ."""

from collections.abc import Sequence

from tui_charrnn.durations import format_duration
from tui_charrnn.metrics import bits_per_character
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.run_view import RunView
from tui_charrnn.viewing.run_words import heldout_text


def comparison_rows(views: Sequence[RunView]) -> list[tuple[str, ...]]:
    """A table with a run a column: first the names, then what is known; safe to show.

    Args:
        views: At least two runs, all of their records taken in.
    """
    rows = [("", *(safe_line(view.run.name) for view in views))]
    rows += [(name, *map(value, views)) for name, value in _FIGURES.items()]
    rows += _differences([view.description for view in views])
    return [row for row in rows if any(row[1:])]


def has_one_text(views: Sequence[RunView]) -> bool:
    """Whether the losses of runs are of the same held-out text, and so can be compared."""
    return len(set(map(heldout_text, views))) == 1


def _differences(descriptions: Sequence[RunDescription | None]) -> list[tuple[str, ...]]:
    """The settings that are not the same in all."""
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


def _corpus(view: RunView) -> str:
    return safe_line(view.description.corpus.name) if view.description else ""


def _origin(view: RunView) -> str:
    origin = view.description.origin if view.description else None
    return safe_line(origin.name) if origin else ""


def _weights(view: RunView) -> str:
    return f"{view.description.parameter_count:,}" if view.description else ""


def _best(view: RunView) -> str:
    return "" if view.best is None else f"{view.best.loss:.4f} at {view.best.step:,}"


def _bits(view: RunView) -> str:
    return "" if view.best is None else f"{bits_per_character(view.best.loss):.4f}"


def _train(view: RunView) -> str:
    return "" if view.smoothed.value is None else f"{view.smoothed.value:.4f}"


def _work(view: RunView) -> str:
    status = view.status
    return format_duration(status.elapsed) if status is not None and status.elapsed else ""


def _speed(view: RunView) -> str:
    status = view.status
    if status is None or not status.characters_per_second:
        return ""
    return f"{status.characters_per_second:,.0f}"


_FIGURES = {
    "state": lambda view: view.state.value,
    "corpus": _corpus,
    "from": _origin,
    "weights": _weights,
    "steps": lambda view: f"{view.step:,}",
    "best validation": _best,
    "bits a character": _bits,
    "train": _train,
    "time at work": _work,
    "characters/s": _speed,
}
"""The figures of a run, by label."""
