"""Every exit code of the real command."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.support.command import ROOT, finish, run_program, start_program, wait_for
from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.small_run import of_kind
from tui_charrnn.cli.main import run as run_command
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.control import take_requests
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunRolledBack
from tui_charrnn.runs.writer import RunWriter

SETTINGS = [
    *("--hidden-size=3", "--embedding-size=2", "--batch-size=2", "--sequence-length=8"),
    *("--threads=1", "--precision=float32", "--no-samples"),
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("to be, or not to be: that is the question.\n" * 50, encoding="utf-8")
    return path


def invoke_command(*words: str, variables: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit code and standard error of a command, which never shows a traceback."""
    ended = run_program(*words, variables=variables)
    messages = ended.stderr.decode()
    assert "Traceback" not in messages
    return ended.returncode, messages


def test_0_is_all_is_well() -> None:
    assert invoke_command("corpora") == (0, "")


def test_1_is_a_program_that_cannot_work(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no such library')")
    path = f"{tmp_path}:{ROOT}"
    code, messages = invoke_command("doctor", variables={"PYTHONPATH": path})
    assert (code, "no such library" in messages) == (1, True), messages


def test_2_is_a_wrong_option(tmp_path: Path, corpus: Path) -> None:
    code, messages = invoke_command("train", "--headless", str(corpus), "--hidden-size", "0")
    assert (code, "--hidden-size" in messages) == (2, True), messages


def test_3_is_data_that_cannot_be_read(tmp_path: Path) -> None:
    code, messages = invoke_command("resume", "nowhere", "--runs-dir", str(tmp_path))
    assert (code, "nowhere" in messages) == (3, True), messages


@pytest.mark.trainer
def test_4_is_a_loss_that_is_no_number(tmp_path: Path, corpus: Path) -> None:
    # a learning rate times decay above 2 lets the weights grow with every step: the run diverges at
    # 10, and after rollbacks at 5 and 2.5, but not at 1.25, until it is set to 10 again
    wild = ["--learning-rate=10", "--weight-decay=1", "--warmup-fraction=0", "--schedule=constant"]
    runs = str(tmp_path / "runs")
    words = ["train", "--headless", str(corpus), "--runs-dir", runs, "--name", "wild"]
    program = start_program(*words, *SETTINGS, *wild, "--steps=100000", "--evaluations=1")
    run = RunDirectory(tmp_path / "runs" / "wild")
    wait_for("it went back three times", lambda: len(of_kind(run, RunRolledBack)) == 3)
    assert invoke_command("set", "wild", "--runs-dir", runs, "--learning-rate=10")[0] == 0
    ended = finish(program)
    assert ended.returncode == 4, ended.stderr
    assert b"lower learning rate" in ended.stderr


def test_5_is_a_run_that_another_trainer_holds(tmp_path: Path) -> None:
    run = fake_run(tmp_path, evaluations={3: 2.0}, end="stopped")
    with RunWriter(run):
        code, messages = invoke_command("resume", "--headless", str(run.path))
    assert (code, f"already being trained by process {os.getpid()}" in messages) == (5, True)
    assert "validation" not in messages  # it trained nothing


def test_6_is_a_disk_that_does_not_save(tmp_path: Path, corpus: Path) -> None:
    runs = str(corpus / "runs")
    code, messages = invoke_command("train", "--headless", str(corpus), "--runs-dir", runs)
    assert (code, "Cannot make the folder" in messages) == (6, True), messages


def test_7_is_a_trainer_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tui_charrnn.cli.control.ANSWER_TIMEOUT", -1.0)
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.start()
        assert run_command(["stop", str(trainer.run.path)]) == 7
        assert "has not stopped" in capsys.readouterr().err
        assert [sent.request for sent in take_requests(trainer.run)] == ["stop"]


def test_75_is_a_run_that_is_to_go_on(tmp_path: Path, corpus: Path) -> None:
    runs = str(tmp_path / "runs")
    code, messages = invoke_command(
        "train", "--headless", str(corpus), "--runs-dir", runs, "--max-time=0.001"
    )
    assert (code, "same command" in messages) == (75, True), messages


def test_130_is_ctrl_c() -> None:
    program = start_program("generate", "-n", str(10**9), "--no-history")
    assert program.stdout is not None
    assert os.read(program.stdout.fileno(), 1)
    program.send_signal(signal.SIGINT)
    ended = finish(program)
    assert (ended.returncode, ended.stderr) == (130, b"")


def test_every_code_has_its_test() -> None:
    tested = [int(found[1]) for name in globals() if (found := re.match(r"test_(\d+)_", name))]
    assert tested == [int(code) for code in ExitCode]


@pytest.mark.parametrize("page", ["docs/shell.md", "docs/shell.ko.md"])
def test_the_page_of_the_commands_has_every_code(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)
    assert [int(row) for row in rows] == [int(code) for code in ExitCode]
