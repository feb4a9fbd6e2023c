"""Answers what viewers ask a trainer for while it works."""

from dataclasses import replace
from typing import Any, Final

from tui_charrnn.errors import ConfigError
from tui_charrnn.runs.control import Request, take_requests
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import LearningRateChanged, RequestAnswered
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.context import ProgressReport, RunContext
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.plan import RateChange, with_changes
from tui_charrnn.training.saving import Saver

PAUSED_LOOK: Final = 0.2
"""Seconds between two looks for requests while a run is paused."""


class RequestDesk:
    """Carries requests out, one after another, between two batches.

    Args:
        context: The run.
        progress: How far it has come; its changes of the learning rate are modified.
        saver: Makes checkpoints.
        report: Tells what the run is at.
        interruption: Why to leave, if there is a reason.
        writer: Takes the answers.
    """

    def __init__(
        self,
        context: RunContext,
        progress: Progress,
        saver: Saver,
        report: ProgressReport,
        interruption: Interruption,
        writer: RunWriter,
    ) -> None:
        self._context = context
        self._progress = progress
        self._saver = saver
        self._report = report
        self._interruption = interruption
        self._writer = writer
        self._paused_from: RunState | None = None
        interruption.is_saved = lambda: progress.step == 0 or saver.is_saved

    def answer(self) -> None:
        """Carry out what was asked since the last time, and record an answer to each.

        While the run is paused this waits for what is asked next, or for a reason to leave.
        """
        self._answer_new()
        if self._paused_from is None:
            return
        deadline = self._context.deadline
        try:
            while self._paused_from is not None and self._interruption.check(deadline) is None:
                self._interruption.sleep(PAUSED_LOOK)
                self._answer_new()
        finally:
            self._context.clock.go_on()

    def _answer_new(self) -> None:
        for request in take_requests(self._context.run):
            accepted, message = False, request.refusal
            if not request.refusal:
                accepted, message = self._carry_out(request)
            answered = RequestAnswered(request.request, accepted, message, request.id)
            self._writer.append(answered)

    def _carry_out(self, request: Request) -> tuple[bool, str]:
        """Whether it was done, and a sentence about it."""
        step = self._progress.step
        match request.request:
            case "stop":
                self._interruption.request(Reason.STOPPED)
                return True, "saving and stopping"
            case "checkpoint":
                accepted = self._saver.is_saved or self._saver.try_to_save()
                return accepted, f"step {step} {'is' if accepted else 'was not'} saved"
            case "publish":
                accepted = self._saver.publish()
                return accepted, f"step {step} is published" if accepted else "the disk refused"
            case "learning_rate":
                return self._change_learning_rate(request.arguments.get("value"))
            case "pause" | "resume" as word:
                return True, self._pause() if word == "pause" else self._go_on()
            case _:
                return False, "this version does not know that request"

    def _pause(self) -> str:
        """Wait from now on; a trainer that is killed meanwhile has saved all of it."""
        step = self._progress.step
        if self._paused_from is not None:
            return f"it was paused already, at step {step:,}"
        if not self._saver.is_saved:
            self._saver.try_to_save()
        self._paused_from = self._report.state
        self._context.clock.stop()  # before anybody can see that it is paused
        self._report.show(RunState.PAUSED)
        return f"paused at step {step:,}"

    def _go_on(self) -> str:
        step, before = self._progress.step, self._paused_from
        if before is None:
            return f"it was not paused: training goes on at step {step:,}"
        self._paused_from = None
        self._context.clock.go_on()
        self._report.show(before)
        return f"training goes on at step {step:,}"

    def _change_learning_rate(self, value: Any) -> tuple[bool, str]:
        config, progress = self._context.description.training, self._progress
        step, total_steps = progress.step + 1, self._context.plan.total_steps
        try:
            peak = float(replace(config, learning_rate=value).learning_rate)
        except ConfigError as error:
            return False, str(error)
        if step > total_steps:
            return False, f"all {total_steps:,} steps are trained"
        self._writer.append(LearningRateChanged(step, peak, "request"))
        progress.changes = with_changes(progress.changes, [RateChange(step, peak)])
        return True, f"the learning rate is {peak:g} at its peak from step {step:,} on"
