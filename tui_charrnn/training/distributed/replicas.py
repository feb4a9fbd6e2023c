"""The devices that train one model together, and what TensorFlow adds up between them.

The strategies are TensorFlow's own: `MirroredStrategy` over the GPUs of one process, over several
processes `MultiWorkerMirroredStrategy`: by NCCL where each process takes GPUs, in a ring over gRPC
where they compute on processors. They add up; what each device computes is an
`Engine`'s.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import tensorflow as tf

from tui_charrnn.errors import ConfigError
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.distributed.coordination import Coordination, connect
from tui_charrnn.training.distributed.placement import JointTask, Placement
from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.machine.devices import Device, configure_devices


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a trainer computes on."""

    device: Device
    """As TensorFlow sees it in this process."""
    replicas: "Replicas | None" = None
    """None where one device of one process computes."""
    coordination: Coordination | None = None
    """With other processes, if there are any."""
    gpus: int = 0
    """How many of them this process takes."""


def open_hardware(
    placement: Placement, threads: int | None, batch_size: int, task: JointTask | None = None
) -> Hardware:
    """Set TensorFlow up before its first operation; waits for all other processes of a cluster.

    Args:
        placement: Which processes and devices.
        threads: Processor threads; None takes all that this process may use.
        batch_size: B, of all of them together.
        task: Connects it to the other processes, if there are any.

    Raises:
        ConfigError: If there are not so many devices.
        ClusterError: If the addresses cannot be used.
    """
    device = configure_devices(threads, max(1, batch_size // placement.processes))
    if placement.is_plain:
        return Hardware(device)
    gpus = _taken_gpus(placement, len(device.gpus))
    if task is None and gpus < 2:
        return Hardware(device)
    tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:gpus], "GPU")
    if task is None:
        strategy = tf.distribute.MirroredStrategy([f"GPU:{index}" for index in range(gpus)])
        return Hardware(device, Replicas(strategy), gpus=gpus)
    coordination, strategy = connect(task, gpus)
    replicas = Replicas(strategy, coordination)
    return Hardware(device, replicas, coordination, gpus)


def _taken_gpus(placement: Placement, seen: int) -> int:
    """How many GPUs this process takes; 0 for the processor."""
    if placement.devices is None or placement.devices <= max(1, seen):
        return seen if placement.devices is None else min(placement.devices, seen)
    raise ConfigError(
        f"TensorFlow sees {seen or 'no'} GPU{'' if seen == 1 else 's'} here that it can use: take "
        f"--devices {max(1, seen)} or --devices all. Received: --devices {placement.devices}"
    )


class Replicas:
    """All replicas of one model; those of this process stand side by side in what is given.

    Args:
        strategy: Which devices, of which processes.
        coordination: With the other processes, if there are any; tells who is lost.
    """

    def __init__(
        self, strategy: tf.distribute.Strategy, coordination: Coordination | None = None
    ) -> None:
        self._strategy = strategy
        self.in_contact = nullcontext if coordination is None else coordination.in_contact
        """A context in which a lost process is a `BrokenClusterError`."""
        self.has_peers: Final = coordination is not None
        """Whether there are other processes."""
        rank = 0 if coordination is None else coordination.cluster.rank
        self.devices: Sequence[str] = tuple(strategy.extended.worker_devices)
        """Of this process."""
        self.count: Final = int(strategy.num_replicas_in_sync)
        """In all processes."""
        self.first: Final = rank * len(self.devices)
        """Number of this process's first replica among all; rows of a batch are in their order."""
        self._sum = tf.function(self._reduce, autograph=False)

    def sum(
        self, vector: Float32, values: Sequence[Sequence[Tensor]] = ()
    ) -> tuple[Float32, list[list[Tensor]]]:
        """Add up over all processes, in one message.

        Args:
            vector: Of this process.
            values: Tensors of each replica of this process, of which the mean over all is wanted.

        Returns:
            The sum of the vectors; and the means, the same to the bit for each replica.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        own = values or [()] * len(self.devices)
        vectors = [vector, *[np.zeros_like(vector)] * (len(self.devices) - 1)]
        given = [[tf.constant(one), *each] for one, each in zip(vectors, own, strict=True)]
        with self.in_contact():
            apart = map(self._strategy.experimental_local_results, self._sum(self._together(given)))
            sums, *means = apart
            total = sums[0].numpy()  # a GPU's failure is seen here
        return total, [list(each) for each in zip(*means, strict=True)]

    def compute_on_each(
        self, function: Callable[[int], Sequence[Tensor]]
    ) -> list[tuple[Tensor, ...]]:
        """Compute something on each replica of this process, in a graph that is being traced.

        Args:
            function: Takes the replica's place in this process. It may ask for `mean`.

        Returns:
            What each of them gave.
        """

        def compute() -> list[Tensor]:
            replica = tf.distribute.get_replica_context()
            number = int(tf.get_static_value(replica.replica_id_in_sync_group))
            return list(function(number - self.first))

        apart = map(self._strategy.experimental_local_results, self._strategy.run(compute))
        return list(zip(*apart, strict=True))

    def mean(self, values: Sequence[Tensor]) -> list[Tensor]:
        """The means over all replicas, on one of them: within `compute_on_each`."""
        return [each / self.count for each in _add_up(values)]

    def _reduce(self, values: list[Any]) -> list[Any]:
        def reduce(own: list[Tensor]) -> list[Tensor]:
            total = _add_up(own)
            return [total[0], *(each / self.count for each in total[1:])]

        return list(self._strategy.run(reduce, args=(values,)))

    def _together(self, values: Sequence[Sequence[Tensor]]) -> list[Any]:
        """Each tensor as TensorFlow holds one that every replica has its own of."""
        given = iter(values)  # asked for in the order of the replicas
        together = self._strategy.experimental_distribute_values_from_function(
            lambda _: list(next(given))
        )
        return list(together)


def _add_up(values: Sequence[Tensor]) -> list[Tensor]:
    """The sums over all replicas, on one of them."""
    replica = tf.distribute.get_replica_context()
    placed = [tf.identity(each) for each in values]  # an argument is on no device yet
    # all in one message: between processes its start costs more than most tensors
    options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=0)
    return list(replica.all_reduce(tf.distribute.ReduceOp.SUM, placed, options=options))
