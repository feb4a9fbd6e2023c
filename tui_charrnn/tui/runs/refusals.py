"""Why something cannot be done with a run now, and what to do; empty if it can be done."""

import os
from collections.abc import Collection
from typing import Final

from tui_charrnn.runs.catalogue import RunSummary
from tui_charrnn.runs.creation import OF_SHELLS, is_good_name
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.keys.keymap import key_label

READ_ONLY: Final = "This view is read-only: runs can be opened, compared and exported, no more."


def resume_problem(found: RunSummary, *, is_trained: bool) -> str:
    """Why no trainer can go on with a run.

    Args:
        found: What was read of it.
        is_trained: Whether one is at work on it.
    """
    name, state = safe_line(found.run.name), found.status.state if found.status else None
    if is_trained and state is RunState.PAUSED:
        opens, goes_on = key_label("runs.open"), key_label("run.pause")
        return f"{name} is paused. {opens} opens it, {goes_on} goes on."
    if is_trained:
        return f"{name} is being trained already. {key_label('runs.open')} opens it."
    if found.description is None:
        return safe_line(found.problem or f"{name} cannot be read, so it cannot be trained.")
    if state is RunState.FINISHED:
        return f"{name} is finished. {key_label('run.train')} trains another one."
    return ""


def change_problem(found: RunSummary, done: str, *, is_trained: bool) -> str:
    """Why a run cannot be `done` (renamed, deleted).

    Args:
        found: What was read of it.
        done: What is to be done with it, a participle.
        is_trained: Whether a trainer is at work on it.
    """
    if not is_trained:
        return ""
    how = f"{key_label('runs.open')} opens it, {key_label('run.stop')} ends its training."
    return f"{safe_line(found.run.name)} is being trained, so it cannot be {done}. {how}"


def compare_problem(found: RunSummary, shown: RunDirectory | None) -> str:
    """Why the loss of a run cannot be drawn over that of the run that is shown.

    Args:
        found: What was read of it.
        shown: The run that is shown, if there is one.
    """
    name = safe_line(found.run.name)
    if shown is None:
        return f"No run is shown to compare {name} with. {key_label('runs.open')} shows one."
    if shown == found.run:
        return f"{name} is the run that is shown. Choose another one to compare it with."
    if found.description is None:
        return safe_line(found.problem or f"{name} cannot be read.")
    return ""


def name_problem(typed: str, name: str, taken: Collection[str]) -> str:
    """What is wrong with a new name of a run.

    Args:
        typed: The new name.
        name: The old one, which may stay.
        taken: The names of all runs of the folder.
    """
    if typed == name or (typed not in taken and is_good_name(typed)):
        return ""
    if typed in taken:
        return "There is a run of this name."
    if not typed.strip():
        return "A name is wanted."
    if len(os.fsencode(typed)) > 100:
        return "This name is too long."
    if not set(OF_SHELLS.split()).isdisjoint(typed):
        return f"A name has none of the characters that a shell acts on: {OF_SHELLS}"
    return "A name is printable, has no / and no space at its ends, and begins with none of . - ~"
