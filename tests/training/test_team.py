"""Several trainers as one of them sees them: orders, ends, and who is lost, without TensorFlow."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

from tests.support.cluster_run import free_addresses
from tests.support.command import PATIENCE, ROOT, wait_for
from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.errors import BrokenClusterError, ExitCode
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.training import team as team_module
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.orders import Order, Task, decode_order, pack_tensors, unpack_tensors
from tui_charrnn.training.placement import Placement
from tui_charrnn.training.team import Team
from tui_charrnn.training.votes import take_up, vote

SAVED = RunStatus(state=RunState.SAVED, message="SIGTERM came.")


def refuse_to_leave(error: BrokenClusterError) -> None:
    raise AssertionError(f"the main thread was there: {error}")


@contextmanager
def two_teams(
    leave_at_once: Callable[[BrokenClusterError], None] = refuse_to_leave,
) -> Iterator[tuple[Team, Team]]:
    """The chief and another, in one process."""
    addresses = tuple(free_addresses(2).split(","))
    teams = [Team(Placement(Cluster(addresses, rank)), leave_at_once) for rank in range(2)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda team: team.join({"corpus": "same"}, lambda: None), teams))
        yield teams[0], teams[1]
        ends = [
            threads.submit(team.part, ExitCode.OK, RunStatus(state=RunState.FINISHED))
            for team in teams
        ]
        assert [end.result() for end in ends] == [ExitCode.OK, ExitCode.OK]


@contextmanager
def chief_of_a_process(
    leave_at_once: Callable[[BrokenClusterError], None],
) -> Iterator[tuple[Team, "subprocess.Popen[bytes]"]]:
    """A chief, and another trainer in a process of its own, which can be lost."""
    addresses = tuple(free_addresses(2).split(","))
    code = (
        "from tui_charrnn.cluster.meeting import meet\n"
        "from tui_charrnn.cluster.membership import Cluster\n"
        f"meet(Cluster({addresses!r}, 1), {{}}, deadline={PATIENCE}).broadcast(None)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        team = Team(Placement(Cluster(addresses, 0)), leave_at_once)
        team.join({}, lambda: None)
        yield team, other
        team.part(ExitCode.RESUME_ME, SAVED)
    finally:
        other.kill()
        other.wait()


def test_orders_come_in_their_order_and_the_end_says_how() -> None:
    tensors = {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3).T}
    state: dict[str, np.ndarray] = {
        "state.0": np.ones((2, 2), np.float32),
        "step": np.array(3, np.int64),
    }
    with two_teams() as (chief, other):
        chief.lead(Order(Task.TRAIN, {"step": 7, "learning_rate": 0.1 + 0.2}))
        chief.lead(Order(Task.RESTORE, data=pack_tensors(tensors, state)))
        first, second = other.await_order(), other.await_order()
        assert (first.task, first.values) == (
            Task.TRAIN,
            {"step": 7, "learning_rate": 0.1 + 0.2},
        )
        weights, training = unpack_tensors(second.data)
        np.testing.assert_array_equal(weights["kernel"], tensors["kernel"])
        assert {name: each.dtype for name, each in training.items()} == {
            name: each.dtype for name, each in state.items()
        }
        chief.part(ExitCode.RESUME_ME, SAVED)
        end = other.await_order()
        assert (end.task, end.values) == (
            Task.END,
            {"code": 75, "state": "saved", "message": "SIGTERM came."},
        )


def test_an_order_without_tensors_is_whole() -> None:
    order = Order(Task.GATHER)
    assert decode_order(order.encode()) == order


def test_a_failure_of_the_chief_is_told_with_its_code() -> None:
    with two_teams() as (chief, other):
        failed = RunStatus(state=RunState.FAILED, message="The disk is full.")
        chief.part(ExitCode.CANNOT_SAVE, failed)
        with pytest.raises(BrokenClusterError, match="The disk is full") as told:
            other.await_order()
        assert told.value.exit_code is ExitCode.CANNOT_SAVE


@pytest.mark.parametrize("deserter", [0, 1])
def test_who_stops_at_once_leaves_nobody_waiting(deserter: int) -> None:
    with two_teams() as teams:
        teams[deserter].desert("it stopped at once.")
        left = teams[1 - deserter]
        wait_for("the loss is known", lambda: is_lost(left))
        with pytest.raises(BrokenClusterError, match=f"Rank {deserter} .* stopped at once") as told:
            left.check()
        assert told.value.exit_code is ExitCode.RESUME_ME


def is_lost(team: Team) -> bool:
    try:
        team.check()
    except BrokenClusterError:
        return True
    return False


def test_where_a_connection_breaks_it_is_said_who_is_lost() -> None:
    with chief_of_a_process(refuse_to_leave) as (team, other):
        other.kill()
        with pytest.raises(BrokenClusterError, match="Rank 1"), team.in_contact((OSError,), ()):
            raise OSError("Connection reset by peer")
        with pytest.raises(BrokenClusterError, match="Rank 1"):
            team.check()


def test_a_broken_connection_is_told_though_nobody_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(team_module, "NAMING_TIME", 0.0)
    with two_teams() as (chief, _):
        broken = pytest.raises(BrokenClusterError, match="reset by peer")
        with broken as told, chief.in_contact((OSError,), ()):
            raise OSError("reset by peer")
        assert told.value.exit_code is ExitCode.RESUME_ME
        with pytest.raises(LookupError), chief.in_contact((OSError,), (LookupError,)):
            raise LookupError("a defect")


def test_a_main_thread_that_waits_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team_module, "PATIENCE", 0.0)
    told: list[str] = []
    is_left = threading.Event()

    def leave(error: BrokenClusterError) -> None:
        told.append(str(error))
        is_left.set()

    with chief_of_a_process(leave) as (_, other):
        other.kill()
        wait_for("the process is left", is_left.is_set)
    assert "Rank 1" in told[0]


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ("SIGTERM", Reason.PREEMPTED),
        ("SIGUSR2", Reason.PREEMPTED),
        ("SIGINT", Reason.INTERRUPTED),
        ("time limit", Reason.TIME_LIMIT),
    ],
)
def test_a_reason_of_one_becomes_the_reason_of_all(cause: str, reason: Reason) -> None:
    there, here = Interruption(), Interruption()
    take_up(vote(there), here)
    assert not here.is_requested()
    there.request(reason, cause)
    take_up(np.divide(vote(there), 512).tolist(), here)
    assert (here.reason, here.cause) == (reason, cause)


def test_a_request_is_the_chiefs_own_affair() -> None:
    asked = Interruption()
    asked.request(Reason.STOPPED)
    assert not any(vote(asked))
