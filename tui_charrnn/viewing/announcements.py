"""Notifies the user that a run progresses or has ended: by the terminal, or by a command.

Source:
    Title: xterm's OSC 0 and its stack of titles. Progress: OSC 9;4 of ConEmu, which Windows
    Terminal and others show. Notifications: OSC 9 of iTerm2, OSC 777 of urxvt. A terminal ignores
    a sequence that it does not support.
"""

import os
import subprocess
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tui_charrnn.errors import reason_of
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import format_percent, tr
from tui_charrnn.viewing.run_view import RunView, format_end

if TYPE_CHECKING:
    from tui_charrnn.preferences import Preferences

_BELL: Final = "\a"
_SAVE_TITLE: Final = "\x1b[22;0t"
_RESTORE_TITLE: Final = "\x1b[23;0t"
_NO_PROGRESS: Final = "\x1b]9;4;0\x1b\\"


def notification(kind: str, sentence: str) -> str:
    """Return the escape sequences that notify the user of a terminal.

    `kind` is the preference `notify`; all but `none` ring the bell.
    """
    text = safe_line(sentence).replace(";", ",")
    if kind == "none":
        return ""
    if kind == "osc9":
        return f"{_BELL}\x1b]9;{text}\x1b\\"
    if kind == "osc777":
        return f"{_BELL}\x1b]777;notify;charrnn-tui;{text}\x1b\\"
    return _BELL


class TerminalStatus:
    """Shows a run's progress in the terminal's title and progress bar."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """Show nothing yet; `write` sends a sequence to the terminal."""
        self._write = write
        self._shown: tuple[str, int] | None = None

    def show(self, name: str, share: float) -> None:
        """Show a run's progress; the same percentage is not sent twice.

        `share` is the completed share of its steps, 0 to 1.
        """
        percent = min(max(int(100 * share), 0), 100)
        if (name, percent) == self._shown:
            return
        begin = "" if self._shown else _SAVE_TITLE
        self._shown = name, percent
        title = f"{format_percent(percent / 100)} {safe_line(name)} · charrnn-tui"
        self._write(f"{begin}\x1b]0;{title}\x1b\\\x1b]9;4;1;{percent}\x1b\\")

    def close(self) -> None:
        """Restore the title and clear the progress bar."""
        if self._shown is not None:
            self._write(_RESTORE_TITLE + _NO_PROGRESS)
            self._shown = None


def end_state(view: RunView) -> str:
    """How a run ended: as recorded; else `lost`, the last state of its trainer, or `failed`."""
    if view.ended is not None:
        return view.ended.reason
    if view.life == "lost":
        return "lost"
    return "failed" if view.state.is_live else view.state.value


def end_sentence(view: RunView) -> str:
    """One sentence on how a run ended: state, last step and best loss."""
    step = view.step if view.ended is None else view.ended.step
    sentence = f"{safe_line(view.run.name)}: {format_end(view, end_state(view), step)}"
    if view.best is None:
        return sentence
    return tr("{words}, validation {loss:.3f}", words=sentence, loss=view.best.loss)


def run_facts(view: RunView) -> dict[str, str]:
    """Environment variables that describe an ended run, for the user's notify command."""
    ended, best = view.ended, view.best
    facts = {
        "CHARRNN_RUN": view.run.name,
        "CHARRNN_RUN_PATH": str(view.run.path),
        "CHARRNN_STATE": end_state(view),
        "CHARRNN_EXIT_CODE": "" if ended is None else str(ended.exit_code),
        "CHARRNN_STEP": str(view.step),
        "CHARRNN_BEST_LOSS": "" if best is None else f"{best.loss:.6f}",
        "CHARRNN_BEST_STEP": "" if best is None else str(best.step),
    }
    return {name: value for name, value in facts.items() if "\0" not in value}


def run_notify_command(command: str, view: RunView) -> "subprocess.Popen[bytes]":
    """Run the user's notify command in the shell, with `run_facts` in its environment.

    The command comes from the user's settings, never from a run directory: a run that somebody else
    sent must not execute commands.

    Raises:
        OSError: If there is no shell.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        env={**os.environ, **run_facts(view)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=process.wait, daemon=True, name="notify-command").start()
    return process


def announce_end(
    view: RunView, preferences: "Preferences", send: Callable[[str], object] | None
) -> str:
    """Notify the user that a run has ended, by the terminal and by the user's command.

    `send` sends a sequence to the terminal; None if there is none.

    Returns:
        Why the command could not be run; empty if it could, or there is none.
    """
    if send is not None:
        send(notification(preferences.notify, end_sentence(view)))
    try:
        if preferences.notify_command is not None:
            run_notify_command(preferences.notify_command, view)
    except OSError as error:
        return tr("The notify command could not be run: {reason}.", reason=reason_of(error))
    return ""
