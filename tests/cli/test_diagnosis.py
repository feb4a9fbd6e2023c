"""Findings about machine, folders and terminal, with a remedy where one is needed."""

from dataclasses import replace

import pytest

from tui_charrnn.cli.diagnosis import (
    MINIMUM_COLUMNS,
    MINIMUM_ROWS,
    Folder,
    Terminal,
    judge_folders,
    judge_machine,
    judge_terminal,
)
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ExitCode
from tui_charrnn.training.machine import Machine

MODEL = ModelConfig(hidden_size=1000)
TRAINING = TrainingConfig(steps=1)
MACHINE = Machine("Some CPU", 8, 8, None, 16_000_000_000, 9_000_000_000)


@pytest.mark.parametrize(
    ("machine", "threads", "verdict", "words"),
    [
        (MACHINE, 8, "ok", "8 used, of 8 processors"),
        (replace(MACHINE, allowed=3), 3, "ok", "may run on 3"),
        (replace(MACHINE, quota=2.5), 3, "ok", "limited to 2.5"),
        (replace(MACHINE, quota=2.5), 4, "note", "lower --threads"),
    ],
)
def test_threads_are_judged_by_what_there_is(
    machine: Machine, threads: int, verdict: str, words: str
) -> None:
    _, found, _ = judge_machine(machine, threads, MODEL, "Linux")
    assert (found.verdict, words in found.text) == (verdict, True), found.text


def test_too_little_memory_is_noted() -> None:
    *_, found = judge_machine(replace(MACHINE, available=1_050_000_000), 1, MODEL, "Linux")
    assert (found.verdict, "close other programs" in found.text) == ("note", True)


def test_a_disk_that_cannot_take_the_checkpoints_is_a_problem() -> None:
    small, large = (Folder("/runs", True, free) for free in (150_000_000, 10**12))
    runs, _ = judge_folders(small, large, MODEL, TRAINING)
    assert (runs.verdict, runs.exit_code) == ("problem", ExitCode.CANNOT_SAVE)
    assert "--runs-dir" in runs.text
    runs, _ = judge_folders(large, large, MODEL, TRAINING)
    assert (runs.verdict, "; the checkpoints take " in runs.text) == ("ok", True)


def test_a_cache_that_cannot_be_written_in_is_a_note() -> None:
    runs, cache = judge_folders(
        Folder("/runs", True, None), Folder("/cache", False, None), MODEL, TRAINING
    )
    assert (runs.verdict, cache.verdict) == ("ok", "note")
    assert "CHARRNN_CACHE" in cache.text


@pytest.mark.parametrize(
    ("terminal", "verdict", "words"),
    [
        (Terminal(80, 24, "truecolor", "C.UTF-8", ""), "ok", "80 x 24, 16 million colors"),
        (Terminal(80, 24, "256", "", ""), "ok", "256 colors"),
        (Terminal(39, 24, "256", "de_DE.utf8", ""), "note", "needs 40 x 12"),
        (Terminal(80, 24, None, "", "Only lines."), "note", "80 x 24, no colors: Only lines."),
        (None, "note", "--headless"),
    ],
)
def test_terminals(terminal: Terminal | None, verdict: str, words: str) -> None:
    found = judge_terminal(terminal)
    assert (found.verdict, words in found.text) == (verdict, True), found.text


def test_the_least_size_is_that_of_the_app() -> None:
    from tui_charrnn.tui.app import CharRNNApp

    assert CharRNNApp.HORIZONTAL_BREAKPOINTS[1][0] == MINIMUM_COLUMNS
    assert CharRNNApp.VERTICAL_BREAKPOINTS[1][0] == MINIMUM_ROWS
