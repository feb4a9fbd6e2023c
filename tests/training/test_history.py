"""The history that a trainer reads from records of earlier trainers."""

from pathlib import Path

import pytest

from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    CheckpointSaved,
    LearningRateChanged,
    Record,
    RunPlanned,
    RunReplanned,
    RunResumed,
    RunRolledBack,
    SampleTaken,
    encode_record,
)
from tui_charrnn.training.history import RunHistory, read_history
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.plan import Horizon, Plan, RateChange

PLANNED = RunPlanned(100, 30, 10, 4, 0.25)
MEASURED = BaselinesMeasured((0, 1), (3.0, 2.5))


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def write(run: RunDirectory, *records: Record) -> None:
    with run.events.open("a", encoding="ascii") as events:
        events.writelines(encode_record(record) + "\n" for record in records)


def batch(step: int, loss: float = 2.0) -> BatchTrained:
    return BatchTrained(step, loss, 0.003, 0.5, 0.1)


def sampled(step: int, seed: str) -> SampleTaken:
    return SampleTaken(step, seed, "and so on", 0, 0.8)


def curve(run: RunDirectory, step: int) -> list[float]:
    return read_history(run, step).losses.columns(32)


def saved(step: int) -> CheckpointSaved:
    return CheckpointSaved(step, f"checkpoints/step-{step:08d}", 0.1)


def rolled_back(step: int, to_step: int, learning_rate: float, attempt: int) -> RunRolledBack:
    return RunRolledBack(step, to_step, "loss", "nan", learning_rate, attempt)


def test_a_new_run_has_none(run: RunDirectory) -> None:
    assert read_history(run) == RunHistory()


def test_plan_baselines_and_the_newest_checkpoint_are_found_again(run: RunDirectory) -> None:
    write(run, MEASURED, PLANNED, batch(1), saved(1), batch(2), saved(2))
    assert read_history(run) == RunHistory(PLANNED, MEASURED, saved_step=2)


def test_checkpoints_after_the_restored_step_do_not_count(run: RunDirectory) -> None:
    write(run, saved(20), saved(40), RunResumed(30))
    assert read_history(run).saved_step == 30
    write(run, rolled_back(35, 20, 0.1, 1))
    assert read_history(run).saved_step == 20


def test_lines_that_a_killed_trainer_tore_are_passed_over(run: RunDirectory) -> None:
    run.events.write_text('{"kind":"learning_rate_ch\n\n', encoding="ascii")
    write(run, LearningRateChanged(3, 0.5, "request"))
    with run.events.open("a", encoding="ascii") as events:
        events.write('{"kind":"learning_rate_changed","step":4,"learn')
    assert read_history(run).changes == (RateChange(3, 0.5),)


def test_a_long_record_of_batches_is_read_to_its_end(run: RunDirectory) -> None:
    write(run, *(batch(step) for step in range(1, 20_000)), LearningRateChanged(9, 0.5, "request"))
    assert run.events.stat().st_size > 1 << 20  # more than is read at once
    assert read_history(run).changes == (RateChange(9, 0.5),)


def test_a_trainer_that_died_between_the_two_records_of_a_rollback_loses_nothing(
    run: RunDirectory,
) -> None:
    write(run, rolled_back(35, 20, 0.25, 2))
    torn = read_history(run)
    write(run, LearningRateChanged(21, 0.25, "divergence"))
    assert (
        torn
        == read_history(run)
        == RunHistory(saved_step=0, changes=(RateChange(21, 0.25),), rollbacks=2)
    )


def test_a_rollback_counts_that_no_checkpoint_knows_of(run: RunDirectory) -> None:
    write(run, rolled_back(35, 20, 0.25, 1), rolled_back(31, 20, 0.125, 2))
    progress = Progress(step=20)
    read_history(run).update_progress(progress)
    assert (progress.rollbacks, progress.changes) == (2, (RateChange(21, 0.125),))


def test_what_was_decided_after_the_checkpoint_is_decided_again_at_the_same_step(
    run: RunDirectory,
) -> None:
    write(run, LearningRateChanged(10, 0.1, "request"), LearningRateChanged(50, 0.2, "request"))
    progress = Progress(step=40, changes=(RateChange(10, 0.1),))
    read_history(run).update_progress(progress)
    assert progress.changes == (RateChange(10, 0.1), RateChange(50, 0.2))


def test_what_a_rollback_made_void_does_not_come_back(run: RunDirectory) -> None:
    write(run, LearningRateChanged(50, 0.2, "request"), rolled_back(55, 40, 0.1, 1))
    progress = Progress(step=45, changes=(RateChange(41, 0.1),), rollbacks=1)
    read_history(run).update_progress(progress)
    assert progress.changes == (RateChange(41, 0.1),)


def test_what_was_decided_while_steps_were_trained_again_overrules_what_was_to_come(
    run: RunDirectory,
) -> None:
    """The checkpoint was saved when the change at 50 was still to come a second time."""
    write(run, LearningRateChanged(50, 0.2, "request"), RunResumed(30))
    write(run, LearningRateChanged(42, 0.3, "request"))
    progress = Progress(step=40, changes=(RateChange(50, 0.2),))
    read_history(run).update_progress(progress)
    assert progress.changes == (RateChange(42, 0.3),)


def test_a_checkpoint_knows_what_events_that_were_lost_do_not() -> None:
    progress = Progress(step=40, changes=(RateChange(10, 0.1), RateChange(41, 0.2)), rollbacks=2)
    RunHistory(rollbacks=1).update_progress(progress)
    assert progress.changes == (RateChange(10, 0.1), RateChange(41, 0.2))
    assert progress.rollbacks == 2


def test_losses_are_kept_up_to_the_step_to_continue_from(run: RunDirectory) -> None:
    write(run, *(batch(step, 10.0 - step) for step in range(1, 6)))
    assert curve(run, 3) == [9.0, 8.0, 7.0]
    assert curve(run, 0) == []


def test_losses_that_were_taken_back_do_not_count(run: RunDirectory) -> None:
    write(run, batch(1, 3.0), batch(2, 2.5), batch(3, 9.0), RunResumed(2), batch(3, 2.0))
    assert curve(run, 9) == [3.0, 2.5, 2.0]
    write(run, batch(4, 1.0), rolled_back(5, 1, 0.1, 1), batch(2, 2.25))
    assert curve(run, 9) == [3.0, 2.25]


@pytest.mark.parametrize("loss", [1e-12, 1.5e30, 4.0, 0.0, -0.5])
def test_a_loss_is_read_however_it_is_written(run: RunDirectory, loss: float) -> None:
    write(run, batch(1, loss))
    assert curve(run, 1) == [loss]


@pytest.mark.parametrize("loss", ["1-2", "NaN", "1e", "--1", "1e999", '"3"', "\u0661"])
def test_what_is_no_loss_is_passed_over(run: RunDirectory, loss: str) -> None:
    line = f'{{"kind":"batch","step":1,"loss":{loss},"learning_rate":0.1}}\n'
    run.events.write_text(line, encoding="utf-8")
    assert curve(run, 1) == []


def test_what_was_sampled_at_the_step_is_known(run: RunDirectory) -> None:
    write(run, sampled(0, "a"), sampled(0, "b"), sampled(4, "a"), sampled(8, "b"))
    assert read_history(run).sampled == {"a", "b"}
    assert read_history(run, 4).sampled == {"a"}
    assert read_history(run, 6).sampled == set()


def test_samples_that_were_taken_back_are_to_be_taken_again(run: RunDirectory) -> None:
    write(run, sampled(4, "a"), sampled(8, "a"), RunResumed(4))
    assert read_history(run, 4).sampled == {"a"}
    assert read_history(run, 8).sampled == set()
    write(run, rolled_back(6, 2, 0.1, 1))
    assert read_history(run, 4).sampled == set()


def test_lengths_that_were_decided_after_a_checkpoint_are_taken_again(run: RunDirectory) -> None:
    write(run, PLANNED, RunReplanned(30, 80, 0.5), RunReplanned(50, 60, 0.6))
    plan = Plan(80, 30, 10, horizons=(Horizon(1, 100), Horizon(30, 80)))
    read_history(run, 40).replan(plan, 40)
    assert plan.horizons == (Horizon(1, 100), Horizon(30, 80), Horizon(50, 60))
    assert plan.total_steps == 60
