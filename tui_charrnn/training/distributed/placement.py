"""The processes and devices that train together; not part of a run, as a resume may differ."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from tui_charrnn.errors import ClusterError, ConfigError

ALL: Final = "all"
ALONE: Final = "none"
"""Value of `--cluster` to train alone, ignoring TF_CONFIG and Slurm."""
STARTING_MODEL: Final = "starting model (--from)"
"""Name of the card entry with the SHA-256 of the initial model's file."""

MEET_WITHIN: Final = 300.0
"""Default seconds that the processes wait for each other at the start."""
HEARTBEAT: Final = 20.0
"""Seconds without a heartbeat after which a process counts as lost."""
_PORTS: Final = range(1, 65536)
_ADDRESS: Final = re.compile(r"(?:\[([\w.:%-]{1,253})\]|([\w.-]{1,253})):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Cluster:
    """The processes that train together, and the rank of this one.

    Raises:
        ClusterError: If an address is invalid or duplicate, or the rank is out of range.
    """

    rank: int  # rank 0 writes the run
    size: int
    addresses: Sequence[str] = ()
    """`host:port` of each process; empty under Slurm until `resolve_addresses`."""

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.size:
            raise ClusterError(
                f"The rank must be from 0 to {self.size - 1}, as there are {self.size} processes. "
                f"Received: rank={self.rank}"
            )
        for number, address in enumerate(self.addresses):
            split_address(address)
            if address in self.addresses[:number]:
                raise ClusterError(
                    f"Every process of a cluster needs its own address. Received twice: {address}"
                )

    def name_of(self, rank: int) -> str:
        """Return the display name of a process: its rank and, if known, its address."""
        return f"Rank {rank}" + (f" ({self.addresses[rank]})" if self.addresses else "")


@dataclass(frozen=True, slots=True)
class Placement:
    """The processes and devices given on a command line."""

    cluster: Cluster | None = None
    devices: int | None = 1  # GPUs of each process; None takes all
    meet_within: float = MEET_WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTask:
    """The task that a command passes to its trainer, as JSON on the command line."""

    cluster: Cluster
    devices: int | None = 1
    meet_within: float = MEET_WITHIN
    card: Mapping[str, str] = field(default_factory=dict)
    """What must be equal on all ranks, by display name."""

    events: int = -1
    """Descriptor of a pipe to the command, which waits until all are connected."""

    quiet: bool = False
    failure: Sequence[Any] | None = None
    """Exit code and sentence of a command that cannot take part, to report to the others."""
    corpus: Mapping[str, Any] = field(default_factory=dict)
    """`arguments` and `reading` of `read_corpus`, for a rank other than 0."""
    threads: int | None = None  # for rank 0, threads and batch size are those of the run
    batch_size: int = 1

    def to_json(self) -> str:
        """Encode the task as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Decode the output of `to_json`."""
        values = json.loads(text)
        return cls(**{**values, "cluster": Cluster(**values["cluster"])})


def parse_devices(text: str | None) -> int | None:
    """Parse `--devices`: a number of at least 1, or `all` (returns None); the default is 1.

    Raises:
        ConfigError: If it is invalid.
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


def refuse_uneven(batch_size: int, replicas: int) -> None:
    """Raise `ConfigError` if a batch cannot be divided evenly among all replicas."""
    if batch_size % replicas:
        below = batch_size - batch_size % replicas
        nearest = f"{below:,} or {below + replicas:,}" if below else f"{replicas:,}"
        raise ConfigError(
            f"A batch must be divided evenly among {replicas:,} replicas. Choose a --batch-size "
            f"that is a multiple of {replicas:,}, as {nearest}. Received: batch_size={batch_size}"
        )


def find_cluster(
    cluster: str | None, rank: int | None, environment: Mapping[str, str]
) -> Cluster | None:
    """Return the cluster of `--cluster` and `--rank`, else of TF_CONFIG, else of Slurm, or None.

    Raises:
        ClusterError: If the description is invalid.
    """
    if (cluster is None or cluster == ALONE) != (rank is None):
        raise ClusterError(
            "--cluster host:port,host:port and --rank must be given together: the rank, from 0 "
            f"on, is the index of this process's address; --cluster {ALONE} takes no --rank. "
            f"Received: {'no --cluster' if cluster is None else f'--cluster {cluster}'}, "
            f"{'no --rank' if rank is None else f'--rank {rank}'}"
        )
    if cluster == ALONE:
        return None
    found: Cluster | None
    if cluster is not None and rank is not None:
        addresses = tuple(address.strip() for address in cluster.split(","))
        found = Cluster(rank, len(addresses), addresses)
    elif text := environment.get("TF_CONFIG", "").strip():
        found = _from_tf_config(text)
    else:
        found = _from_slurm(environment)
    return None if found is None or found.size == 1 else found


def split_address(address: str) -> tuple[str, int]:
    """Return host (without the brackets of IPv6) and port; raises `ClusterError` if invalid."""
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found[3]) not in _PORTS:
        raise ClusterError(
            "An address of a cluster is host:port with a port from 1 to 65535, as in "
            "node1:12345 or [fd00::1]:12345, and addresses are separated by commas. Received: "
            f"{address[:300] or '(nothing)'}"
        )
    return found[1] or found[2], int(found[3])


def _from_tf_config(text: str) -> Cluster | None:
    """Parse TF_CONFIG strictly, unlike TensorFlow's resolver; the chief, if any, is rank 0."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    match document:
        case dict() if "cluster" not in document:
            return None
        case {"cluster": {**jobs}, "task": {"type": str(kind), "index": int(index)}}:
            chiefs: Any = jobs.pop("chief", [])
            workers: Any = jobs.pop("worker", [])
            own = {"chief": chiefs, "worker": workers}.get(kind)
            is_valid = isinstance(chiefs, list) and isinstance(workers, list) and not jobs
            if is_valid and own and len(chiefs) <= 1 and 0 <= index < len(own):
                addresses = (*map(str, chiefs), *map(str, workers))
                rank = index if own is chiefs else len(chiefs) + index
                return Cluster(rank, len(addresses), addresses)
    raise ClusterError(
        "TF_CONFIG must be JSON with lists of host:port as `worker` and optionally, with one "
        "entry, as `chief`, no other jobs, and a `task` with the type and index of one of the "
        f"entries. Received: {text[:200]}"
    )


def _from_slurm(environment: Mapping[str, str]) -> Cluster | None:
    """Return rank and size of a Slurm job step; `resolve_addresses` reads the addresses later.

    Only processes started by `srun` are in a step. A batch script has the variables of tasks
    without being one.
    """
    size, rank = environment.get("SLURM_STEP_NUM_TASKS"), environment.get("SLURM_PROCID", "")
    if size is None or size.strip() == "1":
        return None
    if not (size.strip().isdecimal() and rank.strip().isdecimal()):
        raise ClusterError(
            "In a job step of Slurm SLURM_STEP_NUM_TASKS and SLURM_PROCID are whole numbers. "
            f"Received: {size[:50]!r} and {rank[:50]!r}. Name the processes: --cluster "
            "host:port,host:port --rank K, or --cluster none"
        )
    return Cluster(int(rank), int(size))
