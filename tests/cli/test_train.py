"""`train`, `resume`, `runs` and `stop` in separate processes.

Tests that depend on TensorFlow use it; in the others the real trainer computes with NumPy.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.command import finish, run_program, start_program, wait_for
from tests.support.connections import connections_of
from tests.support.numpy_program import SETTINGS as NUMPY_SETTINGS
from tests.support.numpy_program import run_numpy_program, start_numpy_program
from tests.support.record_reading import read_new
from tui_charrnn.errors import RunError
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.records import BatchTrained, CheckpointSaved, RunEnded, decode_record

pytestmark = pytest.mark.trainer

SETTINGS = (
    "--hidden-size=7 --embedding-size=5 --batch-size=4 --sequence-length=16 --dropout=0.2 "
    "--evaluations=4 --threads=1 --precision=float32 --checkpoint-interval=200ms"
).replace("200ms", "0.2")

STEPS = 600
"""Enough steps to kill a run between its first checkpoint and its end."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, shared by the tests of this module, which name their runs."""
    made = tmp_path_factory.mktemp("runs")
    lines = [f"{number} times {number} is {number * number}\n" for number in range(1500)]
    (made / "corpus.txt").write_text("".join(lines), encoding="utf-8")
    return made


def train_arguments(folder: Path, name: str, *more: str) -> list[str]:
    corpus = str(folder / "corpus.txt")
    common = ["train", "--headless", corpus, "--runs-dir", str(folder), "--name", name]
    return [*common, *SETTINGS.split(), *more]


KERAS_FILE = '{"backend": "torch", "floatx": "float16"}'
"""Keras settings that another program of the user may have written."""


@pytest.fixture(scope="module")
def whole(folder: Path) -> tuple[RunDirectory, bytes, bytes]:
    """A run that was never interrupted, with what its command printed.

    Its user has configured another Keras backend.
    """
    file = folder / "home" / ".keras" / "keras.json"
    file.parent.mkdir(parents=True)
    file.write_text(KERAS_FILE, encoding="utf-8")
    finished = finish(
        start_program(
            *train_arguments(folder, "whole", f"--steps={STEPS}", "--json"),
            variables={"HOME": str(folder / "home"), "KERAS_BACKEND": "torch"},
        )
    )
    assert finished.returncode == 0, finished.stderr
    return RunDirectory(folder / "whole"), finished.stdout, finished.stderr


def status_of(run: RunDirectory) -> RunStatus | None:
    try:
        return read_status(run)
    except RunError:
        return None


def has_reached(run: RunDirectory, step: int) -> Callable[[], bool]:
    """Whether the run has a record of that step or a later one."""

    def reached() -> bool:
        if not run.events.exists():
            return False
        records = read_new(RunReader(run))
        return any(isinstance(record, BatchTrained) and record.step >= step for record in records)

    return reached


def goes_on_after_saving(
    run: RunDirectory, program: "subprocess.Popen[bytes]"
) -> Callable[[], bool]:
    """Whether the run has a checkpoint and a later batch, which a resume must repeat.

    Also true if the run has finished meanwhile, as may happen on a busy machine.
    """
    reader = RunReader(run)
    saved, trained = STEPS, 0

    def goes_on() -> bool:
        nonlocal saved, trained
        for record in read_new(reader):
            if isinstance(record, CheckpointSaved):
                saved = min(saved, record.step)
            elif isinstance(record, BatchTrained):
                trained = record.step
        return trained > saved or program.poll() is not None

    return goes_on


def weights_of(run: RunDirectory) -> dict[str, np.ndarray]:
    checkpoint = newest_valid(run)
    assert checkpoint is not None
    model = load_model(checkpoint.model)
    return dict(tensors_from_weights(model.weights, model.config))


def test_json_is_the_records_and_nothing_else(whole: tuple[RunDirectory, bytes, bytes]) -> None:
    run, stdout, stderr = whole
    lines = stdout.decode().splitlines()
    recorded = run.events.read_text(encoding="utf-8").splitlines()
    assert list(map(decode_record, lines)) == list(map(decode_record, recorded))
    ended = decode_record(lines[-1])
    assert isinstance(ended, RunEnded)
    assert (ended.reason, ended.step, ended.exit_code) == ("finished", STEPS, 0)
    assert b"parameters" in stderr
    assert b"than the best n-gram" in stderr


def test_another_backend_of_keras_is_passed_over_and_its_file_stays(
    folder: Path, whole: tuple[RunDirectory, bytes, bytes]
) -> None:
    (file,) = (folder / "home" / ".keras").iterdir()
    assert file.read_text(encoding="utf-8") == KERAS_FILE


def test_a_finished_run_can_be_listed_and_generates(
    whole: tuple[RunDirectory, bytes, bytes],
) -> None:
    run, _, _ = whole
    listed = run_program("runs", "--json", "--runs-dir", str(run.path.parent))
    names = {facts["name"]: facts for facts in json.loads(listed.stdout)}
    assert names["whole"]["state"] == "finished"
    again = run_program("resume", "--headless", str(run.path))
    assert (again.returncode, again.stdout.decode().strip()) == (0, str(run.path))
    spoken = run_program("generate", "7 times", "-n", "30", "--model", str(run.path))
    assert spoken.returncode == 0
    assert spoken.stdout.startswith(b"7 times")
    assert len(spoken.stdout.decode()) == 37


@pytest.mark.stress  # tests/training/test_exactness.py kills one trainer in `make test`
def test_killed_at_any_moment_it_resumes_to_the_very_same_bits(
    folder: Path, whole: tuple[RunDirectory, bytes, bytes]
) -> None:
    for attempt in range(1, 6):
        run = RunDirectory(folder / f"killed-{attempt}")
        program = start_program(*train_arguments(folder, run.name, f"--steps={STEPS}"))
        wait_for("a checkpoint and a batch after it", goes_on_after_saving(run, program))
        status = status_of(run)
        assert status is not None
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.kill(status.pid, signal.SIGKILL)
        killed = finish(program)
        if killed.returncode != 0:
            break
    assert killed.returncode == 1, "no run could be killed before its end"
    assert b"SIGKILL" in killed.stderr
    assert f"charrnn-tui resume {run.path}".encode() in killed.stderr
    resumed = run_program("resume", "--headless", str(run.path))
    assert resumed.returncode == 0, resumed.stderr
    for name, tensor in weights_of(whole[0]).items():
        np.testing.assert_array_equal(weights_of(run)[name], tensor, err_msg=name)


def numpy_arguments(folder: Path, name: str, *more: str) -> list[str]:
    common = ["train", "--headless", str(folder / "corpus.txt"), "--runs-dir", str(folder)]
    return [*common, "--name", name, *NUMPY_SETTINGS, *more]


def begun_run(folder: Path, name: str) -> RunDirectory:
    """A run of 50 steps whose command got a signal after its first batch."""
    run = RunDirectory(folder / name)
    arguments = numpy_arguments(folder, name, "--steps=50")
    program = start_numpy_program(*arguments, hold=folder / "never")
    wait_for("it trains", has_reached(run, 1))
    program.send_signal(signal.SIGTERM)
    assert finish(program).returncode == 75
    return run


def test_the_time_limit_exits_with_75_and_resume_auto_resumes(folder: Path) -> None:
    arguments = numpy_arguments(folder, "limited", "--steps=50", "--resume=auto")
    early = run_numpy_program(*arguments, "--max-time=0.001")
    assert (early.returncode, early.stdout) == (75, b"")
    assert not (folder / "limited").exists()
    run = begun_run(folder, "limited")
    limited = run_numpy_program(*arguments, "--max-time=0.001")
    assert limited.returncode == 75, limited.stderr
    assert limited.stdout == b""
    assert f"charrnn-tui resume {folder / 'limited'}".encode() in limited.stderr
    resumed = run_numpy_program("resume", "--headless", "--max-time=1h", str(run.path))
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.decode().strip() == str(run.path)
    plain = [line for line in resumed.stderr.decode().splitlines() if line.startswith("time=")]
    assert all("=" in pair for line in plain for pair in line.split(" "))
    assert "step=50/50" in plain[-1]
    assert run_numpy_program(*arguments).returncode == 0


@pytest.mark.parametrize(
    ("number", "code", "state"),
    [
        (signal.SIGINT, 130, RunState.INTERRUPTED),
        (signal.SIGTERM, 75, RunState.SAVED),
    ],
)
def test_signals_are_handed_on_and_the_run_is_saved(
    folder: Path, number: signal.Signals, code: int, state: RunState
) -> None:
    run = RunDirectory(folder / number.name.lower())
    arguments = numpy_arguments(folder, run.name, "--steps=50")
    program = start_numpy_program(*arguments, hold=folder / "never")
    wait_for("a batch", has_reached(run, 1))
    program.send_signal(number)
    ended = finish(program)
    assert ended.returncode == code, ended.stderr
    status = status_of(run)
    assert status is not None
    assert status.state is state
    checkpoint = newest_valid(run)
    assert checkpoint is not None
    assert checkpoint.path.name == f"step-{status.step:08d}"


def test_a_detached_trainer_outlives_its_command_and_waits_and_stops_on_request(
    folder: Path, isolated_home: Path
) -> None:
    arguments = train_arguments(folder, "detached", "--steps=1000000", "--detach")
    started = run_program(*arguments)
    run = RunDirectory(folder / "detached")
    assert (started.returncode, started.stdout.decode().strip()) == (0, str(run.path))
    wait_for("three batches", has_reached(run, 3))
    paused = run_program("pause", "detached", "--runs-dir", str(folder))
    assert b"detached: paused at step" in paused.stderr
    status = status_of(run)
    assert status is not None
    assert status.state is RunState.PAUSED
    assert sys.platform != "linux" or connections_of(status.pid) == []
    going_on = run_program("unpause", "detached", "--runs-dir", str(folder))
    assert b"detached: training continues at step" in going_on.stderr
    wait_for("a batch after the pause", has_reached(run, status.step + 1))
    stopped = run_program("stop", "detached", "--runs-dir", str(folder))
    assert stopped.returncode == 0
    assert b"detached is stopped; saved at step" in stopped.stderr
    assert not (isolated_home / ".keras").exists()  # Keras does not create its file either
