"""The actions on a listed run, and the reasons why one is refused.

An action raises a `CharRNNError` if it fails.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from tui_charrnn.config import read_length
from tui_charrnn.errors import ConfigError
from tui_charrnn.paths import is_folder, parse_path
from tui_charrnn.runs import lifecycle
from tui_charrnn.runs.archive import ENDINGS, export_run
from tui_charrnn.runs.catalogue import RunLabels, read_labels, write_labels
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.lifecycle import free_names, rename_run, restore_run, trash_run
from tui_charrnn.safe_text import safe_line
from tui_charrnn.training.creation import check_amount, extend_run
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.viewing.formatting import format_size
from tui_charrnn.viewing.run_view import format_extension

if TYPE_CHECKING:
    from collections.abc import Collection

    from tui_charrnn.runs.catalogue import RunSummary
    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.text.cache import Progress

READ_ONLY: Final = "This view is read-only: runs can only be opened, compared and exported."


class Problem(Protocol):
    """Returns why an action on a run is refused, in a sentence; empty if it is allowed."""

    def __call__(self, found: RunSummary, *, is_trained: bool) -> str:
        """Check a run; `is_trained` is whether a trainer process works on it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an action."""

    sentence: str
    """Safe to show."""
    before: RunDirectory | None = None
    """The previous directory of a run that was moved."""
    after: RunDirectory | None = None
    """The current directory of the run; None if it is in the trash or not affected."""
    is_resumed: bool = False
    """Whether to resume training and show the sentence once that has started."""


def rename(run: RunDirectory, name: str) -> Outcome:
    """Rename a run."""
    renamed = rename_run(run, name)
    sentence = tr("{name} is now named {new}.", name=_name(run), new=_name(renamed))
    return Outcome(sentence, run, renamed)


def tag(run: RunDirectory, typed: str) -> Outcome:
    """Replace the tags of a run by the typed words."""
    return _label(run, replace(read_labels(run), tags=()).with_tags(tuple(typed.split())))


def note(run: RunDirectory, typed: str) -> Outcome:
    """Replace the note about a run."""
    return _label(run, read_labels(run).with_note(typed))


def _label(run: RunDirectory, labels: RunLabels) -> Outcome:
    write_labels(run, labels)
    return Outcome(tr("Saved with {name}.", name=_name(run)), after=run)


def pin(run: RunDirectory, pinned: Collection[RunDirectory]) -> Outcome:
    """Pin a run and unpin all others; unpin it if it is pinned."""
    wanted = run not in pinned
    for each in dict.fromkeys((run, *pinned)):
        labels = read_labels(each)
        write_labels(each, replace(labels, pinned=wanted and each == run))
    sentence = tr(
        "{name} is now drawn in the charts of the other runs."
        if wanted
        else "{name} is no longer pinned.",
        name=_name(run),
    )
    return Outcome(sentence, after=run)


def tag_problem(typed: str) -> str:
    """Return why the typed tags are invalid; empty if they are valid."""
    try:
        RunLabels().with_tags(tuple(typed.split()))
    except ConfigError as error:
        return str(error)
    return ""


def delete(run: RunDirectory) -> Outcome:
    """Move a run into the trash."""
    trash_run(run)
    sentence = tr_keys("{name} is in the trash; {runs.restore} restores it.", name=_name(run))
    return Outcome(sentence, run)


def restore(folder: Path) -> Outcome:
    """Restore the run that was deleted last."""
    run, before = restore_run(folder)
    if run.name == before:
        return Outcome(tr("{name} is restored.", name=_name(run)), after=run)
    sentence = tr(
        "{before} is restored as {name}; the old name is taken.",
        name=_name(run),
        before=safe_line(before),
    )
    return Outcome(sentence, after=run)


def export(run: RunDirectory, folder: Path, progress: Progress) -> Outcome:
    """Pack a run into an archive, under a file name that is free."""
    name = next(free_names(folder, run.name, ENDINGS[0]))
    made = export_run(run, folder / name, progress=progress)
    path, size = safe_line(str(made.path)), format_size(made.size)
    return Outcome(tr("Packed into {path}, {size}.", path=path, size=size))


def archive_folder(typed: str) -> Path:
    """Return the typed folder for an archive.

    An empty line is the current folder, or the user's home folder if that is not writable.

    Raises:
        ConfigError: If it is not a writable folder.
    """
    if typed.strip():
        folder = parse_path(typed, tr("The folder"))
        if not is_folder(folder):
            raise ConfigError("There is no folder {folder}.", folder=folder)
        if not os.access(folder, os.W_OK):
            raise ConfigError("Nothing can be written in {folder}.", folder=folder)
        return folder
    with suppress(OSError):  # the current folder was removed
        here = Path.cwd()
        if os.access(here, os.W_OK):
            return here
    return parse_path("~", tr("The folder"))


def resume_problem(found: RunSummary, *, is_trained: bool) -> str:
    """Return why a run cannot be resumed; empty if it can."""
    name, state = safe_line(found.run.name), found.status.state if found.status else None
    if is_trained and state is RunState.PAUSED:
        return tr_keys("{name} is paused. {runs.open} opens it, {run.pause} resumes.", name=name)
    if is_trained:
        return tr_keys("{name} is being trained already. {runs.open} opens it.", name=name)
    if found.description is None:
        if found.problem:
            return safe_line(found.problem)
        return tr("{name} cannot be read, so it cannot be trained.", name=name)
    if state is RunState.FINISHED:
        return tr_keys(
            "{name} is finished. {runs.extend} trains it longer, {run.train} trains another one.",
            name=name,
        )
    return ""


def extend_problem(found: RunSummary, *, is_trained: bool) -> str:
    """Return why a run cannot be extended; empty if it can."""
    name = safe_line(found.run.name)
    if found.status is not None and found.status.state is RunState.FINISHED:
        return ""
    return resume_problem(found, is_trained=is_trained) or tr_keys(
        "{name} is not finished: {runs.resume} trains the rest of it first.", name=name
    )


def length_problem(typed: str) -> str:
    """Return why a typed extension is invalid, or examples for an empty line; empty if valid."""
    try:
        _read_more(typed)
    except ConfigError as error:
        return str(error) if typed.strip() else tr("500 steps, 2 epochs or 10m.")
    return ""


def _read_more(typed: str) -> tuple[str, float]:
    ((length, amount),) = read_length(typed).items()
    return length, check_amount(length, amount, typed, tr("It"))


def extend(run: RunDirectory, typed: str) -> Outcome:
    """Give a finished run more steps, so that it can be resumed."""
    require_tensorflow()
    extended = extend_run(run, *_read_more(typed))
    return Outcome(format_extension(extended), after=run, is_resumed=True)


def move_problem(found: RunSummary, *, is_trained: bool, is_deleted: bool = False) -> str:
    """Return why a run cannot be renamed or deleted; empty if it can."""
    if not is_trained:
        return ""
    return tr_keys(
        "{name} is being trained, so it cannot be deleted. {runs.open} opens it, {run.stop} ends "
        "its training."
        if is_deleted
        else "{name} is being trained, so it cannot be renamed. {runs.open} opens it, {run.stop} "
        "ends its training.",
        name=_name(found.run),
    )


def compare_problem(found: RunSummary, shown: RunDirectory | None) -> str:
    """Return why a run cannot be compared with the shown one; empty if it can."""
    name = safe_line(found.run.name)
    if shown is None:
        return tr_keys("No run is shown to compare {name} with. {runs.open} shows one.", name=name)
    if shown == found.run:
        return tr(
            "{name} is the run that is shown. Choose another one to compare it with.", name=name
        )
    if found.description is None:
        return unreadable(found)
    return ""


def unreadable(found: RunSummary) -> str:
    """Return why a run cannot be read."""
    return safe_line(found.problem or tr("{name} cannot be read.", name=found.run.name))


def name_problem(typed: str, name: str, taken: Collection[str]) -> str:
    """Return why a run `name` cannot be renamed to the typed name; empty if it can."""
    if typed == name:
        return ""
    if typed in taken:
        return tr("A run of this name exists; choose another one.")
    return lifecycle.name_problem(typed)


def _name(run: RunDirectory) -> str:
    return safe_line(run.name)
