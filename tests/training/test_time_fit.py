"""A run limited by time ends in time, and a resume uses the recorded plan."""

import itertools
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.clocks import ticking
from tests.support.fake_run import created_run
from tests.support.numpy_trainer import MODEL, TRAINING, numpy_training
from tests.support.record_reading import read_new
from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import BatchTrained, CheckpointSaved, RunPlanned, RunReplanned
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.plan import (
    Horizon,
    Plan,
    TimeFit,
    learning_rate_at,
    plan_by_time,
    recorded_plan,
)
from tui_charrnn.training.worker import run_training

ASKED = 300.0
CONFIG = TrainingConfig(train_time=ASKED)


def ending(plan: Plan, step_takes: Callable[[float], float], config: TrainingConfig) -> float:
    """Return when a run ends whose steps take these seconds; an evaluation takes ten times."""
    fit, step, elapsed = TimeFit(config, plan), 0, 0.0
    while step < plan.total_steps:
        seconds = step_takes(elapsed)
        step, elapsed = step + 1, elapsed + seconds
        fit.replan(step, elapsed)
        if plan.is_evaluated(step):
            elapsed += 10 * seconds
            fit.evaluated(10 * seconds)
    return elapsed


@pytest.mark.parametrize(
    "step_takes",
    [
        lambda _: 0.15,  # three times as long as it was timed
        lambda _: 0.01,
        lambda _: 4.0,
        lambda elapsed: 0.05 if elapsed < 200 else 0.2,
        lambda elapsed: 0.2 if elapsed < 280 else 0.05,
        lambda elapsed: 0.05 * (1.5 + math.sin(elapsed)),
    ],
    ids=["slower", "faster", "much-slower", "slows-down", "speeds-up-late", "wavers"],
)
def test_a_run_by_time_ends_within_five_percent_of_it(step_takes: Callable[[float], float]) -> None:
    plan = plan_by_time(CONFIG, 500, seconds_per_step=0.05, seconds_per_evaluation=0.5)
    assert ending(plan, step_takes, CONFIG) == pytest.approx(ASKED, rel=0.05)


def test_a_run_that_was_timed_well_keeps_its_plan() -> None:
    plan = plan_by_time(CONFIG, 500, seconds_per_step=0.05, seconds_per_evaluation=0.5)
    assert ending(plan, lambda _: 0.05, CONFIG) == pytest.approx(ASKED, rel=0.02)
    assert not plan.horizons


def test_the_greatest_number_of_epochs_bounds_what_a_faster_machine_does() -> None:
    config = replace(CONFIG, max_epochs=5.0)
    plan = plan_by_time(config, 2_000, seconds_per_step=0.05, seconds_per_evaluation=0.5)
    ending(plan, lambda _: 0.01, config)
    assert plan.total_steps == 10_000


def test_a_run_by_steps_and_one_of_an_earlier_version_are_never_planned_anew() -> None:
    by_steps = Plan(6_000, 500, 300, "steps")
    earlier = recorded_plan(RunPlanned(6_000, 500, 300, 32, 0.05, bound="train_time"))
    for plan, config in ((by_steps, TrainingConfig(steps=6_000)), (earlier, CONFIG)):
        ending(plan, lambda _: 0.15, config)
        assert (plan.total_steps, plan.horizons) == (6_000, ())


def test_the_decay_goes_on_from_where_it_is_to_the_new_end() -> None:
    config = TrainingConfig(steps=100, warmup_fraction=0.1, final_learning_rate=0.2)
    horizons = [Horizon(1, 100), Horizon(41, 60), Horizon(51, 80)]
    rates = [learning_rate_at(step, 100, config, (), horizons) for step in range(1, 81)]
    assert rates[:40] == [learning_rate_at(step, 100, config) for step in range(1, 41)]
    assert rates[-1] == pytest.approx(0.2 * config.learning_rate)
    falls = [before - after for before, after in itertools.pairwise(rates[9:])]
    assert min(falls) > 0
    assert max(falls) < 3 * config.learning_rate / 60  # no jump where the length changes


def test_a_later_decision_voids_those_about_later_steps() -> None:
    plan = Plan(100, 50, 10, is_adaptive=True)
    plan.replan(Horizon(50, 80))
    plan.replan(Horizon(30, 120))
    assert plan.horizons == (Horizon(1, 100), Horizon(30, 120))
    assert (plan.first_total, plan.total_steps) == (100, 120)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunDirectory]:
    """Return the state of a trainer that was killed right after its second decision."""
    copies: list[RunDirectory] = []
    append, seen = RunWriter.append, []

    def watched(self: RunWriter, record: Any) -> None:
        append(self, record)
        if isinstance(record, RunReplanned):
            seen.append(record)
            if len(seen) == 2:
                target = RunDirectory(tmp_path / "copy" / "fake")
                shutil.copytree(tmp_path / "original" / "fake", target.path)
                copies.append(target)

    monkeypatch.setattr(RunWriter, "append", watched)
    return copies


def trained(run: RunDirectory, seconds: float) -> None:
    with numpy_training(clock=ticking(seconds)):
        assert run_training(run, Interruption()) is ExitCode.OK


def rates_of(run: RunDirectory) -> dict[int, float]:
    records = read_new(RunReader(run))
    return {each.step: each.learning_rate for each in records if isinstance(each, BatchTrained)}


def replans_of(run: RunDirectory) -> list[RunReplanned]:
    return [each for each in read_new(RunReader(run)) if isinstance(each, RunReplanned)]


def test_a_resumed_run_takes_the_decisions_of_the_killed_one(
    tmp_path: Path, copied: list[RunDirectory]
) -> None:
    training = replace(TRAINING, steps=None, train_time=200.0, evaluations=4)
    run = created_run(tmp_path / "original", model=MODEL, training=training)
    trained(run, 0.4)
    (copy,) = copied
    decided, saved = replans_of(copy)[-1], read_new(RunReader(copy))
    last = max((each.step for each in saved if isinstance(each, CheckpointSaved)), default=0)
    assert last < decided.step  # steps from there on are trained again
    trained(copy, 0.1)  # by its own clock it would decide otherwise
    rates, again = rates_of(run), rates_of(copy)
    assert {step: again[step] for step in range(1, decided.step + 1)} == {
        step: rates[step] for step in range(1, decided.step + 1)
    }
    assert replans_of(copy)[2].step > decided.step
