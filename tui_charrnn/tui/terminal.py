"""The terminal: left clean however the app is ended, and what it sends decoded."""

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
    "\x1b[?2048l"  # no reports of its size
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"  # no mouse
    "\x1b[?2026l"  # no frame is held back
    "\x1b[<u"  # the keyboard as before
    "\x1b[?1049l"  # the screen as before
    "\x1b[?25h"  # a cursor
    "\x1b[?1004l"  # no reports of its focus
    "\x1b[0m"
)
"""Undoes what Textual's driver sets."""
GRACE: Final = 2.0  # seconds that the app has to leave by itself
WRITE_LIMIT: Final = 0.5  # seconds that a terminal has to take the reset
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""SIGINT is one that another process sends: Ctrl+C that is typed reaches the app as a key."""
_GONE: Final = select.POLLHUP | select.POLLERR
"""Not POLLNVAL, which macOS may report for a terminal that is well."""


class TerminalGuard:
    """Turns signals and a vanished terminal into an orderly end, or into an end at least.

    A terminal that has stopped reading blocks Textual's event loop in a write, where it answers
    nothing. So the first signal asks the loop to leave and starts a timer that restores the
    terminal and ends the process if the loop does not answer.
    """

    def __init__(self, leave: Callable[[int], object]) -> None:
        """Say how to leave.

        Args:
            leave: Ends the app with an exit code; called in the main thread, perhaps in the
                middle of anything, so it must only schedule.
        """
        self._leave = leave
        self._descriptor = sys.__stdin__.fileno() if sys.__stdin__ else -1
        self._attributes: list[Any] | None = None
        self._previous: dict[signal.Signals, Any] = {}
        self._timer: threading.Timer | None = None

    def __enter__(self) -> "TerminalGuard":
        """Remember the terminal and take the signals over."""
        with contextlib.suppress(termios.error, OSError, ValueError):
            self._attributes = termios.tcgetattr(self._descriptor)
        for number in _ENDING:
            self._previous[number] = signal.signal(number, self._end)
        if self._attributes is not None:
            threading.Thread(target=self._watch, daemon=True, name="hang-up-watch").start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back; the app has left by itself."""
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _end(self, number: int, _: FrameType | None) -> None:
        self._leave_soon(128 + number)

    def _leave_soon(self, code: int) -> None:
        if self._timer is None:
            self._timer = threading.Timer(GRACE, self._end_at_once, args=(code,))
            self._timer.daemon = True
            self._timer.start()
        self._leave(code)

    def _end_at_once(self, code: int) -> None:
        """Restore the terminal as far as it lets us, and end the process."""
        writing = threading.Thread(target=self._restore, daemon=True)  # it may block for good
        writing.start()
        writing.join(WRITE_LIMIT)
        os._exit(code)

    def _restore(self) -> None:
        if self._attributes is None:
            return
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._attributes)
            termios.tcflush(self._descriptor, termios.TCOFLUSH)  # frames that nobody has read
            os.write(self._descriptor, RESET.encode())

    def _watch(self) -> None:
        """Leave when the terminal is gone, even where the hang-up signal is ignored (nohup)."""
        poll = select.poll()
        poll.register(self._descriptor, 0)  # hang-ups and errors are reported regardless
        with contextlib.suppress(OSError):
            events = [event for _, event in poll.poll()]
            if self._previous and any(event & _GONE for event in events):
                os.kill(os.getpid(), signal.SIGHUP)


LONGEST_COPY: Final = 50_000
"""Bytes that every terminal takes that takes copies at all; some stop at 75,000 of base64."""

_BY_TERM: Final = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "rio")
_BY_PROGRAM: Final = frozenset({"WezTerm", "ghostty", "kitty", "vscode", "rio"})
_MULTIPLEXERS: Final = ("TMUX", "STY", "ZELLIJ")


def takes_copies(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is one that is known to take copies without being told to.

    A program asks its terminal to by an escape sequence (OSC 52), and no terminal answers. Some
    take it, some only if they are set so, some never do; a multiplexer may swallow it.
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
    """Decodes the bytes of a terminal as they come.

    Bytes that the encoding does not know become replacement characters: a terminal set to another
    one sends such for Hangul, and so does a paste of them. Within a paste an escape character
    becomes a sign for it: Textual's parser would turn a sequence in a pasted text into the
    presses of its keys, and some terminals, as tmux does, hand such a text on as it is.
    """

    def __init__(self, encoding: str) -> None:
        """Begin outside of any paste."""
        super().__init__("replace")
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._is_pasting = False
        self._passed = ""
        """The last characters that were handed on, which may begin a paste."""
        self._held = ""
        """The last characters of a paste, which may begin its end."""

    def decode(self, received: bytes, final: bool = False) -> str:  # type: ignore[override]
        """The characters of some more bytes."""
        text = self._held + self._decoder.decode(received, final)
        self._held = ""
        handed_on: list[str] = []
        while text:
            take = self._take_pasted if self._is_pasting else self._take_typed
            part, text = take(text)
            handed_on.append(part)
        if final and self._held:
            handed_on.append(_harmless(self._held))
            self._held = ""
        return "".join(handed_on)

    def _take_typed(self, text: str) -> tuple[str, str]:
        """What is handed on up to the beginning of a paste, and the rest."""
        seen = self._passed + text
        place = seen.find(PASTE_BEGINS)
        if place < 0:
            self._passed = seen[-(len(PASTE_BEGINS) - 1) :]
            return text, ""
        self._is_pasting, self._passed = True, ""
        end = place + len(PASTE_BEGINS) - (len(seen) - len(text))
        return text[:end], text[end:]

    def _take_pasted(self, text: str) -> tuple[str, str]:
        """What is handed on up to the end of a paste, and the rest."""
        pasted, mark, rest = text.partition(PASTE_ENDS)
        if mark:
            self._is_pasting = False
            return _harmless(pasted) + mark, rest
        last = text.rfind(_ESCAPE)
        if last >= 0 and PASTE_ENDS.startswith(text[last:]):
            text, self._held = text[:last], text[last:]
        return _harmless(text), ""


def terminal_decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """Makes decoders of an encoding, as `codecs.getincrementaldecoder` does."""
    return functools.partial(TerminalDecoder, encoding)


def _harmless(pasted: str) -> str:
    return pasted.replace(_ESCAPE, _ESCAPE_SIGN)
