"""A run's records and status, reduced to its view."""

import math
from pathlib import Path

import pytest

from tests.support.fake_run import created_run
from tui_charrnn.config import TrainingConfig
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    CheckpointSaved,
    LearningRateChanged,
    RequestAnswered,
    RunDiverged,
    RunEnded,
    RunFailed,
    RunPlanned,
    RunReplanned,
    RunResumed,
    RunRolledBack,
    RunStarted,
    RunWarned,
    SampleTaken,
    SplitEvaluated,
)
from tui_charrnn.viewing import run_formatting
from tui_charrnn.viewing.failures import diagnose
from tui_charrnn.viewing.formatting import longest_fitting
from tui_charrnn.viewing.run_view import RunView


@pytest.fixture
def view(tmp_path: Path) -> RunView:
    return RunView(RunDirectory(tmp_path / "moby"))


@pytest.mark.parametrize(("units", "speed"), [("characters", "2.0k ch/s"), ("jamo", "2.0k jamo/s")])
def test_the_speed_is_in_the_units_of_the_text(tmp_path: Path, units: str, speed: str) -> None:
    run = created_run(tmp_path, text="한글\n" * 400, training=TrainingConfig(steps=9, units=units))
    view = RunView(run, description=read_description(run))
    view.observe(RunStatus(state=RunState.TRAINING, characters_per_second=2_000.0), "alive", 0.0)
    assert run_formatting.format_speed(view) == speed


def batch(step: int, loss: float) -> BatchTrained:
    return BatchTrained(step, loss, learning_rate=0.003, gradient_norm=0.5, elapsed=step / 10)


def scored(step: int, loss: float) -> SplitEvaluated:
    return SplitEvaluated(step, loss, is_best=False, elapsed=step / 10)


def ended(reason: str, step: int) -> RunEnded:
    return RunEnded(reason, step, best_loss=None, best_step=None, exit_code=0, elapsed=1.0)


def test_best_is_the_lowest_score_and_not_the_newest(view: RunView) -> None:
    view.take([scored(10, 2.0), scored(20, 1.5), scored(30, 1.7)])
    assert view.validation == scored(30, 1.7)
    assert view.best == scored(20, 1.5)


def test_what_goes_back_without_a_resume_takes_the_place_of_what_came_later(view: RunView) -> None:
    view.take([scored(10, 2.0), scored(20, 1.5), scored(15, 1.7)])
    view.take([CheckpointSaved(step, "", 0.1) for step in (10, 20, 15)])
    view.take([SampleTaken(step, "A", "b", 0, 0.8) for step in (10, 20, 15)])
    assert view.evaluations == [scored(10, 2.0), scored(15, 1.7)]
    assert view.best == scored(15, 1.7)
    assert view.checkpoints == [10, 15]
    assert [sample.step for sample in view.samples] == [10, 15]


def test_lead_is_measured_against_the_best_ngram(view: RunView) -> None:
    view.take([BaselinesMeasured((0, 1, 2, 3), (4.1, 3.3, 2.5, 2.6)), scored(10, 2.443)])
    assert view.lead == pytest.approx(0.057)
    assert run_formatting.format_lead(view) == "0.057 nats better than the best n-gram"


def test_a_run_behind_the_ngrams_is_called_worse(view: RunView) -> None:
    view.take([BaselinesMeasured((0, 1), (3.0, 2.5)), scored(10, 2.75)])
    assert run_formatting.format_lead(view) == "0.250 nats worse than the best n-gram"


def test_a_resume_drops_what_came_after_its_step(view: RunView) -> None:
    view.take([batch(step, 3.0 - step / 10) for step in range(1, 11)])
    view.take([scored(5, 2.6), scored(10, 1.0), RunResumed(5)])
    assert view.step == 5
    assert [bucket.last_step for bucket in view.losses.buckets] == [1, 2, 3, 4, 5]
    assert view.best == scored(5, 2.6)
    view.take([scored(10, 2.4)])
    assert view.best == scored(10, 2.4)
    assert view.smoothed.value == pytest.approx(2.5)


def test_after_a_resume_the_step_of_the_former_trainer_is_forgotten(view: RunView) -> None:
    view.take([batch(step, 3.0) for step in range(1, 11)])
    view.observe(RunStatus(state=RunState.TRAINING, step=10), "alive", 0.0)
    view.take([RunResumed(5)])
    view.observe(RunStatus(state=RunState.LOADING, step=5), "alive", 1.0)
    assert view.step == 5
    view.take([batch(6, 3.0)])
    view.observe(RunStatus(state=RunState.TRAINING, step=5), "alive", 2.0)
    assert view.step == 6


def rolled_back(step: int, to_step: int, quantity: str = "loss") -> RunRolledBack:
    return RunRolledBack(step, to_step, quantity, "nan", learning_rate=0.0015, attempt=1)


def test_a_rollback_drops_what_came_after_the_step_it_went_back_to(view: RunView) -> None:
    view.take([batch(step, 3.0 - step / 10) for step in range(1, 11)])
    saved = [CheckpointSaved(step, f"checkpoints/{step}", 0.1) for step in (5, 10)]
    view.take([scored(5, 2.6), scored(10, 1.0), *saved])
    view.take([rolled_back(11, 5)])
    assert (view.step, view.checkpoint_step) == (5, 5)
    assert [bucket.last_step for bucket in view.losses.buckets] == [1, 2, 3, 4, 5]
    assert view.evaluations == [scored(5, 2.6)]
    assert view.best == scored(5, 2.6)


@pytest.mark.parametrize(
    ("record", "beginning"),
    [
        (
            rolled_back(1234, 1000),
            "The loss became nan at step 1,234. Back to step 1,000",
        ),
        (
            rolled_back(7, 0, "gradient_norm"),
            "The gradient became nan at step 7. Back to the beginning",
        ),
        (
            rolled_back(9, 4, "validation_loss"),
            "The validation loss became nan at step 9. Back to step 4",
        ),
    ],
)
def test_a_rollback_is_a_warning_and_no_end(
    view: RunView, record: RunRolledBack, beginning: str
) -> None:
    sentence = f"{beginning}, peak learning rate 0.0015 (rollback 1)."
    view.observe(RunStatus(state=RunState.TRAINING, step=3), "alive", now=0.0)
    (news,) = view.take([record, LearningRateChanged(5, 0.0015, "divergence")])
    assert (news.sentence, news.severity) == (sentence, "warning")
    assert view.warning == sentence
    assert view.is_live


def test_a_change_that_was_asked_for_is_told_once(view: RunView) -> None:
    news = view.take([
        LearningRateChanged(1001, 0.0015, "request"),
        RequestAnswered("learning_rate", accepted=True, message="the learning rate is ..."),
    ])
    assert [(told.sentence, told.severity) for told in news] == [
        ("Peak learning rate 0.0015 from step 1,001 on.", "information")
    ]


def test_the_newest_peak_of_the_learning_rate_is_known_whoever_changed_it(view: RunView) -> None:
    assert view.peak_rate is None
    view.take([LearningRateChanged(100, 0.002, "request")])
    view.take([LearningRateChanged(50, 0.001, "divergence")])
    assert view.peak_rate == 0.001


def test_ngrams_have_names(view: RunView) -> None:
    for order, name in enumerate(["uniform", "unigram", "bigram", "3-gram", "4-gram"]):
        view.take([BaselinesMeasured((order,), (2.0,))])
        assert dict(run_formatting.card_rows(view))["baseline"] == f"2.000 ({name})"


def test_the_row_names_the_best_loss_once_the_newest_is_worse(view: RunView) -> None:
    view.take([BaselinesMeasured((0, 5), (4.174, 1.669)), batch(1, 2.0), scored(1, 1.53)])
    view.take([batch(2, 1.5), scored(2, 1.9)])
    assert run_formatting.format_losses(view, 90).endswith(
        "· val 1.900 · best 1.530 · 0.14 below 5-gram 1.669"
    )


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (70, "train 2.000 · val 1.530 · 2.21 bpc · 0.14 below 5-gram 1.669"),
        (59, "train 2.000 · val 1.530 · 0.14 below 5-gram 1.669"),
        (40, "train 2.000 · val 1.530 · 5-gram 1.669"),
        (30, "train 2.000 · val 1.530"),
    ],
)
def test_the_row_compares_with_the_best_ngram_while_it_fits(
    view: RunView, width: int, row: str
) -> None:
    view.take([BaselinesMeasured((0, 5), (4.174, 1.669)), batch(1, 2.0), scored(1, 1.53)])
    assert run_formatting.format_losses(view, width) == row


def test_the_row_tells_the_baseline_before_anything_was_scored(view: RunView) -> None:
    view.take([BaselinesMeasured((0, 2), (4.174, 2.486)), batch(1, 3.0)])
    assert run_formatting.format_losses(view, 70) == "train 3.000 · bigram 2.486"


def test_the_epoch_is_that_of_the_step_and_not_of_an_older_status(view: RunView) -> None:
    status = RunStatus(state=RunState.TRAINING, step=15, epoch=0.75)
    view.observe(status, "alive", 0.0)
    assert run_formatting.format_epoch(view) == "epoch 0.8"
    view.take([RunPlanned(100, 20, 10, 4, None), batch(25, 2.0)])
    view.observe(status, "alive", 1.0)
    assert (run_formatting.format_step(view), run_formatting.format_epoch(view)) == (
        "step 25/100",
        "epoch 1.2",
    )


def test_a_resume_takes_back_how_the_run_had_ended(view: RunView) -> None:
    view.take([batch(1, 2.0), RunFailed("The disk is full."), ended("failed", 1)])
    assert view.failed == RunFailed("The disk is full.")
    view.take([RunStarted(7, "host", "2026-01-02T03:04:05+00:00"), RunResumed(1)])
    view.observe(RunStatus(state=RunState.TRAINING, step=1), "alive", now=0.0)
    assert view.failed is None
    assert view.is_live


@pytest.mark.parametrize(
    ("saved", "words"),
    [
        ([], "ended at step 9, nothing saved"),
        ([4], "ended at step 9, saved at step 4"),
        ([4, 9], "saved at step 9"),
    ],
)
def test_a_run_that_broke_off_names_what_was_saved(
    view: RunView, saved: list[int], words: str
) -> None:
    news = view.take([
        *(CheckpointSaved(step, f"checkpoints/{step}", 0.1) for step in saved),
        ended("saved", 9),
    ])
    assert news[-1].sentence.endswith(f": {words}.")


def test_a_run_that_failed_before_its_first_step_names_no_step(view: RunView) -> None:
    news = view.take([RunFailed("The corpora differ."), ended("failed", 0)])
    assert news[-1].sentence == "Run moby: failed before its first step."


def test_a_run_that_was_ended_while_it_loaded_has_saved_nothing(view: RunView) -> None:
    (news,) = view.take([ended("saved", 0)])
    assert news.sentence == "Run moby: ended before its first step, nothing saved."
    view.observe(RunStatus(state=RunState.STOPPED), "ended", now=0.0)
    assert run_formatting.format_state(view, now=0.0) == "stopped"


def test_the_clock_runs_while_tensorflow_loads(view: RunView) -> None:
    view.observe(RunStatus(state=RunState.LOADING, beat=1), "alive", now=100.0)
    view.observe(RunStatus(state=RunState.LOADING, beat=2), "alive", now=104.0)
    assert run_formatting.format_state(view, now=107.9) == "loading TensorFlow 0:07"


def test_a_lost_trainer_is_said_to_be_lost(view: RunView) -> None:
    view.observe(RunStatus(state=RunState.TRAINING, step=3), "lost", now=0.0)
    assert run_formatting.format_state(view, now=1.0) == "lost"
    assert not view.is_live


def test_divergence_is_one_sentence(view: RunView) -> None:
    (news,) = view.take([RunDiverged(12, "validation_loss", "nan", learning_rate=0.02)])
    assert news.sentence == "The validation loss became nan at step 12."


def test_a_refused_request_is_a_warning_and_a_published_model_no_news(view: RunView) -> None:
    news = view.take([
        RequestAnswered("publish", accepted=True, message="published"),
        RequestAnswered("dance", accepted=False, message="unknown request"),
    ])
    assert [told.severity for told in news] == ["warning"]
    assert news[0].sentence == "The trainer refused to dance: Unknown request."


def test_bits_and_perplexity_are_those_of_the_best_validation_loss(view: RunView) -> None:
    view.take([batch(1, 5.0), scored(1, math.log(8)), scored(2, 3.0)])
    rows = dict(run_formatting.card_rows(view))
    assert rows["bits/char"] == "3.000"
    assert rows["perplexity"] == "8.00"


def test_an_infinite_loss_reaches_no_curve(view: RunView) -> None:
    view.take([batch(1, 2.0), batch(2, math.inf), batch(3, math.nan)])
    assert view.losses.columns(10) == [2.0]
    assert view.smoothed.value == 2.0


def test_foreign_text_is_harmless_in_every_word(tmp_path: Path) -> None:
    view = RunView(RunDirectory(tmp_path / "evil\x1b]52;c;AA\x07\u202e"))
    hostile = "\x1b[2J\x9b31m\u202eabc"
    news = view.take([
        RunWarned(hostile),
        RunFailed(hostile),
        RequestAnswered(hostile, accepted=False, message=hostile),
        ended(hostile, 3),
    ])
    failure = diagnose(view)
    assert failure is not None
    shown = [told.sentence for told in news] + [failure.sentence, view.warning]
    assert not any(sign in text for text in shown for sign in "\x1b\x9b\u202e\x07")


def test_a_log_that_starts_over_leaves_nothing_behind(view: RunView) -> None:
    plan = RunPlanned(100, 20, 10, batch_size=4, seconds_per_step=None)
    view.take([plan, batch(1, 2.0), scored(1, 1.5)])
    view.forget()
    assert (view.step, view.plan, view.best, view.losses.buckets) == (0, None, None, ())


def test_a_row_leaves_out_what_does_not_fit() -> None:
    choices = (["step 8", "one minute left", "fast"], ["step 8", "fast"], ["step 8"])
    assert longest_fitting(choices, separator="  ", width=13) == "step 8  fast"
    assert longest_fitting(choices, separator="  ", width=2) == "step 8"


def test_a_score_from_the_beginning_is_not_the_best(view: RunView) -> None:
    plan = RunPlanned(100, 20, 50, batch_size=4, seconds_per_step=None, early_evaluations=(10,))
    view.take([plan, scored(10, 1.0), scored(50, 2.0), scored(100, 3.0), RunResumed(60)])
    assert view.best == scored(50, 2.0)


def test_another_length_of_a_run_by_time_is_told_once_it_matters(view: RunView) -> None:
    training = TrainingConfig(train_time=300.0)
    view.description = read_description(created_run(view.run.path.parent, training=training))
    view.take([RunPlanned(1_000, 20, 50, 4, 0.3, is_adaptive=True)])
    assert view.take([RunReplanned(20, 950, 0.32)]) == []
    (notice,) = view.take([RunReplanned(40, 600, 0.5)])
    assert notice.sentence == (
        "600 steps instead of 1,000 fit 5m: this machine is busier than when it was timed."
    )
    assert view.total_steps == 600
    (notice,) = view.take([RunReplanned(60, 900, 0.3)])
    assert "less busy" in notice.sentence


def test_a_paused_run_has_a_sign_of_its_own(view: RunView) -> None:
    view.observe(RunStatus(state=RunState.TRAINING), "alive", 0.0)
    assert run_formatting.state_mark(view) == "●"
    view.observe(RunStatus(state=RunState.PAUSED), "alive", 0.0)
    assert run_formatting.state_mark(view) == "║"
    view.observe(RunStatus(state=RunState.PAUSED), "lost", 0.0)
    assert run_formatting.state_mark(view) == "✗"


@pytest.mark.parametrize(
    ("loss", "shown"),
    [(0.0, "1.00"), (1.5, "4.48"), (5.0, "148"), (9.0, "8,103"), (9.3, "above 10,000")],
)
def test_a_perplexity_is_shown_as_far_as_it_says_something(loss: float, shown: str) -> None:
    assert run_formatting.format_perplexity(loss) == shown
    assert run_formatting.format_perplexity(1e30) == "above 10,000"
