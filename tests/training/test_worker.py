"""Whole runs through the worker, in this process."""

import hashlib
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.exact_trainer import NETWORKS
from tests.support.fake_run import created_run, fake_corpus
from tests.support.small_run import (
    MODEL,
    TRAINING,
    assert_same_weights,
    before_batches,
    new_run,
    of_kind,
    records_of,
    status_of,
    train,
    weights_of,
)
from tests.support.tiny_model import random_tensors
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ExitCode, RunLockedError, StorageError
from tui_charrnn.generation.training_corpus import open_starting_model
from tui_charrnn.model.checkpoint import load_model, serialize_model
from tui_charrnn.model.weights import grown_tensors
from tui_charrnn.presets import FINE_TUNING_SHARE
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    CheckpointSaved,
    RunEnded,
    RunFailed,
    RunPlanned,
    RunReplanned,
    RunResumed,
    RunRolledBack,
    RunStarted,
    RunWarned,
    SplitEvaluated,
)
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.vocabulary import choose_vocabulary
from tui_charrnn.training.creation import extend_run, make_run
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.loop import BatchResult

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Interruption, Reason], None]:
    """Trigger an interruption right after a step."""

    def install(step: int, interruption: Interruption, reason: Reason) -> None:
        def interrupt(at: int) -> None:
            if at == step:
                interruption.request(reason)

        before_batches(monkeypatch, interrupt)

    return install


def test_a_run_from_its_start_to_its_end(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    assert train(run) is ExitCode.OK
    records = records_of(run)
    kinds = [type(record) for record in records]
    assert kinds[:3] == [RunStarted, BaselinesMeasured, RunPlanned]
    assert kinds.count(BatchTrained) == 12
    assert [record.step for record in records if isinstance(record, SplitEvaluated)] == [
        3,
        6,
        9,
        12,
    ]
    assert kinds[-1] is RunEnded
    status = status_of(run)
    assert (status.state, status.step, status.total_steps) == (RunState.FINISHED, 12, 12)


@pytest.mark.parametrize("network", NETWORKS)
def test_what_resumes_is_what_would_have_been_bit_for_bit(
    tmp_path: Path, stop_at: Any, network: str
) -> None:
    """Between two checkpoints, and right after one."""
    model, training = NETWORKS[network]
    whole, parts = (
        created_run(tmp_path / name, model=model, training=training) for name in ("whole", "parts")
    )
    train(whole)
    for stop in (5, 6):
        interruption = Interruption()
        stop_at(stop, interruption, Reason.SIGTERM)
        assert train(parts, interruption) is ExitCode.RESUME_ME
        assert status_of(parts).state is RunState.SAVED
    assert train(parts) is ExitCode.OK
    assert_same_weights(whole, parts)
    losses = {
        record.step: record.loss for record in records_of(whole) if type(record) is BatchTrained
    }
    again = {
        record.step: record.loss for record in records_of(parts) if type(record) is BatchTrained
    }
    assert losses == again
    assert of_kind(parts, RunResumed) == [RunResumed(5), RunResumed(6)]


@pytest.mark.parametrize(
    ("reason", "code", "state"),
    [
        (Reason.STOPPED, 0, RunState.STOPPED),
        (Reason.SIGTERM, 75, RunState.SAVED),
        (Reason.TIME_LIMIT, 75, RunState.SAVED),
        (Reason.SIGINT, 130, RunState.INTERRUPTED),
    ],
)
def test_every_reason_to_leave_saves_first(
    tmp_path: Path, stop_at: Any, reason: Reason, code: int, state: RunState
) -> None:
    run, interruption = new_run(tmp_path), Interruption()
    stop_at(5, interruption, reason)
    assert train(run, interruption) == code
    ended = records_of(run)[-1]
    assert isinstance(ended, RunEnded)
    assert (ended.reason, ended.exit_code, ended.step) == (str(state), code, 5)
    assert [record.step for record in records_of(run) if type(record) is CheckpointSaved][-1] == 5


def test_the_time_limit_saves_and_leaves(tmp_path: Path) -> None:
    run = new_run(tmp_path, max_time=1e-3)
    assert train(run) is ExitCode.RESUME_ME
    assert status_of(run).state is RunState.SAVED


def test_a_length_in_time_is_turned_into_steps_once(tmp_path: Path, stop_at: Any) -> None:
    run, interruption = new_run(tmp_path, steps=None, train_time=0.3), Interruption()
    stop_at(2, interruption, Reason.SIGTERM)
    train(run, interruption)
    train(run)
    assert_planned_once(run)


def assert_planned_once(run: RunDirectory) -> None:
    """It was not planned a second time, and has the steps that fit its time."""
    plans = [record for record in records_of(run) if isinstance(record, RunPlanned)]
    assert len(plans) == 1
    again = [record for record in records_of(run) if isinstance(record, RunReplanned)]
    assert status_of(run).step == (again[-1] if again else plans[0]).total_steps


def refuse_to_save(*_: Any, **__: Any) -> None:
    raise StorageError("The disk is full.")


def test_a_trainer_that_dies_before_its_first_checkpoint_leaves_its_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: Any
) -> None:
    from tui_charrnn.training import saving

    run, interruption = new_run(tmp_path, steps=None, train_time=0.3), Interruption()
    stop_at(1, interruption, Reason.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_checkpoint", refuse_to_save)
        assert train(run, interruption) is ExitCode.CANNOT_SAVE
    assert newest_valid(run) is None
    assert train(run) is ExitCode.OK
    kinds = [type(record) for record in records_of(run)]
    assert kinds.count(BaselinesMeasured) == 1
    assert_planned_once(run)


def test_the_precision_is_chosen_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: Any
) -> None:
    """Even if the second trainer finds no checkpoint and would choose differently."""
    from tui_charrnn.training import saving
    from tui_charrnn.training.engine import path_choice

    choices = iter([("bfloat16", "first"), ("float32", "second")])
    monkeypatch.setattr(path_choice, "choose_precision", lambda *_: next(choices))
    run, interruption = new_run(tmp_path, precision="auto"), Interruption()
    stop_at(1, interruption, Reason.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_checkpoint", refuse_to_save)
        assert train(run, interruption) is ExitCode.CANNOT_SAVE
    assert train(run) is ExitCode.OK
    (planned,) = (record for record in records_of(run) if isinstance(record, RunPlanned))
    assert planned.precision == "bfloat16"
    assert next(choices) == ("float32", "second")


def test_a_damaged_status_does_not_keep_a_run_from_being_resumed(
    tmp_path: Path, stop_at: Any
) -> None:
    run, interruption = new_run(tmp_path), Interruption()
    stop_at(5, interruption, Reason.SIGTERM)
    train(run, interruption)
    run.status.write_text("{", encoding="utf-8")
    assert train(run) is ExitCode.OK


def test_a_damaged_checkpoint_is_reported_and_an_older_one_taken(
    tmp_path: Path, stop_at: Any
) -> None:
    run, interruption = new_run(tmp_path), Interruption()
    stop_at(8, interruption, Reason.SIGTERM)
    train(run, interruption)
    torn = run.checkpoint(8).training
    torn.write_bytes(torn.read_bytes()[:100])
    assert train(run) is ExitCode.OK
    warned = [record.message for record in records_of(run) if isinstance(record, RunWarned)]
    assert "resumes from that of step 6" in warned[0]


def test_a_run_whose_checkpoints_are_all_damaged_is_not_begun_anew(
    tmp_path: Path, stop_at: Any
) -> None:
    run, interruption = new_run(tmp_path), Interruption()
    stop_at(2, interruption, Reason.SIGTERM)
    train(run, interruption)
    run.checkpoint(2).training.write_bytes(b"")
    assert train(run) is ExitCode.DATA
    assert "step-00000002" in status_of(run).message
    shutil.rmtree(run.checkpoints)
    assert train(run) is ExitCode.OK
    warned = [record.message for record in records_of(run) if isinstance(record, RunWarned)]
    assert "starts over" in warned[0]


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    train(run)
    before = run.events.read_bytes()
    assert train(run) is ExitCode.OK
    assert run.events.read_bytes() == before


def test_a_disk_that_refuses_the_last_checkpoint_ends_with_6(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training import saving

    monkeypatch.setattr(saving, "save_checkpoint", refuse_to_save)
    monkeypatch.setattr(saving, "PATIENCE", 0.0)  # that it waits is tested elsewhere
    run = new_run(tmp_path)
    assert train(run) is ExitCode.CANNOT_SAVE
    records = records_of(run)
    assert len([record for record in records if type(record) is BatchTrained]) == 12
    assert any(isinstance(record, RunWarned) for record in records)
    assert status_of(run).state is RunState.FAILED


def test_a_changed_corpus_is_refused_with_both_hashes(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    description = json.loads(run.description.read_text(encoding="utf-8"))
    Path(description["corpus"]["sources"][0]).write_text("be to or not\n" * 99, encoding="utf-8")
    assert train(run) is ExitCode.DATA
    failed = [record for record in records_of(run) if isinstance(record, RunFailed)]
    assert description["corpus"]["sha256"] in failed[0].message
    assert failed[0].message.count("SHA-256") == 1


def test_a_second_trainer_is_refused_and_names_the_first(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with RunWriter(run), pytest.raises(RunLockedError):
        train(run)


def test_a_small_corpus_gets_a_smaller_batch_and_a_warning(tmp_path: Path) -> None:
    run = created_run(
        tmp_path,
        text="to be, or not to be: that is the question.\n" * 4,
        model=MODEL,
        training=replace(TRAINING, batch_size=64, sequence_length=16),
    )
    assert train(run) is ExitCode.OK
    warned = [record for record in records_of(run) if isinstance(record, RunWarned)]
    assert "instead of 64" in warned[0].message


def test_an_unexpected_failure_is_one_sentence_with_the_log_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training.engine.engine import Engine

    def fail(*_: Any) -> BatchResult:
        raise RuntimeError("a defect\nwith a second line")

    monkeypatch.setattr(Engine, "train_batches", fail)
    run = new_run(tmp_path)
    assert train(run) is ExitCode.UNEXPECTED
    assert "RuntimeError: a defect (details in" in status_of(run).message


BOTH = ModelConfig(embedding_size=4, hidden_size=5, direction="both")
SOURCES = {"lstm": NETWORKS["lstm"][0], "gru": NETWORKS["gru"][0], "both": BOTH}
OLD = "to be, or not to be: that is the question.\n" * 40
NEW = "ab uno disce omnes; q.e.d.\n" * 60


def tuned_run(folder: Path, source: Path, training: TrainingConfig, text: str) -> RunDirectory:
    """A run that starts from a model."""
    starting = open_starting_model(str(source), folder)
    settings = starting.point.model, training
    corpus = fake_corpus(folder / "texts", text)
    return make_run(folder / "runs", "run", "tiny", settings, corpus, (), starting)


@pytest.mark.parametrize("network", SOURCES)
def test_a_run_begins_with_the_weights_of_its_model(tmp_path: Path, network: str) -> None:
    """Even for averages, tied weights or two stacks; new characters get the mean."""
    model, source = SOURCES[network], tmp_path / "source.safetensors"
    tensors, vocabulary = random_tensors(model, 12), choose_vocabulary(Counter("abcdefghijkl"))
    source.write_bytes(serialize_model(tensors, model, vocabulary, corpus={}, training={}))
    _, settings = NETWORKS.get(network, NETWORKS["lstm"])
    training = replace(settings, steps=1, learning_rate=1e-12, weight_decay=0.0)
    run = tuned_run(tmp_path, source, training, NEW)
    source.unlink()
    assert train(run) is ExitCode.OK
    added = len(read_description(run).added_characters)
    assert added == len(set(NEW) - set("abcdefghijkl"))
    expected, weights = grown_tensors(tensors, added), weights_of(run)
    assert weights.keys() == expected.keys()
    for name, tensor in weights.items():
        np.testing.assert_allclose(tensor, expected[name], atol=1e-6, err_msg=name)
    checkpoint = newest_valid(run)
    assert checkpoint is not None
    made = load_model(checkpoint.model)
    assert made.training["from"] == {
        "name": "source",
        "sha256": hashlib.sha256(run.initial_model.read_bytes()).hexdigest(),
    }
    assert made.corpus["earlier"] == [{"name": "", "sha256": "", "run": ""}]


def test_a_run_from_a_model_resumes_to_the_bit_whatever_became_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: Any
) -> None:
    """Even if the first trainer died before its first checkpoint, and after a rollback."""
    from tui_charrnn.training import saving

    model, training = NETWORKS["lstm"]
    source = tmp_path / "source.safetensors"
    tensors, vocabulary = random_tensors(model, 12), choose_vocabulary(Counter("abcdefghijkl"))
    source.write_bytes(serialize_model(tensors, model, vocabulary, corpus={}, training={}))
    whole, parts = (
        tuned_run(tmp_path / name, source, training, NEW) for name in ("whole", "parts")
    )
    source.unlink()
    train(whole)
    interruption = Interruption()
    stop_at(2, interruption, Reason.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_checkpoint", refuse_to_save)
        assert train(parts, interruption) is ExitCode.CANNOT_SAVE
    interruption = Interruption()
    stop_at(5, interruption, Reason.SIGTERM)
    assert train(parts, interruption) is ExitCode.RESUME_ME
    assert train(parts) is ExitCode.OK
    assert_same_weights(whole, parts)


def test_a_run_that_goes_back_to_its_beginning_starts_from_its_model_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, training = NETWORKS["gru"]
    source = tmp_path / "source.safetensors"
    tensors, vocabulary = random_tensors(model, 12), choose_vocabulary(Counter("abcdefghijkl"))
    source.write_bytes(serialize_model(tensors, model, vocabulary, corpus={}, training={}))
    settings = replace(training, steps=2, evaluations=1, learning_rate=1e-12, weight_decay=0.0)
    run = tuned_run(tmp_path, source, settings, NEW)
    failures = iter([BatchResult(float("nan"), float("nan"))])

    def fail_once(step: int) -> BatchResult | None:
        return next(failures, None) if step == 2 else None

    before_batches(monkeypatch, fail_once)
    assert train(run) is ExitCode.OK
    assert of_kind(run, RunRolledBack)[0].to_step == 0
    np.testing.assert_allclose(weights_of(run)["embedding"][:12], tensors["embedding"], atol=1e-6)


def spoken(rng_seed: int) -> str:
    """2,000 words of a small language, drawn at random."""
    syllables = ["ba", "do", "ki", "lu", "me", "no", "ri", "sta"]
    words = [one + other for one, other in itertools.product(syllables, syllables)]
    chosen = np.random.default_rng(rng_seed).choice(words[::3], 2000)
    return " ".join(chosen.tolist())


def test_a_run_from_a_model_of_a_like_text_needs_half_of_the_steps(tmp_path: Path) -> None:
    model = ModelConfig(embedding_size=8, hidden_size=16)
    training = replace(TRAINING, batch_size=8, dropout=0.0, learning_rate=0.02, steps=60)
    first, scratch = (
        created_run(tmp_path / str(seed), text=spoken(seed), model=model, training=training)
        for seed in (1, 2)
    )
    train(first)
    train(scratch)
    source = newest_valid(first)
    assert source is not None
    halved = replace(training, steps=30, learning_rate=0.02 * FINE_TUNING_SHARE)
    tuned = tuned_run(tmp_path / "tuned", source.model, halved, spoken(2))
    train(tuned)
    loss, wanted = (of_kind(run, SplitEvaluated)[-1].loss for run in (tuned, scratch))
    assert loss < wanted


def test_an_extended_run_resumes_to_the_bit(tmp_path: Path, stop_at: Any) -> None:
    model, training = NETWORKS["lstm"]
    whole, parts = (
        created_run(tmp_path / name, model=model, training=training) for name in ("whole", "parts")
    )
    for run in (whole, parts):
        train(run)
        extend_run(run, "steps", 8)
    assert train(whole) is ExitCode.OK
    interruption = Interruption()
    stop_at(16, interruption, Reason.SIGTERM)
    assert train(parts, interruption) is ExitCode.RESUME_ME
    assert train(parts) is ExitCode.OK
    assert (status_of(parts).step, status_of(parts).state) == (20, RunState.FINISHED)
    assert_same_weights(whole, parts)
