"""A run at work: what the loop yields becomes records, checkpoints, status and answers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tui_charrnn.errors import ExitCode
from tui_charrnn.metrics import RunningMean
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import (
    BatchTrained,
    DynamicallyEvaluated,
    RunDiverged,
    RunEnded,
    RunWarned,
    SplitEvaluated,
    StoppedEarly,
)
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.samples import Samples
from tui_charrnn.training.context import ProgressReport, RunContext
from tui_charrnn.training.history import History
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.loop import Progress, has_stopped_gaining, train
from tui_charrnn.training.memory import MemoryMeter
from tui_charrnn.training.pace import TimeFit
from tui_charrnn.training.plan import peak_at
from tui_charrnn.training.requests import RequestDesk
from tui_charrnn.training.saving import Rollback, Saver

if TYPE_CHECKING:  # it would bring TensorFlow
    from tui_charrnn.training.context import RunEngine


class Session:
    """Trains one run until it is done or has a reason to leave."""

    def __init__(
        self,
        context: RunContext,
        engine: RunEngine,
        progress: Progress,
        history: History,
        writer: RunWriter,
        interruption: Interruption,
    ) -> None:
        self._context = context
        self._engine = engine
        self._progress = progress
        self._writer = writer
        self._interruption = interruption
        self._report = ProgressReport(context, progress, history.losses, writer)
        self._saver = Saver(context, engine, progress, self._report, writer)
        self._desk = RequestDesk(context, progress, self._saver, self._report, interruption, writer)
        self._samples = Samples(context, engine, writer, history)
        self._memory = MemoryMeter(context, engine, writer)
        self._rollback = Rollback(context, engine, progress, self._saver, writer)
        self._fit = TimeFit(context.description.training, context.plan)
        self._last_batch = progress.elapsed
        self._train_loss = RunningMean()

    def work(self) -> ExitCode:
        """Train, save, and say how it ended.

        Raises:
            StorageError: If the last state could not be saved.
        """
        while True:
            self._report.show(RunState.TRAINING)
            self._writer.beat()  # a step that has fallen is told at once
            if self._progress.step == 0:
                self._samples.sample(0, self._should_stop)
            self._train_loss, self._saver.train_loss = RunningMean(), None
            diverged = self._train()
            if diverged is None:
                return self._end()
            if not self._rollback.go_back(diverged):
                return self._end_diverged(diverged)
            self._report.losses.drop_after(self._progress.step)
            self._samples.forget_after(self._progress.step)

    def _train(self) -> RunDiverged | None:
        """Train until the end or until a number is not finite."""
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
                return event  # whether it is the end is not settled yet
            self._writer.append(event)
            if isinstance(event, BatchTrained):
                self._note_batch(event)
            else:
                self._note_evaluation(event)
        return None

    def _should_stop(self) -> bool:
        """Look at requests, the time limit and signals; asked before every batch."""
        self._desk.answer()
        return self._interruption.check(self._context.deadline) is not None

    def _note_batch(self, event: BatchTrained) -> None:
        self._report.pace.batch_trained(event.elapsed)
        self._report.losses.append(event.step, event.loss)
        self._saver.train_loss = self._train_loss.add(event.loss)
        self._last_batch = event.elapsed
        if self._engine.newest_step <= event.step:  # not within the records of one call
            replanned = self._fit.look(event.step, event.elapsed)
            if replanned is not None:
                self._writer.append(replanned)
        if self._context.plan.is_evaluated(event.step):
            self._report.show(RunState.EVALUATING)  # and saved, if it is due, with the score
            return
        if self._saver.is_due:
            self._saver.try_to_save()
        self._report.show(RunState.TRAINING)

    def _note_evaluation(self, event: SplitEvaluated) -> None:
        seconds = self._samples.sample(event.step, self._should_stop)
        seconds += self._memory.measure(event.step, event.elapsed)
        self._report.pace.evaluated(event.elapsed + seconds)
        self._fit.evaluated(event.elapsed + seconds - self._last_batch)
        if event.is_best or self._saver.is_due:
            self._saver.try_to_save()
        self._report.show(RunState.TRAINING)

    def _end(self) -> ExitCode:
        if not self._saver.is_saved:
            self._saver.save_at_last(self._should_stop, self._interruption.sleep)
        progress, reason = self._progress, self._interruption.reason
        config, plan = self._context.description.training, self._context.plan
        has_stopped = has_stopped_gaining(progress, plan, config)
        is_done = has_stopped or progress.evaluated_step == progress.step == plan.total_steps
        if has_stopped:
            self._tell_early_stop()
        if is_done:
            self._evaluate_dynamically()
        if is_done or reason is None:
            return self._close(RunState.FINISHED, ExitCode.OK)
        return self._close(reason.state, reason.exit_code)

    def _tell_early_stop(self) -> None:
        progress, patience = self._progress, self._context.description.training.stop_early
        step, loss = progress.best_step, progress.best_loss
        if step is not None and loss is not None and patience is not None:
            self._writer.append(StoppedEarly(progress.step, step, loss, patience))

    def _evaluate_dynamically(self) -> None:
        """Score once more with weights that go on learning, where that is wanted."""
        rate, clock = (
            self._context.description.training.dynamic_evaluation_rate,
            self._context.clock,
        )
        started = clock.now()
        if rate is None:
            return
        self._report.show(RunState.EVALUATING)
        material = self._context.material
        loss = self._engine.evaluate_dynamically(material.followed, rate, self._should_stop)
        if loss is None:
            return
        loss *= material.units_per_character
        seconds, step = clock.now() - started, self._progress.step
        if math.isfinite(loss):
            self._writer.append(DynamicallyEvaluated(step, loss, rate, seconds))
        else:
            message = (
                f"The dynamic evaluation diverged: its learning steps of {rate:g} are too large."
            )
            self._writer.append(RunWarned(message))

    def _end_diverged(self, diverged: RunDiverged) -> ExitCode:
        progress, config = self._progress, self._context.description.training
        self._writer.append(diverged)
        peak, good = peak_at(diverged.step, config, progress.changes), self._rollback.good
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
        self._report.show(state)  # last: whoever reads this state finds all records written
        return exit_code
