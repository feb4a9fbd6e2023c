"""Watches a trainer from the command line: reads its run directory, hands signals on."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from tui_charrnn.cli.output import narrate
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.records import Record

POLL_INTERVAL = 0.1  # seconds


class Reporter(Protocol):
    """Shows how a run goes."""

    def recall(self, records: list[Record]) -> None:
        """Take what happened before, without telling it again."""
        ...

    def show(self, records: list[Record], status: RunStatus | None) -> None:
        """Take what is new, at every poll."""
        ...

    def close(self) -> None:
        """Show nothing more."""
        ...


def read_all(reader: RunReader) -> list[Record]:
    """All records that are there by now."""
    records, behind = reader.read_new(), -1
    while reader.behind not in {0, behind}:
        behind = reader.behind
        records += reader.read_new()
    return records


def follow(
    run: RunDirectory, reader: RunReader, trainer: subprocess.Popen[bytes], reporter: Reporter
) -> int:
    """Report on a trainer until it ends.

    SIGINT and SIGTERM go on to the trainer, which runs in a session of its own and would not get
    them from the terminal. If this process dies the trainer goes on.

    Returns:
        The exit code to end with: the trainer's own.
    """
    try:
        with _handing_signals_on(trainer):
            while trainer.poll() is None:
                reporter.show(reader.read_new(), read_status(run))
                time.sleep(POLL_INTERVAL)
            reporter.show(read_all(reader), read_status(run))
    finally:
        reporter.close()
    if trainer.returncode >= 0:
        return trainer.returncode
    name = signal.Signals(-trainer.returncode).name
    narrate(
        f"The trainer was ended by {name} from outside (too little memory is a common reason). "
        f"Its checkpoints are kept. Go on with: charrnn-tui resume {run.name}"
    )
    return int(ExitCode.UNEXPECTED)


@contextmanager
def _handing_signals_on(trainer: subprocess.Popen[bytes]) -> Iterator[None]:
    interrupts = 0

    def hand_on(number: int, _frame: FrameType | None) -> None:
        nonlocal interrupts
        if number == signal.SIGINT:
            interrupts += 1
            narrate(
                "Saving and stopping. Ctrl-C again: stop now." if interrupts == 1 else "Stopping."
            )
        if trainer.poll() is None:
            trainer.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
    before = {number: signal.signal(number, hand_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
