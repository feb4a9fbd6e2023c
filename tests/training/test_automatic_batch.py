"""`--batch-size auto` and timed shards, in whole runs with given speeds."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.small_run import (
    TRAINING,
    assert_same_weights,
    before_batches,
    new_run,
    of_kind,
    status_of,
    train,
)
from tui_charrnn.errors import ConfigError, ExitCode
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import BatchSizeChosen, BatchTrained, RunPlanned, RunWarned
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.machine import examine_machine

pytestmark = pytest.mark.tensorflow

RATE = TRAINING.learning_rate


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> dict[int, float | Exception]:
    """Characters per second by batch size, set by tests; an exception is raised."""
    from tui_charrnn.training import start

    speeds: dict[int, float | Exception] = {3: 100.0, 6: 150.0, 12: 160.0}

    def measure_speed(_: Any, setup: Any) -> float:
        speed = speeds[setup.material.batch_size]
        if isinstance(speed, Exception):
            raise speed
        return speed

    monkeypatch.setattr(start.SetupBuilder, "_measure_speed", measure_speed)
    return speeds


def automatic_run(folder: Path, **settings: Any) -> RunDirectory:
    return new_run(folder, auto_batch_size=True, **settings)


def test_the_batch_that_pays_is_trained_and_recorded(
    tmp_path: Path, timed: Mapping[int, float | Exception]
) -> None:
    run = automatic_run(tmp_path)
    assert train(run) is ExitCode.OK
    (chosen,) = of_kind(run, BatchSizeChosen)
    assert (chosen.batch_size, chosen.learning_rate) == (6, 2 * RATE)
    assert (chosen.tried, chosen.characters_per_second) == ((3, 6, 12), (100.0, 150.0, 160.0))
    (planned,) = of_kind(run, RunPlanned)
    assert (planned.batch_size, planned.learning_rate) == (6, chosen.learning_rate)
    assert len(timed) == 3


def test_it_is_the_run_of_that_batch_size_and_rate_bit_for_bit(
    tmp_path: Path, timed: Mapping[int, float | Exception]
) -> None:
    found = automatic_run(tmp_path / "found")
    given = new_run(
        tmp_path / "given",
        batch_size=6,
        learning_rate=2 * RATE,
        warmup_fraction=2 * TRAINING.warmup_fraction,
    )
    for run in (found, given):
        assert train(run) is ExitCode.OK
    assert_same_weights(found, given)
    rates = [[each.learning_rate for each in of_kind(run, BatchTrained)] for run in (found, given)]
    assert rates[0] == rates[1]
    assert timed


def test_a_resume_keeps_it_whatever_would_pay_by_then(
    tmp_path: Path, timed: dict[int, float | Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = automatic_run(tmp_path / "whole"), automatic_run(tmp_path / "parts")
    train(whole)
    interruption = Interruption()

    def leave(step: int) -> None:
        if step == 5:
            interruption.request(Reason.SIGTERM)

    with monkeypatch.context() as patch:
        before_batches(patch, leave)
        assert train(parts, interruption) is ExitCode.RESUME_ME
    timed[6] = 1.0
    parts.events.write_bytes(b"")  # what was chosen lies in the checkpoint too
    assert train(parts) is ExitCode.OK
    assert_same_weights(whole, parts)
    assert of_kind(parts, BatchSizeChosen) == []


def test_a_trainer_that_died_before_its_first_checkpoint_leaves_its_choice(
    tmp_path: Path, timed: dict[int, float | Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, interruption = automatic_run(tmp_path), Interruption()

    def leave(_: int) -> None:
        interruption.request(Reason.SIGTERM)

    with monkeypatch.context() as patch:
        from tui_charrnn.training.saving import Saver

        before_batches(patch, leave)
        patch.setattr(Saver, "save_at_last", lambda *_: None)
        assert train(run, interruption) is ExitCode.RESUME_ME
    timed[6] = 1.0
    assert train(run) is ExitCode.OK
    assert len(of_kind(run, BatchSizeChosen)) == len(of_kind(run, RunPlanned)) == 1


def test_one_that_does_not_fit_ends_the_search(
    tmp_path: Path, timed: dict[int, float | Exception]
) -> None:
    timed[12] = MemoryError()
    run = automatic_run(tmp_path)
    assert train(run) is ExitCode.OK
    (chosen,) = of_kind(run, BatchSizeChosen)
    assert (chosen.batch_size, chosen.tried) == (6, (3, 6))
    assert chosen.failure == "not enough memory"
    assert status_of(run).state is RunState.FINISHED


def test_a_larger_batch_than_the_memory_has_room_for_is_not_tried(
    tmp_path: Path, timed: Mapping[int, float | Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training import start

    scarce = replace(examine_machine(), available=1_000)
    monkeypatch.setattr(start, "examine_machine", lambda: scarce)
    run = automatic_run(tmp_path)
    assert train(run) is ExitCode.OK
    (chosen,) = of_kind(run, BatchSizeChosen)
    assert (chosen.tried, chosen.failure) == ((3,), "not enough memory")
    assert timed


def test_several_processes_are_refused_without_the_number(tmp_path: Path) -> None:
    from tui_charrnn.training.plan import refuse_automatic_batch

    training = read_description(automatic_run(tmp_path)).training
    refuse_automatic_batch(training, 1)
    with pytest.raises(ConfigError, match="several need the number"):
        refuse_automatic_batch(training, 2)


@pytest.fixture
def many_threads(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """Four threads, and speeds by the number of shards."""
    from tui_charrnn.training import start

    speeds = {1: 1.0, 2: 1.25, 4: 1.33}

    def measure_speed(_: Any, setup: Any) -> float:
        return speeds[setup.path.shards]

    monkeypatch.setattr(start, "SHARDS_WORTH", 0.0)
    monkeypatch.setattr(start.SetupBuilder, "_measure_speed", measure_speed)
    return speeds


def test_a_batch_is_cut_into_as_many_parts_as_pay_and_stays_so(
    tmp_path: Path, many_threads: dict[int, float]
) -> None:
    run, given = (new_run(tmp_path / name, batch_size=16, threads=4) for name in ("timed", "given"))
    assert train(run) is ExitCode.OK
    (planned,) = of_kind(run, RunPlanned)
    assert planned.shards == 2  # a quarter faster than one; four are not a tenth faster than two
    many_threads[2] = 0.1
    assert train(given) is ExitCode.OK
    (other,) = of_kind(given, RunPlanned)
    assert other.shards == 1


def test_a_resume_keeps_the_parts(
    tmp_path: Path, many_threads: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, interruption = new_run(tmp_path, batch_size=16, threads=4), Interruption()

    def leave(step: int) -> None:
        if step == 5:
            interruption.request(Reason.SIGTERM)

    with monkeypatch.context() as patch:
        before_batches(patch, leave)
        assert train(run, interruption) is ExitCode.RESUME_ME
    many_threads[2] = 0.1
    assert train(run) is ExitCode.OK
    assert of_kind(run, RunWarned) == []
    from tui_charrnn.runs.checkpoints import newest_valid
    from tui_charrnn.training.state_file import load_training_state

    checkpoint = newest_valid(run)
    assert checkpoint is not None
    assert load_training_state(checkpoint).fingerprint["shards"] == "2"


def test_on_two_threads_nothing_is_timed(tmp_path: Path, many_threads: dict[int, float]) -> None:
    many_threads.clear()
    run = new_run(tmp_path, batch_size=16, threads=2)
    assert train(run) is ExitCode.OK
    (planned,) = of_kind(run, RunPlanned)
    assert planned.shards == 1
