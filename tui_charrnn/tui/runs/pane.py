"""The runs pane: the list of runs, and the actions on the run under the cursor."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.containers import Vertical

from tui_charrnn.errors import CharRNNError
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import format_percent, tr
from tui_charrnn.tui.background import BackgroundTask, CancelledError
from tui_charrnn.tui.dialogs import Answer, AskTextScreen, QuestionScreen
from tui_charrnn.tui.keys.keymap import bindings_of, tr_keys
from tui_charrnn.tui.messages import NoteWritten, ResumeRequested, RunCompared, RunMoved, RunOpened
from tui_charrnn.tui.row_views import CursorView
from tui_charrnn.tui.runs import actions
from tui_charrnn.tui.runs.actions import READ_ONLY, Outcome
from tui_charrnn.tui.runs.list import RunList, no_runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tui_charrnn.runs.catalogue import RunSummary
    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.text.cache import Progress
    from tui_charrnn.tui.runs.actions import Problem
    from tui_charrnn.tui.session import Session


class RunsPane(Vertical):
    """Lists the runs and runs actions on them; posts messages for what other widgets do."""

    OWNER: Final = "runs"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]

    def __init__(self, session: Session) -> None:
        """List the runs of the session's folder."""
        super().__init__()
        self._session = session
        self._compared: RunDirectory | None = None
        self.runs = RunList(session.runs_folder, self._remark, is_readonly=session.is_readonly)
        self._action: BackgroundTask | None = None
        """Runs one action at a time, so that a slow disk never blocks the screen."""
        self._label = ""
        """The running action, e.g. `Packing fake`; empty if none runs."""
        self._cancel_hint = ""
        """How the user cancels the action; empty if that is not possible."""

    def compose(self) -> ComposeResult:
        """Yield the list."""
        yield self.runs

    def on_unmount(self) -> None:
        """Cancel the running action, which ends at its next progress report."""
        if self._action is not None:
            self._action.cancel()

    def on_cursor_view_entered(self, event: CursorView.Entered) -> None:
        """Show the run under the cursor."""
        event.stop()
        self.action_open()

    def _show_result(self, result: Outcome | Exception) -> None:
        """Show the result of an action; an unexpected error is raised and closes the app."""
        self._action, self._label, self._cancel_hint = None, "", ""
        self.runs.show_status("")
        if isinstance(result, CharRNNError | OSError):
            self._warn(safe_line(str(result)))
        elif isinstance(result, Exception):
            raise result
        else:
            self._apply(result)  # first: showing another run clears the notes
            if result.is_resumed and result.after is not None:
                self._resume(result.after, result.sentence)
            else:
                self.post_message(NoteWritten(result.sentence))

    def action_open(self) -> None:
        """Show the run under the cursor."""
        found = self._selected()
        if found is not None:
            self._end_comparison(found.run)
            self.post_message(RunOpened(found.run))

    def action_compare(self) -> None:
        """Compare the run under the cursor with the shown one, or end the comparison."""
        found = self._selected()
        if found is None:
            return
        if found.run == self._compared:
            self._end_comparison(found.run)
        elif problem := actions.compare_problem(found, self._session.run):
            self._warn(problem)
        else:
            self._compared = found.run
            self.post_message(RunCompared(found.run))

    def action_resume(self) -> None:
        """Resume the training of the run under the cursor."""
        found = self._changeable(actions.resume_problem)
        if found is not None:
            self._resume(found.run)

    def _resume(self, run: RunDirectory, sentence: str = "") -> None:
        self._end_comparison(run)
        self.post_message(ResumeRequested(run, sentence))

    def action_extend(self) -> None:
        """Ask how much longer to train the finished run under the cursor."""
        found = self._changeable(actions.extend_problem)
        if found is None:
            return
        run, name = found.run, safe_line(found.run.name)
        title, question = tr("Extend {name}", name=name), tr("How much longer?")
        self._ask(
            AskTextScreen(title, question, "", actions.length_problem),
            tr("Extending {name}", name=name),
            lambda typed, _: actions.extend(run, typed),
        )

    def action_rename(self) -> None:
        """Ask for a new name of the run under the cursor."""
        found = self._changeable(actions.move_problem)
        if found is None:
            return
        run, name = found.run, safe_line(found.run.name)
        taken = {other.run.name for other in self.runs.summaries.values()}
        check = partial(actions.name_problem, name=run.name, taken=taken)
        self._ask(
            AskTextScreen(tr("Rename the run"), "", name, check),
            tr("Renaming {name}", name=name),
            lambda typed, _: actions.rename(run, typed),
            unless=run.name,
        )

    def action_filter(self) -> None:
        """Ask for the words that the listed runs must contain."""
        question = tr("Words in name, corpus, preset, tags or note; an empty line lists all.")
        screen = AskTextScreen(tr("Filter"), question, self.runs.filter_text)
        screen.open(self.app, self.runs.filter)

    def action_tags(self) -> None:
        """Ask for the tags of the run under the cursor."""
        found = self._changeable()
        if found is None:
            return
        run, name, shown = found.run, safe_line(found.run.name), " ".join(found.labels.tags)
        title, question = tr("Tags of {name}", name=name), tr("Words, with spaces between.")
        self._ask(
            AskTextScreen(title, question, shown, actions.tag_problem),
            tr("Tagging {name}", name=name),
            lambda typed, _: actions.tag(run, typed),
        )

    def action_note(self) -> None:
        """Ask for the note about the run under the cursor."""
        found = self._changeable()
        if found is None:
            return
        run, name = found.run, safe_line(found.run.name)
        self._ask(
            AskTextScreen(tr("Note about {name}", name=name), "", found.labels.note),
            tr("Noting {name}", name=name),
            lambda typed, _: actions.note(run, typed),
        )

    def action_pin(self) -> None:
        """Pin the run under the cursor, which draws it faintly in every chart, or unpin it."""
        found = self._changeable()
        if found is not None and found.description is None:
            self._warn(actions.unreadable(found))
        elif found is not None:
            run, pinned = found.run, self.runs.pinned
            label = tr("Pinning {name}", name=safe_line(run.name))
            self._start(label, lambda _: actions.pin(run, pinned))

    def action_export(self) -> None:
        """Export the run under the cursor, or cancel the running export."""
        found = self._selected()
        if self._action is not None and self._cancel_hint:
            self._action.cancel()
        elif found is not None:
            run, name = found.run, safe_line(found.run.name)
            self._ask(
                AskTextScreen(
                    tr("Export {name}", name=name),
                    tr("The folder of the archive; an empty line uses this one:"),
                    "",
                    find=lambda typed: str(actions.archive_folder(typed)),
                ),
                tr("Packing {name}", name=name),
                lambda folder, task: actions.export(run, Path(folder), self._progress_of(task)),
                cancel_hint=tr_keys("{runs.export} cancels it"),
            )

    def action_delete(self) -> None:
        """Ask whether to move the run under the cursor into the trash."""
        found = self._changeable(partial(actions.move_problem, is_deleted=True))
        if found is None:
            return
        run = found.run
        question = QuestionScreen(
            tr("Delete the run"),
            tr_keys("Move {name} into the trash? {runs.restore} restores it.", name=run.name),
            [
                Answer("escape", tr("Keep it"), ""),
                Answer("d", tr("Move it into the trash"), "delete"),
            ],
        )
        label = tr("Deleting {name}", name=safe_line(run.name))
        self._ask(question, label, lambda *_: actions.delete(run))

    def action_restore(self) -> None:
        """Restore the run that was deleted last."""
        if self._session.is_readonly:
            self._warn(tr(READ_ONLY))
        else:
            folder = self._session.runs_folder
            self._start(tr("Looking into the trash"), lambda _: actions.restore(folder))

    def _ask(
        self,
        screen: AskTextScreen | QuestionScreen,
        label: str,
        action: Callable[[str, BackgroundTask], Outcome],
        *,
        unless: str | None = None,
        cancel_hint: str = "",
    ) -> None:
        """Open a dialog and start an action with the answer, unless that is `unless`."""

        def start(answer: str) -> None:
            if answer != unless:
                self._start(label, lambda task: action(answer, task), cancel_hint=cancel_hint)

        screen.open(self.app, start)

    def _start(
        self, label: str, action: Callable[[BackgroundTask], Outcome], *, cancel_hint: str = ""
    ) -> None:
        """Start an action, unless another one runs."""
        if self._label:
            self._warn(tr("{action}: wait until that is done.", action=self._label))
            return
        self._label, self._cancel_hint = label, cancel_hint
        self._show_progress(0)

        def run(task: BackgroundTask) -> None:
            result: Outcome | Exception
            try:
                result = action(task)
            except CancelledError:
                result = Outcome(tr("Cancelled. No file is left behind."))
            except Exception as error:  # noqa: BLE001 - shown or raised on the screen's thread
                result = error
            self.call_later(self._show_result, result)

        self._action = BackgroundTask("run-action", run)

    def _progress_of(self, task: BackgroundTask) -> Progress:
        """Return a progress callback that shows each new percentage and stops a cancelled task."""
        shown = -1

        def report(done: int, total: int | None) -> None:
            nonlocal shown
            task.check()
            percent = 100 * done // total if total else 0
            if percent != shown:
                shown = percent
                self.call_later(self._show_progress, percent)

        return report

    def _show_progress(self, percent: int) -> None:
        status = f"{self._label} …"
        if self._cancel_hint:
            status += f" {format_percent(percent / 100)}, {self._cancel_hint}"
        self.runs.show_status(status if self._label else "")

    def _apply(self, outcome: Outcome) -> None:
        """Update references to a run that was moved, and list again with the cursor on it."""
        before, after = outcome.before, outcome.after
        if before is None and after is None:
            return
        if before is not None:
            self._end_comparison(before)
            trainer = self._session.trainers.pop(before.path, None)
            if trainer is not None and after is not None:
                self._session.trainers[after.path] = trainer
            self.post_message(RunMoved(before, after))
            self.runs.drop(before.path)
        self.runs.list_again(after.path if after is not None else None)

    def _selected(self) -> RunSummary | None:
        """Return the run under the cursor; show a note if there is none."""
        if self.runs.selected is None:
            self.post_message(NoteWritten(no_runs(is_readonly=self._session.is_readonly)))
        return self.runs.selected

    def _changeable(self, problem_of: Problem | None = None) -> RunSummary | None:
        """Return the run under the cursor, or show why it cannot be changed and return None."""
        found = self._selected()
        if found is None:
            return None
        problem = problem_of(found, is_trained=self.is_trained(found)) if problem_of else ""
        if self._session.is_readonly:
            problem = tr(READ_ONLY)
        if problem:
            self._warn(problem)
        return None if problem else found

    def is_trained(self, found: RunSummary) -> bool:
        """Return whether a trainer works on a run, or was started here and is still alive."""
        trainer = self._session.trainers.get(found.run.path)
        is_started = trainer is not None and trainer.poll() is None
        return is_started or found.is_at_work(time.time())

    def _end_comparison(self, run: RunDirectory) -> None:
        """End the comparison with a run, if it is the compared one."""
        if run == self._compared:
            self._compared = None
            self.post_message(RunCompared(None))
            self.runs.show_preview()

    def _remark(self, run: RunDirectory) -> str:
        """Return the remark beside the name of a run in the preview."""
        remarks = {
            tr("shown"): run == self._session.run,
            tr("compared"): run == self._compared,
            tr("pinned"): run in self.runs.pinned,
        }
        return " · ".join(remark for remark, applies in remarks.items() if applies)

    def _warn(self, problem: str) -> None:
        self.post_message(NoteWritten(problem, is_problem=True))
