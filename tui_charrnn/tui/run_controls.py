"""Control of the training that is shown: every key asks the trainer, and its answer is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from tui_charrnn.errors import ConfigError
from tui_charrnn.tui.chrome.pane_tabs import PaneTabs

if TYPE_CHECKING:
    from tui_charrnn.tui.run.follower import RunFollower
    from tui_charrnn.tui.run.status_line import StatusLine
    from tui_charrnn.tui.session import Session
    from tui_charrnn.viewing.run_view import RunView


class Steering(Screen[None]):
    """A screen that follows a run, and the actions by which it is steered.

    What knows of runs is imported and put in place once there is a run, or a key for one is
    pressed: the first frame does not wait for it.
    """

    _status: StatusLine | None = None
    _shown: RunFollower | None = None
    _compared: RunFollower | None = None

    if TYPE_CHECKING:  # what the screen has
        session: Session

        def tell(self, sentence: str, *, is_problem: bool = False) -> None:
            """Say something in the line below the panes."""

    @property
    def status(self) -> StatusLine:
        """The rows that tell of the run that is shown."""
        from tui_charrnn.tui.run.status_line import StatusLine  # noqa: PLC0415 - as said

        if self._status is None:
            self._status = StatusLine()
            self.mount(self._status, before=self.query_one(PaneTabs))
        return self._status

    @property
    def follower(self) -> RunFollower:
        """Follows the run that is shown."""
        self._shown = self._shown or self._new_follower(posts_notices=True)
        return self._shown

    @property
    def compared(self) -> RunFollower:
        """Follows the run that is compared with it."""
        self._compared = self._compared or self._new_follower(posts_notices=False)
        return self._compared

    @property
    def compared_view(self) -> RunView | None:
        """What is known of the run that is compared with it; None if none is."""
        return self._compared.view if self._compared is not None else None

    @property
    def asked_for(self) -> str:
        """What the trainer has not answered yet, in words."""
        return self._shown.pending.words if self._shown is not None else ""

    def _new_follower(self, *, posts_notices: bool) -> RunFollower:
        from tui_charrnn.tui.run.follower import RunFollower  # noqa: PLC0415 - as said

        follower = RunFollower(self.session, posts_notices=posts_notices)
        self.mount(follower)
        return follower

    def action_checkpoint(self) -> None:
        """Ask the trainer to save now."""
        self.follower.ask("checkpoint", "asked to save a checkpoint")

    def action_pause(self) -> None:
        """Ask the trainer to wait, or to go on."""
        from tui_charrnn.runs.description import RunState  # noqa: PLC0415 - as said

        view, pending = self.session.view, self.follower.pending
        is_paused = view is not None and view.state is RunState.PAUSED
        if pending.is_waiting("pause") or (is_paused and not pending.is_waiting("resume")):
            self.follower.ask("resume", "asked to go on")
        else:
            self.follower.ask("pause", "asked to pause")

    def action_stop_training(self) -> None:
        """Ask the trainer to save and stop, after a question."""
        if (view := self._steered_view()) is None:
            return
        from tui_charrnn.tui.dialogs.question import ask_to_stop  # noqa: PLC0415 - as said

        def stop(answer: str | None) -> None:
            if answer == "stop":
                self.follower.ask("stop", "asked to save and stop")

        self.app.push_screen(ask_to_stop(view.run.name), stop)

    def action_learning_rate(self) -> None:
        """Ask for another learning rate and pass it on to the trainer."""
        if (view := self._steered_view()) is None:
            return
        from tui_charrnn.tui.dialogs.ask_text import AskTextScreen  # noqa: PLC0415 - as said

        now = view.newest_batch.learning_rate if view.newest_batch else None
        peak = view.peak_rate or view.planned_rate or 1e-3
        question = "Peak of the learning rate from the next batch on; its schedule goes on."
        if now is not None:
            question += f" Now, after the schedule: {now:.3g}."

        def change(typed: str | None) -> None:
            if typed is not None:
                rate = float(typed)
                words = f"asked for the learning rate {rate:g}"
                self.follower.ask("learning_rate", words, value=rate)

        screen = AskTextScreen("Learning rate", question, f"{peak:g}", rate_problem)
        self.app.push_screen(screen, change)

    def _steered_view(self) -> RunView | None:
        """The run that can be steered; without one, say why."""
        from tui_charrnn.tui.run.follower import NO_TRAINER, READ_ONLY  # noqa: PLC0415

        view = self.session.view
        if view is None or not view.is_live:
            self.tell(NO_TRAINER)
            return None
        if self.session.is_readonly:
            self.tell(READ_ONLY)
            return None
        return view


def rate_problem(typed: str) -> str:
    """What is wrong with a learning rate as it was typed; empty if nothing is."""
    # deferred: the settings' declarations are not needed for the first frame
    from tui_charrnn.config import TrainingConfig  # noqa: PLC0415 - as said

    try:
        rate = TrainingConfig.parse("learning_rate", typed)
    except ConfigError as error:
        return str(error)
    bounds = TrainingConfig.bounds()["learning_rate"]
    return "" if bounds.admits(rate) else f"It must be {bounds.allowed()}."
