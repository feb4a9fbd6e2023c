"""What the numbers of a run suggest to its viewer; each function returns numbers."""

from typing import Final

from tui_charrnn.viewing.run_view import RunView

_OLD_BEST: Final = 4
"""Scores since the best one from which on it is likely to stay the best."""
_FAR_ABOVE: Final = 0.7
"""Nats per character above the best n-gram model from which on something is wrong."""
_BEGUN: Final = 0.25
"""Share of a run before which a loss may be high."""
_SLIP: Final = 0.05
"""Share of the asked time by which a run may end late without a word."""


def steps_since_best(view: RunView) -> int | None:
    """How long ago a run had its best score, if it has only got worse since; or None."""
    if not view.is_live or view.best is None:
        return None
    later = [scored for scored in view.evaluations if scored.step > view.best.step]
    return view.step - view.best.step if len(later) >= _OLD_BEST else None


def nats_above_ngrams(view: RunView) -> float | None:
    """By how much a run is worse than counting where it should have caught up; or None."""
    if not view.is_live or view.lead is None or not view.total_steps:
        return None
    is_begun = view.step >= _BEGUN * view.total_steps
    return -view.lead if is_begun and view.lead < -_FAR_ABOVE else None


def slipped_time(view: RunView) -> float | None:
    """Seconds that a run by time will take or took, if that is too many; or None."""
    if view.asked_time is None or view.status is None:
        return None
    left = view.status.eta or 0.0 if view.is_live else 0.0
    total = view.status.elapsed + left
    return total if total > (1 + _SLIP) * view.asked_time else None
