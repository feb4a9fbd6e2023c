"""Whatever is open, the app steers a terminal with what it needs and with nothing else.

Every key of the app is pressed once, beside a run whose name, path, text, vocabulary, records,
state and log are all hostile.
"""

import functools
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.allowed_sequences import (
    ESCAPE,
    allowed,
    foreign_sequences,
    is_gone,
    press,
    until_quiet,
)
from tests.support.escape_sequences import sequences
from tests.support.fake_run import FakeTrainer, created_run
from tests.support.hostile_text import HOSTILE
from tests.support.terminal import Terminal
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunWarned
from tui_charrnn.tui.keys.table import KEYS as TABLE

pytestmark = pytest.mark.pty

COPY: Final = ("OSC", "52")
KEYS: Final = {
    "enter": "\r",
    "escape": "\x1b",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
    **{f"f{number}": f"\x1bO{'PQRS'[number - 1]}" for number in range(1, 5)},
    **{
        f"f{n}": f"\x1b[{code}~"
        for n, code in zip(range(5, 13), (15, 17, 18, 19, 20, 21, 23, 24), strict=True)
    },
    "up": "\x1b[A",
}
PANES: Final = {
    "seed.submit": "Esc Stop",  # once the trainer has not answered, it speaks
    "text.stop": "continues",
    "pane.runs": "Runs",
    "pane.log": "Events of run",
    "pane.childhood": "Samples",
}
"""What a key must have brought to the screen."""
MODAL: Final = {
    "app.help": "find a key by what it does",
    "app.palette": "Search for commands",
    "text.source": "Model to generate with",
    "text.sampling": "Esc restores",
    "run.train": "Train a model",
    "run.rate": "earning rate",
    "run.stop": "Stop training",
}
"""The same, of what Escape closes."""


def hostile_run(folder: Path) -> RunDirectory:
    run = created_run(folder, text=f"to be{HOSTILE} or not ".replace("\0", "") * 99)
    return RunDirectory(run.path.rename(folder / "evil\x1b]0;title\x07\u202e[red]"))


def press_every_key(terminal: Terminal) -> str:
    """Press every key of the app but those that leave; returns all that was on the screen."""
    seen, leaving = [], {"app.quit", "app.suspend"}
    everywhere = [key for key in TABLE if key.owner in {"app", "main", "seed"}]
    for key in [key for key in everywhere if key.id not in leaving]:
        terminal.write(KEYS[key.keys.split(",")[0]])
        title = (PANES | MODAL).get(key.id, "")
        terminal.wait_for_text(title)
        until_quiet(terminal)
        seen.append(terminal.text)
        if key.id in MODAL:
            terminal.write("\x1b")  # what follows at once would be Alt with it
            terminal.wait_for(f"no {title}", functools.partial(is_gone, terminal, title))
    return "\n".join(seen)


def leave(terminal: Terminal) -> None:
    """Quit, with a training left at work."""
    terminal.write("\x11")
    terminal.wait_for_text("Leave charrnn-tui")
    terminal.write("\r")
    assert terminal.wait_for_end() == 0


def test_every_screen_steers_with_what_is_needed_alone(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "runs")
    run.log.write_text(f"{HOSTILE}\nValueError: {HOSTILE}\n", encoding="utf-8")
    with FakeTrainer(run, heartbeat=1.0) as trainer:
        trainer.start()
        trainer.train(3.0, 2.0)
        trainer.evaluate(1.5)
        trainer.sample(HOSTILE, HOSTILE)
        trainer.save(1.5, is_best=True)
        trainer.append(RunWarned(HOSTILE))
        trainer.writer.set_status(message=HOSTILE)
        attach = [sys.executable, "-m", "tui_charrnn", "attach", str(run.path)]
        with Terminal(attach, size=(120, 36)) as terminal:
            terminal.wait_for_text("evil␛]0;title")
            terminal.write("A\x1b[200~\x1b]52;c;AA\x07\u202e\x1b[201~")  # pasted
            seen = press_every_key(terminal)
            leave(terminal)
            found = list(sequences(terminal.raw.decode("utf-8")))
            assert foreign_sequences(terminal) == []
    assert "␛" in seen
    assert {("CSI", "m"), ("CSI", "H"), ("CSI", "?h")} <= {(each.kind, each.name) for each in found}


def test_the_keys_of_the_panes_steer_with_no_more(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "runs")
    run.log.write_text(f"{HOSTILE}\nValueError: {HOSTILE}\n", encoding="utf-8")
    with FakeTrainer(run) as trainer:
        trainer.start()
        trainer.train(3.0, 2.0)
        trainer.evaluate(1.5)
        for _ in range(2):
            trainer.sample(HOSTILE, HOSTILE)
        trainer.save(1.5, is_best=True)
        trainer.end()
    attach = ["attach", str(run.path), "--runs-dir", str(run.path.parent)]
    with Terminal([sys.executable, "-m", "tui_charrnn", *attach], size=(120, 36)) as terminal:
        terminal.wait_for_text("evil␛]0;title")
        press(
            terminal,
            [
                (KEYS["f3"], "r Recent"),
                ("r", "last 1 of"),
                ("y", "logarithmic"),
                ("x", "epochs"),
                (KEYS["ctrl+t"], "← → Step"),
                ("\x1b[D", "sample 1 of 2"),
                (" ", "sample 2 of 2"),
                (KEYS["ctrl+l"], "f Filter"),
                ("o", "ValueError: ␛"),
                (KEYS["f4"], "c Compare"),
                ("c", "is the run that is shown."),
                ("n", "Rename"),
                ("\x1b[200~evil\u202e\x1b[201~", "evil⟨202E⟩"),
                (ESCAPE, "evil⟨202E⟩"),
                ("d", "into the trash? u"),
                (ESCAPE, "into the trash? u"),
                ("u", "There is nothing in the trash of"),
            ],
        )
        terminal.write(KEYS["ctrl+q"])
        assert terminal.wait_for_end() == 0
        assert foreign_sequences(terminal) == []


def test_the_clipboard_is_written_by_a_key_and_by_nothing_else(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "runs")
    with FakeTrainer(run) as trainer:
        trainer.start()
        trainer.train(3.0)
        trainer.save(1.5, is_best=True)
        trainer.end()
    attach = [sys.executable, "-m", "tui_charrnn", "attach", str(run.path)]
    with Terminal(attach) as terminal:  # so narrow that Tab goes into the text
        terminal.wait_for_text("evil␛]0;title")
        terminal.write("\x06\x06\x06")  # ^f: as fast as it goes
        terminal.wait_for_text("2,000 characters.")
        terminal.write("\t")
        terminal.wait_for_text("c Copy")
        assert b"\x1b]52;" not in terminal.raw
        terminal.write("c")
        terminal.wait_for("the clipboard is written", lambda: b"\x1b]52;" in terminal.raw)
        terminal.write(KEYS["ctrl+q"])
        assert terminal.wait_for_end() == 0
        found = list(sequences(terminal.raw.decode("utf-8")))
    copied = [sequence for sequence in found if (sequence.kind, sequence.name) == COPY]
    assert len(copied) == 1
    assert [each for each in found if not allowed(each) and each not in copied] == []
