"""Hints: what to do next, shown below the panes while there is no note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui_charrnn import lazy
from tui_charrnn.durations import format_round_duration
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import key_label

if TYPE_CHECKING:
    from collections.abc import Collection

    from tui_charrnn.tui.session import Session
    from tui_charrnn.viewing.run_view import RunView


def first_hint(*, is_readonly: bool) -> str:
    """Return the hint of an app that shows no run."""
    if is_readonly:
        return tr("Type a seed and press Enter · {page} help", page=key_label("app.help"))
    return tr(
        "Type a seed and press Enter · {train} trains on your own text · {page} help",
        train=key_label("run.train"),
        page=key_label("app.help"),
    )


def no_run(*, is_readonly: bool) -> str:
    """Return the hint of a pane for a missing run."""
    runs = key_label("pane.runs")
    if is_readonly:
        return tr("No run is shown: {runs} lists the runs.", runs=runs)
    train = key_label("run.train")
    return tr("No run is shown: {train} trains one, {runs} lists the runs.", train=train, runs=runs)


def hint_for(pane: str, session: Session) -> str:
    """Return the hint for the state of the shown run, or else for the open pane."""
    advice = _advice(session.view, session, pane) if session.view is not None else ""
    if advice:
        return advice
    if pane == "text":
        if session.view is None:
            return first_hint(is_readonly=session.is_readonly)
        return tr(
            "Type a seed and press Enter · {source} changes the model · {loss} the loss",
            source=key_label("text.source"),
            loss=key_label("pane.training"),
        )
    if _is_empty(pane, session.view):
        can_train = session.view is None and not session.is_readonly
        return _hint_of_empty(can_train=can_train)
    sentence, keys = PANE_HINTS[pane]
    return tr(sentence, **{name: key_label(key) for name, key in keys.items()})


def hint_for_tool(classes: Collection[str], *, is_jamo: bool) -> str:
    """Return the hint for the tool that is open in the text pane; empty if none is.

    Args:
        classes: The style classes of the text pane, which name the open tools.
        is_jamo: Whether the text consists of jamo.
    """
    leave = key_label("text.stop")
    if "-neurons" in classes:
        return tr(
            "{color} colors the text by a cell, {hold} clamps it, {leave} leaves.",
            color=key_label("neurons.color"),
            hold=key_label("neurons.hold"),
            leave=leave,
        )
    if "-tape" not in classes:
        return ""
    take, again = key_label("tape.take"), key_label("tape.again")
    if is_jamo:
        return tr(
            "Arrows go back, {right} and {left} go by jamo, {take} take another, {again} "
            "redraws, {leave} leaves.",
            right=key_label("tape.jamo_right"),
            left=key_label("tape.jamo_left"),
            take=take,
            again=again,
            leave=leave,
        )
    return tr(
        "Arrows go back, {take} take another character, {again} redraws, {leave} leaves.",
        take=take,
        again=again,
        leave=leave,
    )


PANE_HINTS: Final = {
    "training": (
        "{left} {right} read the values out · {text} back to the text",
        {"left": "chart.left", "right": "chart.right", "text": "pane.text"},
    ),
    "runs": (
        "{open} shows a run, {compare} compares it.",
        {"open": "runs.open", "compare": "runs.compare"},
    ),
    "childhood": (
        "{play} plays how it learned, {faster} and {slower} change the speed.",
        {"play": "childhood.play", "faster": "childhood.faster", "slower": "childhood.slower"},
    ),
    "log": (
        "{output} shows what the trainer's process printed, or the events again.",
        {"output": "log.output"},
    ),
}
"""Hints by pane, with the ids of the keys that they name."""


def _is_empty(pane: str, view: RunView | None) -> bool:
    """Whether a pane has no data yet that its keys could act on."""
    if view is None:
        return True
    return (pane == "training" and not view.losses.has_any) or (
        pane == "childhood" and not view.samples
    )


def _hint_of_empty(*, can_train: bool) -> str:
    text, page = key_label("pane.text"), key_label("app.help")
    if not can_train:
        return tr("{text} back to the text · {page} help", text=text, page=page)
    return tr(
        "{train} trains on your own text · {text} back to the text · {page} help",
        train=key_label("run.train"),
        text=text,
        page=page,
    )


def finished_hint(view: RunView, session: Session) -> str:
    """Return the hint for a finished run."""
    source = key_label("text.source")
    steps = tr("{source} picks a model.", source=source)
    if view.samples:
        samples = key_label("pane.childhood")
        steps = tr(
            "{samples} shows how it learned, {source} picks a model.",
            samples=samples,
            source=source,
        )
    best = view.best
    if session.takes_best and best is not None and best.step < view.step:
        ended = tr(
            "The run has finished. Its best weights, of step {step:,}, generate from the "
            "next seed on.",
            step=best.step,
        )
    else:
        ended = tr("The run has finished.")
    return f"{ended} {steps}"


def _advice(view: RunView, session: Session, pane: str) -> str:
    """Return advice on a run's state or numbers; empty if the status line gives it."""
    if view.problem:
        return ""
    if view.has_lost_trainer:
        return "" if session.is_readonly else lost_hint(view)
    if view.is_live and view.status is not None and view.status.degraded:
        return tr(
            "The trainer cannot save: {log} shows why. Training continues, and saving is tried "
            "again.",
            log=key_label("pane.log"),
        )
    if view.state == "paused" and view.is_live:
        resuming = tr("Paused. {key} resumes.", key=key_label("run.pause"))
        return tr("Paused.") if session.is_readonly else resuming
    if view.state == "finished":
        is_shown = pane in {"text", "training"}
        return finished_hint(view, session) if is_shown else ""
    return _advice_of_numbers(view, can_control=not session.is_readonly)


def lost_hint(view: RunView) -> str:
    """Return how to resume or restart a run whose trainer is lost."""
    key, step = key_label("pane.training"), view.checkpoint_step
    if step:
        return tr("{key}, Tab, then r resumes at step {step:,}.", key=key, step=step)
    return tr("{key}, Tab, then r restarts it.", key=key)


def _advice_of_numbers(view: RunView, *, can_control: bool) -> str:
    if (steps := lazy.steps_since_best(view)) is not None:
        source = key_label("text.source")
        if not can_control:
            return tr(
                "It overfits: its best score was {steps:,} steps ago. {source} takes the best.",
                steps=steps,
                source=source,
            )
        return tr(
            "It overfits: its best score was {steps:,} steps ago. {stop} stops, {source} takes "
            "the best.",
            steps=steps,
            stop=key_label("run.stop"),
            source=source,
        )
    if (nats := lazy.nats_above_ngrams(view)) is not None:
        if not can_control:
            return tr("{nats:.2f} nats worse than counting n-grams.", nats=nats)
        return tr(
            "{nats:.2f} nats worse than counting n-grams: try a lower rate, {rate}.",
            nats=nats,
            rate=key_label("run.rate"),
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
