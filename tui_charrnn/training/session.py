"""A training session: it turns the loop's events into records, checkpoints and status."""

import math
from dataclasses import replace
from typing import Any, Final

from tui_charrnn.errors import ConfigError, ExitCode
from tui_charrnn.metrics import RunningMean
from tui_charrnn.runs.control import Request, take_requests
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import (
    BatchTrained,
    DynamicallyEvaluated,
    LearningRateChanged,
    RequestAnswered,
    RunDiverged,
    RunEnded,
    SplitEvaluated,
    StoppedEarly,
)
from tui_charrnn.training.context import ProgressReport, RunContext
from tui_charrnn.training.instruments import MemoryMeter, Samples, calibrate_best
from tui_charrnn.training.interruption import Reason
from tui_charrnn.training.loop import has_stopped_gaining, train
from tui_charrnn.training.plan import RateChange, TimeFit, peak_at, with_changes
from tui_charrnn.training.saving import Saver


class TrainingSession:
    """Trains one run until it is finished or must exit."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._engine, self._progress = context.engine, context.progress
        self._writer, self._interruption = context.writer, context.interruption
        self._report = ProgressReport(context)
        self._saver = Saver(context, self._report)
        self._requests = RequestHandler(context, self._saver, self._report)
        self._samples = Samples(context)
        self._memory = MemoryMeter(context)
        self._fit = TimeFit(context.description.training, context.plan)
        self._train_loss = RunningMean()

    def work(self) -> ExitCode:
        """Train, save, and return the exit code.

        Raises:
            StorageError: If the last state cannot be saved.
        """
        while True:
            self._report.show(RunState.TRAINING)
            self._writer.beat()  # after a rollback, report the lower step immediately
            if self._progress.step == 0:
                self._samples.sample(0, self._should_stop)
            self._train_loss, self._saver.train_loss = RunningMean(), None
            diverged = self._train()
            if diverged is None:
                return self._end()
            if not self._saver.go_back(diverged):
                return self._end_diverged(diverged)
            self._report.losses.drop_after(self._progress.step)
            self._samples.forget_after(self._progress.step)

    def _train(self) -> RunDiverged | None:
        """Train until the end (returns None) or until a value is not finite."""
        events = train(
            self._engine,
            self._context.material,
            self._context.description.training,
            self._context.plan,
            self._progress,
            should_stop=self._should_stop,
            clock=self._context.clock.now,
        )
        for event in events:
            if isinstance(event, RunDiverged):
                return event  # not recorded yet: a rollback may follow
            self._writer.append(event)
            if isinstance(event, BatchTrained):
                self._note_batch(event)
            else:
                self._note_evaluation(event)
        return None

    def _should_stop(self) -> bool:
        """Answer requests, and check the time limit and signals; called before every batch."""
        self._requests.answer()
        return self._interruption.check() is not None

    def _note_batch(self, event: BatchTrained) -> None:
        self._report.speed.batch_trained(event.elapsed)
        self._report.losses.append(event.step, event.loss)
        self._saver.train_loss = self._train_loss.add(event.loss)
        if self._engine.newest_step <= event.step:  # not in the middle of a call's records
            replanned = self._fit.replan(event.step, event.elapsed)
            if replanned is not None:
                self._writer.append(replanned)
        if self._context.plan.is_evaluated(event.step):
            self._report.show(RunState.EVALUATING)  # a due checkpoint is saved after evaluation
            return
        if self._saver.is_due:
            self._saver.try_to_save()
        self._report.show(RunState.TRAINING)

    def _note_evaluation(self, event: SplitEvaluated) -> None:
        seconds = self._samples.sample(event.step, self._should_stop)
        seconds += self._memory.measure(event.step, event.elapsed)
        self._fit.evaluated(self._report.speed.evaluated(event.elapsed + seconds))
        if event.is_best or self._saver.is_due:
            self._saver.try_to_save()
        self._report.show(RunState.TRAINING)

    def _end(self) -> ExitCode:
        if not self._saver.is_saved:
            self._saver.save_at_last(self._should_stop)
        progress, reason = self._progress, self._interruption.reason
        config, plan = self._context.description.training, self._context.plan
        has_stopped = has_stopped_gaining(progress, plan, config)
        is_done = has_stopped or progress.evaluated_step == progress.step == plan.total_steps
        if has_stopped:
            self._report_early_stop()
        if is_done:
            self._evaluate_dynamically()
            self._report.show(RunState.EVALUATING)
            self._writer.append(calibrate_best(self._context, progress.step))
        if is_done or reason is None:
            return self._close(RunState.FINISHED, ExitCode.OK)
        return self._close(reason.state, reason.exit_code)

    def _report_early_stop(self) -> None:
        progress, patience = self._progress, self._context.description.training.stop_early
        step, loss = progress.best_step, progress.best_loss
        if step is not None and loss is not None and patience is not None:
            self._writer.append(StoppedEarly(progress.step, step, loss, patience))

    def _evaluate_dynamically(self) -> None:
        """Run a dynamic evaluation, if configured."""
        clock, material = self._context.clock, self._context.material
        rate = self._context.description.training.dynamic_evaluation_rate
        if rate is None:
            return
        started = clock.now()
        self._report.show(RunState.EVALUATING)
        loss = self._engine.evaluate_dynamically(material.followed, rate, self._should_stop)
        if loss is None:
            return
        loss *= material.units_per_character
        seconds, step = clock.now() - started, self._progress.step
        if math.isfinite(loss):
            self._writer.append(DynamicallyEvaluated(step, loss, rate, seconds))
        else:
            self._writer.warn(
                f"The dynamic evaluation diverged: its learning steps of {rate:g} are too large."
            )

    def _end_diverged(self, diverged: RunDiverged) -> ExitCode:
        progress, config = self._progress, self._context.description.training
        self._writer.append(diverged)
        peak, good = peak_at(diverged.step, config, progress.changes), self._saver.good
        count = progress.rollbacks
        tried = f", after {count} rollback{'s' if count > 1 else ''}" if count else ""
        kept = f"The checkpoint {good.path.name} is good. " if good else ""
        message = (
            f"The {diverged.quantity.replace('_', ' ')} became {diverged.value} at step "
            f"{diverged.step:,}{tried}. {kept}Start again with a lower learning rate, for example "
            f"--learning-rate {peak / 2:g}."
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
        self._report.show(state)  # last, so that readers of this state find all records
        return exit_code


PAUSED_POLL: Final = 0.2
"""Seconds between two checks for requests while a run is paused."""


class RequestHandler:
    """Carries out requests, one by one, between batches."""

    def __init__(self, context: RunContext, saver: Saver, report: ProgressReport) -> None:
        self._context, self._saver, self._report = context, saver, report
        self._progress, self._writer = context.progress, context.writer
        self._interruption = context.interruption
        self._paused_from: RunState | None = None
        self._interruption.is_saved = lambda: context.progress.step == 0 or saver.is_saved

    def answer(self) -> None:
        """Carry out new requests, and record an answer to each.

        While the run is paused, wait for further requests or a reason to exit.
        """
        self._answer_new()
        if self._paused_from is None:
            return
        try:
            while self._paused_from is not None and self._interruption.check() is None:
                self._interruption.sleep(PAUSED_POLL)
                self._answer_new()
        finally:
            self._context.clock.resume()

    def _answer_new(self) -> None:
        for request in take_requests(self._context.run):
            accepted, message = False, request.refusal
            if not request.refusal:
                accepted, message = self._perform(request)
            answered = RequestAnswered(request.request, accepted, message, request.id)
            self._writer.append(answered)

    def _perform(self, request: Request) -> tuple[bool, str]:
        """Carry out a request; return whether it succeeded, and a sentence about it."""
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
                return True, self._pause() if word == "pause" else self._resume()
            case _:
                return False, "this version does not know that request"

    def _pause(self) -> str:
        """Pause the run; save first, so that killing the paused trainer loses nothing."""
        step = self._progress.step
        if self._paused_from is not None:
            return f"it was paused already, at step {step:,}"
        if not self._saver.is_saved:
            self._saver.try_to_save()
        self._paused_from = self._report.state
        self._context.clock.stop()  # before viewers can see the pause
        self._report.show(RunState.PAUSED)
        return f"paused at step {step:,}"

    def _resume(self) -> str:
        step, before = self._progress.step, self._paused_from
        if before is None:
            return f"it was not paused: training continues at step {step:,}"
        self._paused_from = None
        self._context.clock.resume()
        self._report.show(before)
        return f"training continues at step {step:,}"

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
