"""A long run of the tiniest model, with the app attached, asked for something all the time.

python -m tests.stress.soak --minutes 60          # or 2, to see that it works

Prints how many batches were trained, whether every one of them has its record, what the run weighs
on the disk, and how much the memory of trainer and app grew, in MB an hour by least squares over
the second half of the time. Ends with 1 if a record is missing, a request has no answer, the run is
heavier than allowed or one of the two died.
"""

import argparse
import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.stress.soak_report import Outcome, report
from tests.support.command import wait_for
from tests.support.pseudo_terminal import PseudoTerminal
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.file_system import disk_size
from tui_charrnn.runs.launcher import launch_trainer
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.records import RequestAnswered
from tui_charrnn.runs.verification import verify_events
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.training.creation import make_run

MODEL: Final = ModelConfig(embedding_size=2, hidden_size=2)
TRAINING: Final = TrainingConfig(
    batch_size=2,
    sequence_length=2,
    steps=10**9,
    evaluations=100_000,
    evaluation_characters=200,
    checkpoint_interval=20.0,
    threads=1,
    precision="float32",
)
"""Scored every 10,000 steps; a step is as short as one can be."""
TEXT: Final = "to be, or not to be: that is the question.\n" * 200
REQUESTS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("publish", {}),
    ("checkpoint", {}),
    ("learning_rate", {"value": 0.002}),
    ("pause", {}),
    ("resume", {}),
)
KEYS: Final = (
    "to be\r",
    "\x1bOR",
    "\x1bOS",
    "\x14",
    "\x0c",
    "\x1bOQ",
    "\x06",
    "\x1b",
    "\x1bOP",
    "\x1b",
)
"""Speak, the panes one by one, the pace, stop, help and back."""
PATIENCE: Final = 600.0
"""Seconds for either of the two to start on a machine that has a lot to do."""
FIRST_FRAME: Final = 5_000
"""Bytes that the app has certainly drawn when it is there."""
KEY_INTERVAL: Final = 1.5
REQUEST_INTERVAL: Final = 2.0
SAMPLE_INTERVAL: Final = 2.0  # seconds


@dataclass(slots=True)
class Memory:
    """Resident memory of one process over time."""

    pid: int
    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def sample(self, now: float) -> None:
        """Look once; a process that is gone has none."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
            (line,) = [line for line in lines if line.startswith("VmRSS:")]
            self.seconds.append(now)
            self.megabytes.append(int(line.split()[1]) / 1024)

    @property
    def slope(self) -> float:
        """MB an hour, by least squares over the second half; 0 for too few samples."""
        half = len(self.seconds) // 2
        if len(self.seconds) - half < 2:
            return 0.0
        return 3600 * float(np.polyfit(self.seconds[half:], self.megabytes[half:], 1)[0])


class Screen(PseudoTerminal):
    """The app in a terminal that is read and not looked at, so that nothing here grows."""

    def __init__(self, run: RunDirectory) -> None:
        command = [sys.executable, "-m", "tui_charrnn", "attach", str(run.path)]
        super().__init__(command, size=(120, 36), is_controlling=False)
        self.bytes_drawn = 0
        self._reading = threading.Thread(target=self._read_all, name="terminal", daemon=True)
        self._reading.start()

    def _read_all(self) -> None:
        while data := self.read(None):
            self.bytes_drawn += len(data)


def main() -> int:
    """Soak, report, and say by the exit code whether all is well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, help="where the run is put; else a temporary one")
    parser.add_argument("--steps-a-call", type=int, help="as on a GPU; else one, as on a processor")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = str((folder / "home").absolute())  # what the app keeps is not the user's
        places = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
        os.environ |= dict.fromkeys(places, home)
        outcome = soak(folder, 60 * given.minutes, given.steps_a_call)
    return report(outcome)


def soak(folder: Path, seconds: float, steps_a_call: int | None = None) -> Outcome:
    """Train, look on and ask for so long."""
    run = _tiniest_run(folder)
    trainer = launch_trainer(run) if steps_a_call is None else _launch_strides(run, steps_a_call)
    try:
        wait_for("the first batch", lambda: _step(run) > 0, PATIENCE)
        with Screen(run) as screen:
            memories = Memory(trainer.pid), Memory(screen.process.pid)
            began, first = time.monotonic(), _step(run)
            sent = sum(_live(run, screen, memories, seconds))
            spent, trained = time.monotonic() - began, _step(run) - first
            both_live = trainer.poll() is None and screen.is_running
        send_request(run, "resume")
        send_request(run, "stop")
        code = trainer.wait(PATIENCE)
    finally:
        if trainer.poll() is None:
            trainer.kill()
            trainer.wait()
    return Outcome(
        seconds=spent,
        batches_per_second=trained / spent,
        events=verify_events(run),
        megabytes=disk_size(run.path) / 1e6,
        sent=sent + 2,
        answered=_answers(run),
        bytes_drawn=screen.bytes_drawn,
        both_lived=both_live and code == 0,
        trainer=(memories[0].megabytes, memories[0].slope),
        app=(memories[1].megabytes, memories[1].slope),
    )


def _launch_strides(run: RunDirectory, steps_a_call: int) -> "subprocess.Popen[bytes]":
    with run.log.open("ab") as log:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.support.stride_trainer",
                str(steps_a_call),
                str(run.path),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _tiniest_run(folder: Path) -> RunDirectory:
    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "soak.txt"
    corpus.write_text(TEXT, encoding="utf-8")
    text = read_corpus([str(corpus)])
    return make_run(folder / "runs", None, "", (MODEL, TRAINING), text, ["to be"])


def _live(
    run: RunDirectory, screen: Screen, memories: tuple[Memory, Memory], seconds: float
) -> Iterator[int]:
    """Press keys, send requests and look at memory; yields 1 for every request."""
    keys, requests = itertools.cycle(KEYS), itertools.cycle(REQUESTS)
    wait_for("the app has drawn its screen", lambda: screen.bytes_drawn > FIRST_FRAME, PATIENCE)
    began = time.monotonic()
    due = {"key": 5.0, "request": 5.0, "sample": 0.0}
    while (now := time.monotonic() - began) < seconds and screen.is_running:
        if now >= due["sample"]:
            due["sample"] += SAMPLE_INTERVAL
            for memory in memories:
                memory.sample(now)
        if now >= due["key"]:
            due["key"] += KEY_INTERVAL
            screen.write(next(keys))
        if now >= due["request"]:
            word, arguments = next(requests)
            due["request"] += REQUEST_INTERVAL / 10 if word == "pause" else REQUEST_INTERVAL
            send_request(run, word, **arguments)
            yield 1
        time.sleep(0.05)


def _step(run: RunDirectory) -> int:
    status = read_status(run)
    return 0 if status is None else status.step


def _answers(run: RunDirectory) -> int:
    reader, count, behind = RunReader(run), 0, -1
    while reader.behind != behind:
        behind = reader.behind
        told = reader.read_new_stretches()
        count += sum(isinstance(record, RequestAnswered) for record in told)
    return count


if __name__ == "__main__":
    sys.exit(main())
