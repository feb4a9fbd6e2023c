"""A run at work: what the loop yields becomes records, checkpoints, status and answers."""

import time

from tui_charrnn.errors import ExitCode, StorageError
from tui_charrnn.metrics import RunningMean
from tui_charrnn.runs.control import Request, take_requests
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import (
    BatchTrained,
    RequestAnswered,
    RunDiverged,
    RunEnded,
    RunWarned,
    SplitEvaluated,
)
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.engine import Engine
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.loop import Material, Progress, train
from tui_charrnn.training.pace import Pace
from tui_charrnn.training.saving import RunContext, Saver


class Session:
    """Trains one run until it is done or has a reason to leave."""

    def __init__(
        self,
        context: RunContext,
        engine: Engine,
        progress: Progress,
        writer: RunWriter,
        interruption: Interruption,
    ) -> None:
        self._context = context
        self._engine = engine
        self._progress = progress
        self._writer = writer
        self._interruption = interruption
        self._saver = Saver(context, engine, progress, writer)
        self._pace = Pace(progress.elapsed, context.seconds_per_step)
        self._train_loss = RunningMean(0.98)
        self._saved_best = (progress.best_loss, progress.best_step)

    def work(self, material: Material) -> ExitCode:
        """Train, save, and say how it ended.

        Raises:
            StorageError: If the last state could not be saved.
        """
        self._show_progress(RunState.TRAINING)
        events = train(
            self._engine,
            material,
            self._context.description.training,
            self._context.plan,
            self._progress,
            should_stop=self._should_stop,
        )
        for event in events:
            self._writer.append(event)
            match event:
                case BatchTrained():
                    self._note_batch(event)
                case SplitEvaluated():
                    self._note_evaluation(event)
                case RunDiverged():
                    return self._end_diverged(event)
        return self._end()

    def _should_stop(self) -> bool:
        """Look at requests, the time limit and signals; asked before every batch."""
        for request in take_requests(self._context.run):
            self._answer(request)
        deadline = self._context.deadline
        if deadline is not None and time.monotonic() >= deadline:
            self._interruption.request(Reason.TIME_LIMIT)
        return self._interruption.is_requested()

    def _note_batch(self, event: BatchTrained) -> None:
        self._pace.batch_trained(event.elapsed)
        self._saver.train_loss = self._train_loss.add(event.loss)
        if self._context.plan.is_evaluated(event.step):
            self._show_progress(RunState.EVALUATING)
            return
        interval = self._context.description.training.checkpoint_interval
        if time.monotonic() - self._saver.saved_at >= interval:
            self._save_or_warn()
        self._show_progress(RunState.TRAINING)

    def _note_evaluation(self, event: SplitEvaluated) -> None:
        self._pace.evaluated(event.elapsed)
        if event.is_best:
            best = (self._progress.best_loss, self._progress.best_step)
            if self._save_or_warn():
                self._saved_best = best
            else:  # best means the best that there is a checkpoint of
                self._progress.best_loss, self._progress.best_step = self._saved_best
        self._show_progress(RunState.TRAINING)

    def _show_progress(self, state: RunState) -> None:
        context, step = self._context, self._progress.step
        characters = context.batch_size * context.description.training.sequence_length
        self._writer.set_status(
            state=state,
            step=step,
            total_steps=context.plan.total_steps,
            epoch=step / context.plan.steps_per_epoch,
            eta=self._pace.seconds_left(context.plan, step),
            characters_per_second=self._pace.characters_per_second(characters),
            elapsed=self._progress.elapsed,
        )

    def _answer(self, request: Request) -> None:
        """Carry out a request from a viewer, and say so."""
        accepted, step = True, self._progress.step
        match request.request:
            case "stop":
                self._interruption.request(Reason.STOPPED)
                message = "saving and stopping"
            case "checkpoint":
                accepted = self._saver.is_saved or self._save_or_warn()
                message = f"step {step} is saved" if accepted else f"step {step} was not saved"
            case "publish":
                accepted = self._saver.publish()
                message = f"step {step} is published" if accepted else "the disk refused"
            case _:
                accepted, message = False, "this version does not know that request"
        self._writer.append(RequestAnswered(request.request, accepted, message))

    def _save_or_warn(self) -> bool:
        """Save; if the disk refuses, warn and train on: the next interval tries again."""
        self._show_progress(RunState.SAVING)
        try:
            self._pace.stood_still(self._saver.save())
        except StorageError as error:
            message = f"Not saved: {error} The last saved step is {self._saver.saved_step}."
            self._writer.append(RunWarned(message))
            self._writer.set_status(message=message)
            return False
        self._writer.set_status(message="")
        return True

    def _end(self) -> ExitCode:
        if not self._saver.is_saved:
            self._show_progress(RunState.SAVING)
            self._saver.save()
        progress, reason = self._progress, self._interruption.reason
        is_done = progress.evaluated_step == progress.step == self._context.plan.total_steps
        if is_done or reason is None:
            return self._close(RunState.FINISHED, ExitCode.OK)
        return self._close(reason.state, reason.exit_code)

    def _end_diverged(self, event: RunDiverged) -> ExitCode:
        rate = self._context.description.training.learning_rate
        saved = self._saver.saved_step
        kept = f"The checkpoint of step {saved} is good. " if saved else ""
        message = (
            f"The {event.quantity.replace('_', ' ')} became {event.value} at step {event.step}. "
            f"{kept}Start again with a lower learning rate, for example --learning-rate "
            f"{rate / 2:g}."
        )
        self._writer.set_status(message=message)
        return self._close(RunState.DIVERGED, ExitCode.DIVERGED)

    def _close(self, state: RunState, exit_code: ExitCode) -> ExitCode:
        progress = self._progress
        self._writer.append(
            RunEnded(
                state.value,
                progress.step,
                progress.best_loss,
                progress.best_step,
                int(exit_code),
                progress.elapsed,
            )
        )
        self._show_progress(state)  # last: whoever reads this state finds all records written
        return exit_code
