"""`train --resume auto` starts a run, resumes it, or exits if it is finished."""

import subprocess
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, ROOT
from tests.support.fake_run import created_run, fake_corpus, fake_run
from tests.support.small_run import of_kind
from tests.support.trainer_process import with_trainer
from tui_charrnn.cli import main
from tui_charrnn.cli.run_request import RunRequest
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import RunStarted
from tui_charrnn.text.corpus import Reading

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
    """The command line of a job script."""
    runs = str(corpus.parent / "runs")
    words = ["train", "--headless", str(corpus), "--runs-dir", runs, "--name", name, *more]
    command = with_trainer(TRAINER, *words, "--resume", "auto", "--preset", "tiny")
    return subprocess.run(
        command, capture_output=True, check=False, cwd=ROOT, text=True, timeout=PATIENCE
    )


def test_it_starts_a_run_and_resumes_it(corpus: Path) -> None:
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
    assert f"charrnn-tui resume {run.path} --more-time 10m" in ended.stderr
    assert run.events.read_bytes() == before


def test_settings_that_the_run_keeps_are_reported(corpus: Path) -> None:
    run = created_run(corpus.parent / "runs", name="mine")
    size = read_description(run).model.hidden_size
    ended = job(corpus, "mine", "--hidden-size", str(size + 1), "--max-time", "1h")
    assert f"keeps its settings: hidden_size {size}." in ended.stderr
    timed = job(corpus, "mine", "--train-time", "1h")
    assert "keeps its settings: train_time none." in timed.stderr
    same = job(corpus, "mine", "--hidden-size", str(size))
    assert "keeps its settings" not in same.stderr


def test_a_run_of_the_same_text_resumes_without_a_message_about_it(corpus: Path) -> None:
    job(corpus, "mine")
    assert "continues with its own text" not in job(corpus, "mine").stderr


@pytest.mark.parametrize("is_there", [False, True])
def test_another_text_than_that_of_the_run_is_reported(corpus: Path, is_there: bool) -> None:
    run = created_run(corpus.parent / "runs", name="mine")
    if not is_there:
        corpus.unlink()
    ended = job(corpus, "mine", "--quiet")
    assert ended.returncode == 75
    own = read_description(run).corpus.sources[0]
    assert f"continues with its own text, fake ({own})" in ended.stderr
    assert ("corpus.txt" in ended.stderr.replace(own, "")) == (not is_there)


def test_a_second_start_continues_the_run_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands find no run and both create it: the lock decides which one trains it."""
    text = fake_corpus(tmp_path)
    request = RunRequest(
        folder=tmp_path / "runs",
        name="mine",
        may_exist=True,
        corpus=text.sources,
        reading=Reading(),
        preset="tiny",
        configurations=(ModelConfig(embedding_size=2, hidden_size=3), TrainingConfig(steps=1)),
        given={},
        seeds=[],
        quiet=True,
    )
    first = created_run(tmp_path / "runs", name="mine")
    looks = iter([False, True])
    monkeypatch.setattr("tui_charrnn.cli.run_request.holds_run", lambda _run: next(looks))
    assert request.find_or_make(text) == first


def test_a_name_whose_run_is_being_trained_is_locked_and_another_is_taken(corpus: Path) -> None:
    runs = corpus.parent / "runs"
    words = ["train", "--headless", str(corpus), "--runs-dir", str(runs), "--preset", "tiny"]
    fake_run(runs, name="done")
    created_run(runs, name="held")  # its trainer is starting
    codes = {name: main.run([*words, "--name", name]) for name in ("done", "held")}
    assert codes == {"done": 2, "held": 5}


def test_a_name_that_is_taken_is_refused_before_the_text_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fake_run(tmp_path, name="done")
    words = ["train", "--headless", "no-such-text", "--runs-dir", str(tmp_path)]
    assert main.run([*words, "--name", "done"]) == 2
    assert capsys.readouterr().err.endswith(f"charrnn-tui resume {run.path}\n")


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
