"""A run has one writer, which increments the beat and never fails on a full disk."""

import errno
import json
import os
import re
import socket
from pathlib import Path

import pytest

from tests.support.command import wait_for
from tests.support.fake_run import created_run
from tests.support.faulty_disk import FaultyDisk, written_by
from tests.support.full_disk import FullDisk
from tests.support.record_reading import read_new
from tui_charrnn.errors import RunLockedError, StorageError
from tui_charrnn.runs import writer as writer_module
from tui_charrnn.runs.control import send_request, take_requests
from tui_charrnn.runs.description import GpuUsage, RunState, RunStatus, Usage
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import boot_id
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.records import RunWarned
from tui_charrnn.runs.writer import RunWriter

STEADY = 3600.0


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return created_run(tmp_path / "runs")


def written(run: RunDirectory) -> RunStatus:
    status = read_status(run)
    assert status is not None
    return status


def test_taking_a_run_up_says_who_does(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=STEADY):
        status = written(run)
    assert status.state is RunState.PREPARING
    assert (status.pid, status.host, status.boot_id) == (
        os.getpid(),
        socket.gethostname(),
        boot_id(),
    )


def test_a_second_writer_is_refused_with_the_holder_of_the_lock(run: RunDirectory) -> None:
    with (
        RunWriter(run, heartbeat=STEADY),
        pytest.raises(
            RunLockedError, match=f"process {os.getpid()} on {socket.gethostname()}"
        ) as caught,
    ):
        RunWriter(run)
    assert caught.value.exit_code == 5
    with RunWriter(run, heartbeat=STEADY):
        pass


def test_a_refused_writer_leaves_the_state_alone(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=STEADY):
        before = run.status.read_bytes()
        with pytest.raises(RunLockedError):
            RunWriter(run)
        assert run.status.read_bytes() == before


@pytest.mark.parametrize("holder", [b"", b"{", b'{"pid": "x"}', b"[" * 3000])
def test_a_holder_who_did_not_say_his_name_holds_the_run_too(
    run: RunDirectory, holder: bytes
) -> None:
    with RunWriter(run, heartbeat=STEADY):
        run.lock.write_bytes(holder)
        with pytest.raises(RunLockedError, match="another process"):
            RunWriter(run)


def test_every_write_of_the_status_raises_the_beat(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=STEADY) as writer:
        beats = [written(run).beat]
        for _ in range(3):
            writer.beat()
            beats.append(written(run).beat)
    assert beats == [1, 2, 3, 4]


def test_the_beat_goes_on_from_trainer_to_trainer(run: RunDirectory) -> None:
    for _ in range(2):
        with RunWriter(run, heartbeat=STEADY) as writer:
            writer.set_status(step=writer.status.step + 7)
    assert written(run).step == 14
    assert written(run).beat == 4


@pytest.mark.parametrize("change", [{"state": RunState.TRAINING}, {"message": "hello"}])
def test_a_new_state_or_message_is_written_at_once(
    run: RunDirectory, change: dict[str, object]
) -> None:
    with RunWriter(run, heartbeat=STEADY) as writer:
        writer.set_status(**change)
        name, value = next(iter(change.items()))
        assert getattr(written(run), name) == value


def test_numbers_wait_for_the_next_beat(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=STEADY) as writer:
        writer.set_status(step=5, eta=1.5)
        assert writer.status.step == 5
        assert written(run).step == 0
        writer.beat()
        assert (written(run).step, written(run).eta) == (5, 1.5)


def test_the_heart_beats_by_itself(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=0.001):
        wait_for("the fourth beat", lambda: written(run).beat >= 4)


def test_observers_are_asked_with_every_beat_and_at_the_end(run: RunDirectory) -> None:
    losses: list[float] = []
    with RunWriter(run, heartbeat=STEADY) as writer:
        writer.observe(lambda: {"curve": tuple(losses)})
        writer.observe(lambda: {"step": len(losses)})
        losses.append(3.0)
        writer.set_status(state=RunState.TRAINING)
        assert written(run).curve == ()
        writer.beat()
        assert (written(run).curve, written(run).step) == ((3.0,), 1)
        losses.append(2.0)
    assert (written(run).curve, written(run).step) == ((3.0, 2.0), 2)


def test_resource_use_is_reported_while_the_trainer_lives(run: RunDirectory) -> None:
    usage = Usage(cpu=1.5, memory=1 << 29, gpus=(GpuUsage(name="Some GPU", load=0.5),))
    with RunWriter(run, heartbeat=STEADY) as writer:
        writer.observe(lambda: {"usage": usage})
        writer.beat()
        assert written(run).usage == usage
    assert written(run).usage is None


def test_what_is_known_of_another_trainers_machine_is_forgotten(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=STEADY) as writer:
        writer.set_status(device="Some GPU", precision="bfloat16", curve=(3.0, 2.0))
    with RunWriter(run, heartbeat=STEADY):
        status = written(run)
    assert (status.device, status.precision, status.curve) == ("", "", (3.0, 2.0))


def test_closing_writes_what_is_left_and_a_second_time_nothing(run: RunDirectory) -> None:
    writer = RunWriter(run, heartbeat=STEADY)
    writer.set_status(step=9)
    writer.close()
    assert written(run).step == 9
    beat = written(run).beat
    writer.close()
    assert written(run).beat == beat


def test_a_number_that_is_not_finite_is_a_defect(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=STEADY) as writer, pytest.raises(ValueError, match="JSON"):
        writer.set_status(eta=float("nan"))


def test_nor_is_one_in_a_reading(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=STEADY) as writer, pytest.raises(ValueError, match="JSON"):
        writer.set_status(usage=Usage(cpu=float("inf")))


def test_a_full_disk_degrades_and_room_heals(run: RunDirectory) -> None:
    disk = FaultyDisk(is_persistent=True)
    with written_by(disk):
        taken_up = RunWriter(run, heartbeat=STEADY)
    with taken_up as writer:
        assert writer.degraded is None
        disk.fail_at = disk.operations + 1
        writer.append(RunWarned("first"))
        writer.set_status(state=RunState.TRAINING)
        assert writer.degraded is not None
        assert "no space left" in writer.degraded
        disk.fail_at = 0
        writer.beat()
        assert writer.degraded is None
        assert written(run).state is RunState.TRAINING
        assert read_new(RunReader(run)) == [RunWarned("first")]


@pytest.mark.parametrize("fail_at", range(1, 8))
def test_a_run_that_cannot_be_taken_up_says_so_and_is_free(run: RunDirectory, fail_at: int) -> None:
    disk = FaultyDisk(fail_at, is_persistent=True)
    with written_by(disk), pytest.raises(StorageError):
        RunWriter(run)
    with RunWriter(run, heartbeat=STEADY):
        pass


def test_a_damaged_state_is_replaced(run: RunDirectory) -> None:
    run.status.write_bytes(b"\0" * 100)
    with RunWriter(run, heartbeat=STEADY):
        assert written(run).state is RunState.PREPARING


def test_requests_to_an_earlier_trainer_are_dropped(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=STEADY) as writer:
        writer.set_status(state=RunState.STOPPED)
    send_request(run, "stop")
    with RunWriter(run, heartbeat=STEADY):
        assert take_requests(run) == []


def test_a_request_to_the_first_trainer_waits_for_it(run: RunDirectory) -> None:
    send_request(run, "stop")
    with RunWriter(run, heartbeat=STEADY):
        assert [request.request for request in take_requests(run)] == ["stop"]


def test_the_lock_names_the_process(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=STEADY):
        holder = json.loads(run.lock.read_text())
    assert holder["pid"] == os.getpid()
    assert holder["host"] == socket.gethostname()
    assert holder["started"].endswith("+00:00")


def test_without_locks_a_free_run_is_taken(run: RunDirectory) -> None:
    disk = FaultyDisk(2, code=errno.ENOLCK)
    with written_by(disk), RunWriter(run, heartbeat=STEADY):
        assert written(run).state is RunState.PREPARING


def warnings_of(run: RunDirectory) -> list[str]:
    records = read_new(RunReader(run))
    return [record.message for record in records if isinstance(record, RunWarned)]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_records_that_were_deleted_meanwhile_are_reported(
    run: RunDirectory, is_replaced: bool
) -> None:
    with RunWriter(run, heartbeat=STEADY) as writer:
        writer.append(RunWarned("before"))
        writer.beat()
        run.events.unlink()
        if is_replaced:
            run.events.write_bytes(b'{"kind":"warned","message":"a copy"}\n{"kind":"warn')
        writer.beat()
        writer.append(RunWarned("after"))
    warnings = warnings_of(run)
    assert warnings[-1] == "after"
    assert "events.jsonl was deleted or replaced" in warnings[-2]
    assert warnings[:-2] == ["a copy"] * is_replaced


def test_dropped_records_are_reported(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "BACKLOG_LIMIT", 3)
    disk = FullDisk()
    with written_by(disk), RunWriter(run, heartbeat=STEADY) as writer:
        disk.is_full = True
        for number in range(5_000):  # more than the block that a file has
            writer.append(RunWarned(f"number {number}"))
        disk.is_full = False
        writer.beat()
    *_, last, dropped = warnings_of(run)
    assert last == "number 4999"
    assert re.match(r"The disk refused records.* 4,\d\d\d of them", dropped)


def test_a_run_that_is_moved_meanwhile_keeps_its_records(run: RunDirectory) -> None:
    moved = RunDirectory(run.path.with_name("moved"))
    with RunWriter(run, heartbeat=STEADY) as writer:
        writer.append(RunWarned("before"))
        run.path.rename(moved.path)
        writer.beat()
        writer.append(RunWarned("after"))
    assert warnings_of(moved) == ["before", "after"]
    assert not run.path.exists()
