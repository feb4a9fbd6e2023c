"""`train --pin-seed` and `--no-samples`: the seed texts that a run samples."""

from pathlib import Path

import pytest

from tui_charrnn.cli import train as train_module
from tui_charrnn.cli.main import run as run_command
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description

TEXT = "\n  to be, or not to be: that is the question.\n" * 50


def trained(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> tuple[int, tuple[str, ...] | None]:
    """The exit code, and the seed texts of the run; None if no run was created."""
    monkeypatch.setattr(train_module, "start_and_watch", lambda *_: 0)
    corpus = folder / "corpus.txt"
    corpus.write_text(TEXT, encoding="utf-8")
    common = ["train", "--headless", str(corpus), "--runs-dir", str(folder / "runs")]
    code = run_command([*common, "--name", "mine", *options])
    run = RunDirectory(folder / "runs" / "mine")
    return code, read_description(run).pinned_seeds if run.description.exists() else None


@pytest.mark.parametrize(
    ("options", "seeds"),
    [
        ([], ("to be, or not to be: that is the questio",)),
        (["--pin-seed", "that"], ("that",)),
        (["--pin-seed", "to be", "--pin-seed", "", "--pin-seed", "to be"], ("to be", "")),
        (["--no-samples"], ()),
    ],
)
def test_a_run_knows_its_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], seeds: tuple[str, ...]
) -> None:
    assert trained(tmp_path, monkeypatch, *options) == (ExitCode.OK, seeds)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pin-seed", "that", "--no-samples"], "cannot be combined"),
        (["--pin-seed", "x" * 201], "Received: one of 201."),
        ([f"--pin-seed={number}" for number in range(9)], "At most 8 seeds can be pinned"),
    ],
)
def test_what_cannot_be_sampled_is_refused_before_anything_is_made(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    assert trained(tmp_path, monkeypatch, *options) == (ExitCode.USAGE, None)
    assert words in capsys.readouterr().err
