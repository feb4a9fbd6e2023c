"""How long a key that is pressed takes to be seen, while the processor is busy with a training."""

import random
import sys
import time
from pathlib import Path
from typing import Final

from benchmarks.costs.trainers import endless_run, working_trainer
from tests.support.pseudo_terminal import PseudoTerminal
from tui_charrnn.errors import RunError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.text.corpus_reading import read_corpus

PRESET: Final = "small"
SIZE: Final = (120, 36)
_TEXT: Final = "To be, or not to be: that is the question.\n" * 2_000
_LETTERS: Final = range(0xAC00, 0xD7A4)
"""Hangul syllables: none of them stands on the screen before it is typed."""
_SETTLING: Final = 3.0
_PATIENCE: Final = 30.0
_BACKSPACE: Final = b"\x7f"
_GAPS: Final = (0.05, 0.2)
"""Seconds between two keys, least and most."""


def measure_keys(folder: Path, rounds: int, presses: int) -> list[list[float]]:
    """Type into the app on a run that is being trained.

    Args:
        folder: Where the run is put.
        rounds: How often the app is opened.
        presses: Keys each time.

    Returns:
        Seconds from each key to the bytes that draw it.

    Raises:
        RunError: If the trainer or the app ended, or a key was never seen.
    """
    path = folder / "text.txt"
    path.write_text(_TEXT, encoding="utf-8")
    run = endless_run(folder, PRESET, read_corpus([str(path)]), checkpoint_interval=1e6)
    chance = random.Random(0)  # noqa: S311 - gaps between keys
    with working_trainer(run):
        return [_type(run, presses, chance) for _ in range(rounds)]


def _type(run: RunDirectory, presses: int, chance: random.Random) -> list[float]:
    command = [sys.executable, "-m", "tui_charrnn", "attach", "--readonly", str(run.path)]
    waits = []
    with PseudoTerminal(command, size=SIZE, is_controlling=False) as terminal:
        _wait_for_box(terminal)
        _read_for(terminal, _SETTLING)
        for code in chance.sample(_LETTERS, presses):
            waits.append(_press(terminal, chr(code).encode()))
            terminal.write(_BACKSPACE)
            _read_for(terminal, chance.uniform(*_GAPS))
        terminal.process.terminate()
        _read_for(terminal, 1.0)
    return waits


def _wait_for_box(terminal: PseudoTerminal) -> None:
    """Wait until there is something to type into; what is typed before is shown by the terminal."""
    began, drawn = time.perf_counter(), b""
    while b" Seed " not in drawn:
        drawn += terminal.read(0.5)
        if time.perf_counter() - began > _PATIENCE:
            raise RunError("The app did not open; open it by hand to see why.")


def _press(terminal: PseudoTerminal, key: bytes) -> float:
    """Seconds until what a key types was drawn."""
    pressed, drawn = time.perf_counter(), b""
    terminal.write(key)
    while key not in drawn:
        drawn += terminal.read(0.5)
        if time.perf_counter() - pressed > _PATIENCE:
            raise RunError("A key was typed and never shown; open the app by hand to see why.")
    return time.perf_counter() - pressed


def _read_for(terminal: PseudoTerminal, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        terminal.read(left)
