"""What Slurm's variables say about the tasks of a job step, which train together."""

from collections.abc import Mapping
from typing import Final

from tui_charrnn.cluster.node_list import expand_counts, expand_node_list
from tui_charrnn.errors import ClusterError

_FIRST_PORT: Final = 20_000
_PORTS: Final = 10_000
"""From which a job's own is chosen: below those that systems lend to outgoing connections."""


def slurm_members(environment: Mapping[str, str]) -> tuple[tuple[str, ...], int] | None:
    """The addresses of a step's tasks by rank, and the rank of this one.

    Only what `srun` starts is a step: the script of a job has the variables of all its tasks, too,
    and is none of them.

    Args:
        environment: The variables of this process.

    Returns:
        None outside of a step, or in a step of one task.

    Raises:
        ClusterError: If variables are missing, or do not fit together.
    """
    if not environment.keys() & {"SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST"}:
        return None
    size = _number(environment, "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS")
    if size == 1:
        return None
    rank = _number(environment, "SLURM_PROCID")
    nodes = expand_node_list(_text(environment, "SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"))
    counts = _tasks_by_node(environment, size, len(nodes))
    places = [
        (node, local) for node, count in zip(nodes, counts, strict=True) for local in range(count)
    ]
    _check_place(environment, places[rank][0] if rank < size else None, rank, size)
    port = _port(environment)
    return tuple(f"{node}:{port + local}" for node, local in places), rank


def _tasks_by_node(environment: Mapping[str, str], size: int, nodes: int) -> tuple[int, ...]:
    listed = environment.get("SLURM_STEP_TASKS_PER_NODE")
    if listed is not None:
        counts = expand_counts(listed)
    elif "SLURM_NTASKS_PER_NODE" in environment:
        most = _number(environment, "SLURM_NTASKS_PER_NODE")
        counts = tuple(max(0, min(most, size - most * node)) for node in range(nodes))
    else:
        counts = tuple(size // nodes + (node < size % nodes) for node in range(nodes))
    if len(counts) != nodes or sum(counts) != size:
        raise ClusterError(
            "Slurm's variables must name as many tasks by node as there are in all. Received: "
            f"{size} tasks, {nodes} nodes, tasks by node {', '.join(map(str, counts[:50]))}. Or "
            "say it yourself: --cluster host:port,host:port --rank K"
        )
    return counts


def _check_place(environment: Mapping[str, str], node: str | None, rank: int, size: int) -> None:
    if node is None:
        raise ClusterError(f"SLURM_PROCID must be below {size}, the number of tasks: {rank=}")
    actual = environment.get("SLURMD_NODENAME", node)
    if actual != node:
        raise ClusterError(
            f"Slurm put rank {rank} on {actual}, and not on {node}: its ranks must follow the "
            "order of the nodes. Say so: srun --distribution=block"
        )


def _port(environment: Mapping[str, str]) -> int:
    """A port that two steps on one node hardly share."""
    job = _number(environment, "SLURM_JOB_ID", "SLURM_JOBID")
    step = environment.get("SLURM_STEP_ID", "0")
    number = int(step) if step.isascii() and step.isdigit() else 0
    return _FIRST_PORT + (job * 31 + number * 97) % _PORTS


def _number(environment: Mapping[str, str], *names: str) -> int:
    text = _text(environment, *names)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ClusterError(f"{names[0]} must be a whole number. Received: {text[:200]}")
    return int(text)


def _text(environment: Mapping[str, str], *names: str) -> str:
    for name in names:
        if name in environment:
            return environment[name].strip()
    raise ClusterError(
        f"In a job step of Slurm {names[0]} should be set, and is not. Say who trains together by "
        "--cluster host:port,host:port --rank K, or --cluster none"
    )
