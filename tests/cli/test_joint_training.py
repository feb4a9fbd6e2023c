"""The task that a rank passes to its trainer: the settings to compare, or its error."""

import hashlib
from pathlib import Path

import pytest

from tests.support.fake_run import created_run
from tests.support.tiny_model import tiny_model_bytes
from tui_charrnn.cli import joint_training, main
from tui_charrnn.cli.run_request import RunRequest
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.text.corpus import Reading
from tui_charrnn.training.distributed.placement import STARTING_MODEL, JointTask

CLUSTER = ["--cluster", "localhost:21000,localhost:21001"]


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[JointTask]:
    """The tasks of the trainers that would be started, beside a text and a model."""
    (tmp_path / "new.txt").write_text("a bad cab, a fab jab\n" * 99, encoding="utf-8")
    (tmp_path / "old.safetensors").write_bytes(tiny_model_bytes())
    monkeypatch.chdir(tmp_path)
    found: list[JointTask] = []

    def take_part(task: JointTask, limit: float | None, stderr: int | None = None) -> int:
        found.append(task)
        return 75

    monkeypatch.setattr(joint_training, "_train_as_worker", take_part)
    return found


def train(*options: str) -> int:
    words = ["train", "new.txt", "--headless", "--runs-dir", "runs", *CLUSTER, "--rank", "1"]
    return main.run([*words, *options])


def test_the_hash_of_the_starting_model_is_compared(tasks: list[JointTask]) -> None:
    assert train("--from", "old.safetensors") == 75
    assert tasks[0].card[STARTING_MODEL] == hashlib.sha256(tiny_model_bytes()).hexdigest()
    train()
    assert tasks[1].card[STARTING_MODEL] == ""


@pytest.mark.parametrize(
    ("rank", "start", "entry"),
    [
        (0, "old.safetensors", None),
        (0, None, None),
        (1, "gone.safetensors", None),
        (1, "old.safetensors", hashlib.sha256(tiny_model_bytes()).hexdigest()),
        (1, None, ""),
    ],
)
def test_a_run_that_is_there_needs_no_starting_model(
    tmp_path: Path, tasks: list[JointTask], rank: int, start: str | None, entry: str | None
) -> None:
    """Only rank 0 knows whether a run existed before: others may see one that it has created."""
    created_run(tmp_path / "runs", name="mine")
    request = RunRequest(
        folder=tmp_path / "runs",
        name="mine",
        may_exist=True,
        corpus=[],
        reading=Reading(),
        preset="tiny",
        configurations=(ModelConfig(), TrainingConfig(steps=1)),
        given={},
        seeds=[],
        quiet=True,
        start_from=start,
    )
    assert joint_training._starting_model(request, rank) == entry


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--preset", "giant"], 2, "There is no preset 'giant'"),
        (["--batch-size", "none"], 2, "--batch-size"),
        (["--batch-size", "auto"], 2, "several need the number"),
        (["--from", "gone.safetensors"], 3, "gone.safetensors"),
    ],
)
def test_a_rank_that_cannot_take_part_reports_why(
    tasks: list[JointTask],
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    code: int,
    reason: str,
) -> None:
    assert train(*options) == code
    (task,) = tasks
    assert task.failure is not None
    assert task.failure[0] == code
    assert reason in task.failure[1]
    assert task.failure[1] in capsys.readouterr().err
