"""How the processes of a training connect, agree, and detect that one of them is lost.

`MultiWorkerMirroredStrategy` starts TensorFlow's coordination service in the process of rank 0:
heartbeats, a store of keys and values, and errors that are reported to all. Sums and means over
the devices that train one model are the strategies': `MirroredStrategy` has the GPUs of one
process, `MultiWorkerMirroredStrategy` several processes.
"""

import contextlib
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver as slurm
from tensorflow.python.eager import context

from tui_charrnn import __version__
from tui_charrnn.errors import BrokenClusterError, CharRNNError, ClusterError, ConfigError, ExitCode
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.distributed.placement import HEARTBEAT, STARTING_MODEL, Cluster, JointTask
from tui_charrnn.training.engine.paths import Device, configure_devices
from tui_charrnn.training.engine.recurrence import Tensor

KEPT: Final = "What was saved is kept; the same command on all of them goes on from there."
_HASHES: Final = {"corpus", STARTING_MODEL}
"""Entries of a card that are SHA-256, or empty; a difference is one of data, not of settings."""
_SHARED: Final = {ExitCode.USAGE, ExitCode.DATA, ExitCode.LOCKED, ExitCode.CANNOT_SAVE}
"""Failures that a restart would repeat: all processes end with the code of the one that failed."""
_POLL: Final = 0.5  # seconds of one wait for a key, in which no signal is handled
_LEAVING: Final = 10.0  # seconds that processes wait for each other at the end
_REPORTING: Final = 1.0  # seconds for a report of rank 0, before the service ends with it
_LONGEST: Final = 1_000  # characters of a reported sentence, which travels in a header
_MARK: Final = "charrnn-tui: "
_FAILURE: Final = "failure"
_SPARE: Final = 30.0  # seconds for the command to end this process before the system does
_SLURM_PORTS: Final = range(20_000, 30_000)  # below those of outgoing connections
_UNCLEAR: Final = (
    "Slurm's variables do not say where its tasks are ({}). Say it yourself: "
    "--cluster host:port,host:port --rank K"
)
_BROKEN: Final = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
"""What TensorFlow raises where another process is gone; others need a look at their text."""


class Coordination:
    """The service, as one process uses it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster: Final = cluster
        self._service = context.context()
        self._checked_at = time.monotonic()

    def publish(self, key: str, document: object) -> None:
        """Give all processes a JSON document; a key is used once."""
        with self.in_contact():
            self._service.set_config_key_value(key, json.dumps(document))

    def fetch(self, key: str, check_cancelled: Callable[[], None]) -> Any:
        """Wait for a document, until a process is lost or `check_cancelled` raises.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        while True:
            check_cancelled()
            with self.in_contact():
                try:
                    return json.loads(self._service.get_config_key_value(key, int(1e3 * _POLL)))
                except tf.errors.DeadlineExceededError as error:
                    if key not in str(error):  # the service itself does not answer
                        raise

    def check(self) -> None:
        """Raise `BrokenClusterError` if a process is lost; asks once a second at most."""
        if time.monotonic() - self._checked_at < 1.0:
            return
        self._checked_at = time.monotonic()
        with self.in_contact():
            states = self._service.get_task_states([("worker", self.cluster.size)])
            if error := next((each for each in states if each is not None), None):
                raise error

    def report(self, code: ExitCode, sentence: str) -> None:
        """Report a failure of this process to all others, which end as well."""
        failure = json.dumps([self.cluster.rank, int(code), sentence[:_LONGEST]])
        with contextlib.suppress(tf.errors.OpError):
            self._service.report_error_to_cluster(tf.errors.FAILED_PRECONDITION, _MARK + failure)
        if self.cluster.rank == 0:
            time.sleep(_REPORTING)

    def leave_together(self) -> None:
        """Wait a moment until all are here, so that none counts as lost for having ended."""
        with contextlib.suppress(tf.errors.OpError):
            self._service.wait_at_barrier("end", int(1e3 * _LEAVING))

    @contextmanager
    def in_contact(self) -> Iterator[None]:
        """Raise `BrokenClusterError` for errors of a process that is lost or reported a failure."""
        try:
            yield
        except tf.errors.OpError as error:
            text = str(error)
            if (reported := self._reported(text)) is not None:
                raise reported from error
            is_lost = isinstance(error, _BROKEN) or "Collective ops is aborted" in text
            if not (is_lost or "oordination" in text):
                raise  # as too little memory
            raise BrokenClusterError(f"{self._loss(text)} {KEPT}") from error

    def _reported(self, text: str) -> BrokenClusterError | None:
        """The failure that another process reported, if the text of an error holds one."""
        with contextlib.suppress(ValueError):
            start = text.index(_MARK) + len(_MARK)
            rank, code, sentence = json.JSONDecoder().raw_decode(text, start)[0]
            return _failure(code, f"{self.cluster.name_of(rank)} has ended: {sentence}")
        return None

    def _loss(self, text: str) -> str:
        """Which process is lost, as far as the text of an error names it."""
        ranks = map(int, re.findall(r"/job:worker/replica:0/task:(\d+)", text))
        is_silent = "heartbeat" in text.lower() or "RPC to coordination service" in text
        lost = next((rank for rank in ranks if rank != self.cluster.rank), None)
        if lost is None and is_silent and self.cluster.rank:
            lost = 0  # whose process runs the service
        if lost is None:
            first_line, *_ = text[:200].split("\n")
            return f"The connection to the other processes broke: {first_line}"
        if is_silent:
            why = "gives no sign of life: it hangs, or the network between is down."
        else:
            why = "cannot be reached: it has ended, was killed, or its host is down."
        return f"{self.cluster.name_of(lost)} {why}"


def _failure(code: int, sentence: str) -> BrokenClusterError:
    """Another process's failure, with the exit code that it has on this one."""
    error = BrokenClusterError(sentence)
    error.exit_code = ExitCode(code) if code in _SHARED else ExitCode.RESUME_ME
    return error


def connect(
    task: JointTask, gpus: int
) -> tuple[Coordination, tf.distribute.MultiWorkerMirroredStrategy]:
    """Wait until all processes are there, and connect their devices; without GPUs, processors.

    TensorFlow waits without a limit, whatever register timeout is configured, and holds the
    interpreter: no signal handler and no other thread of Python runs. So the command that started
    this process reads the addresses from a pipe, and ends it when the time is over and the pipe
    still open; if the command is gone, SIGALRM does.

    Raises:
        ClusterError: If this process's port is in use.
        BrokenClusterError: If a process is lost meanwhile.
    """
    cluster = task.cluster
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=int(1e3 * HEARTBEAT),
        coordinated_jobs=[
            coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=cluster.size)
        ],
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.rank,
        num_accelerators={"GPU": gpus} if gpus else {},
        rpc_layer="grpc",
    )
    implementation = tf.distribute.experimental.CommunicationImplementation
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=implementation.NCCL if gpus else implementation.RING
    )
    coordination = Coordination(cluster)
    with contextlib.suppress(OSError):  # the command may be gone
        os.write(task.events, ",".join(cluster.addresses).encode())
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, task.meet_within + _SPARE)
    try:
        with coordination.in_contact():
            return coordination, tf.distribute.MultiWorkerMirroredStrategy(resolver, options)
    except tf.errors.UnknownError as error:
        raise ClusterError(
            f"TensorFlow cannot listen at {cluster.addresses[cluster.rank]} ({error.message}), "
            "perhaps because a training there has not ended yet. Wait for it, or choose another "
            "port of this host."
        ) from error
    finally:  # also where it failed: this process reports why itself
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        with contextlib.suppress(OSError):
            os.close(task.events)


def resolve_addresses(cluster: Cluster, environment: Mapping[str, str]) -> Cluster:
    """Read the addresses from Slurm's variables, if nothing else has named them.

    By TensorFlow's parsers: its `SlurmClusterResolver` sorts hosts by name, so that n10 comes
    before n9, and fails on nodes without a GPU.

    Raises:
        ClusterError: If the variables do not fit together.
    """
    if cluster.addresses:
        return cluster
    rank = cluster.rank
    try:
        hosts = slurm.expand_hostlist(environment["SLURM_STEP_NODELIST"])
        counts = slurm.expand_tasks_per_node(environment["SLURM_STEP_TASKS_PER_NODE"])
        job = int(environment["SLURM_JOB_ID"])
    except (KeyError, ValueError) as error:
        raise ClusterError(_UNCLEAR.format(error)) from error
    if len(hosts) != len(counts) or sum(counts) != cluster.size:
        received = f"{cluster.size} tasks, {len(hosts)} nodes, tasks by node {counts[:50]}"
        raise ClusterError(_UNCLEAR.format(received))
    step = environment.get("SLURM_STEP_ID", "0")
    # a port that two steps on one node hardly share
    number = job * 31 + (int(step) if step.isdecimal() else 0) * 97
    port = _SLURM_PORTS[number % len(_SLURM_PORTS)]
    places = [(host, k) for host, count in zip(hosts, counts, strict=True) for k in range(count)]
    expected = places[rank][0]
    actual = environment.get("SLURMD_NODENAME", expected)
    if actual != expected:
        raise ClusterError(
            f"Slurm put rank {rank} on {actual}, and not on {expected}: its ranks must "
            "follow the order of the nodes. Say so: srun --distribution=block"
        )
    return Cluster(rank, cluster.size, tuple(f"{host}:{port + k}" for host, k in places))


def full_card(task: JointTask, corpus_sha256: str, gpus: int) -> dict[str, str]:
    """What must be the same on all ranks, by the name that users give it; the version first."""
    return {
        "program": __version__,
        "TensorFlow": tf.__version__,
        "Keras": keras.__version__,
        "list of addresses": ",".join(task.cluster.addresses),
        "corpus": corpus_sha256,
        "devices of each process": f"{gpus} GPUs" if gpus else "processor",
        **task.card,
    }


def agree(
    coordination: Coordination,
    own: Mapping[str, str] | CharRNNError,
    plan: Mapping[str, Any],
    check_cancelled: Callable[[], None],
) -> dict[str, Any]:
    """Compare the cards of all processes; returns rank 0's plan.

    Each publishes its card, or why it cannot take part.

    Raises:
        CharRNNError: What was given as `own`.
        BrokenClusterError: If another process is lost, cannot take part, or has another card: with
            the same sentence and exit code on all.
    """
    cluster = coordination.cluster
    card: Mapping[str, Any] = (
        {_FAILURE: [int(own.exit_code), str(own)]} if isinstance(own, CharRNNError) else own
    )
    coordination.publish(f"card/{cluster.rank}", {"card": card, "plan": plan})
    given: list[dict[str, Any]] = []
    for rank in range(cluster.size):
        given.append(coordination.fetch(f"card/{rank}", check_cancelled))
        refusal = _refusal(cluster, given[0]["card"], rank, given[rank]["card"])
        if refusal is not None:
            coordination.leave_together()  # rank 0 stays until all know
            raise own if isinstance(own, CharRNNError) else refusal
    agreed: dict[str, Any] = given[0]["plan"]
    return agreed


def _refusal(
    cluster: Cluster, first: Mapping[str, Any], rank: int, theirs: Mapping[str, Any]
) -> BrokenClusterError | None:
    """Why a rank cannot train with rank 0, if so; an entry that one leaves out fits any other."""
    if _FAILURE in theirs:
        code, sentence = theirs[_FAILURE]
        return _failure(code, f"{cluster.name_of(rank)} cannot take part: {sentence}")
    for key, value in first.items():
        if (other := theirs.get(key, value)) != value:
            form = "SHA-256 {:.12}" if key in _HASHES else "{:.300}"
            received = ", ".join(
                f"{form.format(each) if each else 'none'} on {cluster.name_of(number).lower()}"
                for each, number in ((value, 0), (other, rank))
            )
            sentence = f"All ranks of a cluster need the same {key}. Received: {received}"
            return _failure(ExitCode.DATA if key in _HASHES else ExitCode.USAGE, sentence)
    return None


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
