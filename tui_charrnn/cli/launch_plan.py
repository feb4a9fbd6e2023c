"""What each worker of `launch` is started with: its command line and its environment."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.cluster.ports import free_ports
from tui_charrnn.durations import parse_duration
from tui_charrnn.errors import ConfigError
from tui_charrnn.runs.host import seconds_since_start
from tui_charrnn.runs.launcher import trainer_environment

_CHILD: Final = "tui_charrnn.cli.launch_child"
CUDA: Final = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class WorkerCommand:
    """How one worker is started."""

    words: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What the workers of one launch have in common, and what each has for itself.

    Args:
        train: The command line from `train` on.
        workers: How many.
        gpus: What each has as CUDA_VISIBLE_DEVICES; empty if that is left as it is.
        cores: Processor cores that all of them may use together.
    """

    train: Sequence[str]
    workers: int
    gpus: Sequence[str]
    cores: int

    @property
    def threads(self) -> int | None:
        """Processor threads of each worker; None if the command line says it."""
        return (
            None if "--threads" in option_names(self.train) else max(1, self.cores // self.workers)
        )

    @property
    def summary(self) -> str:
        """A sentence on who gets what."""
        many = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        threads = f", {self.threads} thread{'s' * (self.threads > 1)} each" if self.threads else ""
        gpus = f", GPUs {' | '.join(self.gpus)}" if self.gpus else ""
        return f"Launching {many} on this host{threads}{gpus}."

    def commands(self, attempt: int, lifeline: int) -> list[WorkerCommand]:
        """The workers of one attempt, by rank, on ports that are free now.

        Args:
            attempt: 0 for the first; later ones go on with the run of the first.
            lifeline: Descriptor of a pipe that is at its end when this process is gone.
        """
        addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(self.workers))
        train = [*self.train]
        if self.threads:
            train += ["--threads", str(self.threads)]
        if attempt:
            train = _within_limit(_resuming(train))
        child = [sys.executable, "-P", "-m", _CHILD, str(lifeline), sys.argv[0]]
        return [
            WorkerCommand(
                (*child, *train),
                {
                    **trainer_environment(os.environ),
                    "TF_CONFIG": Cluster(addresses, rank).tf_config(),
                    **({CUDA: self.gpus[rank]} if self.gpus else {}),
                },
            )
            for rank in range(self.workers)
        ]

    def again(self) -> list[str]:
        """The command line that goes on with the run."""
        return _resuming(self.train)


def visible_gpus(environment: Mapping[str, str], devices: Path = Path("/dev")) -> list[str]:
    """The GPUs of NVIDIA that processes started from here can use, by number or name.

    Args:
        environment: Whose CUDA_VISIBLE_DEVICES goes before what there is.
        devices: Where the system has a file for each.
    """
    if CUDA in environment:
        names = (name.strip() for name in environment[CUDA].split(","))
        return list(takewhile(_means_a_gpu, names))  # as CUDA does: -1 hides what comes after it
    numbers = [path.name.removeprefix("nvidia") for path in devices.glob("nvidia[0-9]*")]
    return [str(place) for place in range(sum(number.isdigit() for number in numbers))]


def _means_a_gpu(name: str) -> bool:
    return name.isdecimal() or name.startswith(("GPU-", "MIG-"))


def divide_gpus(gpus: Sequence[str], workers: int, each: int | None) -> list[str]:
    """What every worker has as CUDA_VISIBLE_DEVICES.

    Args:
        gpus: All that are visible.
        workers: Among how many they are divided.
        each: How many every worker gets; None for as many as possible.

    Returns:
        Nothing if there are no GPUs, and none were asked for.

    Raises:
        ConfigError: If there are too few.
    """
    if not gpus and each is None:
        return []
    share = len(gpus) // workers if each is None else each
    if not share or share * workers > len(gpus):
        wanted = f"--gpus-per-worker {each}" if each else f"--workers {workers}"
        raise ConfigError(
            f"Every worker needs GPUs of its own, and {len(gpus)} are visible. For processors "
            f"alone, set {CUDA} to nothing. Received: {wanted} for {workers} workers"
        )
    return [",".join(gpus[rank * share : (rank + 1) * share]) for rank in range(workers)]


def _resuming(train: Sequence[str]) -> list[str]:
    if "--resume" in option_names(train):
        return _with_value(train, "--resume", lambda _: "auto")
    return [*train, "--resume", "auto"]


def _within_limit(train: Sequence[str]) -> list[str]:
    """A time limit counts from the start of a worker, and so must be what is left of it."""

    def left(text: str) -> str:
        return f"{max(0.001, parse_duration(text) - seconds_since_start()):.3f}"

    return _with_value(train, "--max-time", left)


def _with_value(train: Sequence[str], name: str, change: Callable[[str], str]) -> list[str]:
    words = list(train)
    for place, word in enumerate(words):
        if word == name and place + 1 < len(words):
            words[place + 1] = change(words[place + 1])
        elif word.startswith(f"{name}="):
            words[place] = f"{name}={change(word.partition('=')[2])}"
    return words


def option_names(words: Sequence[str]) -> set[str]:
    """The options of a command line, whether their values stand beside them or in them."""
    return {word.partition("=")[0] for word in words if word.startswith("-")}
