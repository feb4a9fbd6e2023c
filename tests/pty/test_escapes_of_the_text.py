"""All that can be done with a text in the app steers the terminal with what is needed alone.

The model speaks in signs that do harm; whatever is asked for is answered with more of them.
"""

from pathlib import Path
from typing import Final

import pytest

from tests.support.allowed_sequences import ESCAPE, foreign_sequences, press
from tests.support.hostile_model import hostile_model, hostile_tape, hostile_text
from tests.support.terminal import Terminal, app_command

pytestmark = pytest.mark.pty

PASTED: Final = "\x1b[200~evil\x9d0;title\x9c\u202e\x1b[201~"
FAST: Final = {"CHARRNN_PACE": "max", "CHARRNN_LENGTH": "600"}


def leave(terminal: Terminal) -> None:
    terminal.write("\x11")
    assert terminal.wait_for_end() == 0
    assert foreign_sequences(terminal) == []


def test_what_is_seen_inside_a_model(tmp_path: Path) -> None:
    corpus = hostile_text(tmp_path)
    read = len(corpus.read_text(encoding="utf-8"))
    command = app_command(hostile_model(tmp_path), tmp_path / "runs")
    with Terminal(command, size=(120, 36), environment=FAST) as terminal:
        terminal.wait_for_text("600 characters.")
        press(
            terminal,
            [
                ("\x1b[Z", "h History"),
                ("x", "probability, %"),
                ("x", "surprise, bits"),
                ("x", "entropy, bits"),
                ("x", "0:c0 cell state"),
                ("x", "forget gate"),
                ("x", "was not found here"),  # the corpus of the model, by its name
                ("k", "A file to compare with"),
                (PASTED, "evil⟨9D⟩0;title"),
                (ESCAPE, "A file to compare with"),
                ("k", "A file to compare with"),
                (str(corpus) + "\r", "against evil"),
                ("d", "state"),
                ("d", "gates"),
                ("p", "A neuron, as"),
                (PASTED, "Received: '"),
                (ESCAPE, "A neuron, as"),
                ("p", "A neuron, as"),
                ("0:f2\r", "0:f2 forget gate"),
                (",", "0:f1 forget gate"),
                (".", "0:f2 forget gate"),
                ("r", "X-ray a text"),
                (PASTED, "characters will be read."),
                ("\r", "A pasted text, read by the model"),
                ("r", "X-ray a text"),
                (str(corpus) + "\r", f"Read {read:,} characters"),
                ("/", "look for"),
                (PASTED, "no match"),
                (ESCAPE, "no match"),
            ],
        )
        leave(terminal)


def test_neurons_that_are_found_and_held(tmp_path: Path) -> None:
    corpus = str(hostile_text(tmp_path))
    command = app_command(hostile_model(tmp_path), tmp_path / "runs")
    with Terminal(command, size=(120, 36), environment=FAST) as terminal:
        terminal.wait_for_text("600 characters.")
        press(
            terminal,
            [
                ("\x1b[Z", "h History"),
                ("e", "the text so far"),  # was read, as its corpus is not here
                ("o", "A file to read"),
                (PASTED, "cannot be read"),
                (ESCAPE, "A file to read"),
                ("o", "A file to read"),
                (corpus + "\r", " evil, "),  # its name, and how long it is
                ("\r", ", . others"),
                ("c", "Clamp 0:"),
                ("1.5\r", "= 1.5"),
                ("r", "is released."),
                ("f", "Neurons · "),
            ],
        )
        leave(terminal)


def test_a_tape_of_a_stranger(tmp_path: Path) -> None:
    model = hostile_model(tmp_path)
    tape = hostile_tape(tmp_path, model)
    command = app_command(model, tmp_path / "runs", "--tape", str(tape))
    with Terminal(command, size=(120, 36), environment=FAST) as terminal:
        terminal.wait_for_text("The tape is open.")
        press(
            terminal,
            [
                ("\x1bOQ", "Tape · branch evil"),  # F2
                ("l", "Branches · 3"),
                ("\x1b[B", "Branches · 3"),
                ("c", "Arrows scroll"),
                (ESCAPE, "Arrows scroll"),
                ("c", "Arrows scroll"),
                (ESCAPE, "Arrows scroll"),
                ("t", "Name of the branch"),
                (PASTED, "evil⟨9D⟩0;title"),
                ("\r", "branch evil⟨9D⟩0;title"),
                ("i", "Text at the cursor"),
                (PASTED, "evil⟨9D⟩0;title"),
                (ESCAPE, "Text at the cursor"),
            ],
        )
        leave(terminal)
