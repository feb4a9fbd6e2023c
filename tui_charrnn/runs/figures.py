"""What a run recorded of its course as a table: a row a step."""

import csv
import io
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from tui_charrnn.errors import RunError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.output_file import open_output, refuse_taken
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import BatchTrained, RunResumed, RunRolledBack, SplitEvaluated


@dataclass(slots=True)
class Figures:
    """What is known of one step; None where it was not recorded."""

    step: int
    elapsed: float | None = None
    """Seconds of work until then."""
    train_loss: float | None = None
    """Of the batch, nats per character."""
    validation_loss: float | None = None
    """Of the held-out text after the step, nats per character."""
    learning_rate: float | None = None
    gradient_norm: float | None = None
    """Before clipping."""


def read_figures(run: RunDirectory) -> list[Figures]:
    """The steps of a run in order; those that a rollback or a resume took back are left out."""
    rows: dict[int, Figures] = {}
    reader = RunReader(run)
    while records := reader.read_new():
        for record in records:
            match record:
                case BatchTrained():
                    row = rows.setdefault(record.step, Figures(record.step))
                    row.elapsed, row.train_loss = record.elapsed, record.loss
                    row.learning_rate = record.learning_rate
                    row.gradient_norm = record.gradient_norm
                case SplitEvaluated():
                    row = rows.setdefault(record.step, Figures(record.step))
                    row.validation_loss = record.loss
                    row.elapsed = record.elapsed if row.elapsed is None else row.elapsed
                case RunRolledBack(to_step=last) | RunResumed(step=last):
                    rows = {step: row for step, row in rows.items() if step <= last}
    return [rows[step] for step in sorted(rows)]


def export_figures(run: RunDirectory, target: Path, *, overwrite: bool = False) -> int:
    """Write the figures of a run as CSV (RFC 4180), with a line of names first.

    Args:
        run: The run; it stays as it is.
        target: The file.
        overwrite: Whether a file of that name gives way.

    Returns:
        How many steps there are.

    Raises:
        ConfigError: If the name is taken or no file's.
        RunError: If nothing was recorded yet.
        StorageError: If the disk refuses; nothing is left behind.
    """
    refuse_taken(target, overwrite=overwrite)
    figures = read_figures(run)
    if not figures:
        raise RunError("The run {run!r} has recorded no step yet.", run=run.name)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(field.name for field in fields(Figures))
    writer.writerows(map(astuple, figures))
    with open_output(target, overwrite=overwrite) as file:
        file.write(text.getvalue().encode())
    return len(figures)
