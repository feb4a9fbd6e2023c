"""Signals become reasons to exit."""

import math
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.command import PATIENCE, wait_for
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunState
from tui_charrnn.training import interruption as interruption_module
from tui_charrnn.training.interruption import ECHO_TIME, Interruption, Reason, RepeatedInterrupt

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT, signal.SIGHUP)


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    listening = Interruption()
    listening.listen()
    yield listening
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2])
def test_what_schedulers_send_means_save_and_be_resumed(
    interruption: Interruption, number: signal.Signals
) -> None:
    os.kill(os.getpid(), number)
    reason = interruption.reason
    assert reason is Reason[number.name]
    assert (reason.state, reason.exit_code) == (RunState.SAVED, ExitCode.RESUME_ME)


def test_the_first_interrupt_asks_and_the_second_insists(interruption: Interruption) -> None:
    began = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)
    assert interruption.reason is Reason.SIGINT
    wait_for("no echo any more", lambda: time.monotonic() > began + ECHO_TIME + 0.1)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_that_is_delivered_twice_is_one(
    interruption: Interruption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption_module, "ECHO_TIME", PATIENCE)  # however busy the machine is
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGINT)
    assert interruption.reason is Reason.SIGINT


def test_an_echo_ends_a_second_after_the_first_and_not_after_the_last() -> None:
    moments = iter([5.0, 5.1, 5.6, 5.9, 6.1, 9.0])
    interrupts = RepeatedInterrupt(lambda: next(moments))
    repeated = [interrupts.is_repeated() for _ in range(6)]
    assert repeated == [False, False, False, False, True, True]


def test_a_closed_terminal_is_no_reason_to_stop(interruption: Interruption) -> None:
    os.kill(os.getpid(), signal.SIGHUP)
    assert interruption.reason is None


def test_a_signal_after_the_end_changes_nothing(interruption: Interruption) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    interruption.conclude()
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    assert interruption.reason is Reason.SIGINT


def test_the_first_reason_stands() -> None:
    interruption = Interruption()
    interruption.request(Reason.STOPPED)
    interruption.request(Reason.TIME_LIMIT)
    assert interruption.reason is Reason.STOPPED


def test_a_deadline_that_is_over_is_a_reason() -> None:
    interruption = Interruption()
    assert interruption.check() is None
    interruption.deadline = time.monotonic() + 3600
    assert interruption.check() is None
    interruption.deadline = time.monotonic()
    assert interruption.check() is Reason.TIME_LIMIT


def test_a_signal_ends_a_sleep_at_once(interruption: Interruption) -> None:
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    interruption.sleep(3600.0)
    timer.join()
    assert interruption.reason is Reason.SIGTERM


def test_whoever_has_a_reason_to_leave_does_not_sleep() -> None:
    interruption = Interruption()
    for _ in range(2):
        interruption.request(Reason.STOPPED)
        interruption.sleep(math.inf)  # which no sleep could take


def test_a_sleep_without_a_reason_ends_by_itself() -> None:
    interruption = Interruption()
    interruption.sleep(0.01)
    assert interruption.reason is None
