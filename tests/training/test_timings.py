"""Measurements are kept by their key, and a damaged file is no file."""

from pathlib import Path

import pytest

from tests.support.faulty_disk import FaultyDisk
from tui_charrnn.errors import StorageError
from tui_charrnn.runs.file_system import in_place
from tui_charrnn.training.trial_facts import ENTRY_LIMIT, Timings, timings_file


@pytest.fixture
def kept(tmp_path: Path) -> Timings:
    return Timings(tmp_path / "cache" / "timings.json")


def test_what_was_kept_is_found_by_whoever_looks_next(tmp_path: Path) -> None:
    path = tmp_path / "new" / "timings.json"
    Timings(path).add("one", {"seconds": 0.5, "device": "some GPU"})
    Timings(path).add("other", {"seconds": 2.0})
    assert Timings(path).find("one") == {"seconds": 0.5, "device": "some GPU"}
    assert Timings(path).find("third") is None


def test_the_newest_measurement_of_a_key_holds(kept: Timings) -> None:
    kept.add("one", {"seconds": 1.0})
    kept.add("one", {"seconds": 2.0})
    assert kept.find("one") == {"seconds": 2.0}


def test_the_oldest_are_forgotten(kept: Timings) -> None:
    for number in range(ENTRY_LIMIT):
        kept.add(str(number), {"seconds": 1.0})
    kept.add("0", {"seconds": 2.0})
    kept.add("one more", {"seconds": 3.0})
    assert kept.find("1") is None
    assert kept.find("0") == {"seconds": 2.0}
    assert kept.find("one more") == {"seconds": 3.0}


@pytest.mark.parametrize(
    "contents",
    [
        "",
        "[]",
        "{",
        '{"format": 2, "timings": {"one": {}}}',
        '{"format": 1, "timings": []}',
        '{"format": 1, "timings": {"one": 7}}',
        '{"format": 1, "timings": {"one": {"seconds": NaN}}}',
    ],
)
def test_a_damaged_file_holds_nothing_and_is_replaced(tmp_path: Path, contents: str) -> None:
    path = tmp_path / "timings.json"
    path.write_text(contents, encoding="utf-8")
    kept = Timings(path)
    assert kept.find("one") is None
    kept.add("one", {"seconds": 1.0})
    assert kept.find("one") == {"seconds": 1.0}


def test_what_is_no_number_is_refused(kept: Timings) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        kept.add("one", {"seconds": float("nan")})
    assert kept.find("one") is None


def test_a_disk_that_refuses_leaves_what_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "timings.json"
    Timings(path).add("one", {"seconds": 1.0})
    disk = FaultyDisk(fail_at=1, is_persistent=True)
    with in_place(disk), pytest.raises(StorageError):
        Timings(path).add("one", {"seconds": 2.0})
    assert Timings(path).find("one") == {"seconds": 1.0}


def test_the_file_lies_in_the_users_cache_or_where_they_want_it(
    isolated_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert isolated_home in timings_file().parents
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "fast"))
    assert timings_file() == tmp_path / "fast" / "timings.json"
