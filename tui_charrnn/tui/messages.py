"""Messages that threads and widgets post to the screens; names end in a past participle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from tui_charrnn.runs.layout import RunDirectory


class RunChanged(Message):
    """The data of the shown run have changed."""


@dataclass
class TrainerStarted(Message):
    """A trainer has started or resumed a run."""

    run: RunDirectory
    trainer: subprocess.Popen[bytes]
    sentence: str
    can_generate: bool
    """Whether its model can generate text: not if it reads both directions."""
    has_checkpoint: bool = False


@dataclass
class _OfRun(Message):
    """The user requested an action on a run."""

    run: RunDirectory | None


class RunOpened(_OfRun):
    """The user opened another run."""


class RunCompared(_OfRun):
    """The user compares a run with the shown one; None ends the comparison."""


class RunPinned(_OfRun):
    """A run was pinned, to be drawn faintly in every chart; None if none is pinned."""


@dataclass
class RunMoved(Message):
    """A run was moved; `after` is None if it was moved to the trash."""

    before: RunDirectory
    after: RunDirectory | None


@dataclass
class ResumeRequested(Message):
    """The user resumes a run; `sentence` is the note to show once its trainer has started."""

    run: RunDirectory
    sentence: str = ""


@dataclass
class NewRunRequested(Message):
    """The user opens the new-run form, prefilled with the settings of a run.

    `changes` replace some of these settings, as typed text.
    """

    run: RunDirectory | None
    changes: Mapping[str, str]


@dataclass
class PaneRequested(Message):
    """The user opens a pane: `text`, `training`, `runs`, `childhood` or `log`."""

    pane: str
    keeps_focus: bool = False
    """Whether the sender sets the focus itself."""


class KeysChanged(Message):
    """The set of keys that act now has changed."""


@dataclass
class NoteWritten(Message):
    """A note to show below the panes; an empty one clears the last note."""

    sentence: str
    is_problem: bool = False
    lasts: bool = False
    """Whether it stays until it is replaced or cleared, and not only for some seconds."""


PostNote = Callable[[NoteWritten], object]
"""`post_message` of a widget, which may be called in any thread."""
