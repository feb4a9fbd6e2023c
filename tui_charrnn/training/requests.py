"""Answers what viewers ask a trainer for while it works."""

from dataclasses import replace
from typing import Any

from tui_charrnn.errors import ConfigError
from tui_charrnn.runs.control import Request, take_requests
from tui_charrnn.runs.records import LearningRateChanged, RequestAnswered
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.saving import Saver
from tui_charrnn.training.schedule import RateChange, with_changes


class RequestDesk:
    """Carries requests out, one after another, between two batches."""

    def __init__(
        self,
        context: RunContext,
        progress: Progress,
        saver: Saver,
        interruption: Interruption,
        writer: RunWriter,
    ) -> None:
        self._context = context
        self._progress = progress
        self._saver = saver
        self._interruption = interruption
        self._writer = writer

    def answer(self) -> None:
        """Carry out what was asked since the last time, and record an answer to each."""
        for request in take_requests(self._context.run):
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
            case _:
                return False, "this version does not know that request"

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
