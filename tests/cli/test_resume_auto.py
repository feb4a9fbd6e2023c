"""`train --resume auto` is one line for every start of a job: it begins, goes on or is done."""

import subprocess
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, ROOT
from tests.support.fake_run import created_run, fake_run
from tests.support.small_run import of_kind
from tests.support.trainer_process import with_trainer
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import RunStarted

TRAINER = (
    "trainer.start(); trainer.train(3.0); trainer.end('saved'); "
    "trainer.writer.close(); sys.exit(75)"
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("to be, or not to be: that is the question.\n" * 50, encoding="utf-8")
    return path


def job(corpus: Path, name: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """The one line of a job's script."""
    runs = str(corpus.parent / "runs")
    words = ["train", "--headless", str(corpus), "--runs-dir", runs, "--name", name, *more]
    command = with_trainer(TRAINER, *words, "--resume", "auto", "--preset", "tiny")
    return subprocess.run(
        command, capture_output=True, check=False, cwd=ROOT, text=True, timeout=PATIENCE
    )


def test_it_begins_a_run_and_goes_on_with_it(corpus: Path) -> None:
    run = RunDirectory(corpus.parent / "runs" / "mine")
    for starts in (1, 2):
        ended = job(corpus, "mine")
        assert ended.returncode == 75, ended.stderr
        assert len(of_kind(run, RunStarted)) == starts
    assert [path.name for path in run.path.parent.iterdir()] == ["mine"]


def test_a_finished_run_leaves_nothing_to_do(corpus: Path) -> None:
    run = fake_run(corpus.parent / "runs", name="done")
    before = run.events.read_bytes()
    ended = job(corpus, "done")
    assert (ended.returncode, ended.stdout.strip()) == (0, str(run.path))
    assert "nothing left to train" in ended.stderr
    assert run.events.read_bytes() == before


def test_what_was_settled_when_a_run_began_is_told(corpus: Path) -> None:
    run = created_run(corpus.parent / "runs", name="mine")
    size = read_description(run).model.hidden_size
    ended = job(corpus, "mine", "--hidden-size", str(size + 1), "--max-time", "1h")
    assert f"goes on as it was begun: hidden_size {size}. For other settings" in ended.stderr
    same = job(corpus, "mine", "--hidden-size", str(size))
    assert "as it was begun" not in same.stderr


def test_it_needs_a_name(corpus: Path) -> None:
    ended = subprocess.run(
        with_trainer(TRAINER, "train", "--headless", str(corpus), "--resume", "auto"),
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=PATIENCE,
    )
    assert (ended.returncode, "--name" in ended.stderr) == (2, True)
