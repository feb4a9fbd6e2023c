"""How soon after its start the app shows itself, and the first character that a model says."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyte

from benchmarks.bytecode import kept_bytecode
from benchmarks.costs.bare_app import LABEL
from benchmarks.costs.pseudo_terminal import UnseenTerminal
from benchmarks.rounds import rotated
from tui_charrnn.errors import RunError

SIZE: Final = (80, 24)
SEED: Final = "ROMEO:"
"""What the bundled model begins with."""
_PATIENCE: Final = 30.0
_WATCHED: Final = 4.0
"""Seconds after which a program that started well has shown everything that is waited for."""


@dataclass(slots=True)
class Starts:
    """Seconds from the start of the process, one value a round."""

    bare: list[float] = field(default_factory=list)
    """Until a bare Textual app had drawn its label."""
    first_frame: list[float] = field(default_factory=list)
    """Until the app had drawn its frame, with the seed box."""
    first_character: list[float] = field(default_factory=list)
    """Until the first generated character stood on the screen."""


def measure_starts(rounds: int) -> Starts:
    """Start a bare app and this one in turns, after one start of each that does not count.

    Args:
        rounds: How often each.

    Raises:
        RunError: If one of them shows nothing.
    """
    starts = Starts()
    with kept_bytecode() as environment:

        def start_bare() -> None:
            program = [sys.executable, "-m", "benchmarks.costs.bare_app"]
            starts.bare += _times_of(program, environment, lambda screen: LABEL in screen)

        def start_ours() -> None:
            program = [sys.executable, "-m", "tui_charrnn"]
            frame, character = _times_of(program, environment, _has_frame, has_answer)
            starts.first_frame.append(frame)
            starts.first_character.append(character)

        start_bare()
        start_ours()
        starts = Starts()
        for number in range(rounds):
            for start in rotated([start_bare, start_ours], number):
                start()
    return starts


def _has_frame(screen: str) -> bool:
    return "charrnn-tui" in screen and "╰" in screen


def has_answer(screen: str) -> bool:
    """Whether a generated character stands on a screen: after the seed, within the frame."""
    rows = [row.strip("│ ▁▎█") for row in screen.splitlines() if row.startswith("│")]
    seeds = [number for number, row in enumerate(rows) if row.startswith(SEED)]
    if not seeds:
        return False
    said = [rows[seeds[0]].removeprefix(SEED), *rows[seeds[0] + 1 : -1]]  # the last: the seed box
    return any(said)


def _times_of(
    program: Sequence[str], environment: Mapping[str, str], *signs: Callable[[str], bool]
) -> list[float]:
    """Seconds until the screen first showed each sign.

    What is drawn is looked at once the program has ended, so that looking costs it nothing.
    """
    columns, rows = SIZE
    with UnseenTerminal(program, columns=columns, rows=rows, environment=environment) as terminal:
        while terminal.bytes_drawn == 0 and time.monotonic() - terminal.began < _PATIENCE:
            time.sleep(0.1)
        time.sleep(_WATCHED)
    return [_time_of(terminal.pieces, sign) for sign in signs]


def _time_of(pieces: Sequence[tuple[float, bytes]], sign: Callable[[str], bool]) -> float:
    screen = pyte.Screen(*SIZE)
    stream = pyte.ByteStream(screen)
    for seconds, piece in pieces:
        stream.feed(piece)
        if sign("\n".join(screen.display)):
            return seconds
    raise RunError("An app did not show what was waited for; open it by hand to see why.")
