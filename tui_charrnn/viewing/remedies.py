"""What helps a run that failed: each remedy is a button of the failure card."""

from dataclasses import dataclass
from typing import Literal

from tui_charrnn.viewing.run_view import RunView

RemedyId = Literal["resume", "half_batch", "lower_rate", "log"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that the app can do about a failure."""

    id: RemedyId
    key: str
    """The letter that does it while the card has the focus."""
    label: str
    changes: tuple[tuple[str, str], ...] = ()
    """Settings of a new run that are to differ, as they would be typed."""


OPEN_LOG = Remedy("log", "o", "Open the log")
RESUME = Remedy("resume", "r", "Resume")


def batch_size(view: RunView) -> int | None:
    """Streams side by side: as planned, or as configured before that."""
    if view.plan is not None:
        return view.plan.batch_size
    return view.description.training.batch_size if view.description else None


def half_batch(view: RunView) -> list[Remedy]:
    """A new run with half the batch; nothing where it is not known, or one stream already."""
    size = batch_size(view)
    if size is None or size < 2:
        return []
    half = str(size // 2)
    return [Remedy("half_batch", "b", f"New run, batch size {half}", (("batch_size", half),))]


def rate_limit(view: RunView) -> float | None:
    """A peak of the learning rate that is too high: the lowest that the run diverged with."""
    rates = [view.peak_rate]
    if view.peak_rate is None:
        rates.append(view.planned_rate)
    if view.diverged is not None:
        rates.append(view.diverged.learning_rate)
    return min((rate for rate in rates if rate), default=None)


def lower_rate(view: RunView) -> list[Remedy]:
    """A new run with half of what is too high; nothing where that is not known."""
    limit = rate_limit(view)
    if limit is None:
        return []
    half = f"{limit / 2:.2g}"
    return [Remedy("lower_rate", "l", f"New run, rate {half}", (("learning_rate", half),))]
