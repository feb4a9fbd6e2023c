"""Who trains together, and which of them this process is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tui_charrnn.cluster.addresses import check_address
from tui_charrnn.cluster.slurm import slurm_members
from tui_charrnn.errors import ClusterError

ALONE: Final = "none"
"""In place of addresses: train alone, whatever TF_CONFIG and Slurm say."""
_OTHER_TASKS: Final = frozenset({"ps", "evaluator"})


@dataclass(frozen=True)
class Cluster:
    """The addresses of all processes that train together, and this one's place among them.

    Args:
        addresses: `host:port` of each, by rank; the same on all of them.
        rank: This process's place, from 0 on; rank 0 is the chief, which writes the run.

    Raises:
        ClusterError: If an address is none or comes twice, or the rank is not among them.
    """

    addresses: tuple[str, ...]
    rank: int

    def __post_init__(self) -> None:
        seen = set()
        for address in self.addresses:
            check_address(address)
            if address in seen:
                raise ClusterError(
                    "Every process of a cluster needs an address of its own. "
                    f"Received twice: {address}"
                )
            seen.add(address)
        if not 0 <= self.rank < self.size:
            raise ClusterError(
                f"The rank must be from 0 to {self.size - 1}, as there are {self.size} addresses. "
                f"Received: rank={self.rank}"
            )

    @property
    def size(self) -> int:
        """How many processes train together."""
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this is the process that writes the run."""
        return self.rank == 0

    @property
    def address(self) -> str:
        """This process's own address."""
        return self.addresses[self.rank]

    def tf_config(self) -> str:
        """The value of TF_CONFIG, by which TensorFlow is told the same."""
        return json.dumps({
            "cluster": {"worker": list(self.addresses)},
            "task": {"type": "worker", "index": self.rank},
        })


def find_cluster(
    cluster: str | None, rank: int | None, environment: Mapping[str, str]
) -> Cluster | None:
    """Find out who trains together: as the command line says, or TF_CONFIG, or Slurm.

    Args:
        cluster: `host:port,host:port`, one for each process; `none` for training alone; None if
            the command line says nothing.
        rank: Which of them this process is; None if the command line says nothing.
        environment: The variables of this process.

    Returns:
        None if this process trains alone.

    Raises:
        ClusterError: If what is said is not a cluster, or not all of one.
    """
    if cluster is None and rank is not None:
        raise ClusterError(
            "--rank needs --cluster host:port,host:port, which says whose rank it is. "
            f"Received: --rank {rank}"
        )
    if cluster == ALONE:
        if rank is not None:
            raise ClusterError(f"--cluster {ALONE} has no ranks. Received: --rank {rank}")
        return None
    found: Cluster | None
    if cluster is not None:
        found = _stated(cluster, rank)
    elif environment.get("TF_CONFIG", "").strip():
        found = _from_tf_config(environment["TF_CONFIG"])
    else:
        members = slurm_members(environment)
        found = None if members is None else Cluster(*members)
    return None if found is None or found.size == 1 else found


def _stated(cluster: str, rank: int | None) -> Cluster:
    addresses = tuple(address.strip() for address in cluster.split(","))
    if rank is None:
        raise ClusterError(
            f"--cluster needs --rank, from 0 to {len(addresses) - 1}: which of the addresses is "
            f"this process's own? Received: --cluster {cluster}"
        )
    return Cluster(addresses, rank)


def _from_tf_config(text: str) -> Cluster | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClusterError(f"TF_CONFIG is not JSON ({error}). Received: {_short(text)}") from error
    if not isinstance(document, dict):
        raise _not_tf_config("an object", document)
    jobs, task = document.get("cluster"), document.get("task", {})
    if jobs is None:
        return None
    if not isinstance(jobs, dict) or not isinstance(task, dict):
        raise _not_tf_config("an object as `cluster` and as `task`", document)
    if others := _OTHER_TASKS & jobs.keys():
        raise ClusterError(
            "In TF_CONFIG there can be `worker` and `chief`, as all processes train alike. "
            f"Received: {', '.join(sorted(others))}"
        )
    chiefs, workers = _addresses(jobs, "chief"), _addresses(jobs, "worker")
    if len(chiefs) > 1 or not (chiefs or workers):
        raise _not_tf_config("one chief at most, and one worker or more", jobs)
    return Cluster((*chiefs, *workers), _rank(task, len(chiefs), len(workers)))


def _rank(task: Mapping[str, object], chiefs: int, workers: int) -> int:
    kind, index = task.get("type"), task.get("index")
    if kind not in {"chief", "worker"} or isinstance(index, bool) or not isinstance(index, int):
        raise _not_tf_config("`task` with a type, chief or worker, and an index", task)
    if not 0 <= index < (chiefs if kind == "chief" else workers):
        raise _not_tf_config(f"an index that one of the {kind}s has", task)
    return index + (chiefs if kind == "worker" else 0)


def _addresses(jobs: Mapping[str, object], kind: str) -> Sequence[str]:
    listed = jobs.get(kind, [])
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise _not_tf_config(f"a list of host:port as `{kind}`", listed)
    return listed


def _not_tf_config(wanted: str, received: object) -> ClusterError:
    return ClusterError(f"TF_CONFIG must have {wanted}. Received: {_short(json.dumps(received))}")


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."
