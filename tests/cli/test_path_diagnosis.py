"""Findings about how a training is computed, with a remedy where a GPU is not used."""

from dataclasses import replace

import pytest

from tests.support.examination import NAMES, ON_CPU, ON_GPU
from tui_charrnn.cli.diagnosis import Finding, judge_computation
from tui_charrnn.cli.tensorflow_process import Answer
from tui_charrnn.errors import ExitCode
from tui_charrnn.training.nvidia import Card, Gpu, Nvidia
from tui_charrnn.training.trial_facts import Examination

CARD = Nvidia(cards=(Card("NVIDIA A10", 24_000_000_000),), driver="550.1", devices=1)


def labeled(label: str, answer: Answer, nvidia: Nvidia, precision: str = "auto") -> Finding:
    """The finding with a label."""
    found = [each for each in judge_computation(answer, nvidia, precision) if each.label == label]
    assert len(found) == 1
    return found[0]


def test_every_part_of_the_path_is_reported_with_its_reason() -> None:
    found = {each.label: each for each in judge_computation(Answer(ON_CPU), Nvidia(), "auto")}
    for name in NAMES:
        finding = found["batch" if name == "shards" else name]
        assert finding.verdict == "ok"
        assert f"a reason for {name}" in finding.text
    assert found["compiler"].text.startswith("XLA")
    assert "no NVIDIA hardware" in found["gpu"].text


def test_a_gpu_is_reported_with_capability_memory_and_driver() -> None:
    found = labeled("gpu", Answer(ON_GPU), CARD)
    assert found.verdict == "ok"
    for word in ("NVIDIA A10", "8.6", "24 GB", "550.1", "as needed"):
        assert word in found.text
    assert "TF32" in labeled("precision", Answer(ON_GPU), CARD).text


def test_tf32_is_not_mentioned_for_an_old_gpu() -> None:
    old = replace(ON_GPU, gpus=(Gpu("NVIDIA T4", "7.5"),))
    assert "TF32" not in labeled("precision", Answer(old), CARD).text


@pytest.mark.parametrize(
    ("nvidia", "examination", "remedy"),
    [
        (replace(CARD, hidden_by="-1"), ON_CPU, "CUDA_VISIBLE_DEVICES='-1' hides NVIDIA A10"),
        (CARD, ON_CPU, "pip install --editable '.[cuda]'"),
        (replace(CARD, has_libraries=True), ON_CPU, "Cannot dlopen libcudnn"),
        (CARD, replace(ON_CPU, cuda=None), "without CUDA"),
        (Nvidia(devices=1), ON_CPU, "install NVIDIA's driver"),
    ],
    ids=["hidden", "no-libraries", "trouble", "no-cuda", "no-driver"],
)
def test_a_gpu_that_tensorflow_does_not_see_has_a_remedy(
    nvidia: Nvidia, examination: Examination, remedy: str
) -> None:
    answer = Answer(examination, gpu_trouble="Cannot dlopen libcudnn")
    found = labeled("gpu", answer, nvidia)
    assert (found.verdict, found.exit_code) == ("note", ExitCode.OK)
    assert remedy in found.text


@pytest.mark.parametrize(
    ("asked", "precision", "verdict", "words"),
    [
        ("auto", "float32", "ok", "float32: a reason for precision"),
        ("float32", "float32", "ok", "float32"),
        ("bfloat16", "bfloat16", "note", "auto would choose float32: a reason of auto"),
    ],
)
def test_a_precision_that_auto_would_not_choose_is_reported(
    asked: str, precision: str, verdict: str, words: str
) -> None:
    examination = replace(ON_CPU, path={**ON_CPU.path, "precision": precision})
    found = labeled("precision", Answer(examination), Nvidia(), asked)
    assert found.verdict == verdict
    assert words in found.text


def test_a_first_step_that_fails_is_a_problem() -> None:
    failing = replace(ON_GPU, trial_seconds=None, trial_failure="Unimplemented: no DNN")
    found = labeled("first steps", Answer(failing), CARD)
    assert (found.verdict, found.exit_code) == ("problem", ExitCode.UNEXPECTED)
    assert "Unimplemented: no DNN" in found.text
    assert "CUDA_VISIBLE_DEVICES=-1" in found.text


def test_every_tried_compute_path_has_a_row() -> None:
    rows = [each for each in judge_computation(Answer(ON_GPU), CARD, "auto") if each.label == "way"]
    assert [row.verdict for row in rows] == ["ok", "ok", "note"]
    assert rows[1].text.split("  ")[0] == "cuDNN, float32"
    for words in ("1.92 ms", "1,066,667 characters/s", "off by 0.002", "chosen"):
        assert words in rows[1].text
    assert "chosen" not in rows[0].text
    assert rows[2].text.endswith("dropped: ValueError: no")


def test_a_gpu_that_the_package_has_no_code_for_gets_advice_on_the_cache() -> None:
    new = replace(ON_GPU, gpus=(Gpu("NVIDIA H100", "9.0", has_code=False),))
    found = labeled("gpu", Answer(new), CARD)
    assert found.verdict == "note"
    assert "CUDA_CACHE_PATH" in found.text
