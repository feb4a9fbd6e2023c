"""Liveness is judged by heartbeats, on the viewer's own clock."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tui_charrnn.runs import liveness
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.liveness import Liveness, boot_id, judge_at_a_glance, process_exists

ELSEWHERE = RunStatus(state=RunState.TRAINING, pid=7, host="elsewhere", boot_id="b", beat=1)
HERE = replace(ELSEWHERE, host=socket.gethostname(), boot_id=boot_id())


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def at(clock: Clock, seconds: float) -> None:
    clock.now = 1_000.0 + seconds


def test_silence_turns_alive_to_silent_to_lost(clock: Clock) -> None:
    life = Liveness(clock)
    verdicts = []
    for seconds in (0, 9, 11, 29, 31):
        at(clock, seconds)
        verdicts.append(life.judge(ELSEWHERE))
    assert verdicts == ["alive", "alive", "silent", "silent", "lost"]


def test_a_beat_that_changes_is_life(clock: Clock) -> None:
    life = Liveness(clock)
    life.judge(ELSEWHERE)
    at(clock, 100)
    assert life.judge(replace(ELSEWHERE, beat=2)) == "alive"


def test_a_beat_that_falls_is_life_too(clock: Clock) -> None:
    life = Liveness(clock)
    life.judge(replace(ELSEWHERE, beat=50))
    at(clock, 100)
    assert life.judge(replace(ELSEWHERE, beat=1)) == "alive"


def let_processes_exist(monkeypatch: pytest.MonkeyPatch, is_so: bool) -> None:
    monkeypatch.setattr(liveness, "process_exists", lambda _: is_so)


def test_a_process_that_is_gone_from_here_is_lost_at_once(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_processes_exist(monkeypatch, False)
    life = Liveness(clock)
    assert life.judge(HERE) == "lost"


def test_a_process_number_in_use_proves_life_only_for_a_while(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_processes_exist(monkeypatch, True)
    life = Liveness(clock)
    life.judge(HERE)
    at(clock, 100)
    assert life.judge(HERE) == "silent"
    at(clock, 301)
    assert life.judge(HERE) == "lost"


@pytest.mark.parametrize("other", [{"host": "elsewhere"}, {"boot_id": "another"}, {"pid": 0}])
def test_a_process_number_says_nothing_about_other_places(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, other: dict[str, object]
) -> None:
    let_processes_exist(monkeypatch, False)
    life = Liveness(clock)
    assert life.judge(replace(HERE, **other)) == "alive"  # type: ignore[arg-type]  # of any field


@pytest.mark.parametrize("state", [state for state in RunState if not state.is_live])
def test_what_said_that_it_ended_has_ended(clock: Clock, state: RunState) -> None:
    assert Liveness(clock).judge(replace(HERE, state=state)) == "ended"


def test_a_run_that_says_nothing_at_all_is_lost_in_time(clock: Clock) -> None:
    life = Liveness(clock)
    assert life.judge(None) == "alive"
    at(clock, 31)
    assert life.judge(None) == "lost"


def test_a_glance_goes_by_the_age_of_the_file() -> None:
    verdicts = [judge_at_a_glance(ELSEWHERE, age) for age in (1, 15, 60)]
    assert verdicts == ["alive", "silent", "lost"]


def test_this_process_exists_and_impossible_ones_do_not() -> None:
    assert process_exists(os.getpid())
    assert not process_exists(0)
    assert not process_exists(-1)
    assert not process_exists(4_194_305)
    assert not process_exists(2**70)


def test_a_process_that_ended_does_not_exist_though_nobody_asked_after_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # returns when it has ended
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process_exists(child.pid)
    child.communicate()


def test_the_boot_id_names_boot_and_process_space() -> None:
    boot, _, space = boot_id().partition("/")
    assert len(boot) == 36
    assert space.startswith("pid:[")


def test_a_system_that_does_not_tell_has_no_boot_id(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(liveness, "_BOOT_ID", tmp_path / "missing")
    assert boot_id() == ""
