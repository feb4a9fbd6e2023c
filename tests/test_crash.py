"""A crash report: a file, and lines that are safe for a terminal."""

import os
import stat
from pathlib import Path

import pytest

from tui_charrnn.crash import report_crash


def fail(message: str) -> None:
    raise ZeroDivisionError(message)


def error_of(message: str) -> Exception:
    with pytest.raises(ZeroDivisionError) as caught:
        fail(message)
    return caught.value


def test_the_traceback_is_in_the_file_that_is_named(tmp_path: Path) -> None:
    told = report_crash(error_of("too \x1b[31mbad \udcff"), tmp_path / "state")
    (report,) = (tmp_path / "state").iterdir()
    assert str(report) in told
    assert "\x1b" not in told
    assert "in fail" in report.read_text(encoding="utf-8")


def test_a_report_is_for_the_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        report_crash(error_of("bad"), tmp_path / "state")
    finally:
        os.umask(before)
    (report,) = (tmp_path / "state").iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (report.parent, report)] == [0o700, 0o600]


def test_two_crashes_leave_two_files(tmp_path: Path) -> None:
    report_crash(error_of("one"), tmp_path)
    report_crash(error_of("two"), tmp_path)
    assert len(list(tmp_path.glob("crash-*.txt"))) == 2


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = report_crash(error_of("bad"), tmp_path / "file" / "state")
    assert "ZeroDivisionError: bad" in told
    assert "No report could be written" in told


class FailedWorkerError(Exception):
    """Like Textual's `WorkerFailed`, which has the original error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"raised {error}")
        self.error = error


def test_the_file_tells_all_kinds_and_no_message(tmp_path: Path) -> None:
    error = error_of("dear diary")
    error.__cause__ = FailedWorkerError(FileNotFoundError(2, "No such file", "diary.txt"))
    told = report_crash(error, tmp_path / "state")
    (report,) = (tmp_path / "state").iterdir()
    written = report.read_text(encoding="utf-8")
    assert "dear diary" in told  # on the user's own terminal
    kinds = ["FileNotFoundError (errno 2)", "FailedWorkerError", "builtins.ZeroDivisionError"]
    places = [written.index(kind) for kind in kinds]
    assert places == sorted(places)
    assert "diary" not in written.replace('error_of("dear diary")', "")


def test_errors_that_caused_each_other_are_told_once(tmp_path: Path) -> None:
    first, second = error_of("one"), error_of("two")
    first.__cause__, second.__cause__ = second, first
    report_crash(first, tmp_path / "state")
    (report,) = (tmp_path / "state").iterdir()
    assert report.read_text(encoding="utf-8").count("builtins.ZeroDivisionError") == 2
