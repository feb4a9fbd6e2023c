"""Whatever stands in a file of a run, a model, a tape, the history or a cache: read or refused."""

import shutil
from pathlib import Path

import pytest

from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.targets import TARGETS, build
from tests.support.faulty_disk import FaultyDisk, in_place

CASES = 30
"""Of each target; `python -m tests.fuzz` tries more."""


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Fuzzer:
    return Fuzzer(tmp_path_factory.mktemp("fuzz") / "files")


@pytest.mark.parametrize("name", TARGETS)
def test_a_damaged_file_is_read_or_refused(fuzzer: Fuzzer, name: str) -> None:
    for seed in range(CASES):
        fuzzer.try_case(name, seed)
    tally = fuzzer.tallies[name]
    assert tally.cases == CASES
    assert tally.failures == []


def test_without_damage_nothing_is_refused(tmp_path: Path) -> None:
    """Else the cases would end before they came to what they are about."""
    original = tmp_path / "original"
    original.mkdir()
    build(original)
    for number, (name, target) in enumerate(TARGETS.items()):
        folder = Path(shutil.copytree(original, tmp_path / str(number)))
        if name != "run.lock":  # whose holder is at work
            with in_place(FaultyDisk()):
                target.use(folder)
