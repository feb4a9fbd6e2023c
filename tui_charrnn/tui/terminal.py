"""The terminal: restored however the app ends; its input decoded; what it supports."""

import codecs
import contextlib
import functools
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Final

RESET: Final = (
    "\x1b[?2004l"  # no bracketed paste
    "\x1b[?7h"  # lines wrap again
    "\x1b[?2048l"  # no size reports
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"  # no mouse
    "\x1b[?2026l"  # end of a synchronized update
    "\x1b[<u"  # the previous keyboard mode
    "\x1b[?1049l"  # the main screen buffer
    "\x1b[?25h"  # show the cursor
    "\x1b[?1004l"  # no focus reports
    "\x1b[0m"
)
"""Resets the modes that Textual's driver sets."""
GRACE: Final = 2.0  # seconds for the app to exit by itself
WRITE_LIMIT: Final = 0.5  # seconds for the terminal to accept the reset
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""SIGINT comes from other processes only: a typed Ctrl+C reaches the app as a key."""
_GONE: Final = select.POLLHUP | select.POLLERR
"""Not POLLNVAL, which macOS may report for a working terminal."""


class TerminalGuard:
    """Ends the app in order at a signal or a hang-up; ends the process if the app does not respond.

    A terminal that has stopped reading blocks Textual's event loop in a write. So the first signal
    asks the loop to exit and starts a timer, which restores the terminal and ends the process if
    the loop does not respond.
    """

    def __init__(self, leave: Callable[[int], object]) -> None:
        """Set what ends the app with an exit code.

        It is called from a signal handler in the main thread, so it must only schedule the exit.
        """
        self._leave = leave
        self._descriptor = sys.__stdin__.fileno() if sys.__stdin__ else -1
        self._attributes: list[Any] | None = None
        self._previous: dict[signal.Signals, Any] = {}
        self._timer: threading.Timer | None = None

    def __enter__(self) -> "TerminalGuard":
        """Save the terminal's attributes and install the signal handlers."""
        with contextlib.suppress(termios.error, OSError, ValueError):
            self._attributes = termios.tcgetattr(self._descriptor)
        for number in _ENDING:
            self._previous[number] = signal.signal(number, self._end)
        if self._attributes is not None:
            threading.Thread(target=self._watch, daemon=True, name="hang-up-watch").start()
        return self

    def __exit__(self, *_: object) -> None:
        """Restore the signal handlers; the app has exited by itself."""
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _end(self, number: int, _: FrameType | None) -> None:
        code = 128 + number
        if self._timer is None:
            self._timer = threading.Timer(GRACE, self._end_now, args=(code,))
            self._timer.daemon = True
            self._timer.start()
        self._leave(code)

    def _end_now(self, code: int) -> None:
        """Restore the terminal if it responds, and end the process."""
        writing = threading.Thread(target=self._restore, daemon=True)  # it may block forever
        writing.start()
        writing.join(WRITE_LIMIT)
        os._exit(code)

    def _restore(self) -> None:
        if self._attributes is None:
            return
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._attributes)
            termios.tcflush(self._descriptor, termios.TCOFLUSH)  # discard unread frames
            os.write(self._descriptor, RESET.encode())

    def _watch(self) -> None:
        """Exit when the terminal hangs up, even if SIGHUP is ignored (nohup)."""
        poll = select.poll()
        poll.register(self._descriptor, 0)  # hang-ups and errors are reported regardless
        with contextlib.suppress(OSError):
            events = [event for _, event in poll.poll()]
            if self._previous and any(event & _GONE for event in events):
                os.kill(os.getpid(), signal.SIGHUP)


LONGEST_COPY: Final = 50_000
"""Bytes that every terminal with OSC 52 accepts; some accept at most 75,000 of base64."""

_BY_TERM: Final = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "rio")
_BY_PROGRAM: Final = frozenset({"WezTerm", "ghostty", "kitty", "vscode", "rio"})
_MULTIPLEXERS: Final = ("TMUX", "STY", "ZELLIJ")


def supports_copying(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is known to copy to the clipboard by default (OSC 52).

    No terminal answers this escape sequence. Some accept it, some only if configured, some never;
    a multiplexer may drop it.
    """
    if any(environment.get(name) for name in _MULTIPLEXERS):
        return False
    return (
        environment.get("TERM", "").startswith(_BY_TERM)
        or environment.get("TERM_PROGRAM") in _BY_PROGRAM
        or bool(environment.get("WT_SESSION"))  # Windows Terminal
    )


PASTE_BEGINS: Final = "\x1b[200~"
PASTE_ENDS: Final = "\x1b[201~"
_ESCAPE: Final = "\x1b"
_ESCAPE_SIGN: Final = "␛"


class TerminalDecoder(codecs.IncrementalDecoder):
    """Decodes terminal input incrementally.

    Invalid bytes become replacement characters: a terminal set to another encoding sends such bytes
    for Hangul, typed or pasted. Within a paste, an escape character becomes a visible sign:
    Textual's parser would read escape sequences of a pasted text as keys, and some terminals, such
    as tmux, forward such a text unchanged.
    """

    def __init__(self, encoding: str) -> None:
        super().__init__("replace")
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._is_pasting = False
        self._passed = ""
        """The last characters returned, which may be the start of a paste marker."""
        self._held = ""
        """The last characters of a paste, kept back: its end marker may start here."""

    def decode(self, received: bytes, final: bool = False) -> str:  # type: ignore[override]
        """Return the characters of the next bytes."""
        text = self._held + self._decoder.decode(received, final)
        self._held = ""
        decoded: list[str] = []
        while text:
            take = self._take_pasted if self._is_pasting else self._take_typed
            part, text = take(text)
            decoded.append(part)
        if final and self._held:
            decoded.append(_harmless(self._held))
            self._held = ""
        return "".join(decoded)

    def _take_typed(self, text: str) -> tuple[str, str]:
        """Return the text up to the start of a paste, and the rest."""
        seen = self._passed + text
        place = seen.find(PASTE_BEGINS)
        if place < 0:
            self._passed = seen[-(len(PASTE_BEGINS) - 1) :]
            return text, ""
        self._is_pasting, self._passed = True, ""
        end = place + len(PASTE_BEGINS) - (len(seen) - len(text))
        return text[:end], text[end:]

    def _take_pasted(self, text: str) -> tuple[str, str]:
        """Return the text up to the end of a paste, and the rest."""
        pasted, mark, rest = text.partition(PASTE_ENDS)
        if mark:
            self._is_pasting = False
            return _harmless(pasted) + mark, rest
        last = text.rfind(_ESCAPE)
        if last >= 0 and PASTE_ENDS.startswith(text[last:]):
            text, self._held = text[:last], text[last:]
        return _harmless(text), ""


def terminal_decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """Return a factory of decoders, as `codecs.getincrementaldecoder` does."""
    return functools.partial(TerminalDecoder, encoding)


def _harmless(pasted: str) -> str:
    return pasted.replace(_ESCAPE, _ESCAPE_SIGN)
