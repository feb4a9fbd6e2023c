"""What the line below the panes says while there is nothing else to say: what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn import lazy
from tui_charrnn.durations import format_round_duration
from tui_charrnn.tui.keys.keymap import key_label

if TYPE_CHECKING:
    from tui_charrnn.tui.session import Session
    from tui_charrnn.viewing.run_view import RunView


def first_hint() -> str:
    """What to do in an app that shows no run."""
    train, page = key_label("run.train"), key_label("app.help")
    return f"Type a seed and press Enter · {train} trains on your own text · {page} help"


def no_run(lack: str = "") -> str:
    """What to do where only a run has something to show.

    Args:
        lack: What there is none of, as in `, so there is no log`.
    """
    train, runs = key_label("run.train"), key_label("pane.runs")
    return f"No run is shown{lack}: {train} trains one, {runs} lists those there are."


def hint_for(pane: str, session: Session) -> str:
    """What to do next, by the state of the run that is shown, or else by the pane that is open."""
    advice = _advice(session.view, session, pane) if session.view is not None else ""
    if advice:
        return advice
    if pane == "text":
        return first_hint() if session.view is None else _text_hint()
    if pane == "training":
        left, right = key_label("chart.left"), key_label("chart.right")
        return f"{left} {right} read the values out · {key_label('pane.text')} back to the text"
    if pane == "runs":
        return f"{key_label('runs.open')} shows a run, {key_label('runs.compare')} compares it."
    if pane == "childhood":
        play, faster = key_label("childhood.play"), key_label("childhood.faster")
        slower = key_label("childhood.slower")
        return f"{play} plays how it learned, {faster} and {slower} change the speed."
    return f"{key_label('log.output')} shows what the trainer's process printed, or folds it away."


def finished_words(*, has_samples: bool) -> str:
    """What to do with a run that is finished."""
    shows = f"{key_label('pane.childhood')} shows how it learned, " if has_samples else ""
    return f"Finished. {shows}{key_label('text.source')} picks a model."


def _text_hint() -> str:
    source, loss = key_label("text.source"), key_label("pane.training")
    return f"Type a seed and press Enter · {source} changes the model · {loss} the loss"


def _advice(view: RunView, session: Session, pane: str) -> str:
    """What the state or the numbers of a run suggest; empty where the row of the run says it."""
    if view.problem:
        return ""
    if view.state.is_live and view.life == "lost" and view.ended is None:
        step = view.checkpoint_step
        place = f"goes on from step {step:,}" if step else "begins it anew"
        return "" if session.is_readonly else f"{key_label('pane.training')}, Tab, then r {place}."
    if view.state == "paused" and view.is_live:
        return "Paused." if session.is_readonly else f"Paused. {key_label('run.pause')} goes on."
    if view.state == "finished":
        is_told = pane in {"text", "training"}
        return finished_words(has_samples=bool(view.samples)) if is_told else ""
    return _advice_of_numbers(view, may_steer=not session.is_readonly)


def _advice_of_numbers(view: RunView, *, may_steer: bool) -> str:
    if (steps := lazy.steps_since_best(view)) is not None:
        stop = f"{key_label('run.stop')} stops, " if may_steer else ""
        best = f"{stop}{key_label('text.source')} takes the best."
        return f"It overfits: its best score was {steps:,} steps ago. {best}"
    if (nats := lazy.nats_above_ngrams(view)) is not None:
        rate = f": try a lower rate, {key_label('run.rate')}." if may_steer else "."
        return f"{nats:.2f} nats worse than counting n-grams{rate}"
    if (seconds := lazy.slipped_time(view)) is not None and view.asked_time is not None:
        asked, now = map(format_round_duration, (view.asked_time, seconds))
        told = f"now about {now}" if view.is_live else f"it took {now}"
        return f"Asked {asked}, {told}: this machine is busier than when it was timed."
    return ""
