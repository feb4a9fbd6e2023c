"""The metrics of a run by step, as CSV or for other programs."""

import csv
import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from itertools import accumulate, groupby
from pathlib import Path

from tui_charrnn.errors import RunError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import BatchStretch, RunReader
from tui_charrnn.runs.records import RunResumed, RunRolledBack, SplitEvaluated
from tui_charrnn.runs.storage import open_text_output


@dataclass(slots=True)
class Figures:
    """The metrics of one step; None where not recorded."""

    step: int
    elapsed: float | None = None
    """Seconds of training up to this step."""
    train_loss: float | None = None
    """Loss of the batch, nats per character."""
    validation_loss: float | None = None
    """Loss on the held-out text after the step, nats per character."""
    learning_rate: float | None = None
    gradient_norm: float | None = None
    """Before clipping."""


def read_figures(run: RunDirectory) -> Iterator[Figures]:
    """Yield the metrics of a run by step, without steps undone by a rollback or a resume.

    The records are read twice, so that memory does not depend on their number.

    Raises:
        RunError: If no step was recorded yet.
    """
    row = None
    for _, rows in groupby(_kept_figures(run), key=lambda row: row.step):
        row, *evaluations = rows
        for evaluated in evaluations:
            if evaluated.validation_loss is not None:
                row.validation_loss = evaluated.validation_loss
        yield row
    if row is None:
        raise RunError("The run {run!r} has recorded no step yet.", run=run.name)


def _kept_figures(run: RunDirectory) -> Iterator[Figures]:
    returns = [item for item in _logged_figures(run) if isinstance(item, int)]
    # before each return, the last step that it and all later ones keep; the first is at the end
    limits = list(accumulate([math.inf, *reversed(returns)], min))
    for item in _logged_figures(run):
        if isinstance(item, Figures):
            if item.step <= limits[-1]:
                yield item
        elif len(limits) > 1:
            limits.pop()
        else:  # recorded after the first reading
            return


def _logged_figures(run: RunDirectory) -> Iterator[Figures | int]:
    """Yield the metrics as logged, and for each return to an earlier step the last step kept.

    The record of a return may be lost on a full disk; then its first batch shows it.
    """
    newest = 0
    for item in RunReader(run).read_all():
        match item:
            case BatchStretch():
                for batch in item.records:
                    if batch.step <= newest:
                        yield batch.step - 1
                    newest, loss, rate, norm, elapsed = astuple(batch)
                    yield Figures(newest, elapsed, loss, None, rate, norm)
            case SplitEvaluated():
                yield Figures(item.step, item.elapsed, validation_loss=item.loss)
            case RunRolledBack(to_step=last) | RunResumed(step=last):
                newest = last
                yield last


def export_figures(run: RunDirectory, target: Path, *, overwrite: bool = False) -> int:
    """Write the metrics of a run as CSV (RFC 4180) with a header line.

    Returns:
        The number of steps.

    Raises:
        ConfigError: If the name is taken or is not a file's.
        RunError: If no step was recorded yet.
        StorageError: If the disk refuses; nothing is left behind.
    """
    count = 0
    with open_text_output(target, overwrite=overwrite) as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Figures))
        for row in read_figures(run):
            writer.writerow(astuple(row))
            count += 1
    return count
