"""A trainer whose log can take nothing more, as it lies on a full disk: what it met is known."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, ROOT
from tests.support.small_run import of_kind, status_of
from tests.support.survival import assert_opens, failure_of, small_run
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import RunEnded

FULL = Path("/dev/full")
DEFECTIVE = """
import sys
from pathlib import Path
from tests.support.full_disk import after_batches
from tests.support.numpy_trainer import numpy_training
from tests.support.survival import train
from tui_charrnn.runs.layout import RunDirectory

def fail(step):
    if step == 6:
        raise RuntimeError("a defect")

with numpy_training(), after_batches(fail):
    sys.exit(train(RunDirectory(Path(sys.argv[1]))))
"""

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")


def code_of(*words: str) -> int:
    """How a process of Python ends that can print nothing."""
    with FULL.open("wb") as log:
        ended = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
            timeout=PATIENCE,
        )
    return ended.returncode


def test_a_defect_is_recorded_though_it_cannot_be_logged(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    assert code_of("-c", DEFECTIVE, str(run.path)) == ExitCode.UNEXPECTED
    assert "RuntimeError: a defect" in failure_of(run)
    (end,) = of_kind(run, RunEnded)
    assert (end.reason, end.exit_code) == ("failed", 1)
    status = status_of(run)
    assert (status.state, "a defect" in status.message) == (RunState.FAILED, True)
    assert assert_opens(run) > 0


def test_a_refusal_has_its_exit_code_though_it_cannot_be_told(tmp_path: Path) -> None:
    assert code_of("-m", "tui_charrnn.training", str(tmp_path)) == ExitCode.DATA
