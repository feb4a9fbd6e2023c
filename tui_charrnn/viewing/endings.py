"""How a process ended, in words."""

import signal
from typing import Final

from tui_charrnn.errors import ExitCode

REFUSALS: Final = frozenset({
    ExitCode.USAGE,
    ExitCode.DATA,
    ExitCode.LOCKED,
    ExitCode.CANNOT_SAVE,
})
"""Exit codes of a trainer that said in its log why it did not take a run up."""
_CRASHES: Final = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "it aborted itself",
    signal.SIGILL: "an instruction that this processor does not have",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "arithmetic error",
}
_ENDS: Final = {
    signal.SIGKILL: "killed by force",
    signal.SIGTERM: "asked to end",
    signal.SIGHUP: "its terminal was closed",
    signal.SIGINT: "interrupted from a keyboard",
    signal.SIGQUIT: "quit from a keyboard",
    signal.SIGXCPU: "its processor time was used up",
    signal.SIGXFSZ: "a file grew past its limit",
}


def crash_words(exit_code: int) -> str:
    """What went wrong in native code, or nothing if the process ended otherwise.

    Args:
        exit_code: Of the process; minus the number of the signal that ended it.
    """
    number = _signal(exit_code)
    return "" if number is None else _CRASHES.get(number, "")


def signal_words(exit_code: int) -> str:
    """Which signal ended a process, as `SIGKILL, killed by force`.

    Args:
        exit_code: Minus the number of the signal.
    """
    number = _signal(exit_code)
    if number is None:
        return f"signal {-exit_code}"
    words = _ENDS.get(number) or (signal.strsignal(number) or "").lower()
    return f"{number.name}, {words}" if words else number.name


def _signal(exit_code: int) -> signal.Signals | None:
    try:
        return signal.Signals(-exit_code)
    except ValueError:
        return None
