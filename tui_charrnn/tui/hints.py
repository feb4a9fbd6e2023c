"""Hints: what to do next, shown below the panes while there is no note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui_charrnn import lazy
from tui_charrnn.durations import format_round_duration
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import tr_keys

if TYPE_CHECKING:
    from collections.abc import Collection

    from tui_charrnn.tui.session import Session
    from tui_charrnn.viewing.run_view import RunView


def first_hint(*, is_readonly: bool) -> str:
    """Return the hint of an app that shows no run."""
    if is_readonly:
        return tr_keys("Type a seed and press Enter · {app.help} help")
    return tr_keys(
        "Type a seed and press Enter · {run.train} trains on your own text · {app.help} help"
    )


def no_run(*, is_readonly: bool) -> str:
    """Return the hint of a pane for a missing run."""
    if is_readonly:
        return tr_keys("No run is shown: {pane.runs} lists the runs.")
    return tr_keys("No run is shown: {run.train} trains one, {pane.runs} lists the runs.")


def hint_for(pane: str, session: Session) -> str:
    """Return the hint for the state of the shown run, or else for the open pane."""
    view = session.view
    if view is None and pane == "text":
        return first_hint(is_readonly=session.is_readonly)
    if view is None and not session.is_readonly:
        return tr_keys(
            "{run.train} trains on your own text · {pane.text} back to the text · {app.help} help"
        )
    if view is not None and (advice := _advice(view, session, pane)):
        return advice
    if (
        view is None
        or (pane == "training" and not view.losses.has_any)
        or (pane == "childhood" and not view.samples)
    ):
        return tr_keys("{pane.text} back to the text · {app.help} help")
    return tr_keys(PANE_HINTS[pane])


def hint_for_tool(classes: Collection[str], *, is_jamo: bool) -> str:
    """Return the hint for the tool that is open in the text pane; empty if none is.

    The style classes of the pane name the open tools; `is_jamo` if the text consists of jamo.
    """
    if "-neurons" in classes:
        return tr_keys(
            "{neurons.color} colors the text by a cell, {neurons.hold} clamps it, {text.stop} "
            "leaves."
        )
    if "-tape" not in classes:
        return ""
    if is_jamo:
        return tr_keys(
            "Arrows go back, {tape.jamo_right} and {tape.jamo_left} go by jamo, {tape.take} take "
            "another, {tape.again} redraws, {text.stop} leaves."
        )
    return tr_keys(
        "Arrows go back, {tape.take} take another character, {tape.again} redraws, {text.stop} "
        "leaves."
    )


PANE_HINTS: Final = {
    "text": (
        "Type a seed and press Enter · {text.source} changes the model · {pane.training} the loss"
    ),
    "training": "{chart.left} {chart.right} read the values out · {pane.text} back to the text",
    "runs": "{runs.open} shows a run, {runs.compare} compares it.",
    "childhood": (
        "{childhood.play} plays how it learned, {childhood.faster} and {childhood.slower} change "
        "the speed."
    ),
    "log": "{log.output} shows what the trainer's process printed, or the events again.",
}
"""Hints by pane."""


def finished_hint(view: RunView, session: Session) -> str:
    """Return the hint for a finished run."""
    steps = tr_keys(
        "{pane.childhood} shows how it learned, {text.source} picks a model."
        if view.samples
        else "{text.source} picks a model."
    )
    ended = tr("The run has finished.")
    best = view.best
    if session.takes_best and best is not None and best.step < view.step:
        ended = tr(
            "The run has finished. Its best weights, of step {step:,}, generate from the "
            "next seed on.",
            step=best.step,
        )
    return f"{ended} {steps}"


def _advice(view: RunView, session: Session, pane: str) -> str:
    """Return advice on a run's state or numbers; empty if the status line gives it."""
    if view.problem:
        return ""
    if view.has_lost_trainer:
        return "" if session.is_readonly else lost_hint(view)
    if view.is_live and view.status is not None and view.status.degraded:
        return tr_keys(
            "The trainer cannot save: {pane.log} shows why. Training continues, and saving is "
            "tried again."
        )
    if view.state == "paused" and view.is_live:
        return tr_keys("Paused." if session.is_readonly else "Paused. {run.pause} resumes.")
    if view.state == "finished":
        is_shown = pane in {"text", "training"}
        return finished_hint(view, session) if is_shown else ""
    return _advice_of_numbers(view, can_control=not session.is_readonly)


def lost_hint(view: RunView) -> str:
    """Return how to resume or restart a run whose trainer is lost."""
    if view.checkpoint_step:
        return tr_keys(
            "{pane.training}, Tab, then r resumes at step {step:,}.", step=view.checkpoint_step
        )
    return tr_keys("{pane.training}, Tab, then r restarts it.")


def _advice_of_numbers(view: RunView, *, can_control: bool) -> str:
    if (steps := lazy.steps_since_best(view)) is not None:
        return tr_keys(
            "It overfits: its best score was {steps:,} steps ago. {run.stop} stops, {text.source} "
            "takes the best."
            if can_control
            else "It overfits: its best score was {steps:,} steps ago. {text.source} takes the "
            "best.",
            steps=steps,
        )
    if (nats := lazy.nats_above_ngrams(view)) is not None:
        return tr_keys(
            "{nats:.2f} nats worse than counting n-grams: try a lower rate, {run.rate}."
            if can_control
            else "{nats:.2f} nats worse than counting n-grams.",
            nats=nats,
        )
    if (seconds := lazy.overrun_time(view)) is not None and view.requested_time is not None:
        asked, now = map(format_round_duration, (view.requested_time, seconds))
        return tr(
            "Asked {asked}, now about {now}: this machine is busier than when it was timed."
            if view.is_live
            else "Asked {asked}, it took {now}: this machine is busier than when it was timed.",
            asked=asked,
            now=now,
        )
    return ""
