"""Sums and means over the devices that train one model, by TensorFlow's strategies.

`MirroredStrategy` has the GPUs of one process, `MultiWorkerMirroredStrategy` several processes.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf

from tui_charrnn.errors import ConfigError
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.distributed.coordination import Coordination, connect
from tui_charrnn.training.distributed.placement import JointTask
from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.machine.devices import Device, configure_devices


class Replicas:
    """All replicas of one model; arguments have those of this process side by side."""

    def __init__(
        self, strategy: tf.distribute.Strategy, coordination: Coordination | None = None
    ) -> None:
        self._strategy = strategy
        self.in_contact = nullcontext if coordination is None else coordination.in_contact
        """A context in which a lost process raises `BrokenClusterError`."""
        self.has_peers: Final = coordination is not None
        self.devices: Sequence[str] = tuple(strategy.extended.worker_devices)  # of this process
        self.count: Final = int(strategy.num_replicas_in_sync)  # in all processes
        rank = 0 if coordination is None else coordination.cluster.rank
        self.first: Final = rank * len(self.devices)
        """Number of this process's first replica; the rows of a batch are in their order."""
        self._sum = tf.function(self._reduce, autograph=False)

    def sum(
        self, vector: Float32, values: Sequence[Sequence[Tensor]] = ()
    ) -> tuple[Float32, list[list[Tensor]]]:
        """The sum of the vectors of all processes, and in one message means over all replicas.

        Args:
            vector: Of this process.
            values: Tensors of each replica here; the means are the same to the bit for each.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        own = values or [()] * len(self.devices)
        vectors = [vector, *[np.zeros_like(vector)] * (len(self.devices) - 1)]
        given = ([tf.constant(one), *each] for one, each in zip(vectors, own, strict=True))
        # each tensor as TensorFlow holds one that every replica has its own of
        together = self._strategy.experimental_distribute_values_from_function(
            lambda _: next(given)  # in the order of the replicas
        )
        with self.in_contact():
            apart = map(self._strategy.experimental_local_results, self._sum(list(together)))
            sums, *means = apart
            total = sums[0].numpy()  # a GPU's failure is seen here
        return total, [list(each) for each in zip(*means, strict=True)]

    def compute_on_each(
        self, function: Callable[[int], Sequence[Tensor]]
    ) -> list[tuple[Tensor, ...]]:
        """Trace a function of a replica's place, which may use `mean`, on each one here."""

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
            total, *others = _add_up(own)
            return [total, *(each / self.count for each in others)]

        return list(self._strategy.run(reduce, args=(values,)))


def _add_up(values: Sequence[Tensor]) -> list[Tensor]:
    """The sums over all replicas, on one of them."""
    replica = tf.distribute.get_replica_context()
    placed = [tf.identity(each) for each in values]  # an argument is on no device yet
    # all in one message: between processes its start costs more than most tensors
    options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=0)
    return list(replica.all_reduce(tf.distribute.ReduceOp.SUM, placed, options=options))


class Hardware(NamedTuple):
    """What a trainer computes on."""

    device: Device
    replicas: Replicas | None = None  # None for one device of one process


class JointHardware(NamedTuple):
    """What a trainer computes on together with other processes."""

    device: Device
    replicas: Replicas
    coordination: Coordination


def open_hardware(threads: int | None, batch_size: int, devices: int | None = 1) -> Hardware:
    """Set TensorFlow up before its first operation; raises `ConfigError` if GPUs are missing."""
    device = configure_devices(threads, batch_size)
    gpus = _take_gpus(devices, len(device.gpus))
    if gpus < 2:
        return Hardware(device)
    names = [f"GPU:{index}" for index in range(gpus)]
    return Hardware(device, Replicas(tf.distribute.MirroredStrategy(names)))


def open_joint_hardware(task: JointTask) -> JointHardware:
    """As `open_hardware`, and wait for all other processes; raises what `connect` does."""
    device = configure_devices(task.threads, max(1, task.batch_size // task.cluster.size))
    coordination, strategy = connect(task, _take_gpus(task.devices, len(device.gpus)))
    return JointHardware(device, Replicas(strategy, coordination), coordination)


def _take_gpus(devices: int | None, seen: int) -> int:
    """Hide the GPUs that this process does not take; returns how many it takes."""
    taken = seen if devices is None else min(devices, seen)
    if devices is not None and devices > max(1, seen):
        raise ConfigError(
            f"TensorFlow sees {seen or 'no'} GPU{'' if seen == 1 else 's'} here that it can use: "
            f"take --devices {max(1, seen)} or --devices all. Received: --devices {devices}"
        )
    if taken < seen:
        tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:taken], "GPU")
    return taken
