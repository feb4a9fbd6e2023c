"""Asks the terminal itself what it can do, as nobody else knows."""

import contextlib
import os
import re
import select
import termios
import time
import tty
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PATIENCE: Final = 2.0
"""Seconds that a terminal is given. Every real one answers, over SSH within a few tenths of one; an
answer that came too late would be typed at the shell's prompt."""
_QUESTION: Final = b"\x1b[?u\x1b[c"
"""Which flags of the kitty keyboard protocol are set; then what every terminal answers, so that
the silence of one that does not know the first is known at once."""
_KEYBOARD: Final = re.compile(rb"\x1b\[\?\d+u")
_ATTRIBUTES: Final = re.compile(rb"\x1b\[\?([\d;]*)c")
_CLIPBOARD: Final = b"52"
"""The attribute with which terminals say that OSC 52 writes their clipboard."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a terminal said of itself."""

    speaks_kitty: bool
    """Whether it knows the kitty keyboard protocol."""
    has_clipboard: bool
    """Whether it says that OSC 52 writes its clipboard; some that can do it do not say so."""


def ask_terminal(patience: float = PATIENCE) -> Abilities | None:
    """Ask the terminal that controls this process; None if there is none, or it is silent."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():  # in the background, where asking would stop us
            return None
        with _unbuffered(terminal):
            os.write(terminal, _QUESTION)
            return understand(_answer(terminal, time.monotonic() + patience))
    except (OSError, termios.error):
        return None
    finally:
        os.close(terminal)


def understand(answer: bytes) -> Abilities | None:
    """What an answer says; None if it is none."""
    attributes = _ATTRIBUTES.search(answer)
    if attributes is None:
        return None
    return Abilities(
        speaks_kitty=_KEYBOARD.search(answer) is not None,
        has_clipboard=_CLIPBOARD in attributes[1].split(b";"),
    )


def _answer(terminal: int, deadline: float) -> bytes:
    answer = b""
    while _ATTRIBUTES.search(answer) is None:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            break
        piece = os.read(terminal, 1 << 10)
        if not piece:
            break
        answer += piece
    return answer


@contextlib.contextmanager
def _unbuffered(terminal: int) -> Iterator[None]:
    """Read byte by byte and without an echo, and leave the terminal as it was."""
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
