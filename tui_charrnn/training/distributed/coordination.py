"""How the processes of a training find each other, agree, and learn that one of them is lost.

All of it is TensorFlow's coordination service, which `MultiWorkerMirroredStrategy` starts:
heartbeats between all processes, a store of keys and values, and errors that one process reports to
all. It runs in the process of rank 0, at its address; no port is opened but TensorFlow's own.
"""

import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import keras
import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver as slurm
from tensorflow.python.eager import context

from tui_charrnn import __version__
from tui_charrnn.errors import (
    BrokenClusterError,
    CharRNNError,
    ClusterError,
    CorpusError,
    ExitCode,
)
from tui_charrnn.training.distributed.placement import (
    HEARTBEAT,
    Cluster,
    JointTask,
    split_address,
)

SPARE: Final = 30.0
"""Seconds after which the system ends a process that should have been ended by its command."""
DATA_KEY: Final = "corpus"
"""The entry of a card whose difference is one of data, not of settings."""
_SHARED: Final = frozenset({
    ExitCode.USAGE,
    ExitCode.DATA,
    ExitCode.LOCKED,
    ExitCode.CANNOT_SAVE,
})
"""Failures that starting again would meet again: all end with the code of whoever met them."""
_LOOK: Final = 0.5
"""Seconds of one wait for a key: no signal is looked at within it."""
_LEAVING: Final = 10.0
"""Seconds that processes wait for each other at the end; rank 0 must not go first."""
_REPORTING: Final = 1.0
"""Seconds that a report of rank 0 is given to reach the others, as its service ends with it."""
_LONGEST: Final = 1_000
"""Characters of a reported sentence; it travels in a header."""
_DIGITS: Final = 12
"""How many hexadecimal digits of a hash tell people that two texts differ."""
_MARK: Final = '{"charrnn-tui": '
_KEPT: Final = "What was saved is kept; the same command on all of them goes on from there."
_FIRST_PORT: Final = 20_000
_SLURM_PORTS: Final = 10_000
"""From which a job's own is chosen: below those that systems lend to outgoing connections."""
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
"""What TensorFlow raises where another process is gone; others need a look at their words."""


class Coordination:
    """The service, as one process sees it once all are connected.

    Args:
        cluster: All processes.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster: Final = cluster
        self._service = context.context()
        self._checked_at = time.monotonic()

    def publish(self, key: str, document: object) -> None:
        """Let all processes have a JSON document; a key is used once."""
        with self.in_contact():
            self._service.set_config_key_value(key, json.dumps(document))

    def fetch(
        self, key: str, check_cancelled: Callable[[], None], limit: float | None, whose: int
    ) -> Any:
        """Wait for what a process publishes.

        Args:
            key: Its key.
            check_cancelled: Called between two looks; it raises to give the waiting up.
            limit: Seconds; None waits for as long as all processes live.
            whose: The rank that publishes it.

        Raises:
            BrokenClusterError: If a process is lost, or the time is over.
        """
        deadline = None if limit is None else time.monotonic() + limit
        while deadline is None or time.monotonic() < deadline:
            check_cancelled()
            with self.in_contact():
                try:
                    text = self._service.get_config_key_value(key, int(1e3 * _LOOK))
                except tf.errors.DeadlineExceededError as error:
                    if key not in str(error):  # it is the service that does not answer
                        raise
                else:
                    return json.loads(text)
        raise BrokenClusterError(
            f"{self.cluster.name_of(whose)} was not ready within {limit:g} seconds. {_KEPT}"
        )

    def check(self) -> None:
        """Raise `BrokenClusterError` if a process is lost; a look is taken once a second."""
        if time.monotonic() - self._checked_at < 1.0:
            return
        self._checked_at = time.monotonic()
        with self.in_contact():
            states = self._service.get_task_states([("worker", self.cluster.size)])
            if error := next((each for each in states if each is not None), None):
                raise error

    def report(self, code: int, sentence: str) -> None:
        """Tell all others of a failure of this process, which ends: they end as well."""
        document = {"rank": self.cluster.rank, "code": code, "sentence": sentence[:_LONGEST]}
        with contextlib.suppress(tf.errors.OpError):
            self._service.report_error_to_cluster(
                tf.errors.FAILED_PRECONDITION, f"{_MARK}{json.dumps(document)}}}"
            )
        if self.cluster.rank == 0:
            time.sleep(_REPORTING)

    def leave_together(self) -> None:
        """Wait a moment until all have come to their end, so that none is missed for leaving."""
        with contextlib.suppress(tf.errors.OpError):
            self._service.wait_at_barrier("end", int(1e3 * _LEAVING))

    @contextmanager
    def in_contact(self) -> Iterator[None]:
        """Say who is lost where TensorFlow finds that it cannot reach a process.

        Raises:
            BrokenClusterError: If one is lost, or has reported a failure.
        """
        try:
            yield
        except tf.errors.OpError as error:
            text = str(error)
            if (reported := self._reported(text)) is not None:
                raise reported from error
            is_lost = isinstance(error, _BROKEN) or "Collective ops is aborted" in text
            if not (is_lost or "oordination" in text):
                raise  # as too little memory
            raise BrokenClusterError(f"{self._loss(text)} {_KEPT}") from error

    def _reported(self, text: str) -> BrokenClusterError | None:
        """The failure that another process has reported, if an error's words hold one."""
        start = text.find(_MARK)
        if start < 0:
            return None
        try:
            told = json.JSONDecoder().raw_decode(text, start + len(_MARK))[0]
            rank, code, sentence = int(told["rank"]), int(told["code"]), str(told["sentence"])
        except (ValueError, KeyError, TypeError):
            return None
        error = BrokenClusterError(f"{self.cluster.name_of(rank)} has ended: {sentence}")
        error.exit_code = ExitCode(code) if code in _SHARED else ExitCode.RESUME_ME
        return error

    def _loss(self, text: str) -> str:
        """Who is lost, as far as the words of an error tell."""
        tasks = [int(each) for each in re.findall(r"/job:worker/replica:0/task:(\d+)", text)]
        named = next((each for each in tasks if each != self.cluster.rank), None)
        is_silent = "heartbeat" in text.lower() or "RPC to coordination service" in text
        if is_silent and named is None and self.cluster.rank:
            named = 0  # whose process runs the service
        if named is None:
            first_line = text.partition("\n")[0][:200]
            return f"The connection to the other processes broke: {first_line}"
        if is_silent:
            return (
                f"{self.cluster.name_of(named)} gives no sign of life: it hangs, or the network "
                "between is down."
            )
        return (
            f"{self.cluster.name_of(named)} cannot be reached: it has ended, was killed, or its "
            "host is down."
        )


def connect(
    task: JointTask, gpus: int
) -> tuple[Coordination, tf.distribute.MultiWorkerMirroredStrategy]:
    """Wait until all processes are there, and connect their devices.

    TensorFlow sets no bound to that, whatever register timeout the service is configured with, and
    holds the interpreter meanwhile: neither a signal's handler nor another thread of Python runs.
    So the command that started this process is told, and ends it when the time is over; if that is
    gone, the system does by SIGALRM.

    Args:
        task: Who trains together.
        gpus: How many each process takes; 0 for the processor.

    Raises:
        ClusterError: If the addresses cannot be used, or this process's port is in use.
    """
    placement, cluster = task.placement, task.placement.cluster
    if cluster is None:
        raise ValueError("one process has nobody to connect to")
    check_port(cluster.addresses[cluster.rank])
    _tell(task, f"connecting {','.join(cluster.addresses)}")
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
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, placement.meet_within + SPARE)
    coordination = Coordination(cluster)
    try:
        with coordination.in_contact():
            strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver, options)
        _tell(task, "connected")
    except BaseException:
        _tell(task, "failed")  # and says why itself: the command need not end it
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    return coordination, strategy


def _tell(task: JointTask, event: str) -> None:
    """Tell the command, which may be gone."""
    with contextlib.suppress(OSError):
        os.write(task.events, f"{event}\n".encode())


def check_port(address: str) -> None:
    """Raise `ClusterError` if the port of an address cannot be used on this host."""
    port = split_address(address)[1]
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of a training just ended
        try:
            trial.bind(("", port))
        except OSError as error:
            raise ClusterError(
                f"Port {port} of this host cannot be used ({error.strerror}), perhaps because a "
                "training there has not ended yet; wait for it, or choose another port. Received: "
                f"{address}"
            ) from error


def resolve_addresses(cluster: Cluster, environment: Mapping[str, str]) -> Cluster:
    """Have Slurm's variables read by TensorFlow, where nothing else says the addresses.

    Its parsers are used and not its `SlurmClusterResolver`, which sorts hosts by name, so that n10
    comes before n9 and ranks have the addresses of others, and fails on nodes without a GPU.

    Raises:
        ClusterError: If the variables do not fit together.
    """
    if cluster.addresses:
        return cluster
    size, rank = cluster.size, cluster.rank
    try:
        hosts = slurm.expand_hostlist(environment["SLURM_STEP_NODELIST"])
        counts = slurm.expand_tasks_per_node(environment["SLURM_STEP_TASKS_PER_NODE"])
        job = int(environment["SLURM_JOB_ID"])
    except (KeyError, ValueError) as error:
        raise ClusterError(_UNCLEAR.format(error)) from error
    if len(hosts) != len(counts) or sum(counts) != size:
        told = f"{size} tasks, {len(hosts)} nodes, tasks by node {counts[:50]}"
        raise ClusterError(_UNCLEAR.format(told))
    step = environment.get("SLURM_STEP_ID", "0")
    # a port that two steps on one node hardly share
    port = _FIRST_PORT + (job * 31 + (int(step) if step.isdecimal() else 0) * 97) % _SLURM_PORTS
    places = [(host, k) for host, count in zip(hosts, counts, strict=True) for k in range(count)]
    actual = environment.get("SLURMD_NODENAME", places[rank][0])
    if actual != places[rank][0]:
        raise ClusterError(
            f"Slurm put rank {rank} on {actual}, and not on {places[rank][0]}: its ranks must "
            "follow the order of the nodes. Say so: srun --distribution=block"
        )
    return Cluster(rank, size, tuple(f"{host}:{port + k}" for host, k in places))


def full_card(task: JointTask, corpus_sha256: str, gpus: int) -> dict[str, str]:
    """What must be the same on all ranks: what the command says, versions, text and devices."""
    cluster = task.placement.cluster
    return {
        "program": __version__,
        "TensorFlow": tf.__version__,
        "Keras": keras.__version__,
        "list of addresses": ",".join(cluster.addresses) if cluster else "",
        DATA_KEY: corpus_sha256,
        "devices of each process": f"{gpus} GPUs" if gpus else "processor",
        **task.card,
    }


def agree(
    coordination: Coordination,
    own: Mapping[str, str] | CharRNNError,
    plan: Mapping[str, Any],
    check_cancelled: Callable[[], None],
    limit: float,
) -> dict[str, Any]:
    """Make sure that all want the same: rank 0 compares, and tells all what it found.

    Args:
        coordination: Connects the processes.
        own: This process's card, or why it cannot take part.
        plan: What rank 0 has all know, if they agree.
        check_cancelled: Called while waiting; it raises to give it up.
        limit: Seconds that one may need longer than another.

    Returns:
        The plan of rank 0.

    Raises:
        ClusterError: If settings or versions differ, on every rank.
        CorpusError: If the texts differ, or one of them cannot be read, on every rank.
        CharRNNError: What was given as `own`, or another failure of any rank.
        BrokenClusterError: If one of them is lost.
    """
    cluster = coordination.cluster
    if isinstance(own, CharRNNError):
        words: dict[str, Any] = {"failure": [int(own.exit_code), str(own)[:_LONGEST]]}
    else:
        words = {"card": dict(own)}
    coordination.publish(f"card/{cluster.rank}", words)
    if cluster.rank == 0:
        cards = [
            coordination.fetch(f"card/{rank}", check_cancelled, limit, rank)
            for rank in range(cluster.size)
        ]
        refusal = _refusal(cluster, cards)
        coordination.publish("verdict", {"refusal": refusal, **(plan if refusal is None else {})})
    verdict: dict[str, Any] = coordination.fetch("verdict", check_cancelled, limit + _LEAVING, 0)
    if verdict["refusal"] is None:
        return verdict
    coordination.leave_together()  # rank 0 stays until all know
    if isinstance(own, CharRNNError):
        raise own
    code, sentence = verdict["refusal"]
    kinds = {int(ExitCode.USAGE): ClusterError, int(ExitCode.DATA): CorpusError}
    error = kinds.get(code, BrokenClusterError)(sentence)
    error.exit_code = ExitCode(code) if code in _SHARED else ExitCode.RESUME_ME
    raise error


def _refusal(cluster: Cluster, cards: list[dict[str, Any]]) -> tuple[int, str] | None:
    """Exit code and sentence of the first failure or difference."""
    for rank, words in enumerate(cards):
        if "failure" in words:
            code, sentence = words["failure"]
            return code, f"{cluster.name_of(rank)} cannot take part: {sentence}"
    ours = cards[0]["card"]
    for rank, words in enumerate(cards):
        theirs = words["card"]
        for key in (*ours, *theirs):
            if ours.get(key) != theirs.get(key):
                is_data = key == DATA_KEY
                first, other = (
                    f"{card.get(key, '(nothing)')[: _DIGITS if is_data else 300]} on "
                    f"{cluster.name_of(number).lower()}"
                    for number, card in ((0, ours), (rank, theirs))
                )
                received = "SHA-256 " if is_data else ""
                sentence = (
                    f"All ranks of a cluster need the same {key}. "
                    f"Received: {received}{first}, {received}{other}"
                )
                return int(ExitCode.DATA if is_data else ExitCode.USAGE), sentence
    return None
