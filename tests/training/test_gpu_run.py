"""A whole run on a simulated GPU: paths are tried, recorded, and kept on a resume.

It is the processor, so cuDNN's operations have no kernel: the first way fails, as one would whose
libraries do not fit.
"""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.engine_pool import engines
from tests.support.small_run import new_run, of_kind, train
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.records import BatchTrained, PathChosen, RunResumed, RunWarned, format_way
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.nvidia import Gpu
from tui_charrnn.training.trial_facts import Examination, decode_result, encode_result

pytestmark = pytest.mark.tensorflow


@pytest.fixture(autouse=True)
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_charrnn.training.distributed import coordination
    from tui_charrnn.training.engine import path_choice, paths
    from tui_charrnn.training.engine.paths import Device

    libraries = paths.ComputePath("GPU", "cudnn"), paths.ComputePath("GPU", "keras")
    monkeypatch.setattr(paths, "GPU_PATHS", libraries)
    device = Device((Gpu("Some GPU", "9.0", has_code=False),))
    monkeypatch.setattr(coordination, "configure_devices", lambda *_: device)
    monkeypatch.setattr(path_choice, "Engine", engines.take)  # a resume tries what was traced
    # what a dropped way leaves goes through all objects of the process: that takes a second here
    monkeypatch.setattr(path_choice, "gc", SimpleNamespace(collect=lambda: None))


def test_a_path_that_fails_is_reported_and_the_run_continues_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages, set_status = [], RunWriter.set_status

    def watch(self: RunWriter, **values: object) -> None:
        messages.append(str(values.get("message", "")))
        set_status(self, **values)

    monkeypatch.setattr(RunWriter, "set_status", watch)
    run, interruption = new_run(tmp_path), Interruption()
    append = RunWriter.append

    def stop_at_4(self: RunWriter, record: object) -> None:
        append(self, record)  # type: ignore[arg-type]  # as above
        if isinstance(record, BatchTrained) and record.step == 4:
            interruption.request(Reason.STOPPED)

    monkeypatch.setattr(RunWriter, "append", stop_at_4)
    assert train(run, interruption) is ExitCode.OK
    (chosen,) = of_kind(run, PathChosen)
    assert (chosen.device, format_way(chosen)) == ("Some GPU", "Keras's layers, float32")
    assert [(format_way(each), bool(each.failure)) for each in chosen.trials] == [
        ("own layers, float32", False),
        ("cuDNN, float32", True),
        ("Keras's layers, float32", False),
    ]
    assert "No OpKernel" in chosen.trials[1].failure
    assert any("cuDNN, float32, which fails" in each.message for each in of_kind(run, RunWarned))
    assert any("CUDA_CACHE_PATH" in message for message in messages)
    assert messages[-1] == ""

    assert train(run) is ExitCode.OK
    _, kept = of_kind(run, PathChosen)
    assert format_way(kept) == format_way(chosen)
    assert [format_way(each) for each in kept.trials] == [
        "own layers, float32",
        "Keras's layers, float32",
    ]
    assert of_kind(run, BatchTrained)[-1].step == 12
    assert of_kind(run, RunResumed)
    assert not any("bit-identical" in each.message for each in of_kind(run, RunWarned))


def test_doctor_tries_what_a_run_would_try(monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_charrnn.training import tasks
    from tui_charrnn.training.engine.paths import Device

    training = TrainingConfig(batch_size=3, sequence_length=5, steps=9, dropout=0.2)
    device = Device((Gpu("Some GPU", "9.0"),))
    found = tasks.examine(device, ModelConfig(embedding_size=4, hidden_size=6), training)
    assert [(format_way(each), bool(each.failure)) for each in found.trials] == [
        ("own layers, float32", False),
        ("cuDNN, float32", True),
        ("Keras's layers, float32", False),
    ]
    assert found.path["layers"] == "keras"
    assert (found.characters, found.trial_seconds, found.trial_failure) == (15, None, None)
    assert decode_result(Examination, encode_result(found)) == found
