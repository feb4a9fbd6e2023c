"""Slurm's variables, the comparison of cards, and TensorFlow's errors for a lost process."""

import json
import os
import signal
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tui_charrnn.errors import BrokenClusterError, ClusterError, CorpusError, ExitCode
from tui_charrnn.training.distributed.placement import Cluster, JointTask
from tui_charrnn.training.failures import cause_of

pytestmark = pytest.mark.tensorflow

FOUR = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NODELIST": "node[9-12]",
    "SLURM_STEP_TASKS_PER_NODE": "1(x4)",
}
THREE = Cluster(1, 3, ("a:1", "b:2", "c:3"))


def resolved(variables: dict[str, str], rank: int = 2) -> Sequence[str]:
    from tui_charrnn.training.distributed.coordination import resolve_addresses

    return resolve_addresses(Cluster(rank, 4), variables).addresses


def test_ranks_follow_the_order_of_the_nodes_also_past_9() -> None:
    hosts = [each.rpartition(":")[0] for each in resolved(FOUR)]
    assert hosts == ["node9", "node10", "node11", "node12"]
    (port,) = {int(each.rpartition(":")[2]) for each in resolved(FOUR)}
    assert 20_000 <= port < 32_768


def test_tasks_on_one_node_have_a_port_each() -> None:
    two = {**FOUR, "SLURM_STEP_NODELIST": "a,b", "SLURM_STEP_TASKS_PER_NODE": "3,1"}
    hosts, ports = zip(*(each.split(":") for each in resolved(two)), strict=True)
    assert hosts == ("a", "a", "a", "b")
    assert [int(port) - int(ports[0]) for port in ports] == [0, 1, 2, 0]


def test_other_jobs_and_steps_have_other_ports() -> None:
    changes: list[dict[str, str]] = [{}, {"SLURM_JOB_ID": "4712"}, {"SLURM_STEP_ID": "1"}]
    assert len({resolved({**FOUR, **change})[0] for change in changes}) == 3


def test_addresses_that_are_known_stay() -> None:
    from tui_charrnn.training.distributed.coordination import resolve_addresses

    assert resolve_addresses(THREE, FOUR) is THREE


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"SLURM_STEP_TASKS_PER_NODE": "1(x3)"}, "4 tasks, 4 nodes, tasks by node [1, 1, 1]"),
        ({"SLURM_STEP_NODELIST": "node[01-02]"}, "tasks by node [1, 1, 1, 1]"),
        ({"SLURM_STEP_NODELIST": "node[01-"}, "--cluster host:port"),
        ({"SLURM_JOB_ID": "x"}, "--cluster host:port"),
        ({"SLURMD_NODENAME": "node9"}, "rank 2 on node9, not on node11"),
    ],
)
def test_variables_that_do_not_fit(changed: dict[str, str], message: str) -> None:
    with pytest.raises(ClusterError) as refused:
        resolved({**FOUR, **changed})
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["SLURM_JOB_ID", "SLURM_STEP_NODELIST"])
def test_a_variable_that_is_missing(name: str) -> None:
    with pytest.raises(ClusterError, match=name):
        resolved({key: value for key, value in FOUR.items() if key != name})


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("UnavailableError", "from /job:worker/replica:0/task:1", "Rank 1 (127.0.0.1:1)"),
        ("UnknownError", "Could not start gRPC server", "127.0.0.1:7 (Could not start gRPC"),
    ],
)
def test_a_connection_that_fails(
    monkeypatch: pytest.MonkeyPatch, name: str, words: str, message: str
) -> None:
    """The command reads the addresses from a pipe, which is closed after connecting."""
    import tensorflow as tf
    from tensorflow.python.eager import context

    from tui_charrnn.training.distributed.coordination import connect

    def fail(*_arguments: object) -> None:
        raise getattr(tf.errors, name)(None, None, words)

    service = SimpleNamespace(configure_coordination_service=lambda **_: None)
    monkeypatch.setattr(context, "context", lambda: service)
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", fail)
    reader, events = os.pipe()
    cluster = Cluster(0, 2, ("127.0.0.1:7", "127.0.0.1:1"))
    with os.fdopen(reader) as read:
        with pytest.raises((BrokenClusterError, ClusterError)) as failed:
            connect(JointTask(cluster=cluster, events=events), 0)
        assert read.read() == ",".join(cluster.addresses)
    assert message in str(failed.value)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0.0


class Service:
    """A fake service of one process with scripted answers."""

    def __init__(self, error: Exception | None = None) -> None:
        self.keys: dict[str, str] = {}
        self.error = error

    def set_config_key_value(self, key: str, value: str) -> None:
        """Store a value."""
        self.keys[key] = value

    def get_config_key_value(self, key: str, _milliseconds: int) -> str:
        """Return the value, or raise an error."""
        if self.error is not None:
            raise self.error
        return self.keys[key]


def coordination(service: Any, cluster: Cluster = THREE) -> Any:
    from tui_charrnn.training.distributed.coordination import Coordination

    made: Any = Coordination(cluster)
    made._service = service
    return made


def fetched(error_name: str, words: str) -> BrokenClusterError:
    """Return the exception for an error that is raised while waiting for a key."""
    import tensorflow as tf

    error = getattr(tf.errors, error_name)(None, None, words)
    with pytest.raises(BrokenClusterError) as broken:
        coordination(Service(error)).fetch("outset", lambda: None)
    return broken.value


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        (
            "UnavailableError",
            (
                "Collective ops is aborted by: Error reported from /job:worker/task:2: The "
                "following tasks are unhealthy (stopped sending heartbeats):\n"
                "/job:worker/replica:0/task:2\n"
            ),
            "Rank 2 (c:3) does not respond",
        ),
        (
            "UnavailableError",
            (
                "recvmsg:Connection reset by peer\nAdditional GRPC error information from remote "
                "target /job:worker/replica:0/task:0 while calling"
            ),
            "Rank 0 (a:1) cannot be reached",
        ),
        (
            "DeadlineExceededError",
            "Deadline Exceeded\n\nRPC: /tensorflow.CoordinationService/Heartbeat",
            "Rank 0 (a:1) does not respond",
        ),
        ("AbortedError", "Something\nelse", "broke: Something"),
    ],
)
def test_who_is_lost_is_named(name: str, words: str, message: str) -> None:
    error = fetched(name, words)
    assert message in str(error)
    assert error.exit_code is ExitCode.RESUME_ME


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [(6, ExitCode.CANNOT_SAVE), (3, ExitCode.DATA), (1, ExitCode.RESUME_ME)],
)
def test_a_failure_that_is_reported_ends_the_others(code: int, exit_code: ExitCode) -> None:
    sent: list[str] = []
    service = SimpleNamespace(report_error_to_cluster=lambda _code, words: sent.append(words))
    coordination(service).report(ExitCode(code), 'the disk is "full" {} and \u00e4', "disk")
    words = f"Collective ops is aborted by: {sent[0]} [type.googleapis.com/x='\\x18']"
    error = fetched("FailedPreconditionError", words)
    assert str(error) == 'Rank 1 (b:2) has ended: the disk is "full" {} and \u00e4'
    assert error.exit_code is exit_code
    assert cause_of(error) == "disk"


def test_too_little_memory_is_no_loss() -> None:
    import tensorflow as tf

    error = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
    with pytest.raises(tf.errors.ResourceExhaustedError):
        coordination(Service(error)).fetch("outset", lambda: None)


CARD = {"program": "1", "corpus": "ab"}


def agreed(card: Any, own: Any = CARD, service: Any = None) -> Any:
    """Run the comparison on rank 1 of three with the given card of rank 2."""
    from tui_charrnn.training.distributed.coordination import agree

    service = service or Service()
    first = {"card": CARD, "plan": {"run": 7}}
    service.keys["card/0"] = json.dumps(first)
    service.keys["card/2"] = json.dumps({"card": card, "plan": {}})
    made = coordination(service)
    made._service.wait_at_barrier = lambda *_: None
    return agree(made, own, {}, lambda: None)


@pytest.mark.parametrize("card", [CARD, {**CARD, "starting model (--from)": "ef"}])
def test_ranks_that_want_the_same_get_the_plan_of_rank_0(card: Any) -> None:
    """A rank that resumes omits the starting model."""
    assert agreed(card) == {"run": 7}


@pytest.mark.parametrize(
    ("card", "code", "message"),
    [
        (
            {"program": "2", "corpus": "ab"},
            2,
            "same program. Received: 1 on rank 0 (a:1), 2 on rank 2 (c:3)",
        ),
        (
            {"program": "1", "corpus": "cd" * 32},
            3,
            "Received: SHA-256 ab on rank 0 (a:1), SHA-256 cdcdcdcdcdcd on rank 2 (c:3)",
        ),
        ({**CARD, "corpus": ""}, 3, "Received: SHA-256 ab on rank 0 (a:1), none on rank 2"),
        ({"failure": [3, "No text.", "text"]}, 3, "Rank 2 (c:3) cannot take part: No text."),
        ({"failure": [5, "It is locked.", ""]}, 5, "It is locked."),
        ({"failure": [1, "It has a defect.", ""]}, 75, "It has a defect."),
    ],
)
def test_the_first_difference_is_reported(card: Any, code: int, message: str) -> None:
    with pytest.raises(BrokenClusterError) as refused:
        agreed(card)
    assert message in str(refused.value)
    assert int(refused.value.exit_code) == code


def test_whoever_cannot_take_part_says_why_itself() -> None:
    error, published = CorpusError("There is no text."), Service()
    with pytest.raises(CorpusError) as raised:
        agreed(CARD, own=error, service=published)
    assert raised.value is error
    with pytest.raises(BrokenClusterError, match="There is no text") as refused:
        agreed(json.loads(published.keys["card/1"])["card"])
    assert cause_of(refused.value) == "text"
