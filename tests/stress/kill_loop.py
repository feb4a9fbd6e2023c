"""SIGKILL at random times to a real TensorFlow training, until it is done all the same.

    python -m tests.stress.kill_loop --kills 200

One run is trained undisturbed. Another one is killed again and again, at a moment drawn anew each
time, and resumed. Weights, training state and everything that was measured must be the same to the
bit in the end. Whoever was killed before its first checkpoint begins anew, which counts too.
"""

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.numpy

from tests.support.fake_run import created_run
from tests.support.record_reading import read_new
from tests.support.survival import series_of
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import CheckpointSaved, RunResumed
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.worker import run_training

MODEL: Final = ModelConfig(embedding_size=5, hidden_size=7, layer_count=2)
STEPS_A_KILL: Final = 12
"""So long is a run that is to be killed so often: each trainer has some steps before it dies."""
PATIENCE: Final = 900.0
"""Seconds until a trainer is given up that does not come to its end, however busy the machine."""
_PROCESSES: Final = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tensorflow", "keras"])


@dataclass(frozen=True)
class Tally:
    """What became of the trainers."""

    kills: int
    resumed: int
    anew: int
    """Of those that resumed: from the beginning, as nothing was saved yet."""
    saved: int
    """Checkpoints in all."""
    seconds: float


def settings(kills: int) -> TrainingConfig:
    """A run of as many steps as it takes; it saves at nearly every look."""
    return TrainingConfig(
        batch_size=3,
        sequence_length=8,
        steps=max(60, STEPS_A_KILL * kills),
        evaluations=max(5, kills // 2),
        dropout=0.3,
        precision="float32",
        checkpoint_interval=0.05,
        keep_checkpoints=2,
    )


def kill_and_resume(folder: Path, kills: int, rng_seed: int) -> Tally:
    """Train a run undisturbed and another one with so many kills, and compare them.

    Raises:
        AssertionError: If anything differs.
    """
    began, rng = time.monotonic(), np.random.default_rng(rng_seed)
    whole = created_run(folder / "whole", name="run", model=MODEL, training=settings(kills))
    assert _outcome(_started(whole)) == 0, "the undisturbed run failed"
    run = created_run(folder / "killed", name="run", model=MODEL, training=settings(kills))
    killed = 0
    while killed < kills:
        trainer = _started(run)
        if not _is_at_work(trainer, run, rng):
            assert _outcome(trainer) == 0
            break
        os.kill(trainer.pid, signal.SIGKILL)
        assert _outcome(trainer) == -signal.SIGKILL
        killed += 1
    assert _outcome(_started(run)) == 0, "the last resume failed"
    assert_same(run, whole)
    records = read_new(RunReader(run), 1 << 30)
    resumed = [record.step for record in records if isinstance(record, RunResumed)]
    saved = sum(isinstance(record, CheckpointSaved) for record in records)
    seconds = time.monotonic() - began
    return Tally(killed, len(resumed), resumed.count(0), saved, seconds)


def assert_same(run: RunDirectory, other: RunDirectory) -> None:
    """Two runs are the same to the bit: all that was measured, the model, the training state."""
    series, expected = series_of(run), series_of(other)
    keys = sorted(series.keys() | expected.keys(), key=lambda key: key[1])
    differing = [key for key in keys if series.get(key) != expected.get(key)]
    told = [(key, series.get(key), expected.get(key)) for key in differing[:3]]
    assert not differing, f"{len(differing)} measurements differ, the first of them: {told}"
    ours, theirs = newest_valid(run), newest_valid(other)
    assert ours is not None
    assert theirs is not None
    assert ours.path.name == theirs.path.name
    assert _bits(ours.model) == _bits(theirs.model)
    assert _bits(ours.training) == _bits(theirs.training)


def _bits(path: Path) -> dict[str, tuple[str, bytes]]:
    tensors = safetensors.numpy.load_file(path)
    return {name: (str(each.dtype), each.tobytes()) for name, each in tensors.items()}


def _is_at_work(trainer: Any, run: RunDirectory, rng: np.random.Generator) -> bool:
    """Wait until a trainer is to die: at its start now and then, or some steps later.

    Steps, not seconds, so that a busy machine has as many kills in each phase as a quiet one; the
    instant within the step is left to chance.
    """
    reader = RunReader(run)
    read_new(reader, 1 << 30)
    wanted, seen = int(rng.integers(0, 2 * STEPS_A_KILL)), 0
    deadline = time.monotonic() + PATIENCE
    while seen < wanted:
        assert time.monotonic() < deadline, f"no {wanted} records within {PATIENCE:g} s"
        if trainer.exitcode is not None:
            return False
        seen += len(read_new(reader, 1 << 30))
        time.sleep(0.001)
    time.sleep(float(rng.uniform(0, 0.02)))  # not waiting for anything: this is the chance
    return trainer.exitcode is None


def _started(run: RunDirectory) -> Any:
    process = _PROCESSES.Process(target=_train, args=(run.path,))
    process.start()
    return process


def _train(path: Path) -> None:
    os._exit(int(run_training(RunDirectory(path), Interruption())))


def _outcome(process: Any) -> int:
    process.join(PATIENCE)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    assert code is not None, f"a trainer did not end within {PATIENCE:g} s"
    return int(code)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress.kill_loop", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    folder = tempfile.mkdtemp()
    os.environ |= {"HOME": folder, "XDG_CACHE_HOME": folder, "XDG_DATA_HOME": folder}
    try:
        tally = kill_and_resume(Path(folder), chosen.kills, chosen.seed)
    except AssertionError:
        print(f"Both runs are kept in {folder}.", file=sys.stderr)  # noqa: T201  to be looked at
        raise
    shutil.rmtree(folder)
    print(  # noqa: T201  what it is for
        f"seed {chosen.seed}: {tally.kills} kills, {tally.resumed} resumes ({tally.anew} of them "
        f"from the beginning), {tally.saved} checkpoints, {tally.seconds:.0f} s; the same to the "
        "bit in the end"
    )
    return int(ExitCode.OK if tally.kills == chosen.kills else ExitCode.UNEXPECTED)


if __name__ == "__main__":
    sys.exit(main())
