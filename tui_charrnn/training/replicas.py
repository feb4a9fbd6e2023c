"""The devices that train one model together, and what TensorFlow adds up between them.

The engine is TensorFlow's own: `MirroredStrategy` over the devices of one process,
`MultiWorkerMirroredStrategy` over those of several (NCCL between GPUs, a ring over gRPC between
processors). It adds up gradients and gathers states; what each device computes is an `Engine`'s.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import tensorflow as tf

from tui_charrnn.errors import ConfigError
from tui_charrnn.training.placement import Placement
from tui_charrnn.training.recurrence import Tensor
from tui_charrnn.training.team import Team

_BROKEN: Final = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
"""What TensorFlow raises where another process is gone."""
_UNCLEAR: Final = (tf.errors.InternalError, tf.errors.UnknownError)
"""What it raises for a failure of NCCL's, which may be a lost process or something else."""


def in_contact(team: Team) -> AbstractContextManager[None]:
    """Where TensorFlow waits for other processes: says who of a team is lost if one is."""
    return team.in_contact(_BROKEN, _UNCLEAR)


def taken_gpus(placement: Placement, seen: int) -> int:
    """How many GPUs this process takes; 0 for the processor.

    Args:
        placement: What was asked for.
        seen: How many TensorFlow sees.

    Raises:
        ConfigError: If there are not so many.
    """
    if placement.devices is None or placement.devices <= max(1, seen):
        return seen if placement.devices is None else min(placement.devices, seen)
    raise ConfigError(
        f"TensorFlow sees {seen or 'no'} GPU{'' if seen == 1 else 's'} here that it can use: take "
        f"--devices {max(1, seen)} or --devices all. Received: --devices {placement.devices}"
    )


def make_strategy(placement: Placement, gpus: int) -> tf.distribute.Strategy:
    """TensorFlow's strategy for a placement; waits for all other processes of a cluster.

    Args:
        placement: Which processes.
        gpus: How many GPUs each of them takes.
    """
    visible = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices(visible[:gpus], "GPU")
    cluster = placement.cluster
    if cluster is None:
        return tf.distribute.MirroredStrategy([f"GPU:{index}" for index in range(gpus)])
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.rank,
        num_accelerators={"GPU": gpus} if gpus else {},
        rpc_layer="grpc",
    )
    return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)


class Replicas:
    """All replicas of one model; those of this process stand side by side in what is given.

    Args:
        strategy: Which devices, of which processes.
        rank: Of this process.
    """

    def __init__(self, strategy: tf.distribute.Strategy, rank: int = 0) -> None:
        self._strategy = strategy
        self.devices: Sequence[str] = tuple(strategy.extended.worker_devices)
        """Of this process."""
        self.count: Final = int(strategy.num_replicas_in_sync)
        """In all processes."""
        self.first: Final = rank * len(self.devices)
        """Number of this process's first replica among all; rows of a batch are in their order."""
        self._mean = tf.function(self._take_mean, autograph=False)
        self._gather = tf.function(self._gather_rows, autograph=False)

    def mean(self, values: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
        """The mean of some tensors over all replicas.

        Args:
            values: Of each replica of this process.

        Returns:
            The same numbers, to the bit, for each of them.
        """
        return self._apart(self._mean(self._together(values)))

    def gather(self, values: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """Some tensors of all replicas, one below the other in the order of the replicas.

        Args:
            values: Of each replica of this process, each with rows of its own.
        """
        return list(self._gather(self._together(values)))

    def _take_mean(self, values: list[Any]) -> list[Any]:
        def reduce(own: list[Tensor]) -> list[Tensor]:
            context = tf.distribute.get_replica_context()
            placed = [tf.identity(each) for each in own]  # an argument is on no device yet
            # all in one message: between processes its start costs more than most tensors
            options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=0)
            return list(context.all_reduce(tf.distribute.ReduceOp.MEAN, placed, options=options))

        return list(self._strategy.run(reduce, args=(values,)))

    def _gather_rows(self, values: list[Any]) -> list[Any]:
        return [self._strategy.gather(each, axis=0) for each in values]

    def _together(self, values: Sequence[Sequence[Tensor]]) -> list[Any]:
        """Each tensor as TensorFlow holds one that every replica has its own of."""
        given = iter(values)  # asked for in the order of the replicas
        together = self._strategy.experimental_distribute_values_from_function(
            lambda _: list(next(given))
        )
        return list(together)

    def _apart(self, values: Sequence[Any]) -> list[list[Tensor]]:
        """The inverse of `_together`."""
        by_tensor = [self._strategy.experimental_local_results(each) for each in values]
        return [list(each) for each in zip(*by_tensor, strict=True)]
