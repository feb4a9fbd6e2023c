"""Finds out how fast settings are on this machine: from before, or by timing a few batches."""

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tui_charrnn.errors import ConfigError
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.training.trial_facts import (
    Trial,
    TrialSettings,
    read_trial,
    recall_trial,
    start_trial,
)
from tui_charrnn.tui.background import BackgroundTask, CancelledError, LatestTask

HESITATION: Final = 1.5
"""Seconds that settings have to stand before batches are timed with them."""
NICENESS: Final = 10
"""How far timing stands back behind everything else on this machine."""
_LOOKED_EVERY: Final = 0.1  # seconds

NOT_TIMED: Final = "not timed on this machine yet"
TIMING: Final = "timing a few batches …"
BUSY: Final = "not timed while another training runs here"


@dataclass(frozen=True, slots=True)
class TrialAnswer:
    """What is known of settings."""

    settings: TrialSettings
    trial: Trial | None = None
    remark: str = ""
    """Why there is no trial, or what to think of it; a few words."""


class TrialTimer:
    """Answers for the newest settings that it was asked about."""

    def __init__(
        self,
        announce: Callable[[TrialAnswer], object],
        *,
        start: "Callable[..., subprocess.Popen[str]] | None" = None,
        hesitation: float | None = None,
    ) -> None:
        """Do nothing yet.

        Args:
            announce: Told of every answer, in a thread.
            start: Starts the process that times batches; None takes `start_trial`.
            hesitation: Seconds before it is started; None takes `HESITATION`.
        """
        self._announce = announce
        self._start = start or start_trial
        self._hesitation = HESITATION if hesitation is None else hesitation
        self._latest = LatestTask("trial")
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def ask(self, settings: TrialSettings, *, is_busy: bool) -> None:
        """Forget what was asked before.

        Args:
            settings: What is to be known.
            is_busy: Whether another training runs here: it is not disturbed, nor would the time
                that batches take beside it tell much.
        """
        self.stop()
        self._latest.start(lambda task: self._find(settings, task, is_busy=is_busy))

    def stop(self) -> None:
        """Want no answer any more; a process that times batches is ended."""
        self._latest.cancel()
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _find(self, settings: TrialSettings, task: BackgroundTask, *, is_busy: bool) -> None:
        trial = recall_trial(
            settings.model,
            settings.training,
            settings.vocabulary_size,
            settings.training_characters,
        )
        task.check()
        if trial is not None:
            remark = "longer beside the training that runs here" if is_busy else ""
            self._announce(TrialAnswer(settings, trial, remark))
            return
        self._announce(TrialAnswer(settings, remark=BUSY if is_busy else NOT_TIMED))
        if is_busy:
            return
        task.wait(self._hesitation)
        self._announce(TrialAnswer(settings, remark=TIMING))
        answer = self._time(settings, task)
        task.check()
        self._announce(answer)

    def _time(self, settings: TrialSettings, task: BackgroundTask) -> TrialAnswer:
        try:
            require_tensorflow()
            process = self._start(
                settings.model,
                settings.training,
                settings.vocabulary_size,
                settings.training_characters,
            )
        except ConfigError as error:
            return TrialAnswer(settings, remark=str(error))
        except OSError as error:
            return TrialAnswer(settings, remark=f"could not be timed: {error.strerror}")
        with self._lock:
            self._process = process
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        try:
            output, complaint = _communicate(process, task)
        finally:
            with self._lock:
                self._process = None
        try:
            return TrialAnswer(settings, read_trial(output))
        except ValueError:
            lines = complaint.strip().splitlines() or [f"exit code {process.returncode}"]
            return TrialAnswer(settings, remark=f"could not be timed: {lines[-1]}")


def _communicate(process: "subprocess.Popen[str]", task: BackgroundTask) -> tuple[str, str]:
    """What a process printed; it is ended as soon as nobody wants to know."""
    while True:
        try:
            task.check()
            return process.communicate(timeout=_LOOKED_EVERY)
        except subprocess.TimeoutExpired:
            continue
        except CancelledError:
            process.kill()
            process.communicate()
            raise
