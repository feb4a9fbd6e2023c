"""Samples of the newest weights during training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from tests.support.small_run import (
    before_batches,
    new_run,
    of_kind,
    records_of,
    train,
)
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ExitCode, ModelFileError
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs.checkpoints import newest_valid, save_checkpoint
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.records import (
    BatchTrained,
    CheckpointSaved,
    RunRolledBack,
    RunWarned,
    SampleTaken,
    SplitEvaluated,
)
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.loop import BatchResult

pytestmark = pytest.mark.tensorflow

SEEDS = ("to be", "that", "")


def seeded_run(folder: Path, *seeds: str, **settings: Any) -> RunDirectory:
    return new_run(folder, pinned_seeds=seeds or SEEDS, **settings)


def places_of(run: RunDirectory) -> list[tuple[int, str]]:
    """Return step and seed of each sample, in the order of the records."""
    return [(sample.step, sample.seed_text) for sample in of_kind(run, SampleTaken)]


def tensors_of(path: Path) -> dict[str, np.ndarray]:
    return dict(safetensors.numpy.load_file(path))


def test_samples_are_taken_before_the_first_batch_and_after_every_score(tmp_path: Path) -> None:
    run = seeded_run(tmp_path)
    assert train(run) is ExitCode.OK
    assert places_of(run) == [(step, seed) for step in (0, 3, 6, 9, 12) for seed in SEEDS]
    records = records_of(run)
    for place, record in enumerate(records):
        if isinstance(record, SplitEvaluated):
            assert [type(each) for each in records[place + 1 : place + 4]] == [SampleTaken] * 3
    first = next(place for place, each in enumerate(records) if isinstance(each, SampleTaken))
    assert not any(isinstance(each, BatchTrained) for each in records[:first])


def test_a_sample_is_what_the_scored_weights_generate(tmp_path: Path) -> None:
    run = seeded_run(tmp_path, average_decay=0.8)
    train(run)
    checkpoint = newest_valid(run)
    assert checkpoint is not None
    stream = CharacterStream(
        load_model(checkpoint.model), SamplingConfig(temperature=0.8, rng_seed=0)
    )
    for sample in of_kind(run, SampleTaken)[-len(SEEDS) :]:
        stream.prime(sample.seed_text)
        assert sample.text == "".join(stream.next().character for _ in range(200))
        assert (sample.rng_seed, sample.temperature) == (0, 0.8)


def test_training_is_not_disturbed(tmp_path: Path) -> None:
    alone, sampled = new_run(tmp_path / "alone"), seeded_run(tmp_path / "sampled")
    train(alone)
    train(sampled)
    ours, theirs = newest_valid(sampled), newest_valid(alone)
    assert ours is not None
    assert theirs is not None
    for ours_file, theirs_file in ((ours.model, theirs.model), (ours.training, theirs.training)):
        tensors = tensors_of(theirs_file)
        assert tensors_of(ours_file).keys() == tensors.keys()
        for name, tensor in tensors.items():
            np.testing.assert_array_equal(tensors_of(ours_file)[name], tensor, err_msg=name)
    losses = [(each.step, each.loss) for each in of_kind(alone, BatchTrained)]
    assert losses == [(each.step, each.loss) for each in of_kind(sampled, BatchTrained)]
    assert not of_kind(alone, SampleTaken)


@pytest.mark.parametrize("step", [3, 5])
def test_no_step_is_sampled_twice_after_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    run, interruption = seeded_run(tmp_path), Interruption()

    def leave(at: int) -> None:
        if at == step:
            interruption.request(Reason.SIGTERM)

    before_batches(monkeypatch, leave)
    train(run, interruption)
    assert train(run) is ExitCode.OK
    assert places_of(run) == [(at, seed) for at in (0, 3, 6, 9, 12) for seed in SEEDS]


def test_a_run_that_begins_anew_keeps_its_first_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trainer failed before there was a checkpoint."""

    def fail(step: int) -> BatchResult | None:
        raise ValueError("a defect")

    run = seeded_run(tmp_path)
    with monkeypatch.context() as patch:
        before_batches(patch, fail)
        assert train(run) is ExitCode.UNEXPECTED
    assert train(run) is ExitCode.OK
    assert places_of(run)[: len(SEEDS) + 1] == [*((0, seed) for seed in SEEDS), (3, SEEDS[0])]


def test_what_a_rollback_takes_back_is_sampled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[int] = []

    def diverge(step: int) -> BatchResult | None:
        if step == 8 and not failed:
            failed.append(step)
            return BatchResult(float("nan"), 1.0)
        return None

    run = seeded_run(tmp_path, "that")
    before_batches(monkeypatch, diverge)
    assert train(run) is ExitCode.OK
    (back,) = of_kind(run, RunRolledBack)
    expected = [0, 3, 6, 6, 9, 12] if back.to_step < 6 else [0, 3, 6, 9, 12]
    assert [step for step, _ in places_of(run)] == expected


def test_a_score_that_is_taken_twice_is_sampled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint was requested during an evaluation, and the trainer was killed after it."""
    from tui_charrnn.training import saving
    from tui_charrnn.training.engine.engine import Engine

    run = seeded_run(tmp_path)
    evaluate = Engine.evaluate

    def ask(self: Any, windows: Any, should_stop: Any) -> float | None:
        send_request(run, "checkpoint")
        loss: float | None = evaluate(self, windows, should_stop)
        return loss

    saved: list[int] = []

    def save_once(*arguments: Any, **options: Any) -> CheckpointDirectory:
        saved.append(options["step"])
        if len(saved) > 1:
            raise KeyboardInterrupt
        return save_checkpoint(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "evaluate", ask)
        patch.setattr(saving, "save_checkpoint", save_once)
        assert train(run) is ExitCode.INTERRUPTED
    assert [each.step for each in of_kind(run, CheckpointSaved)] == [3]
    assert train(run) is ExitCode.OK
    assert [each.step for each in of_kind(run, SplitEvaluated)][:2] == [3, 3]
    assert places_of(run) == [(at, seed) for at in (0, 3, 6, 9, 12) for seed in SEEDS]


def test_whoever_must_stop_does_not_wait_for_the_other_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.runs.writer import RunWriter

    run, append = seeded_run(tmp_path), RunWriter.append

    def watched(self: RunWriter, record: Any) -> None:
        append(self, record)
        if isinstance(record, SampleTaken) and record.step == 3:
            send_request(run, "stop")

    monkeypatch.setattr(RunWriter, "append", watched)
    assert train(run) is ExitCode.OK
    assert [place for place in places_of(run) if place[0]] == [(3, SEEDS[0])]


def test_what_takes_long_is_left_out_and_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training import instruments

    monkeypatch.setattr(instruments, "SAMPLING_TIME", 0.0)
    run = seeded_run(tmp_path)
    assert train(run) is ExitCode.OK
    assert places_of(run) == []
    (warned,) = of_kind(run, RunWarned)
    assert "of 3 pinned seeds 0 can be sampled" in warned.message


def test_more_seeds_than_can_be_pinned_are_not_sampled(tmp_path: Path) -> None:
    run = seeded_run(tmp_path, *map(str, range(20)), "x" * 5_000, steps=1, evaluations=1)
    train(run)
    assert len(of_kind(run, SampleTaken)) == 2 * 8


def test_a_long_seed_of_unknown_characters_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    run = seeded_run(tmp_path, "\ud55c" * 5_000, steps=1, evaluations=1)
    train(run)
    first, _ = of_kind(run, SampleTaken)
    assert first.seed_text == "\ud55c" * 5_000
    assert len(first.text) == 200


def test_weights_that_choose_nothing_are_reported_and_training_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: CharacterStream) -> Any:
        raise ModelFileError("The model's scores are not finite numbers.")

    monkeypatch.setattr(CharacterStream, "next", refuse)
    run = seeded_run(tmp_path, "that")
    assert train(run) is ExitCode.OK
    warned = [record.message for record in of_kind(run, RunWarned)]
    assert warned[0].startswith("Nothing was sampled at step 0: The model's scores")


def test_samples_count_as_time_of_an_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training.context import SpeedMeter

    reported: list[float] = []
    evaluated = SpeedMeter.evaluated

    def watched(self: SpeedMeter, elapsed: float) -> float:
        reported.append(elapsed)
        return evaluated(self, elapsed)

    monkeypatch.setattr(SpeedMeter, "evaluated", watched)
    run = seeded_run(tmp_path)
    train(run)
    scored = [record.elapsed for record in of_kind(run, SplitEvaluated)]
    following = {record.step: record.elapsed for record in of_kind(run, BatchTrained)}
    assert all(before < after for before, after in zip(scored, reported, strict=True))
    assert all(reported[number] < following[step] for number, step in enumerate((4, 7, 10)))
