"""A terminal is asked what it can do, is given a moment, and is left as it was."""

import os
import sys
import termios
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, ROOT
from tests.support.terminal import Terminal
from tui_charrnn.cli.diagnosis import judge_locks, judge_terminal
from tui_charrnn.cli.surroundings import Locks
from tui_charrnn.cli.surroundings import Terminal as Facts
from tui_charrnn.cli.terminal_query import Abilities, ask_terminal, understand

ASKING = (
    "from tui_charrnn.cli.terminal_query import ask_terminal; "
    f"print('it said', ask_terminal({PATIENCE}), flush=True); input()"
)
QUESTION = b"\x1b[?u\x1b[c"


@pytest.mark.parametrize(
    ("answer", "abilities"),
    [
        (b"\x1b[?0u\x1b[?62;52;22c", Abilities(speaks_kitty=True, has_clipboard=True)),
        (b"\x1b[?65;1;9c", Abilities(speaks_kitty=False, has_clipboard=False)),
        (b"typed\x1b[?1u before\x1b[?62c", Abilities(speaks_kitty=True, has_clipboard=False)),
        (b"\x1b[?152c", Abilities(speaks_kitty=False, has_clipboard=False)),
        (b"\x1b[?0u", None),
        (b"", None),
    ],
)
def test_an_answer_is_understood(answer: bytes, abilities: Abilities | None) -> None:
    assert understand(answer) == abilities


@pytest.mark.pty
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"\x1b[?0u\x1b[?62;52c", "speaks_kitty=True, has_clipboard=True"),
        (b"\x1b[?6c", "speaks_kitty=False, has_clipboard=False"),
    ],
)
def test_a_terminal_answers(answer: bytes, said: str) -> None:
    environment = {"PYTHONPATH": str(ROOT)}
    with Terminal([sys.executable, "-c", ASKING], environment=environment) as terminal:
        before = terminal.attributes()
        terminal.wait_for("the question", lambda: QUESTION in terminal.raw)
        terminal.write(answer)
        terminal.wait_for_text(said)
        assert terminal.attributes() == before
        assert b"^[" not in terminal.raw  # the answer is not echoed


def test_without_a_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(os, "open", refuse)
    assert ask_terminal() is None


def test_a_terminal_that_refuses_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> list[object]:
        raise termios.error(25, "Inappropriate ioctl for device")

    ours, theirs = os.openpty()
    monkeypatch.setattr(os, "open", lambda *_: theirs)
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
    monkeypatch.setattr(termios, "tcgetattr", refuse)
    assert ask_terminal() is None
    os.close(ours)


@pytest.mark.parametrize(
    ("abilities", "words"),
    [
        (Abilities(speaks_kitty=True, has_clipboard=True), ["kitty keyboard", "by OSC 52"]),
        (Abilities(speaks_kitty=False, has_clipboard=False), ["nothing of OSC 52"]),
    ],
)
def test_what_it_said_is_told(abilities: Abilities, words: list[str]) -> None:
    found = judge_terminal(Facts(80, 24, "truecolor", "C.UTF-8", abilities))
    assert found.verdict == "ok"
    assert all(each in found.text for each in words), found.text


@pytest.mark.parametrize(
    ("locks", "verdict", "words"),
    [
        (Locks(True, (), ()), "ok", "know of each other"),
        (Locks(True, ("mine",), ()), "ok", "at work: mine"),
        (Locks(True, (), ("gone",)), "note", "gone without a word: gone"),
        (Locks(False, (), ()), "note", "knows no locks"),
    ],
)
def test_locks_are_judged(locks: Locks, verdict: str, words: str) -> None:
    found = judge_locks(locks)
    assert (found.verdict, words in found.text) == (verdict, True), found.text


def test_the_runs_of_a_folder_are_looked_at(tmp_path: Path) -> None:
    from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer
    from tui_charrnn.cli.surroundings import look_at_locks

    lose_trainer(fake_run(tmp_path, name="gone", end=None))
    fake_run(tmp_path, name="done")
    with FakeTrainer(created_run(tmp_path, name="mine")) as trainer:
        trainer.start()
        found = look_at_locks(tmp_path)
    assert found == Locks(True, ("mine",), ("gone",))
    assert look_at_locks(tmp_path / "not" / "there") == Locks(True, (), ())
