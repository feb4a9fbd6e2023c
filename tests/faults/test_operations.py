"""Every operation on a run, on a disk on which any one step of it fails.

What fails says so in one of our errors, leaves what was there as it was, and succeeds once the disk
is well again.
"""

import contextlib
import errno
import shutil
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.faulty_disk import NO_MEMORY, SHORT, FaultyDisk, in_place
from tests.support.record_reading import read_new
from tests.support.run_operations import NEW, OPERATIONS, has_failed, saved_runs
from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.checkpoints import read_pointer
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_description

CODES: Final = (errno.ENOSPC, errno.EIO, errno.EACCES, NO_MEMORY, SHORT)
EVALUATIONS: Final = {1: 3.0, 2: 2.0, 3: 2.5, 4: 2.6, 5: 2.7}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    run = fake_run(
        tmp_path_factory.mktemp("original"),
        losses=[3.0, 2.5, 2.0, 1.9, 1.8],
        evaluations=EVALUATIONS,
    )
    run.log.write_text("one\ntwo\n", encoding="utf-8")
    return run


def rotated(request: pytest.FixtureRequest) -> list[tuple[int, ...]]:
    """Which errors come at which step: one after another, or with --stress each at every step."""
    if request.config.getoption("--stress"):
        return [(code,) for code in CODES]
    return [CODES]


@pytest.mark.parametrize("is_persistent", [False, True], ids=["once", "for-good"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_whatever_step_fails_nothing_is_lost(
    tmp_path: Path,
    original: RunDirectory,
    request: pytest.FixtureRequest,
    name: str,
    is_persistent: bool,
) -> None:
    operation, before = OPERATIONS[name], saved_runs(original)
    for codes in rotated(request):
        for number in count(1):
            code = codes[number % len(codes)]
            folder = tmp_path / f"{code}-{number}"
            run = RunDirectory(Path(shutil.copytree(original.path, folder / "run")))
            disk = FaultyDisk(number, code=code, is_persistent=is_persistent)
            outcome: object
            with in_place(disk):
                try:
                    outcome = operation.do(run)
                except CharRNNError as error:
                    outcome = error
            operation.check(run, outcome, code)
            assert saved_runs(run).items() <= {**before, "step-00000006": NEW}.items()
            if not disk.was_reached:
                assert not has_failed(outcome)
                assert number > operation.steps
                break
            shutil.rmtree(folder)


@pytest.mark.parametrize("is_persistent", [False, True], ids=["once", "for-good"])
@pytest.mark.parametrize("first", range(len(CODES)))
def test_a_run_is_made_whole_or_not_at_all(
    tmp_path: Path, request: pytest.FixtureRequest, first: int, is_persistent: bool
) -> None:
    every = 1 if request.config.getoption("--stress") else len(CODES)
    for number in count(1 + first % every, every):
        folder = tmp_path / str(number)
        disk = FaultyDisk(number, code=CODES[first], is_persistent=is_persistent)
        with in_place(disk), contextlib.suppress(CharRNNError):
            created_run(folder)
        run = RunDirectory(folder / "fake")
        if not run.path.exists():
            run = created_run(folder)
        assert read_description(run).name == "fake"
        assert read_pointer(run, run.latest) is None
        with FakeTrainer(run) as trainer:
            trainer.start()
        assert len(read_new(RunReader(run))) == 3
        shutil.rmtree(folder)
        if not disk.was_reached:
            break
    assert number > 20
