"""Where a training computes: in how many processes, on how many devices of each.

It is said when a trainer is started and is no part of a run: what two processes began, one may go
on with. No TensorFlow is needed.
"""

from dataclasses import dataclass
from typing import Final

from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.errors import ConfigError

ALL: Final = "all"
PATIENCE: Final = 300.0
"""Seconds that the processes of a cluster wait for each other at the start, if nobody says."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The processes and devices of a training; without any, one device of one process."""

    cluster: Cluster | None = None
    """All processes, and which of them this one is; None: it is alone."""
    devices: int | None = 1
    """How many GPUs each process takes; None: all that it sees."""
    patience: float = PATIENCE
    """Seconds that this process waits for the others at the start."""

    @property
    def is_plain(self) -> bool:
        """Whether one device of one process computes, as there is nothing to divide."""
        return self.cluster is None and self.devices == 1

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run."""
        return self.cluster is None or self.cluster.is_chief

    @property
    def processes(self) -> int:
        """How many there are."""
        return 1 if self.cluster is None else self.cluster.size

    def words(self) -> list[str]:
        """For the command line of a trainer, which `placement_from` reads."""
        words = [] if self.devices == 1 else ["--devices", str(self.devices or ALL)]
        if self.cluster is None:
            return words
        addresses = ",".join(self.cluster.addresses)
        words += ["--cluster", addresses, "--rank", str(self.cluster.rank)]
        return [*words, "--meet-within", f"{self.patience:g}"]


def parse_devices(text: str | None) -> int | None:
    """Read `--devices`: a number of at least 1, or `all`, which is None; without it, one.

    Raises:
        ConfigError: If it is neither.
    """
    if text is None:
        return 1
    if text.strip().lower() == ALL:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1024):
        raise ConfigError(
            f"--devices takes `all` or a number from 1 to 1024. Received: --devices {text}"
        )
    return int(text)


def placement_from(
    cluster: str | None, rank: int | None, devices: str | None, patience: float | None
) -> Placement:
    """What a trainer's command line says, as `Placement.words` wrote it.

    Raises:
        ConfigError: If it says something else.
    """
    if cluster is None or rank is None:
        return Placement(devices=parse_devices(devices))
    addresses = tuple(cluster.split(","))
    return Placement(Cluster(addresses, rank), parse_devices(devices), patience or PATIENCE)


def refuse_uneven(batch_size: int, replicas: int) -> None:
    """Make sure that every replica gets as many streams of a batch as every other.

    Raises:
        ConfigError: If a batch cannot be divided so.
    """
    if batch_size % replicas:
        below = batch_size - batch_size % replicas
        nearest = f"{below:,} or {below + replicas:,}" if below else f"{replicas:,}"
        raise ConfigError(
            f"A batch must be divided evenly among {replicas:,} replicas. Choose a --batch-size "
            f"that is a multiple of {replicas:,}, as {nearest}. Received: batch_size={batch_size}"
        )
