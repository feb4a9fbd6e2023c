"""What threads and widgets tell the screens: past participles, as records are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from tui_charrnn.errors import CharRNNError
    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.viewing.run_view import Notice


class FirstFrameShown(Message):
    """The main screen has been drawn: what takes time can begin."""


class RunChanged(Message):
    """Something of the run that is shown has changed."""


class NoticePosted(Message):
    """Something happened in the run that is shown."""

    def __init__(self, notice: Notice) -> None:
        self.notice = notice
        super().__init__()


class RunFound(Message):
    """A run that is worth showing was found in the runs folder, or the one that was named.

    The run is None if there is none at all.
    """

    def __init__(
        self, run: RunDirectory | None, *, was_named: bool = False, has_weights: bool = False
    ) -> None:
        self.run = run
        self.was_named = was_named
        self.has_weights = has_weights
        """Whether it can speak; known of one that was named."""
        super().__init__()


class TrainerStarted(Message):
    """Resumed a run, or cannot be started."""

    def __init__(
        self,
        run: RunDirectory,
        outcome: subprocess.Popen[bytes] | CharRNNError,
        sentence: str = "",
    ) -> None:
        self.run = run
        self.outcome = outcome
        self.sentence = sentence
        super().__init__()


class _OfRun(Message):
    """The user wants something of a run."""

    def __init__(self, run: RunDirectory | None) -> None:
        self.run = run
        super().__init__()


class RunOpened(_OfRun):
    """The user wants to see another run."""


class RunCompared(_OfRun):
    """The user wants a run's loss drawn over that of the shown one; None takes it away."""


class RunPinned(_OfRun):
    """Another run is drawn faintly in every chart; None: none is."""


class RunMoved(Message):
    """A run lies in another folder now; `after` is None if that is the trash."""

    def __init__(self, before: RunDirectory, after: RunDirectory | None) -> None:
        self.before = before
        self.after = after
        super().__init__()


class ResumeRequested(Message):
    """The user wants a trainer to go on with a run; `sentence` is told once it has started."""

    def __init__(self, run: RunDirectory, sentence: str = "") -> None:
        self.run = run
        self.sentence = sentence
        super().__init__()


class NewRunRequested(Message):
    """The user wants the form for a new run, filled in as a run was made.

    `changes` are settings that are to differ, as they would be typed.
    """

    def __init__(self, run: RunDirectory | None, changes: Mapping[str, str]) -> None:
        self.run = run
        self.changes = changes
        super().__init__()


class PaneRequested(Message):
    """The user wants to see a pane: `text`, `training`, `runs`, `childhood` or `log`."""

    def __init__(self, pane: str, *, keeps_focus: bool = False) -> None:
        self.pane = pane
        self.keeps_focus = keeps_focus
        """Whether who posts this gives the focus to something in the pane."""
        super().__init__()


class KeysChanged(Message):
    """Other keys do something now."""


class NoteWritten(Message):
    """There is something to say about the text; an empty sentence takes the last one back."""

    def __init__(self, sentence: str, *, is_problem: bool = False, lasts: bool = False) -> None:
        self.sentence = sentence
        self.is_problem = is_problem
        self.lasts = lasts
        """Whether it is true until it is taken back, and not only worth some seconds."""
        super().__init__()
