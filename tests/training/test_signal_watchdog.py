"""A signal that arrives while native code blocks the main thread, so that no handler runs."""

import subprocess
import sys

import pytest

from tests.support.command import PATIENCE, ROOT
from tui_charrnn.training.interruption import ECHO_TIME

HELD = """
import itertools, os, signal, sys, threading, time
from tui_charrnn.training import interruption as interruption_module
from tui_charrnn.training.interruption import SignalWatchdog
from tui_charrnn.training.interruption import EXIT_SIGNALS, Interruption

def leave(reason):
    print(reason.value, flush=True)
    os._exit(int(reason.exit_code))

def send():
    for number in numbers:
        os.kill(os.getpid(), number)
        while number in signal.sigpending():
            pass  # two of one number that wait together are one
        time.sleep(pause)
    if is_let_go:
        os.write(written_to, b"x")

numbers, is_saved, limit, is_let_go, pause, echo = eval(sys.argv[1])
interruption_module.ECHO_TIME = echo
interruption_module.PATIENCE = 0.1
read_from, written_to = os.pipe()
interruption = Interruption()
interruption.listen()
interruption.is_saved = lambda: is_saved
interruption.deadline = limit
sender = threading.Thread(target=send, daemon=True)
with SignalWatchdog(interruption, leave):
    sender.start()
    # as in native code: the signals come to other threads, and no handler runs until it returns
    signal.pthread_sigmask(signal.SIG_BLOCK, EXIT_SIGNALS)
    os.read(read_from, 1)
    interruption.check()
print("went on", interruption.reason, flush=True)
"""


def held(
    numbers: str,
    *,
    is_saved: bool = True,
    deadline: str = "None",
    is_let_go: bool = False,
    pause: float = 0.0,
    echo: float = ECHO_TIME,
) -> str:
    """Return the output of a blocked process that gets signals or reaches its deadline."""
    settings = f"({numbers}, {is_saved}, {deadline}, {is_let_go}, {pause}, {echo})"
    ended = subprocess.run(
        [sys.executable, "-c", HELD, settings],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.stderr == ""
    return f"{ended.stdout.strip()} {ended.returncode}"


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("[signal.SIGTERM]", "SIGTERM 75"),
        ("[signal.SIGUSR1]", "SIGUSR1 75"),
        ("[signal.SIGINT]", "SIGINT 130"),
    ],
)
def test_where_nothing_is_lost_the_process_leaves(numbers: str, expected: str) -> None:
    assert held(numbers) == expected


def test_a_time_limit_counts_too() -> None:
    assert held("[]", deadline="time.monotonic() + 0.1") == "time limit 75"


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("[signal.SIGTERM]", "went on SIGTERM 0"),
        ("[signal.SIGINT, signal.SIGINT]", "went on SIGINT 0"),  # an echo, which does not insist
    ],
)
def test_where_something_is_not_saved_the_main_thread_is_waited_for(
    numbers: str, expected: str
) -> None:
    assert held(numbers, is_saved=False, is_let_go=True, pause=0.2, echo=PATIENCE) == expected


def test_whoever_insists_is_let_go_whatever_is_saved() -> None:
    output = held("itertools.repeat(signal.SIGINT)", is_saved=False, pause=0.2)
    assert output == "SIGINT 130"
