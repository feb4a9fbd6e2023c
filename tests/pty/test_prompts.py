"""Whatever is typed into a prompt of the app, it stays, and says what is wrong with it."""

from typing import Final

import pytest

from tests.support.terminal import Terminal

pytestmark = pytest.mark.pty

ESCAPE: Final = "\x1b"
PALETTE_AND_PAGE_DOWN: Final = "\x10\x1b[6~"
NO_PATHS: Final = {
    "~nosuchuser": "there is no user",
    "x" * 300: "a name has at most 255",
    "/": "is a folder",
    "\x1b[200~/no/\0x\x1b[201~": "there is no file",  # a sign in the place of NUL, as it is shown
    "/no/\xff": "there is no file",  # a byte that is no UTF-8
}
"""What is typed, and what is said of it where a file is asked for."""


def type_all(terminal: Terminal, title: str, refusals: dict[str, str]) -> None:
    """Type each line into a prompt and press Enter: the prompt stays, and says why."""
    for line, refusal in refusals.items():
        terminal.write("\x05\x15" + line.encode("utf-8", "surrogateescape").decode("latin-1"))
        terminal.write("\r")
        terminal.wait_for_text(refusal)
        terminal.wait_for_text(title)


def close(terminal: Terminal, title: str) -> None:
    terminal.write(ESCAPE)
    terminal.wait_for(f"no {title}", lambda: title not in terminal.text)
