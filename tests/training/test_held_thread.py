"""A signal that comes while native code holds the main thread; the handler itself cannot run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import ROOT

HELD = """
import os, signal, sys, threading, time
from tui_charrnn.training.held_thread import HeldThread
from tui_charrnn.training.interruption import Interruption

def leave(reason, cause):
    print(reason.value, cause, flush=True)
    os._exit(int(reason.exit_code))

def send():
    for number in numbers:
        os.kill(os.getpid(), number)
        time.sleep(0.2)  # two signals of one number that wait together are one

numbers, is_saved = eval(sys.argv[1]), eval(sys.argv[2])
interruption = Interruption()
interruption.listen()
interruption.is_saved = lambda: is_saved
threading.Timer(0.1, send).start()
import hashlib
with HeldThread(interruption, eval(sys.argv[3]), leave, patience=0.1):
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 4_000_000)  # seconds of native code
    interruption.check(None)
print("went on", interruption.cause, flush=True)
"""


def held(tmp_path: Path, numbers: str, *, is_saved: bool = True, deadline: str = "None") -> str:
    """What a process says that is held, and gets signals or comes to its deadline."""
    ended = subprocess.run(
        [sys.executable, "-c", HELD, numbers, str(is_saved), deadline],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=120,
    )
    assert ended.stderr == ""
    return f"{ended.stdout.strip()} {ended.returncode}"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ("[signal.SIGTERM]", "preempted SIGTERM 75"),
        ("[signal.SIGUSR1]", "preempted SIGUSR1 75"),
        ("[signal.SIGINT]", "interrupted SIGINT 130"),
    ],
)
def test_where_nothing_is_lost_the_process_leaves(tmp_path: Path, numbers: str, said: str) -> None:
    assert held(tmp_path, numbers) == said


def test_a_time_limit_is_heeded_too(tmp_path: Path) -> None:
    assert held(tmp_path, "[]", deadline="time.monotonic() + 0.1") == "time limit time limit 75"


def test_where_something_is_not_saved_the_main_thread_is_waited_for(tmp_path: Path) -> None:
    said = held(tmp_path, "[signal.SIGTERM]", is_saved=False)
    assert said == "went on SIGTERM 0"


def test_a_second_interrupt_leaves_whatever_is_saved(tmp_path: Path) -> None:
    said = held(tmp_path, "[signal.SIGINT, signal.SIGINT]", is_saved=False)
    assert said == "interrupted SIGINT 130"
