"""The processes of one attempt: started together, watched, ended together."""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from tui_charrnn.cli.launch_orphans import descendants, orphans, tell
from tui_charrnn.cli.launch_plan import WorkerCommand
from tui_charrnn.cli.launch_verdict import Ending
from tui_charrnn.cli.output import narrate
from tui_charrnn.errors import StorageError

_LONGEST_LINE: Final = 1 << 16
"""Bytes of a line that is shown in one piece."""


@dataclass(frozen=True)
class Patience:
    """How long the end of some workers may take, once one has ended: seconds."""

    noticing: float = 30.0
    """In which the others end by themselves: one that hangs is missed after ten."""
    leaving: float = 30.0
    """In which they end when they are told to, before they are killed."""


class Workers:
    """Local processes, one for each rank.

    Args:
        commands: How each is started, by rank.
        lifeline: Descriptor that every worker inherits.
        patience: How long their end may take.
    """

    def __init__(
        self, commands: Sequence[WorkerCommand], lifeline: int, patience: Patience
    ) -> None:
        self._commands, self._lifeline, self._patience = commands, lifeline, patience
        self._processes: list[subprocess.Popen[bytes]] = []
        self._relays: list[threading.Thread] = []
        self._killed: set[int] = set()
        self.order: list[int] = []
        """Ranks that have ended, the first one first."""
        self._first_end: float | None = None
        self._told: float | None = None

    def start(self) -> None:
        """Start all of them, each in a session of its own: signals come to them from here alone.

        Raises:
            StorageError: If one cannot be started; the others are ended.
        """
        for rank, command in enumerate(self._commands):
            try:
                process = subprocess.Popen(  # noqa: S603  no shell; the words are the user's own
                    command.words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if rank else None,
                    stderr=subprocess.STDOUT if rank else None,
                    env=dict(command.environment),
                    pass_fds=(self._lifeline,),
                    start_new_session=True,
                )
            except OSError as error:
                self.kill()
                raise StorageError(f"Cannot start worker {rank}: {error.strerror}.") from error
            self._processes.append(process)
            if process.stdout is not None:
                relay = threading.Thread(target=_relay, args=(rank, process.stdout), daemon=True)
                self._relays.append(relay)
                relay.start()

    def signal(self, number: int) -> None:
        """Hand a signal on to all that are there."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(number)

    def have_ended(self) -> bool:
        """Look after them; whether all have ended."""
        for rank, process in enumerate(self._processes):
            if rank not in self.order and process.poll() is not None:
                self.order.append(rank)
                self._note_end(process)
        if len(self.order) == len(self._processes):
            return True
        self._hurry(time.monotonic())
        return False

    def endings(self) -> dict[int, Ending]:
        """How each ended, once all have."""
        for relay in self._relays:
            relay.join(1.0)  # the last lines; whoever still holds the pipe has nothing to say
        return {
            rank: Ending(process.returncode, rank in self._killed)
            for rank, process in enumerate(self._processes)
        }

    def kill(self) -> None:
        """End those that are left, and all that they started, at once."""
        self._killed.update(set(range(len(self._processes))) - set(self.order))
        tell(descendants(), signal.SIGKILL)
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()  # where descendants are not known
            process.wait()

    def _note_end(self, process: "subprocess.Popen[bytes]") -> None:
        if process.returncode < 0:  # its trainer may be left: it saves, and the others with it
            tell(orphans({each.pid for each in self._processes}), signal.SIGTERM)
        is_chief = process is self._processes[0]
        if process.returncode or is_chief:  # a follower that has finished waits for nobody
            self._first_end = self._first_end or time.monotonic()

    def _hurry(self, now: float) -> None:
        """Tell those to end that did not notice; kill those that do not listen."""
        if self._told is not None:
            if now > self._told + self._patience.leaving:
                self.kill()
        elif self._first_end is not None and now > self._first_end + self._patience.noticing:
            self._told = now
            left = [str(rank) for rank in range(len(self._processes)) if rank not in self.order]
            narrate(
                f"Still there {self._patience.noticing:g} s after the first has ended: worker "
                f"{', '.join(left)}. Told to end; killed {self._patience.leaving:g} s from now."
            )
            self.signal(signal.SIGTERM)


def _relay(rank: int, lines: BinaryIO) -> None:
    """Show the lines of a worker with its rank before them."""
    with lines:
        while line := lines.readline(_LONGEST_LINE):
            narrate(f"[{rank}] {line.decode('utf-8', 'replace').rstrip()}")
