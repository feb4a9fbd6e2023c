"""A finished run is extended: planned once, recorded, and resumed bit-identically."""

import math
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.clocks import ticking
from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.numpy_trainer import MODEL, TRAINING, NumpyEngine, numpy_training
from tests.support.small_run import assert_same_weights, of_kind, status_of
from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import ConfigError, CorpusError, ExitCode, RunError, RunLockedError
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import (
    BatchTrained,
    RunExtended,
    RunPlanned,
    RunReplanned,
    SplitEvaluated,
    StoppedEarly,
)
from tui_charrnn.training.creation import EXTENSION_SHARE, extend_run, read_amount
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.plan import Plan, learning_rate_at
from tui_charrnn.training.worker import run_training


def trained(run: RunDirectory, seconds: float = 0.01) -> None:
    with numpy_training(clock=ticking(seconds)):
        assert run_training(run, Interruption()) is ExitCode.OK


def finished_run(folder: Path, **settings: Any) -> RunDirectory:
    run = created_run(folder, model=MODEL, training=replace(TRAINING, **settings))
    trained(run)
    return run


def rates_of(run: RunDirectory) -> dict[int, float]:
    return {each.step: each.learning_rate for each in of_kind(run, BatchTrained)}


def test_the_rate_rises_from_where_it_was_to_a_share_of_the_peak_and_falls_again(
    tmp_path: Path,
) -> None:
    run = finished_run(tmp_path, warmup_fraction=0.25)
    extended = extend_run(run, "steps", 20)
    peak = EXTENSION_SHARE * TRAINING.learning_rate
    assert (extended.step, extended.total_steps, extended.warmup_steps) == (9, 28, 5)
    assert extended.learning_rate == pytest.approx(peak)
    status = status_of(run)
    assert (status.state, status.step, status.total_steps) == (RunState.SAVED, 8, 28)
    trained(run)
    rates = rates_of(run)
    assert list(rates) == list(range(1, 29))
    rising = [rates[step] for step in range(8, 14)]
    steps = [after - before for before, after in pairwise(rising)]
    assert steps == pytest.approx([(peak - rates[8]) / 5] * 5)
    assert rates[13] == pytest.approx(peak)
    falling = [rates[step] for step in range(13, 29)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] == pytest.approx(peak * TRAINING.final_learning_rate)
    assert status_of(run).state is RunState.FINISHED


def test_a_second_extension_has_the_peak_of_the_first(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    first = extend_run(run, "steps", 4)
    trained(run)
    second = extend_run(run, "steps", 4)
    assert (second.step, second.learning_rate) == (13, first.learning_rate)
    trained(run)
    assert status_of(run).step == 16
    assert len(of_kind(run, RunExtended)) == 2


def test_a_constant_rate_stays_as_it_is(tmp_path: Path) -> None:
    run = finished_run(tmp_path, schedule="constant", warmup_fraction=0.0)
    assert extend_run(run, "steps", 4).warmup_steps == 0
    trained(run)
    assert set(rates_of(run).values()) == {TRAINING.learning_rate}


def test_a_killed_extension_resumes_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the newest checkpoint is that of the first end."""
    whole = finished_run(tmp_path / "whole")
    extend_run(whole, "steps", 9)
    parts = RunDirectory(tmp_path / "parts" / "fake")
    shutil.copytree(whole.path, parts.path)
    trained(whole)

    class Killed(BaseException):
        pass

    for step in (9, 12, 16):
        with monkeypatch.context() as patch:
            _raise_at(patch, step, Killed)
            with pytest.raises(Killed):
                trained(parts)
    trained(parts)
    assert_same_weights(whole, parts)
    assert rates_of(whole) == rates_of(parts)


def _raise_at(patch: pytest.MonkeyPatch, step: int, error: type[BaseException]) -> None:
    train_batch = NumpyEngine.train_batch

    def watched(self: Any, batch: Any, at: int, learning_rate: float) -> Any:
        if at == step:
            raise error
        return train_batch(self, batch, at, learning_rate)

    patch.setattr(NumpyEngine, "train_batch", watched)


def test_what_trains_again_over_the_first_end_is_scored_there_as_before(tmp_path: Path) -> None:
    run = finished_run(tmp_path, steps=7, evaluations=2, keep_checkpoints=9)
    assert {each.step for each in of_kind(run, SplitEvaluated)} == {4, 7}
    extend_run(run, "steps", 5)
    shutil.rmtree(run.checkpoint(7).path)  # its checkpoint is lost: it goes on from an earlier one
    trained(run)
    scored = [each.step for each in of_kind(run, SplitEvaluated)]
    assert scored[-3:] == [7, 8, 12]


def test_a_time_is_turned_into_steps_by_what_steps_took_and_kept(tmp_path: Path) -> None:
    run = finished_run(tmp_path, steps=None, train_time=5.0)
    begun = status_of(run)
    extended = extend_run(run, "train_time", 3.0)
    assert extended.train_time == 3
    assert extended.total_steps - begun.step == int(3 * begun.step / begun.elapsed)
    before = len(of_kind(run, RunReplanned))
    trained(run, 0.03)  # three times as slow as it was
    assert len(of_kind(run, RunReplanned)) > before
    assert status_of(run).elapsed - begun.elapsed == pytest.approx(3, rel=0.15)


def test_epochs_are_counted_in_passes(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    (planned,) = of_kind(run, RunPlanned)
    more = extend_run(run, "epochs", 0.1).total_steps - 8
    assert more == math.ceil(0.1 * planned.steps_per_epoch) > 1


def test_a_run_that_had_stopped_early_has_its_patience_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([3.0, 2.0, 2.5, 2.6, 2.7, 2.8])
    monkeypatch.setattr(NumpyEngine, "evaluate", lambda *_: next(scores))
    run = finished_run(tmp_path, steps=20, evaluations=10, stop_early=2)
    assert status_of(run).step == 8
    assert extend_run(run, "steps", 10).step == 9
    trained(run)
    assert [each.step for each in of_kind(run, StoppedEarly)] == [8, 12]


def test_an_unfinished_run_is_refused_with_what_to_do(tmp_path: Path) -> None:
    run = fake_run(tmp_path, end="stopped")
    with pytest.raises(ConfigError, match=r"not finished: .* step 3 of 3.*resume"):
        extend_run(run, "steps", 5)
    assert not of_kind(run, RunExtended)


def test_a_run_that_is_being_trained_is_refused(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.start()
        trainer.train(3.0)
        with pytest.raises(RunLockedError, match="being trained"):
            extend_run(trainer.run, "steps", 5)


def test_a_run_whose_text_has_changed_stays_finished(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    (text,) = map(Path, read_description(run).corpus.sources)
    text.write_text(text.read_text("utf-8") + "more", "utf-8")
    with pytest.raises(CorpusError, match=r"no longer the text.*resume --force"):
        extend_run(run, "steps", 5)
    assert status_of(run).state is RunState.FINISHED
    assert not of_kind(run, RunExtended)
    assert extend_run(run, "steps", 5, accepts_change=True).total_steps == 13


def test_a_run_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    shutil.rmtree(run.checkpoints)
    with pytest.raises(RunError, match="no intact checkpoint"):
        extend_run(run, "steps", 5)
    assert status_of(run).state is RunState.FINISHED


@pytest.mark.parametrize(
    ("length", "text", "allowed"),
    [
        ("steps", "0", "at least 1"),
        ("steps", "-3", "at least 1"),
        ("steps", "1.5", "at least 1"),
        ("steps", "none", "at least 1"),
        ("epochs", "0", "above 0"),
        ("epochs", "nan", "above 0"),
        ("train_time", "0s", "a time above 0"),
        ("train_time", "soon", "a time above 0"),
    ],
)
def test_an_amount_that_no_run_can_have_is_refused(length: str, text: str, allowed: str) -> None:
    with pytest.raises(ConfigError, match=rf"--more must be {allowed}.*Received: '{text}'"):
        read_amount(length, text, "--more")
    assert (read_amount("steps", "12", ""), read_amount("train_time", "2m", "")) == (12, 120)


def test_the_rate_of_an_extension_goes_on_from_a_run_that_ended_before_its_plan() -> None:
    config = TrainingConfig(steps=100, learning_rate=1.0, warmup_fraction=0.0)
    extended = RunExtended(51, 70, 10, 0.3, 5.0)
    plan = Plan(100, 10, 10)
    half = learning_rate_at(50, plan.first_total, config)
    rates = [
        learning_rate_at(step, 100, config, [], [], [replace(extended, learning_rate=1.0)])
        for step in (50, 60, 61, 70)
    ]
    assert rates[0] == half
    assert rates[1] == pytest.approx(1.0)
    assert rates[2] < 1.0
    assert rates[3] == pytest.approx(config.final_learning_rate)
