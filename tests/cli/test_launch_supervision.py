"""What becomes of a launch when its workers die, hang, fail or are told to leave."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import finish, wait_for
from tests.support.stand_in_launch import start_stand_ins
from tui_charrnn.runs.host import process_exists

LEAVES = "on_term(75); stay()"
"""A worker that saves and leaves when it is told to."""


def noted(folder: Path, what: str) -> list[str]:
    return sorted(path.name for path in folder.glob(f"{what}-*"))


def await_note(folder: Path, name: str) -> None:
    wait_for(f"{name} is noted", (folder / name).exists)


def test_all_finish(tmp_path: Path) -> None:
    ended = finish(start_stand_ins(tmp_path, "note('done')", "note('done')", "note('done')"))
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert noted(tmp_path, "done") == ["done-0-0", "done-1-0", "done-2-0"]


@pytest.mark.parametrize("death", ["die()", "sys.exit(1)"])
def test_when_one_dies_all_begin_again(tmp_path: Path, death: str) -> None:
    chief = "note('begun'); (on_term(75), stay()) if ATTEMPT == 0 else None"
    other = f"note('begun')\nif ATTEMPT == 0: when('ready-0-0'); {death}"
    ended = finish(start_stand_ins(tmp_path, chief, other, patience=(0.1, 60)))
    told = ended.stderr.decode()
    assert ended.returncode == 0, told
    assert noted(tmp_path, "begun") == ["begun-0-0", "begun-0-1", "begun-1-0", "begun-1-1"]
    how = "was ended by SIGKILL" if death == "die()" else "ended with exit code 1"
    assert f"Worker 1 {how}. All begin again from the last checkpoint" in told
    assert "(restart 1 of 3)" in told


def test_the_restarts_are_limited(tmp_path: Path) -> None:
    ended = finish(start_stand_ins(tmp_path, "note('begun'); die()", "", restarts=2))
    assert ended.returncode == 1
    assert noted(tmp_path, "begun") == ["begun-0-0", "begun-0-1", "begun-0-2"]
    assert b"2 of 2 restarts are used up" in ended.stderr


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("rank", [0, 1])
def test_a_failure_that_would_come_again_ends_it(tmp_path: Path, code: int, rank: int) -> None:
    workers = ["note('begun'); sys.exit(75)"] * 2
    workers[rank] = f"note('begun'); sys.exit({code})"
    ended = finish(start_stand_ins(tmp_path, *workers))
    assert ended.returncode == code
    assert noted(tmp_path, "begun") == ["begun-0-0", "begun-1-0"]


@pytest.mark.parametrize("code", [75, 130])
def test_what_all_were_asked_for_is_not_begun_again(tmp_path: Path, code: int) -> None:
    ended = finish(start_stand_ins(tmp_path, *[f"note('begun'); sys.exit({code})"] * 2))
    assert ended.returncode == code
    assert noted(tmp_path, "begun") == ["begun-0-0", "begun-1-0"]


def test_a_run_that_the_chief_has_finished_is_finished(tmp_path: Path) -> None:
    ended = finish(start_stand_ins(tmp_path, "when('dying-1-0')", "note('dying'); die()"))
    assert ended.returncode == 0
    assert b"The run is finished; worker 1 was ended by SIGKILL." in ended.stderr


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGUSR2, 75), (signal.SIGINT, 130)],
)
def test_signals_are_handed_on_and_nothing_begins_again(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    leaves = f"signal.signal({int(number)}, lambda *_: (note('told'), os._exit({code})))\n"
    launch = start_stand_ins(tmp_path, *[leaves + "note('ready'); stay()"] * 2)
    for rank in (0, 1):
        await_note(tmp_path, f"ready-{rank}-0")
    launch.send_signal(number)
    assert finish(launch).returncode == code
    assert noted(tmp_path, "told") == ["told-0-0", "told-1-0"]


def test_a_signal_between_two_attempts_ends_it(tmp_path: Path) -> None:
    launch = start_stand_ins(tmp_path, "note('begun'); die()", "", pause=600.0)
    assert launch.stderr is not None
    assert b"restart 1 of 3" in launch.stderr.readline()
    launch.terminate()
    assert finish(launch).returncode == 75
    assert noted(tmp_path, "begun") == ["begun-0-0"]


@pytest.mark.parametrize("hang", ["signal.signal(signal.SIGTERM, signal.SIG_IGN)", "stop()"])
def test_a_worker_that_hangs_is_killed_and_all_begin_again(tmp_path: Path, hang: str) -> None:
    hanging = hang.replace("stop()", "os.kill(os.getpid(), signal.SIGSTOP)")
    other = f"if ATTEMPT == 0: note('hangs'); {hanging}; stay()"
    chief = "(when('hangs-1-0'), sys.exit(75)) if ATTEMPT == 0 else None"
    ended = finish(start_stand_ins(tmp_path, chief, other, patience=(0.1, 0.5)))
    assert ended.returncode == 0
    assert b"Still there 0.1 s after the first has ended: worker 1." in ended.stderr
    assert b"Worker 1 did not end by itself and was killed." in ended.stderr


def test_the_trainer_of_a_killed_worker_is_ended(tmp_path: Path) -> None:
    orphaning = "start_trainer(); when('trainer-1-0'); die()"
    launch = start_stand_ins(tmp_path, LEAVES, orphaning, restarts=0, patience=(0.1, 60))
    await_note(tmp_path, "trainer-1-0")
    trainer = int((tmp_path / "trainer-1-0").read_text())
    assert finish(launch).returncode == 1
    assert not process_exists(trainer)


def test_a_trainer_that_hangs_is_killed_with_its_worker(tmp_path: Path) -> None:
    hanging = "t = start_trainer(); when('trainer-1-0'); os.kill(t, signal.SIGSTOP); note('ready')"
    chief = "when('ready-1-0'); sys.exit(75)"
    launch = start_stand_ins(tmp_path, chief, f"{hanging}\nstay()", restarts=0, patience=(0.1, 0.2))
    await_note(tmp_path, "trainer-1-0")
    trainer = int((tmp_path / "trainer-1-0").read_text())
    assert finish(launch).returncode == 1
    assert not process_exists(trainer)


def test_lines_of_the_chief_are_plain_and_those_of_others_have_their_rank(tmp_path: Path) -> None:
    speaking = "print('data', RANK); print('told', RANK, file=sys.stderr)"
    ended = finish(start_stand_ins(tmp_path, *[speaking] * 3))
    assert ended.stdout == b"data 0\n"
    expected = ["[1] data 1", "[1] told 1", "[2] data 2", "[2] told 2", "told 0"]
    assert sorted(ended.stderr.decode().splitlines()) == expected


def test_hostile_lines_are_shown_as_signs(tmp_path: Path) -> None:
    hostile = r"sys.stdout.buffer.write(b'\x1b]0;owned\x07\xff' + b'x' * 200_000)"
    ended = finish(start_stand_ins(tmp_path, "", hostile))
    assert ended.returncode == 0
    assert b"\x1b" not in ended.stderr
    assert ended.stderr.count(b"x") == 200_000


def test_signals_of_the_terminal_come_to_workers_from_the_launch_alone(tmp_path: Path) -> None:
    worker = "note('session', os.getsid(0)); on_term(75); stay()"
    launch = start_stand_ins(tmp_path, worker, worker)
    for rank in (0, 1):
        await_note(tmp_path, f"ready-{rank}-0")
        assert int((tmp_path / f"session-{rank}-0").read_text()) != os.getsid(launch.pid)
    launch.terminate()
    assert finish(launch).returncode == 75


def test_a_command_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    code = (
        "from tui_charrnn.cli.launch_plan import WorkerCommand as C\n"
        "from tui_charrnn.cli.launch_supervision import Supervisor as S\n"
        "S(lambda *_: [C(('/nonexistent',), {})], 0).run()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert b"StorageError: Cannot start worker 0: No such file" in ended.stderr
