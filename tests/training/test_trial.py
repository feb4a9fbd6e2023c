"""The process that times batches: it prints one line, and caches the result."""

import json
import os
from dataclasses import replace

import pytest

from tests.support.command import PATIENCE
from tests.support.small_run import MODEL, TRAINING
from tui_charrnn.errors import ExitCode
from tui_charrnn.training.trial_facts import (
    Trial,
    TrialSettings,
    decode_result,
    recall_trial,
    start_task,
    task_command,
)

pytestmark = pytest.mark.tensorflow

V, CHARACTERS = 31, 4_000


def test_it_measures_what_a_run_would_meet_and_caches_it() -> None:
    settings = TrialSettings(MODEL, TRAINING, V, CHARACTERS)
    process = start_task(task_command("time", settings.to_json()))
    output, complaint = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, complaint
    trial = decode_result(Trial, output)
    assert output.count("\n") == 1
    assert (trial.batch_size, trial.precision) == (TRAINING.batch_size, "float32")
    assert trial.device.startswith("processor, ")
    assert trial.seconds_per_step > 0
    assert trial.memory > 1e8  # TensorFlow alone
    assert recall_trial(settings) == trial


def test_a_small_text_has_fewer_streams() -> None:
    from tui_charrnn.training.tasks import try_settings

    training = replace(TRAINING, batch_size=64)
    assert 1 <= try_settings(TrialSettings(MODEL, training, V, 100)).batch_size < 64


def test_a_length_in_time_is_not_spent_on_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a trial would take a hundredth of the run's hour."""
    from tui_charrnn.training import tasks

    def time_batches(
        _engine: object, _make_batch: object, *, run_time: float | None = None
    ) -> float:
        assert run_time is None
        return 0.5

    monkeypatch.setattr(tasks, "time_batches", time_batches)
    training = replace(TRAINING, steps=None, train_time=3600.0)
    tried = tasks.try_settings(TrialSettings(MODEL, training, V, CHARACTERS))
    assert tried.seconds_per_step == 0.5


def run_main(settings: str) -> int:
    from tui_charrnn.training import tasks

    return tasks.main("time", settings)


def test_a_text_that_is_too_short_is_reported_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    *_, settings = task_command("time", TrialSettings(MODEL, TRAINING, V, 3).to_json())
    assert run_main(settings) == ExitCode.DATA
    output = capfd.readouterr()
    assert output.out == ""
    assert "The text is too short" in output.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), "There is not enough memory for a batch"),
        (RuntimeError("first line\nsecond"), "RuntimeError: first line"),
        (RuntimeError(), "RuntimeError: no message"),
    ],
)
def test_whatever_goes_wrong_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: Exception,
    expected: str,
) -> None:
    from tui_charrnn.training import tasks

    def fail(_settings: TrialSettings) -> None:
        os.write(1, b"a library's chatter")
        raise error

    monkeypatch.setattr(tasks, "try_settings", fail)
    *_, settings = task_command("time", TrialSettings(MODEL, TRAINING, V, CHARACTERS).to_json())
    assert run_main(settings) == ExitCode.UNEXPECTED
    output = capfd.readouterr()
    assert output.out == ""
    assert expected in output.err.splitlines()[-1]
    assert recall_trial(TrialSettings(MODEL, TRAINING, V, CHARACTERS)) is None


def test_settings_that_nobody_wrote_are_refused(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    values = json.loads(
        task_command("time", TrialSettings(MODEL, TRAINING, V, CHARACTERS).to_json())[-1]
    )
    values["model"]["hidden_size"] = 0
    assert run_main(json.dumps(values)) == ExitCode.USAGE
    assert "hidden_size" in capfd.readouterr().err
