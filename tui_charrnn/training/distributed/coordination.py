"""Connect the processes of a training, compare their settings, and detect a lost process.

`MultiWorkerMirroredStrategy` starts TensorFlow's coordination service in the process of rank 0: it
provides heartbeats, a key-value store, and error reports to all processes. The strategies compute
sums and means over devices: `MirroredStrategy` over the GPUs of one process,
`MultiWorkerMirroredStrategy` over several processes.
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
from tui_charrnn.training.engine.steps import add_shards
from tui_charrnn.training.failures import cause_of

KEPT: Final = "Checkpoints are kept. To resume, run the same command for all processes."
_HASHES: Final = {"corpus", STARTING_MODEL}
"""Entries of a card that are SHA-256, or empty; a difference is a data error, not a usage error."""
_SHARED: Final = {ExitCode.USAGE, ExitCode.DATA, ExitCode.LOCKED, ExitCode.CANNOT_SAVE}
"""Permanent failures: all processes exit with the code of the failed one."""
_POLL: Final = 0.5  # seconds of one wait for a key, during which signals are not handled
_END_TIMEOUT: Final = 10.0  # seconds that processes wait for each other at the end
_REPORT_DELAY: Final = 1.0  # seconds to deliver rank 0's report, as the service ends with it
_MAX_SENTENCE: Final = 1_000  # characters of a reported sentence, which is sent in a header
_MARK: Final = "charrnn-tui: "
_FAILURE: Final = "failure"
_ALARM_MARGIN: Final = 30.0  # seconds for the command to end this process before SIGALRM does
_SLURM_PORTS: Final = range(20_000, 30_000)  # below the ports of outgoing connections
_UNCLEAR: Final = (
    "Slurm's variables do not name the nodes of its tasks ({}). Name them yourself: --cluster "
    "host:port,host:port --rank K"
)
_BROKEN: Final = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
"""Errors that TensorFlow raises for a lost process; other errors are identified by their text."""


class Coordination:
    """One process's client of the coordination service."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster: Final = cluster
        self._service = context.context()
        self._checked_at = time.monotonic()

    def publish(self, key: str, document: object) -> None:
        """Publish a JSON document to all processes; each key can be used only once."""
        with self.in_contact():
            self._service.set_config_key_value(key, json.dumps(document))

    def fetch(self, key: str, check_cancelled: Callable[[], None]) -> Any:
        """Wait for and return a document, until a process is lost or `check_cancelled` raises.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        while True:
            check_cancelled()
            with self.in_contact():
                try:
                    return json.loads(self._service.get_config_key_value(key, int(1e3 * _POLL)))
                except tf.errors.DeadlineExceededError as error:
                    if key not in str(error):  # the service itself timed out
                        raise

    def check(self) -> None:
        """Raise `BrokenClusterError` if a process is lost; checks at most once per second."""
        if time.monotonic() - self._checked_at < 1.0:
            return
        self._checked_at = time.monotonic()
        with self.in_contact():
            states = self._service.get_task_states([("worker", self.cluster.size)])
            if error := next((each for each in states if each is not None), None):
                raise error

    def report(self, code: ExitCode, sentence: str, cause: str) -> None:
        """Report a failure of this process to all others, which then exit too."""
        failure = json.dumps([self.cluster.rank, int(code), sentence[:_MAX_SENTENCE], cause])
        with contextlib.suppress(tf.errors.OpError):
            self._service.report_error_to_cluster(tf.errors.FAILED_PRECONDITION, _MARK + failure)
        if self.cluster.rank == 0:
            time.sleep(_REPORT_DELAY)

    def leave_together(self) -> None:
        """Wait for all processes before exiting, so that none counts as lost."""
        with contextlib.suppress(tf.errors.OpError):
            self._service.wait_at_barrier("end", int(1e3 * _END_TIMEOUT))

    @contextmanager
    def in_contact(self) -> Iterator[None]:
        """Convert errors caused by a lost or failed process to `BrokenClusterError`."""
        try:
            yield
        except tf.errors.OpError as error:
            text = str(error)
            if (reported := self._reported(text)) is not None:
                raise reported from error
            is_lost = isinstance(error, _BROKEN) or "Collective ops is aborted" in text
            if not (is_lost or "oordination" in text):
                raise  # e.g. out of memory
            raise BrokenClusterError(f"{self._describe_lost(text)} {KEPT}") from error

    def _reported(self, text: str) -> BrokenClusterError | None:
        """Return the failure reported by another process in an error's text, if any."""
        with contextlib.suppress(ValueError):
            start = text.index(_MARK) + len(_MARK)
            rank, code, sentence, cause = json.JSONDecoder().raw_decode(text, start)[0]
            return _failure(code, f"{self.cluster.name_of(rank)} has ended: {sentence}", cause)
        return None

    def _describe_lost(self, text: str) -> str:
        """Return a sentence that names the lost process, if the text of an error names it."""
        ranks = map(int, re.findall(r"/job:worker/replica:0/task:(\d+)", text))
        is_silent = "heartbeat" in text.lower() or "RPC to coordination service" in text
        lost = next((rank for rank in ranks if rank != self.cluster.rank), None)
        if lost is None and is_silent and self.cluster.rank:
            lost = 0  # rank 0 runs the service
        if lost is None:
            first_line, *_ = text[:200].split("\n")
            return f"The connection to the other processes broke: {first_line}"
        if is_silent:
            why = "does not respond: it hangs, or the network is down."
        else:
            why = "cannot be reached: it has ended, was killed, or its host is down."
        return f"{self.cluster.name_of(lost)} {why}"


def _failure(code: int, sentence: str, cause: str = "") -> BrokenClusterError:
    """Return another process's failure, with the exit code for this process."""
    error = BrokenClusterError(sentence)
    error.exit_code = ExitCode(code) if code in _SHARED else ExitCode.RESUME_ME
    error.cause = cause
    return error


def connect(
    task: JointTask, gpus: int
) -> tuple[Coordination, tf.distribute.MultiWorkerMirroredStrategy]:
    """Wait for all processes, and connect their devices: GPUs, or CPUs if `gpus` is 0.

    TensorFlow waits forever, whatever register timeout is configured, and keeps the interpreter
    lock: no signal handler and no other Python thread runs. Therefore the command that started
    this process reads the addresses from a pipe, and kills it if the pipe is still open after the
    timeout; if the command has ended, SIGALRM does.

    Raises:
        ClusterError: If this process's port is in use.
        BrokenClusterError: If a process is lost while connecting.
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
    with contextlib.suppress(OSError):  # the command may have ended
        os.write(task.events, ",".join(cluster.addresses).encode())
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, task.meet_within + _ALARM_MARGIN)
    try:
        with coordination.in_contact():
            return coordination, tf.distribute.MultiWorkerMirroredStrategy(resolver, options)
    except tf.errors.UnknownError as error:
        raise ClusterError(
            f"TensorFlow cannot listen at {cluster.addresses[cluster.rank]} ({error.message}), "
            "perhaps because a training there has not ended yet. Wait for it, or choose another "
            "port of this host."
        ) from error
    finally:  # on failure too, as this process reports it itself
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        with contextlib.suppress(OSError):
            os.close(task.events)


def resolve_addresses(cluster: Cluster, environment: Mapping[str, str]) -> Cluster:
    """Read the addresses from Slurm's variables, if the cluster has none.

    This uses TensorFlow's parsers, not its `SlurmClusterResolver`, which sorts hosts by name (n10
    before n9) and fails on nodes without a GPU.

    Raises:
        ClusterError: If the variables are inconsistent.
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
    # two job steps on one node are unlikely to get the same port
    number = job * 31 + (int(step) if step.isdecimal() else 0) * 97
    port = _SLURM_PORTS[number % len(_SLURM_PORTS)]
    places = [(host, k) for host, count in zip(hosts, counts, strict=True) for k in range(count)]
    expected = places[rank][0]
    actual = environment.get("SLURMD_NODENAME", expected)
    if actual != expected:
        raise ClusterError(
            f"Slurm placed rank {rank} on {actual}, not on {expected}: ranks must follow the "
            "order of the nodes. Use: srun --distribution=block"
        )
    return Cluster(rank, cluster.size, tuple(f"{host}:{port + k}" for host, k in places))


def full_card(task: JointTask, corpus_sha256: str, gpus: int) -> dict[str, str]:
    """Return what must be equal on all ranks, by display name; the program version first."""
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
    """Compare the cards of all processes, and return rank 0's plan.

    Each process publishes its card, or why it cannot take part.

    Raises:
        CharRNNError: The error given as `own`.
        BrokenClusterError: If another process is lost, cannot take part, or has a different card;
            with the same sentence and exit code on all.
    """
    cluster = coordination.cluster
    card: Mapping[str, Any] = (
        {_FAILURE: [int(own.exit_code), str(own), cause_of(own)]}
        if isinstance(own, CharRNNError)
        else own
    )
    coordination.publish(f"card/{cluster.rank}", {"card": card, "plan": plan})
    given: list[dict[str, Any]] = []
    for rank in range(cluster.size):
        given.append(coordination.fetch(f"card/{rank}", check_cancelled))
        refusal = _refusal(cluster, given[0]["card"], rank, given[rank]["card"])
        if refusal is not None:
            coordination.leave_together()  # rank 0 waits until all have read this
            raise own if isinstance(own, CharRNNError) else refusal
    agreed: dict[str, Any] = given[0]["plan"]
    return agreed


def _refusal(
    cluster: Cluster, first: Mapping[str, Any], rank: int, theirs: Mapping[str, Any]
) -> BrokenClusterError | None:
    """Return why a rank cannot train with rank 0, or None; a missing entry matches any value."""
    if _FAILURE in theirs:
        code, sentence, cause = theirs[_FAILURE]
        return _failure(code, f"{cluster.name_of(rank)} cannot take part: {sentence}", cause)
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
    """All replicas of one model."""

    def __init__(
        self, strategy: tf.distribute.Strategy, coordination: Coordination | None = None
    ) -> None:
        self._strategy = strategy
        self.in_contact = nullcontext if coordination is None else coordination.in_contact
        """A context manager in which a lost process raises `BrokenClusterError`."""
        self.has_peers: Final = coordination is not None
        self.devices: Sequence[str] = tuple(strategy.extended.worker_devices)  # of this process
        self.count: Final = int(strategy.num_replicas_in_sync)  # in all processes
        rank = 0 if coordination is None else coordination.cluster.rank
        self.first: Final = rank * len(self.devices)
        """Number of this process's first replica; batch rows are in replica order."""
        self._sum = tf.function(
            lambda vectors: strategy.run(lambda own: _add_up([own])[0], args=(vectors,)),
            autograph=False,
        )

    def sum(self, vector: Float32) -> Float32:
        """Return the sum of all processes' vectors.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        others = [np.zeros_like(vector)] * (len(self.devices) - 1)
        given = map(tf.constant, [vector, *others])
        # per-replica tensors of TensorFlow
        together = self._strategy.experimental_distribute_values_from_function(
            lambda _: next(given)  # in the order of the replicas
        )
        with self.in_contact():
            sums = self._strategy.experimental_local_results(self._sum(together))
            total: Float32 = sums[0].numpy()  # errors of a GPU are raised here
        return total

    def compute_on_each(
        self, function: Callable[[int], Sequence[Tensor]]
    ) -> list[tuple[Tensor, ...]]:
        """Trace a function of the replica's local index, which may use `mean`, on each replica."""

        def compute() -> list[Tensor]:
            replica = tf.distribute.get_replica_context()
            number = int(tf.get_static_value(replica.replica_id_in_sync_group))
            return list(function(number - self.first))

        apart = map(self._strategy.experimental_local_results, self._strategy.run(compute))
        return list(zip(*apart, strict=True))

    def mean(self, results: Sequence[Sequence[Tensor]]) -> list[Sequence[Tensor]]:
        """Return the means of a batch's `results` over all replicas, within `compute_on_each`."""
        return [[each / self.count for each in _add_up(add_shards(results))]]


def _add_up(values: Sequence[Tensor]) -> list[Tensor]:
    """Return the sums over all replicas; call it in a replica context."""
    replica = tf.distribute.get_replica_context()
    placed = [tf.identity(each) for each in values]  # arguments are not on a device yet
    # in one message: between processes, latency costs more than most tensors
    options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=0)
    return list(replica.all_reduce(tf.distribute.ReduceOp.SUM, placed, options=options))


class JointHardware(NamedTuple):
    """The hardware of a trainer in a cluster."""

    device: Device
    replicas: Replicas
    coordination: Coordination


def open_hardware(
    threads: int | None, batch_size: int, devices: int | None
) -> tuple[Device, Replicas | None]:
    """Configure TensorFlow before its first operation; raises `ConfigError` if GPUs are missing.

    The replicas are None for one device.
    """
    device = configure_devices(threads, batch_size)
    gpus = _take_gpus(devices, len(device.gpus))
    if gpus < 2:
        return device, None
    names = [f"GPU:{index}" for index in range(gpus)]
    return device, Replicas(tf.distribute.MirroredStrategy(names))


def open_joint_hardware(task: JointTask) -> JointHardware:
    """Configure as `open_hardware` does, and connect all processes; raises as `connect` does."""
    device = configure_devices(task.threads, max(1, task.batch_size // task.cluster.size))
    coordination, strategy = connect(task, _take_gpus(task.devices, len(device.gpus)))
    return JointHardware(device, Replicas(strategy, coordination), coordination)


def _take_gpus(devices: int | None, seen: int) -> int:
    """Hide the GPUs that this process does not use, and return how many it uses."""
    taken = seen if devices is None else min(devices, seen)
    if devices is not None and devices > max(1, seen):
        raise ConfigError(
            f"TensorFlow sees {seen or 'no'} GPU{'' if seen == 1 else 's'} here that it can use: "
            f"use --devices {max(1, seen)} or --devices all. Received: --devices {devices}"
        )
    if taken < seen:
        tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:taken], "GPU")
    return taken
