"""The runs pane: every run of the folder, and what can be done with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tui_charrnn.tui.keys.bindings import bindings_of
from tui_charrnn.tui.messages import ResumeRequested, RunCompared, RunOpened
from tui_charrnn.tui.runs.actions import Outcome
from tui_charrnn.tui.runs.keeping import RunKeeping
from tui_charrnn.tui.runs.list import RunList
from tui_charrnn.tui.runs.refusals import READ_ONLY, compare_problem, resume_problem
from tui_charrnn.tui.runs.table import RunTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.tui.session import Session


class RunsPane(RunKeeping):
    """Says which run is to be shown, compared or trained; the screen and the app see to it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("runs")]

    def __init__(self, session: Session) -> None:
        """Show the runs of the session's folder."""
        super().__init__(session)
        self._compared: RunDirectory | None = None

    def compose(self) -> ComposeResult:
        """The list is all that is drawn."""
        yield RunList(self._session.runs_folder, self._remark)

    def on_run_table_entered(self, event: RunTable.Entered) -> None:
        """Show the run under the cursor."""
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Show the run under the cursor."""
        found = self.selected()
        if found is not None:
            self._forget_compared(found.run)
            self.post_message(RunOpened(found.run))

    def action_compare(self) -> None:
        """Draw the run under the cursor over the one that is shown, or no longer."""
        found = self.selected()
        if found is None:
            return
        if found.run == self._compared:
            self._forget_compared(found.run)
        elif problem := compare_problem(found, self._session.run):
            self.tell(problem, is_problem=True)
        else:
            self._compared = found.run
            self.post_message(RunCompared(found.run))

    def action_resume(self) -> None:
        """Let a trainer go on with the run under the cursor."""
        found = self.selected()
        if found is None:
            return
        problem = resume_problem(found, is_trained=self.is_trained(found))
        if self._session.is_readonly:
            problem = READ_ONLY
        if problem:
            self.tell(problem, is_problem=True)
        else:
            self._forget_compared(found.run)
            self.post_message(ResumeRequested(found.run))

    def take_over(self, outcome: Outcome) -> None:
        """List again, and compare no run that is gone."""
        if outcome.before is not None:
            self._forget_compared(outcome.before)
        super().take_over(outcome)

    def _forget_compared(self, run: RunDirectory) -> None:
        """Compare a run no longer, if it is the one."""
        if run == self._compared:
            self._compared = None
            self.post_message(RunCompared(None))
            self.runs.show_preview()

    def _remark(self, run: RunDirectory) -> str:
        """What is to be said of a run beside its name."""
        if run == self._session.run:
            return "shown"
        return "compared" if run == self._compared else ""
