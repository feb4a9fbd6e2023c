"""Commands that train one run together on the loopback, each with a trainer of its own."""

import contextlib
import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.command import PATIENCE, finish, start_program, wait_for
from tests.support.record_reading import read_new
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import BatchTrained, RunStarted

SETTINGS: Final = (
    "--preset=tiny",
    "--batch-size=12",
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
"""Of a run that trains until a request stops it."""
_UNLENT: Final = range(20_000, 32_768)
"""Ports that systems do not lend to outgoing connections, so that none takes a chosen one."""


def free_addresses(count: int) -> str:
    """Addresses on the loopback that nobody has just now, nor gets for an outgoing connection."""
    found: list[str] = []
    for port in random.SystemRandom().sample(_UNLENT, len(_UNLENT)):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("", port))
            found.append(f"127.0.0.1:{port}")
        if len(found) == count:
            break
    return ",".join(found)


def _listening_ports(pid: int) -> set[int]:
    descriptors = Path(f"/proc/{pid}/fd").iterdir()
    sockets = {str(each.readlink()) for each in descriptors if each.is_symlink()}
    tables = [
        Path(f"/proc/{pid}/net/{each}").read_text(encoding="utf-8") for each in ("tcp", "tcp6")
    ]
    rows = [row.split() for table in tables for row in table.splitlines()[1:]]
    return {
        int(row[1].rpartition(":")[2], base=16)
        for row in rows
        if row[3] == "0A" and f"socket:[{row[9]}]" in sockets
    }


def trains_anew(run: RunDirectory, starts: int) -> Callable[[], bool]:
    """Whether the trainer of that number has trained a batch."""
    reader, seen, trained = RunReader(run), 0, 0

    def does() -> bool:
        nonlocal seen, trained
        for record in read_new(reader):
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
        """The run, which rank 0 writes."""
        return RunDirectory(self.folder / "runs" / self.name)

    def start(
        self,
        corpora: Sequence[Path],
        *options: str,
        ranks: Sequence[int] | None = None,
        cluster: str | None = None,
        own: Mapping[int, Sequence[str]] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start a command for each corpus; the ranks are 0, 1, ... by default.

        Args:
            corpora: The text of each.
            options: Of all.
            ranks: Of each.
            cluster: Addresses; free ones if nobody says.
            own: Further options, by place.
            variables: Of all.
        """
        addresses = cluster or free_addresses(len(corpora))
        self.programs = []
        for place, corpus in enumerate(corpora):
            temporary = self.folder / f"place-{place}"
            temporary.mkdir(exist_ok=True)
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
                    *(own or {}).get(place, ()),
                    str(corpus),
                    variables={
                        "TMPDIR": str(temporary),
                        "CUDA_VISIBLE_DEVICES": "-1",
                        **(variables or {}),
                    },
                )
            )

    def steps(self) -> dict[int, float]:
        """The losses so far, by step."""
        if not self.run.events.exists():
            return {}
        records = read_new(RunReader(self.run))
        return {each.step: each.loss for each in records if isinstance(each, BatchTrained)}

    def wait_for_step(self, step: int) -> None:
        """Wait until a step is trained."""

        def is_there() -> bool:
            ended = [program for program in self.programs if program.poll() is not None]
            assert not ended, finish(ended[0]).stderr.decode()
            return max(self.steps(), default=0) >= step

        wait_for(f"step {step} is trained", is_there, PATIENCE)

    def trainer_of(self, place: int) -> int:
        """The process that trains for a command: its only child."""
        (trainer,) = self.trainers_of(place)
        return trainer

    def trainers_of(self, place: int) -> list[int]:
        """The children of a command: none before it has started its trainer."""
        pid = self.programs[place].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
        return [int(child) for child in children.split()]

    def ports_of(self, place: int) -> set[int]:
        """The ports at which the trainer of a command listens."""
        return set().union(*map(_listening_ports, self.trainers_of(place)))

    def temporary_files(self) -> list[str]:
        """What is left in the folders for temporary files of all commands."""
        return [str(each) for each in self.folder.glob("place-*/*")]

    def wait_for(self, claim: str, is_true: Callable[[], bool]) -> None:
        """Wait until something has become true."""
        wait_for(claim, is_true, PATIENCE)

    def end(self) -> list["subprocess.CompletedProcess[bytes]"]:
        """Wait until all have ended; how they did, by place."""
        return [finish(program) for program in self.programs]

    def codes(self) -> list[int]:
        """Wait until all have ended; their exit codes, by place."""
        return [each.returncode for each in self.end()]

    def kill_all(self) -> None:
        """Leave no process behind."""
        for place, program in enumerate(self.programs):
            if program.poll() is None:
                with contextlib.suppress(OSError, ValueError):
                    os.kill(self.trainer_of(place), signal.SIGKILL)
            program.kill()
            program.wait()
            for stream in (program.stdin, program.stdout, program.stderr):
                if stream is not None:
                    stream.close()


@contextmanager
def cluster_run(folder: Path) -> Iterator[ClusterRun]:
    """A cluster whose processes are all gone afterwards."""
    made = ClusterRun(folder)
    try:
        yield made
    finally:
        made.kill_all()
