"""A pane whose chores run in a thread, one at a time, so that no disk stops the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical

from tui_charrnn.errors import CharRNNError
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import NoticePosted
from tui_charrnn.tui.runs.actions import ActionDone, ActionProgressed, Outcome, perform
from tui_charrnn.viewing.run_view import Notice

if TYPE_CHECKING:
    from collections.abc import Callable


class ActionPane(Vertical):
    """Does chores and tells what came of each; a subclass shows the one at hand."""

    def __init__(self) -> None:
        super().__init__()
        self._background: BackgroundTask | None = None
        self._doing = ""
        self._giving_up = ""

    @property
    def can_give_up(self) -> bool:
        """Whether the chore at hand can be given up."""
        return bool(self._giving_up)

    def do(
        self, words: str, action: Callable[[BackgroundTask], Outcome], *, giving_up: str = ""
    ) -> None:
        """Begin a chore, unless another one is at hand.

        Args:
            words: What is being done, as in `Packing fake`; safe to show.
            action: Does it, in a thread; what it raises is told.
            giving_up: How it is given up, if it can be.
        """
        if self._doing:
            self.tell(f"{self._doing}: wait until that is done.", is_problem=True)
            return
        self._doing, self._giving_up = words, giving_up
        self._show(0)
        self._background = BackgroundTask(
            "run-chore", lambda task: perform(lambda: action(task), self.post_message)
        )

    def cancel(self) -> None:
        """Want the chore at hand no more; one that tells how far it is ends soon."""
        if self._background is not None:
            self._background.cancel()

    def on_unmount(self) -> None:
        """Let the thread end."""
        self.cancel()

    def on_action_progressed(self, event: ActionProgressed) -> None:
        """Show how far it is."""
        event.stop()
        if self._doing:
            self._show(event.percent)

    def on_action_done(self, event: ActionDone) -> None:
        """Tell what came of it; what nobody foresaw closes the app with a report."""
        event.stop()
        self._background, self._doing, self._giving_up = None, "", ""
        self.show_doing("")
        if event.outcome is not None:
            self.tell(event.outcome.sentence)
            self.take_over(event.outcome)
        elif isinstance(event.error, CharRNNError | OSError):
            self.tell(safe_line(str(event.error)), is_problem=True)
        elif event.error is not None:
            raise event.error

    def tell(self, sentence: str, *, is_problem: bool = False) -> None:
        """Say something, safe to show, in the line below the panes."""
        self.post_message(
            NoticePosted(Notice(sentence, "warning" if is_problem else "information"))
        )

    def show_doing(self, words: str) -> None:
        """Show what is being done; empty takes it away."""

    def take_over(self, outcome: Outcome) -> None:
        """Act on what came of a chore."""

    def _show(self, percent: int) -> None:
        words = f"{self._doing} …"
        if self._giving_up:
            words += f" {percent} %, {self._giving_up}"
        self.show_doing(words)
