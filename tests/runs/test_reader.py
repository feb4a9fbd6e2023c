"""A growing file is read line by line, even if it is truncated or replaced."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_run import created_run
from tests.support.record_reading import read_new
from tui_charrnn.errors import RunError
from tui_charrnn.runs import reader
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_description, read_status
from tui_charrnn.runs.records import RunResumed, RunWarned, encode_record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def reader_of(path: Path) -> RunReader:
    return RunReader(RunDirectory(path.parent))


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_missing_file_has_no_lines_yet(path: Path) -> None:
    tail = reader_of(path)
    assert tail.read_new_lines() == []
    path.write_bytes(b"one\n")
    assert tail.read_new_lines() == ["one"]


def test_a_half_line_is_left_for_later(path: Path) -> None:
    tail = reader_of(path)
    path.write_bytes(b"one\ntw")
    assert tail.read_new_lines() == ["one"]
    assert tail.behind == 2
    append(path, b"o\n")
    assert tail.read_new_lines() == ["two"]
    assert tail.behind == 0


def test_only_line_feeds_end_a_line(path: Path) -> None:
    path.write_text("a\u2028b\x85c\x0bd\re\n", encoding="utf-8", newline="")
    assert reader_of(path).read_new_lines() == ["a\u2028b\x85c\x0bd\re"]


@given(st.lists(st.binary(max_size=30), max_size=12), st.integers(1, 40))
def test_lines_come_once_and_in_order_however_they_are_written(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], max_bytes: int
) -> None:
    path = tmp_path_factory.mktemp("tail") / "events.jsonl"
    tail, seen = reader_of(path), []
    for piece in pieces:
        append(path, piece)
        seen += tail.read_new_lines(max_bytes)
    while lines := tail.read_new_lines(max_bytes):
        seen += lines
    whole = b"".join(pieces).split(b"\n")[:-1]
    assert seen == [line.decode("utf-8", "replace") for line in whole]


def test_a_truncated_file_is_read_again(path: Path) -> None:
    tail = reader_of(path)
    path.write_bytes(b"one\ntwo\n")
    tail.read_new_lines()
    path.write_bytes(b"new\n")
    assert tail.read_new_lines() == ["new"]
    assert tail.restarts == 1


def test_a_file_that_was_truncated_and_outgrew_its_past_is_read_again(path: Path) -> None:
    tail = reader_of(path)
    path.write_bytes(b"one\ntwo\n")
    tail.read_new_lines()
    path.write_bytes(b"three\nfour\nfive\n")
    assert tail.read_new_lines() == ["three", "four", "five"]


def test_a_replaced_file_is_read_again(path: Path) -> None:
    tail = reader_of(path)
    path.write_bytes(b"one\n")
    tail.read_new_lines()
    beside = path.with_name("beside")
    beside.write_bytes(b"one\ntwo\n")
    beside.replace(path)
    assert tail.read_new_lines() == ["one", "two"]
    assert tail.restarts == 1


def test_a_line_beyond_the_limit_is_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "LINE_LIMIT", 100)
    tail = reader_of(path)
    path.write_bytes(b"one\n" + b"x" * 1_000 + b"\ntwo\n")
    seen = []
    for _ in range(50):
        seen += tail.read_new_lines(max_bytes=50)
    assert seen == ["one", "two"]
    assert tail.unreadable == 1


def test_a_line_longer_than_one_look_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LINE_LIMIT", 1000)
    path.write_bytes(b"x" * 500 + b"\ny\n")
    tail = reader_of(path)
    assert tail.read_new_lines(max_bytes=10) == ["x" * 500, "y"]


def test_a_pipe_in_the_place_of_the_file_is_refused(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(RunError, match="is not a file"):
        reader_of(path).read_new_lines()


def test_records_of_unknown_kinds_are_passed_over(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.events.write_text('{"kind":"dreamed"}\n\n' + encode_record(RunResumed(8)) + "\n")
    found = RunReader(run)
    assert read_new(found) == [RunResumed(8)]
    assert found.unreadable == 0


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "null",
        "[1]",
        '{"kind":1}',
        '{"kind":"resumed"}',
        '{"kind":"resumed","step":"8"}',
        '{"kind":"resumed","step":true}',
        '{"kind":"resumed","step":NaN}',
        '{"kind":"resumed","step":1' + "0" * 100 + "}",
        "[" * 50_000,
        "\0" * 100,
        '{"kind":"baselines","orders":[],"losses":[]}',
        '{"kind":"baselines","orders":[0],"losses":[1e999]}',
    ],
)
def test_damaged_lines_are_counted_and_passed_over(tmp_path: Path, line: str) -> None:
    run = RunDirectory(tmp_path)
    good = encode_record(RunWarned("good"))
    run.events.write_text(f"{good}\n{line}\n{good}\n")
    found = RunReader(run)
    assert read_new(found) == [RunWarned("good")] * 2
    assert found.unreadable == 1


def test_a_run_without_a_state_has_none(tmp_path: Path) -> None:
    assert read_status(RunDirectory(tmp_path)) is None


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"format": 2}',
        b'{"format": 1}',
        b'{"format": 1, "state": "dancing"}',
        b'{"format": 1, "state": "training", "step": "8"}',
        b'{"format": 1, "state": "training", "eta": NaN}',
        b'{"format": 1, "state": "training", "eta": 1e999}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_state_is_explained(tmp_path: Path, contents: bytes) -> None:
    run = RunDirectory(tmp_path)
    run.status.write_bytes(contents)
    with pytest.raises(RunError, match=r"state\.json"):
        read_status(run)


def test_a_folder_that_is_no_run_is_explained(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run: it has no run\.json"):
        read_description(RunDirectory(tmp_path))


def test_a_description_is_read_back(tmp_path: Path) -> None:
    run = created_run(tmp_path, name="readable")
    description = read_description(run)
    assert description.name == "readable"
    assert description.training.steps == 100
    assert description.corpus.characters == 1720
