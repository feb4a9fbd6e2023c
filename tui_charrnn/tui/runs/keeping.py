"""What a list of runs lets its user do to runs themselves: rename, export, delete, restore."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.getters import query_one

from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.dialogs.ask_text import AskTextScreen
from tui_charrnn.tui.dialogs.question import Answer, QuestionScreen
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.messages import RunMoved
from tui_charrnn.tui.runs import actions as run_chores
from tui_charrnn.tui.runs.action_pane import ActionPane
from tui_charrnn.tui.runs.actions import ActionProgressed, Outcome
from tui_charrnn.tui.runs.list import RunList, no_runs
from tui_charrnn.tui.runs.refusals import READ_ONLY, change_problem, name_problem
from tui_charrnn.viewing.run_rows import is_at_work

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.message import Message

    from tui_charrnn.runs.catalogue import RunSummary
    from tui_charrnn.tui.background import BackgroundTask
    from tui_charrnn.tui.session import Session


class RunKeeping(ActionPane):
    """Asks first where something could be lost, and refuses what would harm a trainer."""

    runs = query_one(RunList)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def action_rename(self) -> None:
        """Ask for another name of the run under the cursor."""
        found = self._selected_to_be("renamed")
        if found is None:
            return
        run = found.run
        taken = {other.run.name for other in self.runs.summaries.values()}
        shown = safe_line(run.name)

        def rename(name: str | None) -> None:
            if name is not None and name != run.name:
                self.do(f"Renaming {shown}", lambda _: run_chores.rename(run, name))

        def check(typed: str) -> str:
            return name_problem(typed, run.name, taken)

        self.app.push_screen(AskTextScreen("Rename the run", "", shown, check), rename)

    def action_export(self) -> None:
        """Pack the run under the cursor, or give up the packing at hand."""
        found = self.selected()
        if self.can_give_up:
            self.cancel()
        elif found is not None:
            run, tell = found.run, self.post_message

            def pack(task: BackgroundTask) -> Outcome:
                folder = run_chores.folder_for_archives()
                return run_chores.pack(run, folder, _told_by_percent(task, tell))

            giving_up = f"{key_label('runs.export')} gives it up"
            self.do(f"Packing {safe_line(run.name)}", pack, giving_up=giving_up)

    def action_delete(self) -> None:
        """Ask whether the run under the cursor is to be moved into the trash."""
        found = self._selected_to_be("deleted")
        if found is None:
            return
        run = found.run

        def delete(answer: str | None) -> None:
            if answer:
                words, undo = f"Deleting {safe_line(run.name)}", key_label("runs.restore")
                self.do(words, lambda _: run_chores.throw_away(run, undo))

        self.app.push_screen(ask_to_delete(run.name), delete)

    def action_restore(self) -> None:
        """Bring back the run that was deleted last."""
        if self._session.is_readonly:
            self.tell(READ_ONLY, is_problem=True)
        else:
            folder = self._session.runs_folder
            self.do("Looking into the trash", lambda _: run_chores.bring_back(folder))

    def selected(self) -> RunSummary | None:
        """The run under the cursor; if there is none, that is told."""
        if self.runs.selected is None:
            self.tell(no_runs())
        return self.runs.selected

    def is_trained(self, found: RunSummary) -> bool:
        """Whether a trainer is at work on a run, or was started here and is about to be."""
        trainer = self._session.trainers.get(found.run.path)
        is_started = trainer is not None and trainer.poll() is None
        return is_started or is_at_work(found, time.time())

    def take_over(self, outcome: Outcome) -> None:
        """List again with the cursor on the run, and tell where it is now."""
        before, after = outcome.before, outcome.after
        if before is None and after is None:
            return
        if before is not None:
            trainer = self._session.trainers.pop(before.path, None)
            if trainer is not None and after is not None:
                self._session.trainers[after.path] = trainer
            self.post_message(RunMoved(before, after))
        self.runs.look_again(after.path if after is not None else None)

    def show_doing(self, words: str) -> None:
        """Say at the border of the list what is being done."""
        self.runs.show_doing(words)

    def _selected_to_be(self, done: str) -> RunSummary | None:
        """The run under the cursor, or None after saying why it cannot be `done`."""
        found = self.selected()
        if found is None:
            return None
        problem = change_problem(found, done, is_trained=self.is_trained(found))
        if self._session.is_readonly:
            problem = READ_ONLY
        if problem:
            self.tell(problem, is_problem=True)
        return None if problem else found


def ask_to_delete(name: str) -> QuestionScreen:
    """Whether to move a run into the trash: `delete` or nothing."""
    return QuestionScreen(
        "Delete the run",
        f"Move {name} into the trash? {key_label('runs.restore')} brings it back.",
        [
            Answer("escape", "Esc", "Keep it", ""),
            Answer("d", "d", "Move it into the trash", "delete"),
        ],
    )


def _told_by_percent(
    task: BackgroundTask, announce: Callable[[Message], object]
) -> Callable[[int, int | None], None]:
    """Takes how many bytes are done; tells every hundredth, and ends an task given up."""
    told = -1

    def report(done: int, total: int | None) -> None:
        nonlocal told
        task.check()
        percent = 100 * done // total if total else 0
        if percent != told:
            told = percent
            announce(ActionProgressed(percent))

    return report
