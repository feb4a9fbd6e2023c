"""What it costs to show a text that comes fast, with a long one behind it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.costs.pseudo_terminal import UnseenTerminal
from tui_charrnn.errors import RunError

HISTORY: Final = 1_000_000
"""Characters that were generated before."""
PACE: Final = 2_000
"""Characters a second."""
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Streamed:
    """One look at a text that streams."""

    worst_lag: float
    """Seconds that the event loop was late at most."""
    processor: float
    """Share of a core that the app took, with the network that generates the text."""
    drawing: float
    """Share of a core that the thread took in which everything is drawn."""
    rate: float
    """Characters a second that were shown."""
    network: float
    """Share of a core that the network takes at this rate by itself, measured in the same process
    with neither tape nor screen."""

    @property
    def app(self) -> float:
        """Share of a core that all but the network took."""
        return self.processor - self.network


def measure_streaming(folder: Path, rounds: int, seconds: float, model: str) -> list[Streamed]:
    """Let the app measure itself while a model generates.

    Args:
        folder: For files; there must be no runs in it.
        rounds: How often the app is opened.
        seconds: How long it is measured each time.
        model: Whose text it is: a model file, a run or a name.

    Raises:
        RunError: If the app ended before.
    """
    results = [folder / f"streamed-{number}.json" for number in range(rounds)]
    return [_stream(result, seconds, model) for result in results]


def _stream(result: Path, seconds: float, model: str) -> Streamed:
    program = [sys.executable, "-m", "benchmarks.costs.streaming_app"]
    folder = result.parent / "no-runs"
    words = [str(word) for word in (HISTORY, PACE, seconds, folder, model, result)]
    with UnseenTerminal([*program, *words], columns=120, rows=36) as terminal:
        try:
            terminal.process.wait(_PATIENCE + seconds)
        except subprocess.TimeoutExpired:
            raise RunError("The text did not stream; open the app by hand to see why.") from None
    try:
        return Streamed(**json.loads(result.read_text(encoding="utf-8")))
    except OSError:
        raise RunError("The app ended while it streamed; open it by hand to see why.") from None
