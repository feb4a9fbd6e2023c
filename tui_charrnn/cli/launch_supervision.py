"""Begins again when a worker has died, and ends when all have done what they were asked for."""

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from types import FrameType
from typing import Final

from tui_charrnn.cli.launch_orphans import end_descendants
from tui_charrnn.cli.launch_plan import WorkerCommand
from tui_charrnn.cli.launch_verdict import Ending, Verdict, judge
from tui_charrnn.cli.launch_workers import Patience, Workers
from tui_charrnn.cli.output import leave_terminal, narrate

_POLL_INTERVAL: Final = 0.1
"""Seconds."""
_LONGEST_PAUSE: Final = 60.0
"""Seconds before all begin again; the first pause is two, and each doubles the one before."""
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""Signals after which nothing begins again."""


class Supervisor:
    """Carries out one launch.

    Args:
        commands: Takes the number of an attempt, from 0 on, and the descriptor that workers
            inherit; gives the command of each.
        restarts: How often all may begin again.
        patience: How long the end of workers may take.
        first_pause: Seconds before the first time that all begin again.
    """

    def __init__(
        self,
        commands: Callable[[int, int], Sequence[WorkerCommand]],
        restarts: int,
        patience: Patience | None = None,
        first_pause: float = 2.0,
    ) -> None:
        self._commands, self._restarts = commands, restarts
        self._patience, self._first_pause = patience or Patience(), first_pause
        self._signals: deque[int] = deque()
        self._asked: int | None = None

    def run(self) -> int:
        """Start the workers and stay with them; the result is the exit code of the launch."""
        lifeline, held = os.pipe()  # nobody else holds that end: it closes with this process
        try:
            with self._listening():
                return self._run(lifeline)
        finally:
            os.close(held)
            os.close(lifeline)

    def _run(self, lifeline: int) -> int:
        for attempt in count():
            workers = Workers(self._commands(attempt, lifeline), lifeline, self._patience)
            try:
                workers.start()
                while not workers.have_ended():
                    self._hand_on(workers)
                    time.sleep(_POLL_INTERVAL)
            finally:
                end_descendants(self._patience.leaving)
            endings = workers.endings()
            verdict = judge(endings, workers.order, self._asked)
            if verdict.dead is None or not self._begins_again(attempt, verdict, endings):
                return self._conclude(verdict, endings)
        raise AssertionError("unreachable")

    def _begins_again(self, attempt: int, verdict: Verdict, endings: dict[int, Ending]) -> bool:
        if verdict.dead is None:
            return False
        what = f"Worker {verdict.dead} {endings[verdict.dead].words}."
        if attempt >= self._restarts:
            narrate(f"{what} Not begun again: {attempt} of {self._restarts} restarts are used up.")
            return False
        pause = min(_LONGEST_PAUSE, self._first_pause * 2.0**attempt)
        narrate(
            f"{what} All begin again from the last checkpoint in {pause:g} s (restart "
            f"{attempt + 1} of {self._restarts})."
        )
        end = time.monotonic() + pause
        while time.monotonic() < end and self._asked is None:
            time.sleep(min(_POLL_INTERVAL, max(0.0, end - time.monotonic())))
        return self._asked is None

    def _conclude(self, verdict: Verdict, endings: dict[int, Ending]) -> int:
        others = [
            f"worker {rank} {ending.words}" for rank, ending in endings.items() if ending.is_death
        ]
        if verdict.code == 0 and others:
            narrate(f"The run is finished; {', '.join(others)}.")
        if self._asked is not None and verdict.dead is not None:  # in the pause
            return judge(endings, [], self._asked).code
        return verdict.code

    def _hand_on(self, workers: Workers) -> None:
        while self._signals:
            workers.signal(self._signals.popleft())

    @contextmanager
    def _listening(self) -> Iterator[None]:
        handlers = {**dict.fromkeys(_ENDING, self._take), signal.SIGHUP: self._hang_up}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)
        self._asked = self._asked or number

    def _hang_up(self, number: int, _frame: FrameType | None) -> None:
        leave_terminal()
        self._signals.append(number)
