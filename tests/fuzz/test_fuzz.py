"""Whatever stands in a file of a run, of a model, a tape or the history: it is read or refused."""

import pytest

from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.targets import TARGETS

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
