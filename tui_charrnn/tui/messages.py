"""What threads and widgets tell the screens: past participles, as records are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from tui_charrnn.errors import CharRNNError
    from tui_charrnn.runs.layout import RunDirectory


class FirstFrameShown(Message):
    """The main screen has been drawn: what takes time can begin."""


class RunChanged(Message):
    """Something of the run that is shown has changed."""


@dataclass
class RunFound(Message):
    """A run that is worth showing was found in the runs folder, or the one that was named.

    The run is None if there is none at all.
    """

    run: RunDirectory | None
    was_named: bool = False
    has_weights: bool = False
    """Whether it can generate; known of one that was named."""


@dataclass
class TrainerStarted(Message):
    """Resumed a run, or cannot be started."""

    run: RunDirectory
    outcome: subprocess.Popen[bytes] | CharRNNError
    sentence: str = ""


@dataclass
class _OfRun(Message):
    """The user wants something of a run."""

    run: RunDirectory | None


class RunOpened(_OfRun):
    """The user wants to see another run."""


class RunCompared(_OfRun):
    """The user wants a run's loss drawn over that of the shown one; None takes it away."""


class RunPinned(_OfRun):
    """Another run is drawn faintly in every chart; None: none is."""


@dataclass
class RunMoved(Message):
    """A run lies in another folder now; `after` is None if that is the trash."""

    before: RunDirectory
    after: RunDirectory | None


@dataclass
class ResumeRequested(Message):
    """The user wants a trainer to go on with a run; `sentence` is told once it has started."""

    run: RunDirectory
    sentence: str = ""


@dataclass
class NewRunRequested(Message):
    """The user wants the form for a new run, filled in as a run was made.

    `changes` are settings that are to differ, as they would be typed.
    """

    run: RunDirectory | None
    changes: Mapping[str, str]


@dataclass
class PaneRequested(Message):
    """The user wants to see a pane: `text`, `training`, `runs`, `childhood` or `log`."""

    pane: str
    keeps_focus: bool = False
    """Whether who posts this gives the focus to something in the pane."""


class KeysChanged(Message):
    """Other keys do something now."""


@dataclass
class NoteWritten(Message):
    """There is something to say below the panes; an empty sentence takes the last one back."""

    sentence: str
    is_problem: bool = False
    lasts: bool = False
    """Whether it is true until it is taken back, and not only worth some seconds."""
