"""Each kind of failure is diagnosed and has its own remedies."""

import errno
import os
import signal
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer
from tests.support.hostile_text import HARMFUL, HOSTILE
from tests.support.viewed_run import viewed
from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CorpusError, ExitCode, RunLockedError, StorageError
from tui_charrnn.generation.training_corpus import read_run_corpus
from tui_charrnn.runs.description import RunState, Usage
from tui_charrnn.runs.file_system import storage_errors
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.records import LearningRateChanged, RunDiverged, RunRolledBack
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.failures import cause_of, explain
from tui_charrnn.viewing.failures import Failure, FailureKind, diagnose, format_advice


def failed_run(
    folder: Path, message: str, cause: str = "", *, batch_size: int = 64
) -> RunDirectory:
    """A run whose trainer recorded this message at its end."""
    run = created_run(folder, training=TrainingConfig(batch_size=batch_size, steps=100))
    with FakeTrainer(run) as trainer:
        trainer.train(3.0, 2.5)
        trainer.save()
        trainer.fail(message, cause)
    return run


def lost_run(folder: Path, usage: Usage | None = None) -> RunDirectory:
    """A run whose trainer ended during training."""
    run = created_run(folder)
    with FakeTrainer(run) as trainer:
        trainer.start()
        trainer.train(3.0, 2.5)
        trainer.save()
    lose_trainer(run)
    rewrite_status(run, usage=usage)
    return run


def rewrite_status(run: RunDirectory, **changes: Any) -> None:
    """Change the trainer's last status."""
    status = read_status(run)
    assert status is not None
    Storage().write_atomically(run.status, encode_json(replace(status, **changes).to_json()))


def failure_of(
    run: RunDirectory,
    exit_code: int | None = None,
    log: Sequence[str] = (),
    *,
    silence: float = 0.0,
) -> Failure:
    """The diagnosed kind of a run's failure."""
    view = viewed(run, silence=silence)
    view.exit_code, view.printed = exit_code, tuple(log)
    failure = diagnose(view)
    assert failure is not None
    return failure


def remedies_of(failure: Failure) -> list[str]:
    return [remedy.id for remedy in failure.remedies]


def test_what_the_trainer_said_is_the_sentence(tmp_path: Path) -> None:
    failure = failure_of(fake_run(tmp_path, end="failed"), ExitCode.UNEXPECTED)
    assert failure.kind is FailureKind.EXPLAINED
    assert failure.sentence == "Something went wrong."
    assert failure.hint == "Nothing was saved yet."
    assert remedies_of(failure) == ["resume", "log"]


def test_a_failure_says_what_is_kept(tmp_path: Path) -> None:
    failure = failure_of(failed_run(tmp_path, "Something went wrong."))
    assert failure.hint == "The checkpoint of step 2 is kept."


def test_a_batch_that_did_not_fit_is_halved(tmp_path: Path) -> None:
    said = explain(MemoryError(), RunDirectory(tmp_path))
    cause = cause_of(MemoryError())
    failure = failure_of(failed_run(tmp_path, said, cause, batch_size=64))
    assert failure.kind is FailureKind.OUT_OF_MEMORY
    assert failure.sentence == said
    assert failure.remedies[0].changes == (("batch_size", "32"),)
    assert "32" in failure.remedies[0].label
    assert remedies_of(failure) == ["half_batch", "resume", "log"]


def test_the_batch_that_was_planned_is_halved_rather_than_the_one_that_was_wanted(
    tmp_path: Path,
) -> None:
    run = created_run(tmp_path, training=TrainingConfig(batch_size=64, steps=100))
    with FakeTrainer(run) as trainer:
        trainer.start()  # plans a batch of 4
        trainer.fail("There was not enough memory for a batch.", "memory")
    assert failure_of(run).remedies[0].changes == (("batch_size", "2"),)


def test_a_single_stream_cannot_be_halved(tmp_path: Path) -> None:
    run = failed_run(tmp_path, "There was not enough memory for a batch.", "memory", batch_size=1)
    assert remedies_of(failure_of(run)) == ["resume", "log"]


@pytest.mark.parametrize("exit_code", [-signal.SIGKILL, None])
def test_a_trainer_that_died_with_nearly_all_memory_ran_out_of_it(
    tmp_path: Path, exit_code: int | None
) -> None:
    run = lost_run(tmp_path, Usage(memory=15_200_000_000, memory_total=16_000_000_000))
    failure = failure_of(run, exit_code)
    assert failure.kind is FailureKind.OUT_OF_MEMORY
    assert "15.2 GB of 16 GB" in failure.sentence
    assert remedies_of(failure)[0] == "half_batch"


@pytest.mark.parametrize(
    "line",
    [
        "  what():  std::bad_alloc",
        "tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating",
        "Killed",
        "E0000 00:00:1795554454.972996 7485 bfc_allocator.cc:9] ran out of memory trying to",
        "E0000 00:00:1795554454.972996 7485 cuda_dnn.cc:9] CUDNN_STATUS_ALLOC_FAILED",
        "failed to allocate 2.00GiB from device: CUDA_ERROR_OUT_OF_MEMORY",
        "RESOURCE_EXHAUSTED: failed to allocate a tensor of shape [4096,65]",
        "slurmstepd: error: Detected 1 oom_kill event in StepId=17.0.",
        "OSError: [Errno 12] Cannot allocate memory",
    ],
)
def test_a_log_that_speaks_of_memory_is_believed(tmp_path: Path, line: str) -> None:
    failure = failure_of(lost_run(tmp_path), -signal.SIGABRT, ["terminate called", line])
    assert failure.kind is FailureKind.OUT_OF_MEMORY


def test_a_lack_of_memory_that_was_got_round_is_no_reason_of_an_end(tmp_path: Path) -> None:
    line = (
        "W0000 00:00:1795554454.972996 7485 bfc_allocator.cc:9] Allocator (GPU_0_bfc) ran out of "
        "memory trying to allocate 4.02GiB. The caller indicates that this is not a failure, but "
        "this may mean that there could be performance gains if more memory were available."
    )
    failure = failure_of(lost_run(tmp_path), -signal.SIGTERM, [line])
    assert failure.kind is FailureKind.KILLED


def test_a_kill_with_memory_to_spare_is_no_lack_of_it(tmp_path: Path) -> None:
    run = lost_run(tmp_path, Usage(memory=2_000_000_000, memory_total=16_000_000_000))
    failure = failure_of(run, -signal.SIGKILL)
    assert failure.kind is FailureKind.KILLED
    assert "SIGKILL, killed by force" in failure.sentence
    assert "The checkpoint of step 2 is kept." in failure.hint


def test_a_full_disk_is_known_by_the_words_of_the_storage(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError) as refused,
        storage_errors("write", tmp_path / "state.json"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    failure = failure_of(
        failed_run(tmp_path, str(refused.value), cause_of(refused.value)), ExitCode.CANNOT_SAVE
    )
    assert failure.kind is FailureKind.DISK_FULL
    assert failure.sentence == str(refused.value)
    assert failure.hint.startswith("Make room, then resume.")


@pytest.mark.parametrize(
    ("cause", "kind"), [("disk", FailureKind.DISK_FULL), ("", FailureKind.EXPLAINED)]
)
def test_a_full_disk_that_took_no_record_is_known_by_the_status(
    tmp_path: Path, cause: str, kind: FailureKind
) -> None:
    run = lost_run(tmp_path)
    message = "Cannot write /no space left on device/state.json: it is read-only."
    rewrite_status(run, state=RunState.FAILED, message=message, cause=cause)
    failure = failure_of(run, ExitCode.CANNOT_SAVE)
    assert (failure.kind, failure.sentence) == (kind, message)


def test_a_cause_of_an_earlier_trainer_is_forgotten(tmp_path: Path) -> None:
    run = failed_run(tmp_path, "The text is not the same.", "text")
    with FakeTrainer(run) as trainer:
        trainer.start()
    message = "Cannot write state.json: no space left on device."
    rewrite_status(run, state=RunState.FAILED, message=message, cause="disk")
    failure = failure_of(run, ExitCode.CANNOT_SAVE)
    assert (failure.kind, failure.sentence) == (FailureKind.DISK_FULL, message)


@pytest.mark.parametrize(
    ("exit_code", "reason", "kind"),
    [
        (ExitCode.CANNOT_SAVE, "no space left on device", FailureKind.DISK_FULL),
        (ExitCode.CANNOT_SAVE, "permission denied", FailureKind.EXPLAINED),
        (ExitCode.DATA, "no space left on device", FailureKind.EXPLAINED),
    ],
)
def test_a_trainer_that_could_not_write_the_run_at_all_is_quoted(
    tmp_path: Path, exit_code: ExitCode, reason: str, kind: FailureKind
) -> None:
    failure = failure_of(lost_run(tmp_path), exit_code, [f"charrnn-tui: It failed: {reason}."])
    assert (failure.kind, failure.sentence) == (kind, f"It failed: {reason}.")


def test_a_full_disk_is_known_by_the_log(tmp_path: Path) -> None:
    log = ["OSError: [Errno 28] No space left on device"]
    failure = failure_of(lost_run(tmp_path), ExitCode.UNEXPECTED, log)
    assert failure.kind is FailureKind.DISK_FULL


def diverged_run(folder: Path, *changes: LearningRateChanged | RunRolledBack) -> RunDirectory:
    """Diverges at step 13 with a rate of 0.003; configured are 0.02."""
    run = created_run(folder, training=TrainingConfig(learning_rate=0.02, steps=100))
    with FakeTrainer(run) as trainer:
        trainer.train(*[3.0] * 12)
        trainer.save()
        for change in changes:
            trainer.append(change)
        trainer.diverge()
    return run


def test_divergence_asks_for_a_rate_below_that_of_the_step(tmp_path: Path) -> None:
    failure = failure_of(diverged_run(tmp_path), ExitCode.DIVERGED)
    assert failure.kind is FailureKind.DIVERGED
    assert failure.sentence == "The loss became nan at step 13."
    assert "The checkpoint of step 12 is kept." in failure.hint
    assert "below 0.003" in failure.hint
    assert failure.remedies[0].changes == (("learning_rate", "0.0015"),)
    assert remedies_of(failure) == ["lower_rate", "log"]


def test_divergence_asks_for_a_rate_below_the_present_peak(tmp_path: Path) -> None:
    run = diverged_run(
        tmp_path,
        RunRolledBack(12, 9, "loss", "nan", learning_rate=0.002, attempt=1),
        LearningRateChanged(10, 0.002, "divergence"),
    )
    failure = failure_of(run)
    assert "below 0.002" in failure.hint
    assert failure.remedies[0].changes == (("learning_rate", "0.001"),)


def test_a_rate_of_nothing_is_no_advice(tmp_path: Path) -> None:
    run = created_run(tmp_path, training=TrainingConfig(learning_rate=0.004, steps=100))
    with FakeTrainer(run) as trainer:
        trainer.append(RunDiverged(1, "gradient_norm", "inf", learning_rate=0.0))
        trainer.end("diverged")
    failure = failure_of(run)
    assert failure.sentence == "The gradient became inf at step 1."
    assert "below 0.004" in failure.hint


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, "segmentation fault"),
        (signal.SIGABRT, "aborted"),
        (signal.SIGILL, "processor"),
    ],
)
def test_native_crashes_are_told_from_kills(
    tmp_path: Path, number: signal.Signals, words: str
) -> None:
    failure = failure_of(lost_run(tmp_path), -number)
    assert failure.kind is FailureKind.CRASHED
    assert words in failure.sentence
    assert "charrnn-tui doctor" in failure.hint
    assert remedies_of(failure) == ["resume", "log"]


def test_a_crash_is_known_by_its_log_where_the_exit_code_is_not(tmp_path: Path) -> None:
    failure = failure_of(lost_run(tmp_path), None, ["Fatal Python error: Segmentation fault"])
    assert failure.kind is FailureKind.CRASHED


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (-signal.SIGTERM, "SIGTERM, asked to end"),
        (-signal.SIGHUP, "SIGHUP, its terminal was closed"),
        (-signal.SIGUSR1, "SIGUSR1"),
        (-40, "signal 40"),
        (-250, "signal 250"),
    ],
)
def test_signals_are_named(tmp_path: Path, exit_code: int, words: str) -> None:
    failure = failure_of(lost_run(tmp_path), exit_code)
    assert failure.kind is FailureKind.KILLED
    assert f"by {words}" in failure.sentence


def test_a_trainer_that_is_gone_without_a_word_is_lost(tmp_path: Path) -> None:
    failure = failure_of(lost_run(tmp_path))
    assert failure.kind is FailureKind.LOST
    assert failure.sentence == "The trainer is lost."
    assert remedies_of(failure) == ["resume", "log"]


def test_another_machine_is_named(tmp_path: Path) -> None:
    run = lost_run(tmp_path)
    rewrite_status(run, host="node17", boot_id="another")
    lost, silent = failure_of(run, silence=31.0), failure_of(run, silence=11.0)
    assert (lost.kind, silent.kind) == (FailureKind.LOST, FailureKind.SILENT)
    assert "on node17 has not reported for more than 30 s" in lost.sentence
    assert "on node17 has not reported for more than 10 s" in silent.sentence
    assert remedies_of(silent) == ["log"]


def test_silence_here_names_no_machine(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.train(3.0)
        assert diagnose(viewed(trainer.run)) is None
        failure = failure_of(trainer.run, silence=11.0)
    assert failure.sentence == "The trainer has not reported for more than 10 s."


def test_a_run_that_nobody_took_up_can_be_started(tmp_path: Path) -> None:
    run = created_run(tmp_path)
    failure = failure_of(run, silence=31.0)
    assert failure.kind is FailureKind.LOST
    assert failure.sentence == "No trainer has started this run."
    assert remedies_of(failure)[0] == "resume"


def test_a_trainer_that_could_not_take_the_run_up_is_quoted(tmp_path: Path) -> None:
    run = created_run(tmp_path)
    with RunWriter(run), pytest.raises(RunLockedError) as locked:
        RunWriter(run)
    run.status.unlink()
    failure = failure_of(run, ExitCode.LOCKED, [f"charrnn-tui: {locked.value}", ""], silence=31.0)
    assert failure.kind is FailureKind.EXPLAINED
    assert failure.sentence == str(locked.value)


def test_an_exit_that_is_not_explained_shows_the_last_line(tmp_path: Path) -> None:
    log = ["Traceback (most recent call last):", "  import numpy", "ImportError: no numpy"]
    failure = failure_of(lost_run(tmp_path), ExitCode.UNEXPECTED, log)
    assert failure.kind is FailureKind.EXPLAINED
    assert failure.sentence == "The trainer ended with exit code 1: ImportError: no numpy"
    assert failure_of(lost_run(tmp_path / "b"), 1).sentence == "The trainer ended with exit code 1."


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_text("", encoding="utf-8")


def change(path: Path) -> None:
    path.write_text("another text " * 99, encoding="utf-8")


def scramble(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\xfa" * 99)


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_a_socket(path: Path) -> None:
    path.unlink()
    os.mknod(path, stat.S_IFSOCK | 0o600)


@pytest.mark.parametrize(
    "harm", [remove, empty, change, scramble, replace_by_a_folder, replace_by_a_socket]
)
def test_a_text_that_cannot_be_used_is_told_in_the_words_of_its_reader(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    run = created_run(tmp_path)
    reference = read_description(run).corpus
    harm(Path(reference.sources[0]))
    with pytest.raises(CorpusError) as refused:
        read_run_corpus(run, reference)
    with FakeTrainer(run) as trainer:
        trainer.fail(str(refused.value), cause_of(refused.value))
    failure = failure_of(run, ExitCode.DATA)
    assert failure.kind is FailureKind.CORPUS
    assert failure.sentence == str(refused.value)
    assert failure.hint == "Nothing was saved yet."


def test_a_directory_that_cannot_be_read_is_no_fault_of_the_trainer(tmp_path: Path) -> None:
    view = viewed(lost_run(tmp_path))
    view.problem = "events.jsonl cannot be read: Input/output error."
    view.exit_code = -signal.SIGKILL
    failure = diagnose(view)
    assert failure is not None
    assert failure.kind is FailureKind.UNREADABLE
    assert failure.sentence == view.problem
    assert failure.remedies == ()


@pytest.mark.parametrize("end", ["stopped", "saved", "interrupted"])
def test_an_end_in_good_order_is_no_failure_and_has_advice(tmp_path: Path, end: str) -> None:
    view = viewed(fake_run(tmp_path, end=end))
    view.exit_code = ExitCode.RESUME_ME
    assert diagnose(view) is None
    assert format_advice(view) == f"Resume it with: charrnn-tui resume {view.run.path}"


def test_a_finished_run_needs_no_advice(tmp_path: Path) -> None:
    view = viewed(fake_run(tmp_path, end="finished"))
    view.exit_code = ExitCode.OK
    assert diagnose(view) is None
    assert format_advice(view) == ""


def test_a_failed_run_is_advised_by_its_failure(tmp_path: Path) -> None:
    assert format_advice(viewed(fake_run(tmp_path, end="failed"))) == ""


def test_a_trainer_that_was_interrupted_before_its_first_word_has_not_failed(
    tmp_path: Path,
) -> None:
    view = viewed(created_run(tmp_path), silence=31.0)
    view.exit_code = ExitCode.INTERRUPTED
    assert diagnose(view) is None


def test_a_resumed_run_is_well_again(tmp_path: Path) -> None:
    run = fake_run(tmp_path, end="failed")
    with FakeTrainer(run) as trainer:
        trainer.start()
        trainer.train(2.0)
        assert diagnose(viewed(run)) is None


def test_an_earlier_process_of_the_same_log_is_not_blamed(tmp_path: Path) -> None:
    log = [
        "  what():  std::bad_alloc",
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
        "I0000 00:00:1795554443.947040 7485 cudart_stub.cc:31] Could not find cuda drivers",
    ]
    assert failure_of(lost_run(tmp_path), None, log).kind is FailureKind.LOST


@pytest.mark.parametrize("exit_code", [None, 1, ExitCode.DATA, -9, -11])
def test_foreign_text_is_harmless_in_every_word(tmp_path: Path, exit_code: int | None) -> None:
    log = [f"charrnn-tui: {HOSTILE}", HOSTILE]
    failures = [
        failure_of(failed_run(tmp_path / "a", HOSTILE), exit_code, log),
        failure_of(failed_run(tmp_path / "b", f"No space left on device {HOSTILE}"), None, log),
        failure_of(lost_run(tmp_path / "c"), exit_code, log),
    ]
    for failure in failures:
        shown = failure.sentence + failure.hint + "".join(r.label for r in failure.remedies)
        assert not HARMFUL.search(shown)
