"""What the x-ray costs of the speed at which a text streams."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.costs.pseudo_terminal import UnseenTerminal
from benchmarks.rounds import rotated
from tui_charrnn.errors import RunError
from tui_charrnn.text.corpus_reading import read_corpus

COLORINGS: Final = ("probability", "surprise", "entropy", "neuron", "gate", "originality")
_SECONDS: Final = 3.0
"""That each is measured, and the text without one before and after it."""
_PATIENCE: Final = 120.0


Rate = tuple[float, float]
"""Characters a second, and a second that a core was at work for them."""


@dataclass(frozen=True, slots=True)
class Xrayed:
    """One round of one coloring: with it, and without it before and after."""

    name: str
    before: Rate
    colored: Rate
    after: Rate

    @property
    def shares(self) -> Rate:
        """What is left of both rates."""
        mean = [(before + after) / 2 for before, after in zip(self.before, self.after, strict=True)]
        return self.colored[0] / mean[0], self.colored[1] / mean[1]


def measure_xray(folder: Path, rounds: int, text: str) -> list[Xrayed]:
    """Let the app measure itself while the bundled model generates, in another order every round.

    Args:
        folder: For files; there must be no runs in it.
        rounds: How often the app is opened.
        text: That the text is compared with: a file, or the name of a corpus.

    Raises:
        CorpusError: If the text cannot be read.
        RunError: If the app ended before.
    """
    compared = folder / "compared.txt"
    numbered = read_corpus([text]).numbered
    compared.write_text(numbered.decode(0, len(numbered)), encoding="utf-8")
    found: list[Xrayed] = []
    for number in range(rounds):
        result = folder / f"xray-{number}.json"
        found += _watch(result, compared, rotated(COLORINGS, number))
    return found


def _watch(result: Path, compared: Path, names: list[str]) -> list[Xrayed]:
    program = [sys.executable, "-m", "benchmarks.costs.xray_app", str(compared), ",".join(names)]
    words = [str(word) for word in (_SECONDS, result.parent / "no-runs", result)]
    with UnseenTerminal([*program, *words], columns=120, rows=36) as terminal:
        try:
            terminal.process.wait(_PATIENCE + 4 * _SECONDS * len(names))
        except subprocess.TimeoutExpired:
            raise RunError("The text did not stream; open the app by hand to see why.") from None
    try:
        rows = json.loads(result.read_text(encoding="utf-8"))
    except OSError:
        raise RunError("The app ended while it streamed; open it by hand to see why.") from None
    return [
        Xrayed(row["name"], *(_rate(row[part]) for part in ("before", "colored", "after")))
        for row in rows
    ]


def _rate(numbers: list[float]) -> Rate:
    wall, core = numbers
    return wall, core
