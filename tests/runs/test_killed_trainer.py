"""A run whose trainer was killed can be resumed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fake_run import created_run
from tests.support.record_reading import read_new
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.liveness import Liveness
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.writer import RunWriter

ROOT = Path(__file__).parents[2]
TRAINER = """
import sys
from pathlib import Path
from tui_charrnn.runs.checkpoints import save_checkpoint
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import BatchTrained
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.writer import RunWriter

run = RunDirectory(Path(sys.argv[1]))
with RunWriter(run, heartbeat=0.001) as writer:
    step = 0
    while True:
        step += 1
        writer.append(BatchTrained(step, 2.0, 0.003, 0.5, 0.1))
        save_checkpoint(
            run, step=step, model=bytes(300_000), training=bytes(300_000),
            loss=None, is_best=step % 2 == 0, keep=1,
        )
        print(step, flush=True)
"""


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_run_survives_kill_9(tmp_path: Path, steps: int) -> None:
    run = created_run(tmp_path)
    child = subprocess.Popen(
        [sys.executable, "-c", TRAINER, str(run.path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    with child:
        for _ in range(steps):
            assert child.stdout.readline(), "the child ended by itself"
        child.kill()
    status = read_status(run)
    assert status is not None
    assert Liveness().judge(status) == "lost"
    newest = newest_valid(run)
    assert newest is not None
    assert newest.step >= steps
    with RunWriter(run, heartbeat=3600.0):
        assert len(read_new(RunReader(run))) >= steps
