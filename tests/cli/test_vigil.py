"""Commands of one training, while their trainers begin: whoever is left behind does not wait."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.cluster_run import free_addresses
from tests.support.command import PATIENCE
from tests.support.fake_run import created_run
from tui_charrnn.cli.vigil import Vigil
from tui_charrnn.cluster.company import Company
from tui_charrnn.cluster.meeting import meet
from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.storage import Storage

STAYS = "import signal; signal.pause()"


@pytest.fixture
def companies() -> Iterator[list[Company]]:
    """The chief's and another's, who have met."""
    addresses = tuple(free_addresses(2).split(","))
    with ThreadPoolExecutor(2) as threads:
        clusters = [Cluster(addresses, rank) for rank in range(2)]
        met = list(threads.map(lambda each: meet(each, {}, deadline=PATIENCE), clusters))
        yield met
        list(threads.map(lambda company: company.leave(0), met))


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Processes that are gone after the test."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for trainer in processes:
        trainer.kill()
        trainer.wait()


def begin(code: str, started: list["subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
    started.append(subprocess.Popen([sys.executable, "-c", code]))
    return started[-1]


def run_in(folder: Path, state: RunState, pid: int, message: str = "") -> RunDirectory:
    """A run whose trainer says what it is doing."""
    run = created_run(folder)
    status = RunStatus(state=state, pid=pid, message=message)
    Storage().write_atomically(run.status, encode_json(status.to_json()))
    return run


@pytest.mark.parametrize(
    ("code", "message", "shared", "told"),
    [
        ("raise SystemExit(3)", "The text is gone.", 3, "has ended: The text is gone."),
        ("raise SystemExit(75)", "", 75, "has ended: its trainer was told to leave before all"),
        ("import os; os.kill(os.getpid(), 9)", "", 75, "has ended with exit code 1."),
    ],
)
def test_who_ends_before_all_have_begun_ends_the_others(  # noqa: PLR0917  fixtures
    companies: list[Company],
    started: list["subprocess.Popen[bytes]"],
    tmp_path: Path,
    code: str,
    message: str,
    shared: int,
    told: str,
) -> None:
    watching, failing = map(Vigil, companies)
    waiting = begin(STAYS, started)
    watching.over(run_in(tmp_path / "0", RunState.LOADING, waiting.pid), waiting)
    other = begin(code, started)
    failing.over(run_in(tmp_path / "1", RunState.FAILED, other.pid, message), other)
    assert waiting.wait(PATIENCE) == -signal.SIGTERM
    lost = watching.loss()
    assert lost is not None
    assert (lost.rank, lost.exit_code, told in lost.sentence) == (1, shared, True)
    assert failing.loss() is None


def test_once_all_are_at_work_nobody_is_told_to_leave(
    companies: list[Company], started: list["subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    vigils = [Vigil(company) for company in companies]
    trainers = [begin(STAYS, started) for _ in vigils]
    for place, (vigil, trainer) in enumerate(zip(vigils, trainers, strict=True)):
        vigil.over(run_in(tmp_path / str(place), RunState.TRAINING, trainer.pid), trainer)
    assert [vigil.loss() for vigil in vigils] == [None, None]
    assert [trainer.poll() for trainer in trainers] == [None, None]


def test_what_an_earlier_trainer_said_does_not_count(
    companies: list[Company], started: list["subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    watching, failing = map(Vigil, companies)
    waiting, dead = begin(STAYS, started), begin("raise SystemExit(1)", started)
    watching.over(run_in(tmp_path / "0", RunState.TRAINING, pid=waiting.pid + 1), waiting)
    failing.over(run_in(tmp_path / "1", RunState.TRAINING, pid=dead.pid + 1), dead)
    assert waiting.wait(PATIENCE) == -signal.SIGTERM
    assert watching.loss() is not None


def test_a_command_that_starts_no_trainer_has_lost_nobody(companies: list[Company]) -> None:
    assert [Vigil(company).loss() for company in companies] == [None, None]
