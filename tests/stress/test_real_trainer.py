"""Some of the faults of `tests/faults` with the real engine: TensorFlow trains what resumes."""

import contextlib
import errno
from pathlib import Path

import pytest

from tests.support.faulty_disk import NO_MEMORY, FaultyDisk, in_place
from tests.support.small_run import assert_same_weights, new_run, train
from tests.support.survival import series_of
from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.runs.layout import RunDirectory

pytestmark = [pytest.mark.trainer, pytest.mark.stress]

FAULTS = [
    (number, code, is_persistent)
    for number in range(20, 500, 80)
    for code in (errno.ENOSPC, errno.EIO, NO_MEMORY)
    for is_persistent in (False, True)
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    run = new_run(tmp_path_factory.mktemp("whole"))
    assert train(run) is ExitCode.OK
    return run


@pytest.mark.parametrize(("number", "code", "is_persistent"), FAULTS)
def test_a_training_survives_a_fault(
    tmp_path: Path,
    whole: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: int,
    is_persistent: bool,
) -> None:
    from tui_charrnn.training import saving

    monkeypatch.setattr(saving, "PATIENCE", 0.0)
    run = new_run(tmp_path)
    disk = FaultyDisk(number, code=code, is_persistent=is_persistent)
    with in_place(disk), contextlib.suppress(CharRNNError):
        train(run)
    assert disk.was_reached
    assert train(run) is ExitCode.OK
    assert series_of(run) == series_of(whole)
    assert_same_weights(run, whole)
