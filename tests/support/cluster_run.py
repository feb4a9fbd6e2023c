"""Commands that train one run together on the loopback, each with a trainer of its own."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.command import PATIENCE, finish, start_program, wait_for
from tui_charrnn.cluster.ports import free_ports
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import BatchTrained, RunStarted

SETTINGS: Final = (
    "--preset=tiny",
    "--batch-size=8",
    "--sequence-length=8",
    "--hidden-size=8",
    "--embedding-size=4",
    "--precision=float32",
    "--threads=1",
    "--steps=200000",
    "--evaluations=4",
    "--dropout=0",
    "--no-samples",
)
"""Of a run that trains on until it is told to stop."""


def free_addresses(count: int) -> str:
    """Addresses on the loopback that nobody has just now, nor gets for an outgoing connection."""
    return ",".join(f"127.0.0.1:{port}" for port in free_ports(count))


def trains_anew(run: RunDirectory, starts: int) -> Callable[[], bool]:
    """Whether the trainer of that number has trained a batch."""
    reader, seen, trained = RunReader(run), 0, 0

    def does() -> bool:
        nonlocal seen, trained
        for record in reader.read_new():
            if isinstance(record, RunStarted):
                seen, trained = seen + 1, 0
            trained += isinstance(record, BatchTrained)
        return seen == starts and trained > 0

    return does


@dataclass
class ClusterRun:
    """The commands of one cluster, by rank, and the folder that each has for itself."""

    folder: Path
    name: str = "joint"
    programs: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def run(self) -> RunDirectory:
        """The run, which the chief writes."""
        return RunDirectory(self.folder / "runs" / self.name)

    def start(
        self,
        corpora: Sequence[Path],
        *options: str,
        ranks: Sequence[int] | None = None,
        cluster: str | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start a command for each corpus; the ranks are 0, 1, ... if nobody says."""
        addresses = cluster or free_addresses(len(corpora))
        for place, corpus in enumerate(corpora):
            own = self.folder / f"place-{place}"
            own.mkdir(exist_ok=True)
            self.programs.append(
                start_program(
                    "train",
                    "--headless",
                    f"--cluster={addresses}",
                    f"--rank={ranks[place] if ranks else place}",
                    f"--name={self.name}",
                    "--resume=auto",
                    f"--runs-dir={self.folder / 'runs'}",
                    f"--meet-within={PATIENCE:g}s",
                    *SETTINGS,
                    *options,
                    str(corpus),
                    variables={
                        "TMPDIR": str(own),
                        "CUDA_VISIBLE_DEVICES": "-1",
                        **(variables or {}),
                    },
                )
            )

    def steps(self) -> dict[int, float]:
        """The losses so far, by step."""
        if not self.run.events.exists():
            return {}
        records = RunReader(self.run).read_new()
        return {each.step: each.loss for each in records if isinstance(each, BatchTrained)}

    def wait_for_step(self, step: int) -> None:
        """Wait until a step is trained."""

        def is_there() -> bool:
            ended = [program for program in self.programs if program.poll() is not None]
            assert not ended, finish(ended[0]).stderr.decode()
            return max(self.steps(), default=0) >= step

        wait_for(f"step {step} is trained", is_there, PATIENCE)

    def trainer_of(self, place: int) -> int:
        """The process that trains for a command."""
        if place == 0:
            return self._pid(self.run.status)
        (status,) = (self.folder / f"place-{place}").glob("charrnn-tui-*/*/state.json")
        return self._pid(status)

    def _pid(self, status: Path) -> int:
        pid: int = json.loads(status.read_text(encoding="utf-8"))["pid"]
        return pid

    def wait_for(self, claim: str, is_true: Callable[[], bool]) -> None:
        """Wait until something has become true."""
        wait_for(claim, is_true, PATIENCE)

    def end_of(self, place: int) -> "subprocess.CompletedProcess[bytes]":
        """Wait until one has ended; how it did."""
        return finish(self.programs[place])

    def end(self) -> list["subprocess.CompletedProcess[bytes]"]:
        """Wait until all have ended; how they did, by place."""
        return [finish(program) for program in self.programs]


@contextmanager
def cluster_run(folder: Path) -> Iterator[ClusterRun]:
    """A cluster whose processes are all gone afterwards."""
    made = ClusterRun(folder)
    try:
        yield made
    finally:
        for place, program in enumerate(made.programs):
            if program.poll() is None:
                with contextlib.suppress(OSError, ValueError, KeyError):
                    os.kill(made.trainer_of(place), signal.SIGKILL)
            program.kill()
            program.wait()
            for stream in (program.stdin, program.stdout, program.stderr):
                if stream is not None:
                    stream.close()
