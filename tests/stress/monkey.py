"""A monkey at the keyboard of the app: keys of the table, texts, the mouse, other sizes.

python -m tests.stress.monkey --seconds 600 --seed 7

The app shows a run that trains all the while, beside runs that ended, failed and were damaged. What
is typed comes from the seed alone; when it arrives depends on the machine. Ends with 1, the seed
and the last inputs, if the app ended by a defect, an exception was raised in a thread, the
screen's thread used the disk, or the app reads no more what is typed.
"""

import argparse
import collections
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np

from tests.fuzz.mutation import mutate_lines
from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.hostile_text import STRINGS
from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.runs.control import take_requests
from tui_charrnn.runs.records import RequestAnswered
from tui_charrnn.tui.keys.table import KEYS

SHOWN: Final = 30
"""Inputs before the end that are reported."""
PATIENCE: Final = 60.0
"""Seconds in which the app must have read what is typed, and have left when it is told to."""
SIZES: Final = ((120, 36), (80, 24), (80, 24), (40, 12), (60, 4), (20, 3), (1, 1), (200, 60))
NAMED: Final = {
    "enter": "\r",
    "escape": "\x1b",
    "space": " ",
    "slash": "/",
    "comma": ",",
    "full_stop": ".",
    "minus": "-",
    "plus": "+",
    "equals_sign": "=",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "backspace": "\x7f",
    "delete": "\x1b[3~",
    "shift+left": "\x1b[1;2D",
    "f2": "\x1bOQ",
    "f1": "\x1bOP",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "f6": "\x1b[17~",
    "f7": "\x1b[18~",
    "f8": "\x1b[19~",
    "f9": "\x1b[20~",
}
"""What a terminal sends for a key."""
LINES: Final = (
    *("~", "~word", "~word/x", "/", "//", ".", "..", "/dev/zero", "/dev/tty", "/proc/self/mem"),
    *("x" * 300, "/" + "y" * 300, "a/" * 3_000, "\0", "/\0", "\ud800", "/etc", "*", "/**", "$(x)"),
    *("to be", "가나다", "1e999", "-1", "nan", "0:c1", "0:f1", "9" * 400, "0", "3 epochs", "5m"),
    *STRINGS.values(),
)
"""What is typed or pasted into whatever has the focus."""


class Hand:
    """What is typed, by a seed: the same each time."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
        names = {key for each in KEYS if each.id != "app.quit" for key in each.keys.split(",")}
        keys = sorted(names | {name for name in NAMED if not name.startswith("f")})
        self._keys = [(name, code) for name in keys if (code := _code(name))]
        self.size = SIZES[0]

    def next_input(self) -> tuple[str, bytes]:
        """What it is, in words, and what the terminal sends; nothing for another size."""
        kind = self._random.random()
        if kind < 0.03:
            self.size = self._random.choice(SIZES)
            return f"size {self.size}", b""
        if kind < 0.1:
            line = self._random.choice(LINES)
            data = line.encode("utf-8", "surrogatepass")
            if self._random.random() < 0.5:
                return f"paste {line[:40]!a}", b"\x1b[200~" + data + b"\x1b[201~"
            return f"text {line[:40]!a}", data[:200].replace(b"\x1b", b"") + b"\r"
        if kind < 0.18:
            return self._mouse()
        if kind < 0.3:  # several in one write, as on a slow line
            several = self._random.choices(self._keys, k=self._random.randint(2, 6))
            names = " ".join(name for name, _ in several)
            return f"together {names}", "".join(code for _, code in several).encode()
        name, code = self._random.choice(self._keys)
        return name, code.encode()

    def pause(self) -> float:
        """Seconds until the next input."""
        return self._random.choice((0.0, 0.0, 0.005, 0.02, 0.05, 0.3))

    def _mouse(self) -> tuple[str, bytes]:
        column = self._random.randint(1, self.size[0])
        row = self._random.randint(1, self.size[1])
        buttons = self._random.choice(([0], [0], [2], [64], [65], [0, 32, 32], [35]))
        pressed = [f"\x1b[<{button};{column};{row}M" for button in buttons]
        released = f"\x1b[<{buttons[0]};{column + 1};{row}m" if buttons[0] < 3 else ""
        return f"mouse {buttons} {column},{row}", "".join([*pressed, released]).encode()


class Monkey:
    """Types into one app after another: it may be left by the palette.

    Args:
        folder: Where all files are; it is the home and the current folder too.
        seed: Of what is typed.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._hand = Hand(seed)
        self._folder = folder
        self._problems = folder / "problems"
        self._rng = np.random.default_rng(seed)
        self._model = tiny_model_file(folder / "tiny.safetensors")
        self._latest: collections.deque[str] = collections.deque(maxlen=SHOWN)
        self.inputs = 0
        self.apps = 0

    def run(self, seconds: float) -> str:
        """Type for so long; returns what went wrong, or nothing."""
        deadline = time.monotonic() + seconds
        self._build_others()
        run = created_run(self._folder / "runs", name="training", pinned_seeds=("to be", "A"))
        with FakeTrainer(run, total_steps=100_000) as trainer:
            trainer.start()
            self._train(trainer, 2)
            while time.monotonic() < deadline:
                finding = self._use_an_app(trainer, deadline)
                if finding:
                    latest = "\n".join(self._latest)
                    return f"{finding}\nThe last inputs:\n{latest}"
        return ""

    def _use_an_app(self, trainer: FakeTrainer, deadline: float) -> str:
        self.apps += 1
        words = [self._folder, self._model, trainer.run.path, self._problems]
        command = [sys.executable, "-m", "tests.stress.monkey_app", *map(str, words)]
        with PseudoTerminal(command, size=self._hand.size) as terminal:
            self._read(terminal, 3.0)
            next_batch = 0.0
            while time.monotonic() < deadline and terminal.is_running:
                if self._problems.exists():
                    break
                if time.monotonic() > next_batch:
                    next_batch = time.monotonic() + 0.2
                    self._train(trainer, int(self._rng.integers(1, 4)))
                if terminal.is_stopped:
                    terminal.process.send_signal(signal.SIGCONT)
                name, data = self._hand.next_input()
                self._latest.append(name)
                self.inputs += 1
                if not data:
                    terminal.resize(self._hand.size)
                elif not self._write(terminal, data):
                    return f"The app reads nothing any more for {PATIENCE:g} s."
                self._read(terminal, self._hand.pause())
            return self._end(terminal)

    def _end(self, terminal: PseudoTerminal) -> str:
        if terminal.is_running:
            if terminal.is_stopped:
                terminal.process.send_signal(signal.SIGCONT)
            terminal.process.send_signal(signal.SIGTERM)
        ends_at = time.monotonic() + PATIENCE
        while terminal.is_running and time.monotonic() < ends_at:
            self._read(terminal, 0.1)
        code = terminal.process.poll()
        if self._problems.exists():
            return self._problems.read_text(encoding="utf-8")
        return "" if code in {0, 128 + signal.SIGTERM} else f"The app ended with {code}."

    def _write(self, terminal: PseudoTerminal, data: bytes) -> bool:
        """Type all of it, and read meanwhile; False if the app does not take it."""
        gives_up_at = time.monotonic() + PATIENCE
        while data and terminal.is_running:
            data = data[terminal.write_some(data) :]
            if data:
                self._read(terminal, 0.05)
            if time.monotonic() > gives_up_at:
                return False
        return True

    def _read(self, terminal: PseudoTerminal, seconds: float) -> None:
        """Read what the app draws for so long, and forget it."""
        ends_at = time.monotonic() + seconds
        while terminal.read(max(0.0, ends_at - time.monotonic())):
            if time.monotonic() > ends_at:
                return

    def _train(self, trainer: FakeTrainer, batches: int) -> None:
        """Write records as a trainer does, and answer what it was asked."""
        for asked in take_requests(trainer.run):
            trainer.append(RequestAnswered(asked.request, True, "done", asked.id))
            if asked.request == "publish":
                trainer.publish()
        trainer.train(*self._rng.uniform(0.5, 4.0, batches))
        if self._rng.random() < 0.1:
            trainer.evaluate(float(self._rng.uniform(1.0, 3.0)))
            trainer.sample("to be", "or not")
            trainer.sample("A", self._rng.choice(list(STRINGS.values())))
            trainer.save(1.5)

    def _build_others(self) -> None:
        runs = self._folder / "runs"
        for name, end in (("ended", "finished"), ("stopped", "stopped"), ("bad", "failed")):
            fake_run(runs, name=name, evaluations={2: 2.6}, end=end)
        fake_run(runs, name="lost", end=None)
        for number in range(6):
            damaged = fake_run(runs, name=f"damaged-{number}", evaluations={2: 2.6})
            damaged.events.write_bytes(mutate_lines(damaged.events.read_bytes(), self._rng))


def _code(name: str) -> str:
    if name in NAMED:
        return NAMED[name]
    if name.startswith("ctrl+") and len(name) == 6:
        return chr(ord(name[-1]) - 96)
    return name if len(name) == 1 else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stress.monkey", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    here = str(Path(__file__).parents[2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = ("CONFIG", "DATA", "CACHE", "STATE")
        os.environ |= {f"XDG_{each}_HOME": f"{folder}/{each.lower()}" for each in names}
        os.environ |= {"HOME": name, "PYTHONPATH": here}
        os.chdir(folder)
        monkey = Monkey(folder, chosen.seed)
        finding = monkey.run(chosen.seconds)
    print(f"Seed {chosen.seed}: {monkey.inputs:,} inputs, {monkey.apps:,} apps.")  # noqa: T201
    if finding:
        print(finding, file=sys.stderr)  # noqa: T201
    return 1 if finding else 0


if __name__ == "__main__":
    sys.exit(main())
