"""Prints the progress of a run: a bar on a terminal, plain lines elsewhere, or JSON records."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from tui_charrnn import lazy
from tui_charrnn.cli.following import ignoring_closed_terminal, newest_status
from tui_charrnn.cli.output import print_data, print_message, send_to_terminal
from tui_charrnn.config import TrainingConfig, format_length
from tui_charrnn.durations import format_duration
from tui_charrnn.errors import RunError, StorageError
from tui_charrnn.metrics import bits_per_character
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.reader import BatchStretch, RecordOrBatch, RunReader
from tui_charrnn.runs.records import BatchTrained, Record, RunPlanned, SplitEvaluated, encode_record
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.announcements import TerminalStatus
from tui_charrnn.viewing.run_formatting import format_lead, format_speed, format_time_left
from tui_charrnn.viewing.run_view import Notice, RunView

RowsOf = Callable[[Record], Sequence[str]]
LINE_INTERVAL = 10.0  # seconds
WAITING_INTERVAL = 60.0
"""Seconds between two lines while a full disk prevents new records."""


class Reporter:
    """Applies what is new in a run to its view, and shows no progress."""

    def __init__(self, view: RunView) -> None:
        self.view, self._reader = view, RunReader(view.run)
        self._status: RunStatus | None = None

    def read_new(self) -> Iterator[RecordOrBatch]:
        """Yield the records that were not read before, without keeping those of a long run."""
        with suppress(RunError, OSError):  # of a network file system; the next call reads on
            yield from self._reader.read_all()

    def poll(self, rows_of: RowsOf) -> None:
        """Read what is new in the run, show it, and print the rows of the new records."""
        status, records = newest_status(self.view.run, self._status), list[Record]()
        for item in self.read_new():
            records += item.records if isinstance(item, BatchStretch) else [item]
        self.show(records, status)
        for row in chain.from_iterable(map(rows_of, records)):
            self.notify(row)

    def show(self, records: list[Record], status: RunStatus | None) -> None:
        """Apply new records and the status, and show them."""
        self._status = status
        for record in records:
            self._report(record, self.view.take([record]))
        if status is not None:
            self.view.observe(status, "alive", time.monotonic())

    def notify(self, sentence: str) -> None:
        """Print a message."""
        print_message(sentence)

    def close(self) -> None:
        """Leave the terminal as it was."""

    def _report(self, record: Record, notices: list[Notice]) -> None:
        """Show a record that was just applied."""


class JsonReporter(Reporter):
    """Prints every new record as one line of JSON.

    If standard output is closed, as by `head`, or its disk is full, the printing ends and the
    training continues.
    """

    _is_printing = True

    def _report(self, record: Record, _: list[Notice]) -> None:
        if not self._is_printing:
            return
        try:
            print_data(encode_record(record))
        except BrokenPipeError:
            self._is_printing = False
        except StorageError as error:
            self._is_printing = False
            self.notify(f"{error} Training continues without it.")


class _MessageReporter(Reporter):
    """Shows messages about records and status."""

    _is_loading_shown = False
    _degraded = ""

    def show(self, records: list[Record], status: RunStatus | None) -> None:
        """Apply new records and the status, and show their messages."""
        super().show(records, status)
        if status is not None:
            if status.state is RunState.LOADING and not self._is_loading_shown:
                self._is_loading_shown = True
                self.notify(status.message or "Loading TensorFlow (several seconds) ...")
            self._report_degraded(status.degraded, is_done=status.step == status.total_steps)

    def _report(self, record: Record, notices: list[Notice]) -> None:
        for notice in notices:
            self.notify(notice.sentence)
        if isinstance(record, RunPlanned):
            description = self.view.description
            self.notify(_format_plan(record, description.training if description else None))

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
        super().show(records, status)
        is_training = any(isinstance(record, BatchTrained) for record in records)
        is_waiting = status is not None and bool(status.degraded)
        now = time.monotonic()
        if (is_training and now >= self._next_line) or (is_waiting and now >= self._next_waiting):
            self._print()

    def _report(self, record: Record, notices: list[Notice]) -> None:
        super()._report(record, notices)
        if isinstance(record, SplitEvaluated):
            self._print()

    def _print(self) -> None:
        self._next_line = time.monotonic() + LINE_INTERVAL
        self._next_waiting = time.monotonic() + WAITING_INTERVAL
        pairs = {"time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        pairs |= _numbers(self.view, self._status)
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
        super().show(records, status)
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
        with ignoring_closed_terminal():
            self._terminal.close()
            self._bar.stop()


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
