"""Prints the progress of a run: a bar on a terminal, plain lines elsewhere, or JSON records."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from tui_charrnn import lazy
from tui_charrnn.cli.following import (
    Launch,
    TrainerWatch,
    ignoring_closed_terminal,
    newest_status,
    supervise,
)
from tui_charrnn.cli.output import print_data, print_message, send_to_terminal
from tui_charrnn.config import TrainingConfig, format_length
from tui_charrnn.durations import format_duration
from tui_charrnn.errors import RunError, StorageError
from tui_charrnn.metrics import bits_per_character
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.reader import BatchStretch, RunReader
from tui_charrnn.runs.records import BatchTrained, Record, RunPlanned, SplitEvaluated, encode_record
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.announcements import TerminalStatus
from tui_charrnn.viewing.run_formatting import format_lead, format_speed, format_time_left
from tui_charrnn.viewing.run_view import RunView

RowsOf = Callable[[Record], Sequence[str]]
LINE_INTERVAL = 10.0  # seconds
WAITING_INTERVAL = 60.0
"""Seconds between two lines while a full disk prevents new records."""


class Reporter:
    """Applies what is new in a run to its view, and shows no progress."""

    def __init__(self, view: RunView) -> None:
        self.view = view

    def show(self, records: list[Record], status: RunStatus | None) -> None:  # noqa: ARG002
        """Apply new records and the status, and show them."""
        self.view.take(records)

    def notify(self, sentence: str) -> None:
        """Print a message."""
        print_message(sentence)

    def close(self) -> None:
        """Leave the terminal as it was."""


class JsonReporter(Reporter):
    """Prints every new record as one line of JSON.

    If standard output is closed, as by `head`, or its disk is full, the printing ends and the
    training continues.
    """

    _is_printing = True

    def show(self, records: list[Record], status: RunStatus | None) -> None:
        """Apply the new records, and print them."""
        super().show(records, status)
        try:
            for record in records if self._is_printing else ():
                print_data(encode_record(record))
        except BrokenPipeError:
            self._is_printing = False
        except StorageError as error:
            self._is_printing = False
            self.notify(f"{error} Training continues without it.")


class _MessageReporter(Reporter):
    """Shows messages about records and status."""

    def __init__(self, view: RunView) -> None:
        super().__init__(view)
        self._is_loading_shown = False
        self._degraded = ""

    def take(self, record: Record) -> None:
        """Apply a record to the view, and show the notices that follow from it."""
        for notice in self.view.take([record]):
            self.notify(notice.sentence)
        if isinstance(record, RunPlanned):
            description = self.view.description
            self.notify(_format_plan(record, description.training if description else None))

    def observe(self, status: RunStatus | None) -> None:
        """Apply the current status, and show its messages; call it after the new records."""
        if status is not None:
            self.view.observe(status, "alive", time.monotonic())
            if status.state is RunState.LOADING and not self._is_loading_shown:
                self._is_loading_shown = True
                self.notify(status.message or "Loading TensorFlow (several seconds) ...")
            self._report_degraded(status.degraded, is_done=status.step == status.total_steps)

    def _report_degraded(self, degraded: str, *, is_done: bool) -> None:
        """Show when the run cannot be saved, and when it is saved again."""
        if degraded and degraded != self._degraded:
            advice = (
                "Free some space, or press Ctrl-C to exit without the last steps."
                if is_done
                else "Training continues, and saving is retried."
            )
            self.notify(f"Degraded: {degraded}. {advice}")
        elif self._degraded and not degraded:
            self.notify("Recovered: all is saved again.")
        self._degraded = degraded


class LineReporter(_MessageReporter):
    """Prints `key=value` lines on standard error."""

    def __init__(self, view: RunView) -> None:
        super().__init__(view)
        self._next_line, self._next_waiting = 0.0, time.monotonic() + WAITING_INTERVAL

    def show(self, records: list[Record], status: RunStatus | None) -> None:
        """Print a line for every evaluation, and at most one in ten seconds between them."""
        for record in records:
            self.take(record)
            if isinstance(record, SplitEvaluated):
                self._print(status)
        self.observe(status)
        is_training = any(isinstance(record, BatchTrained) for record in records)
        is_waiting = status is not None and bool(status.degraded)
        now = time.monotonic()
        if (is_training and now >= self._next_line) or (is_waiting and now >= self._next_waiting):
            self._print(status)

    def _print(self, status: RunStatus | None) -> None:
        self._next_line = time.monotonic() + LINE_INTERVAL
        self._next_waiting = time.monotonic() + WAITING_INTERVAL
        pairs = {"time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        pairs |= _numbers(self.view, status)
        print_message(" ".join(f"{key}={value}" for key, value in pairs.items()))


class BarReporter(_MessageReporter):
    """Draws a progress bar on standard error."""

    def __init__(self, view: RunView) -> None:
        super().__init__(view)
        self._bar = lazy.Progress(
            lazy.TextColumn("{task.fields[state]}", markup=False),
            lazy.BarColumn(bar_width=None),
            lazy.TextColumn("{task.fields[numbers]}", markup=False),
            console=lazy.Console(stderr=True),
            expand=True,
            refresh_per_second=4,
        )
        self._task = self._bar.add_task("", total=None, state="starting", numbers="")
        self._terminal = TerminalStatus(send_to_terminal)
        self._bar.start()

    def show(self, records: list[Record], status: RunStatus | None) -> None:
        """Apply new records and the status, and redraw the bar."""
        for record in records:
            self.take(record)
        self.observe(status)
        if status is None:
            return
        view = self.view
        if (share := view.share_done) is not None:
            self._terminal.show(view.run.name, share)
        self._bar.update(
            self._task,
            total=status.total_steps,
            completed=status.step,
            state=str(status.state),
            numbers=_format_bar(view, status),
        )

    def notify(self, sentence: str) -> None:
        """Print a message above the bar."""
        self._bar.console.print(safe_line(sentence), markup=False, highlight=False)

    def close(self) -> None:
        """Stop redrawing the bar, and reset the terminal's title and progress."""
        self._terminal.close()
        self._bar.stop()


def follow(
    reader: RunReader,
    launch: Launch,
    reporter: Reporter,
    watch: TrainerWatch | None = None,
    rows_of: RowsOf | None = None,
) -> int:
    """Start a trainer, and report its progress until it ends; returns as `supervise` does.

    `rows_of` returns rows to print below the messages of a record.
    """
    status = None

    def on_poll() -> None:
        nonlocal status
        status = newest_status(reporter.view.run, status)
        records: list[Record] = []
        with suppress(RunError, OSError):  # of a network file system; the next poll reads on
            for item in reader.read_all():
                records += item.records if isinstance(item, BatchStretch) else [item]
        reporter.show(records, status)
        if rows_of is not None:
            for row in chain.from_iterable(map(rows_of, records)):
                reporter.notify(row)

    try:
        return supervise(launch, reporter.notify, watch, on_poll)
    finally:
        with ignoring_closed_terminal():
            reporter.close()


def _format_plan(plan: RunPlanned, training: TrainingConfig | None) -> str:
    """Format the planned length of a run, and which bound limits it."""
    epochs = plan.total_steps / plan.steps_per_epoch
    text = f"Planned: {plan.total_steps:,} steps, {epochs:.1f} epochs"
    if plan.seconds_per_step is not None:
        seconds = plan.total_steps * plan.seconds_per_step
        text += f", about {format_duration(seconds)} at {plan.seconds_per_step:.3f} s a step"
    if plan.bound != TrainingConfig.LENGTH_BOUND or training is None:
        return text + "."
    length, most = format_length(training), training.max_epochs or epochs
    if plan.total_steps > math.ceil(most * plan.steps_per_epoch):
        return (
            f"{text}. It ends there, before its {length}: the preset's limit of {most:g} epochs "
            f"is below its minimum of {plan.total_steps:,} steps."
        )
    end = f"{text}. It ends at {most:g} epochs, before its {length}"
    return f"{end}: more passes would overfit." if training.least_steps else f"{end}."


def _numbers(view: RunView, status: RunStatus | None) -> dict[str, str]:
    """Return the values of a plain line by key."""
    pairs: dict[str, Any] = {"step": f"{view.step}/{view.total_steps or '?'}"}
    if view.plan is not None:
        epoch = view.step / view.plan.steps_per_epoch
        pairs["epoch"] = f"{epoch:.2f}" if epoch >= 0.1 else f"{epoch:.2g}"
    if status is not None and status.degraded:
        pairs["state"] = "degraded"
    if view.smoothed.value is not None:
        pairs["train_loss"] = f"{view.smoothed.value:.4f}"
    if view.validation is not None:
        pairs["validation_loss"] = f"{view.validation.loss:.4f}"
        pairs["bits_per_character"] = f"{bits_per_character(view.validation.loss):.4f}"
    if view.baseline is not None:
        pairs["best_ngram"] = f"{view.baseline[1]:.4f}"
    if status is not None and status.characters_per_second:
        pairs["characters_per_second"] = f"{status.characters_per_second:.0f}"
    if status is not None and status.eta is not None:
        pairs["left"] = format_duration(status.eta)
    return pairs


def _format_bar(view: RunView, status: RunStatus) -> str:
    """Format the numbers beside the bar, short enough for 80 columns."""
    parts = [f"{status.step:,}/{status.total_steps:,}" if status.total_steps else ""]
    if view.smoothed.value is not None:
        parts.append(f"train {view.smoothed.value:.3f}")
    if view.validation is not None:
        parts.append(f"val {view.validation.loss:.3f}")
    return "  ".join(filter(None, [*parts, format_speed(view), format_time_left(view)]))


def print_outcome(view: RunView) -> None:
    """Print the best validation loss, compared with the best n-gram model."""
    if view.best is not None:
        line = f"validation {view.best.loss:.3f} at step {view.best.step:,}"
        print_message(f"{line}: {format_lead(view)}" if view.lead is not None else line)
