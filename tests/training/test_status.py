"""state.json during and after training."""

from pathlib import Path

import pytest

from tests.support.command import wait_for
from tests.support.paused_run import is_paused, once_paused, pause_at
from tests.support.small_run import before_batches, new_run, of_kind, status_of, train
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import CURVE_LENGTH
from tui_charrnn.runs.records import BatchTrained
from tui_charrnn.training.interruption import Interruption, Reason

pytestmark = pytest.mark.tensorflow


def test_the_last_status_has_the_device_and_the_curve(tmp_path: Path) -> None:
    run = new_run(tmp_path, steps=80, threads=1)
    train(run)
    status = status_of(run)
    assert (status.device, status.precision) == ("processor, 1 thread", "float32")
    assert status.usage is None  # nobody takes anything of the machine any more
    losses = [record.loss for record in of_kind(run, BatchTrained)]
    assert len(status.curve) == CURVE_LENGTH
    assert status.curve[0] == pytest.approx(sum(losses[:2]) / 2, abs=1e-4)
    assert status.curve[-1] < status.curve[0]


def test_a_resumed_run_has_the_whole_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, run, interruption = new_run(tmp_path / "a"), new_run(tmp_path / "b"), Interruption()
    train(whole)

    def stop(at: int) -> None:
        if at == 5:
            interruption.request(Reason.STOPPED)

    with monkeypatch.context() as patch:
        before_batches(patch, stop)
        train(run, interruption)
    assert len(status_of(run).curve) == 5
    train(run)
    assert len(status_of(run).curve) == 12
    assert status_of(run).curve == status_of(whole).curve


def test_a_paused_run_has_no_speed_and_its_heart_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.runs import writer

    monkeypatch.setattr(
        writer.RunWriter.__init__,
        "__kwdefaults__",
        {**(writer.RunWriter.__init__.__kwdefaults__ or {}), "heartbeat": 0.01},
    )
    run = new_run(tmp_path)
    pause_at(monkeypatch, run, 5)

    def watch() -> None:
        first = status_of(run)
        assert (first.step, first.characters_per_second) == (5, None)
        wait_for("two more beats", lambda: status_of(run).beat >= first.beat + 2)
        assert is_paused(run)
        usage = status_of(run).usage
        assert usage is not None  # it holds its memory all the while
        assert usage.memory is not None
        assert usage.memory > 1e8
        send_request(run, "resume")

    with once_paused(run, watch):
        train(run)
