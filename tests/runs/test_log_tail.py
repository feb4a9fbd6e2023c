"""Reading the end of a log while it is written."""

import os
from pathlib import Path

import pytest

from tui_charrnn.errors import RunError
from tui_charrnn.runs.reader import LogTail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "trainer.log"


def append(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def test_lines_come_once_and_in_order(log: Path) -> None:
    tail = LogTail(log)
    append(log, "one\ntwo\n")
    assert tail.read_new() == ["one", "two"]
    assert tail.read_new() == []
    append(log, "\nthree\r\n")
    assert tail.read_new() == ["", "three"]


def test_a_log_may_come_later(log: Path) -> None:
    tail = LogTail(log)
    assert tail.read_new() == []
    append(log, "one\n")
    assert tail.read_new() == ["one"]


def test_a_torn_line_waits_for_its_rest(log: Path) -> None:
    tail = LogTail(log)
    append(log, "one\ntw")
    assert tail.read_new() == ["one"]
    append(log, "o\nth")
    assert tail.read_new() == ["two"]


def test_a_torn_line_that_nobody_goes_on_with_is_given(log: Path) -> None:
    tail = LogTail(log)
    append(log, "one\nSegmentation fa")
    assert tail.read_new() == ["one"]
    assert tail.read_new() == ["Segmentation fa"]
    assert tail.read_new() == []
    append(log, "\nnext\n")
    assert tail.read_new() == ["next"]


def test_only_the_end_of_a_large_log_is_read(log: Path) -> None:
    append(log, "".join(f"line {number:05}\n" for number in range(5_000)))
    tail = LogTail(log, window=100)
    assert tail.read_new() == [f"line {number:05}" for number in range(4_991, 5_000)]
    assert tail.has_passed_over
    append(log, "".join(f"more {number:05}\n" for number in range(5_000)))
    assert tail.read_new()[-1] == "more 04999"
    assert tail.restarts == 0


def test_a_log_with_a_hole_of_a_gigabyte_opens_at_once(log: Path) -> None:
    with log.open("wb") as file:
        file.seek(1 << 30)
        file.write(b"\nthe end\n")
    lines = LogTail(log).read_new()
    assert lines[-1] == "the end"
    assert sum(map(len, lines)) <= 256 << 10


def test_a_line_without_end_is_not_waited_for(log: Path) -> None:
    append(log, "x" * 40_000)
    tail = LogTail(log, window=20_000)
    assert tail.read_new() == ["x" * 20_000]
    append(log, "y" * 20_000)
    assert tail.read_new() == ["y" * 20_000]


def test_a_log_that_was_cut_is_read_from_its_beginning(log: Path) -> None:
    tail = LogTail(log)
    append(log, "one\ntwo\n")
    tail.read_new()
    log.write_text("new\n", encoding="utf-8")
    assert tail.read_new() == ["new"]
    assert tail.restarts == 1
    assert not tail.has_passed_over


def test_a_log_that_was_replaced_is_read_from_its_beginning(log: Path, tmp_path: Path) -> None:
    tail = LogTail(log)
    append(log, "one\n")
    tail.read_new()
    other = tmp_path / "other"
    append(other, "other one\nother two\n")
    other.replace(log)
    assert tail.read_new() == ["other one", "other two"]
    assert tail.restarts == 1


def test_a_log_that_was_written_over_is_read_from_its_beginning(log: Path) -> None:
    tail = LogTail(log)
    append(log, "one\n")
    tail.read_new()
    log.write_text("two and a longer one\n", encoding="utf-8")
    assert tail.read_new() == ["two and a longer one"]


def test_only_a_line_feed_ends_a_line_and_bytes_that_are_no_text_pass(log: Path) -> None:
    log.write_bytes("a\u2028b\x85c\x0bd\n".encode() + b"\xff\xfe\x80 e\n")
    assert LogTail(log).read_new() == ["a\u2028b\x85c\x0bd", "\ufffd\ufffd\ufffd e"]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused_and_not_waited_for(log: Path, make: object) -> None:
    assert callable(make)
    make(log)
    with pytest.raises(RunError, match="is not a file"):
        LogTail(log).read_new()


def test_the_end_of_a_log_has_its_torn_line(log: Path) -> None:
    append(log, "one\ntwo\nthr")
    assert LogTail(log, window=8).read_rest() == ["two", "thr"]


def test_the_end_of_no_log_is_nothing(log: Path) -> None:
    assert LogTail(log).read_rest() == []


def test_a_log_of_one_torn_line_is_not_empty(log: Path) -> None:
    log.write_bytes(b"Killed")
    assert LogTail(log).read_rest() == ["Killed"]
