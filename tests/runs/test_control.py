"""Requests are read once and in order, whatever else is in the folder."""

import os
from pathlib import Path

import pytest

from tui_charrnn.errors import StorageError
from tui_charrnn.runs.control import send_request, take_requests
from tui_charrnn.runs.layout import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    path = tmp_path / "run"
    path.mkdir()
    return RunDirectory(path)


def test_requests_are_taken_once_and_in_order(run: RunDirectory) -> None:
    for request in ("publish", "checkpoint", "stop"):
        send_request(run, request)
    assert [request.request for request in take_requests(run)] == ["publish", "checkpoint", "stop"]
    assert take_requests(run) == []
    assert list(run.control.iterdir()) == []


def test_a_request_carries_its_id_and_arguments(run: RunDirectory) -> None:
    identifier = send_request(run, "learning_rate", value=0.5)
    (taken,) = take_requests(run)
    assert (taken.id, taken.request, taken.arguments) == (
        identifier,
        "learning_rate",
        {"value": 0.5},
    )


def test_equal_requests_do_not_overwrite_each_other(run: RunDirectory) -> None:
    for _ in range(20):
        send_request(run, "publish")
    assert len(take_requests(run)) == 20


def test_without_a_folder_there_are_no_requests(run: RunDirectory) -> None:
    assert take_requests(run) == []


@pytest.mark.parametrize(
    "contents",
    [b"", b"{", b"[]", b'{"request": 5}', b'{"request": "stop", "arguments": 1}', b"x" * 100_000],
)
def test_an_unreadable_request_is_taken_as_an_empty_word(
    run: RunDirectory, contents: bytes
) -> None:
    run.control.mkdir(parents=True)
    (run.control / "1.json").write_bytes(contents)
    assert [(request.id, request.request) for request in take_requests(run)] == [("1", "")]
    assert take_requests(run) == []


@pytest.mark.parametrize("number", ["2", "null", '"1"'])
def test_a_request_of_another_format_is_not_obeyed(run: RunDirectory, number: str) -> None:
    run.control.mkdir(parents=True)
    document = f'{{"format": {number}, "request": "stop", "arguments": {{}}}}'
    (run.control / "1.json").write_text(document)
    (taken,) = take_requests(run)
    assert taken.request == "stop"
    assert "this version reads format 1" in taken.refusal


def test_half_written_requests_and_strangers_are_left_alone(run: RunDirectory) -> None:
    run.control.mkdir(parents=True)
    (run.control / ".1.json.partial").write_bytes(b"{")
    (run.control / "notes.txt").write_bytes(b"mine")
    assert take_requests(run) == []
    assert len(list(run.control.iterdir())) == 2


def test_a_pipe_is_not_waited_for(run: RunDirectory) -> None:
    run.control.mkdir(parents=True)
    os.mkfifo(run.control / "1.json")
    assert [request.request for request in take_requests(run)] == [""]


def test_what_cannot_be_removed_is_not_taken(run: RunDirectory) -> None:
    (run.control / "1.json" / "something").mkdir(parents=True)
    assert take_requests(run) == []


def test_a_run_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="Cannot make the folder"):
        send_request(RunDirectory(tmp_path / "file"), "stop")
