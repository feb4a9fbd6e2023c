"""`doctor`: what it finds is told in verdicts, with the remedy where something is not right."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run_program
from tui_charrnn.cli import doctor as command
from tui_charrnn.cli.diagnosis import (
    MINIMUM_COLUMNS,
    MINIMUM_ROWS,
    Finding,
    judge_folders,
    judge_machine,
    judge_terminal,
)
from tui_charrnn.cli.examining import Answer, ask, examiner_command, last_useful_line
from tui_charrnn.cli.main import run
from tui_charrnn.cli.path_diagnosis import judge_computation
from tui_charrnn.cli.surroundings import Folder, Terminal, look_at_folder, look_at_terminal
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ExitCode
from tui_charrnn.training.examination import Examination, GpuFacts
from tui_charrnn.training.machine import Machine
from tui_charrnn.training.nvidia import Card, Nvidia

MODEL = ModelConfig(hidden_size=1000)
TRAINING = TrainingConfig(steps=1)
MACHINE = Machine("Some CPU", 8, 8, None, 16_000_000_000, 9_000_000_000)
NAMES = ("device", "layers", "compiler", "precision", "shards")
ON_CPU = Examination(
    cuda="12.5.1",
    gpus=(),
    path=dict(zip(NAMES, ("CPU", "handwritten", "xla", "float32", "2"), strict=True)),
    reasons={name: f"a reason for {name}" for name in NAMES},
    threads=2,
    has_tensor_float_32=True,
    gain=0.8,
    needed_gain=1.6,
    trial_seconds=0.7,
    trial_failure=None,
)
ON_GPU = replace(
    ON_CPU,
    gpus=(GpuFacts("NVIDIA A10", "8.6", True),),
    path=dict(zip(NAMES, ("NVIDIA A10", "cudnn", "none", "bfloat16", "1"), strict=True)),
    gain=None,
)
CARD = Nvidia(cards=(Card("NVIDIA A10", 24_000_000_000),), driver="550.1", devices=1)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def labeled(label: str, answer: Answer, nvidia: Nvidia, precision: str = "auto") -> Finding:
    """The finding of that name."""
    found = [each for each in judge_computation(answer, nvidia, precision) if each.label == label]
    assert len(found) == 1
    return found[0]


def test_every_part_of_the_path_is_told_with_its_reason() -> None:
    found = {each.label: each for each in judge_computation(Answer(ON_CPU), Nvidia(), "auto")}
    for name in NAMES:
        assert found[name].verdict == "ok"
        assert f"a reason for {name}" in found[name].text
    assert found["compiler"].text.startswith("XLA")
    assert "no NVIDIA hardware" in found["gpu"].text


def test_a_gpu_is_told_with_capability_memory_and_driver() -> None:
    found = labeled("gpu", Answer(ON_GPU), CARD)
    assert found.verdict == "ok"
    for word in ("NVIDIA A10", "8.6", "24.0 GB", "550.1", "as it is needed"):
        assert word in found.text
    assert "TF32" in labeled("precision", Answer(ON_GPU), CARD).text


def test_an_old_gpu_has_no_tf32_to_speak_of() -> None:
    old = replace(ON_GPU, gpus=(GpuFacts("NVIDIA T4", "7.5", True),))
    assert "TF32" not in labeled("precision", Answer(old), CARD).text


@pytest.mark.parametrize(
    ("nvidia", "examination", "remedy"),
    [
        (replace(CARD, hidden_by="-1"), ON_CPU, "CUDA_VISIBLE_DEVICES='-1' hides NVIDIA A10"),
        (CARD, ON_CPU, "pip install 'charrnn-tui[cuda]'"),
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
    ("asked", "precision", "gain", "verdict", "words"),
    [
        ("auto", "float32", 0.8, "ok", ""),
        ("auto", "float32", 1.5, "note", "may decide otherwise"),
        ("auto", "bfloat16", 2.4, "ok", ""),
        ("bfloat16", "bfloat16", 0.8, "note", "auto would take float32"),
        ("float32", "float32", 2.4, "note", "2.40 times"),
        ("float32", "float32", 0.8, "ok", "0.80 times"),
    ],
)
def test_a_precision_is_judged_by_the_gain(
    asked: str, precision: str, gain: float, verdict: str, words: str
) -> None:
    examination = replace(ON_CPU, gain=gain, path={**ON_CPU.path, "precision": precision})
    found = labeled("precision", Answer(examination), Nvidia(), asked)
    assert found.verdict == verdict
    assert words in found.text


def test_a_first_step_that_fails_is_a_problem() -> None:
    failing = replace(ON_GPU, trial_seconds=None, trial_failure="Unimplemented: no DNN")
    found = labeled("first step", Answer(failing), CARD)
    assert (found.verdict, found.exit_code) == ("problem", ExitCode.UNEXPECTED)
    assert "Unimplemented: no DNN" in found.text
    assert "CUDA_VISIBLE_DEVICES=-1" in found.text


@pytest.mark.parametrize(
    ("machine", "threads", "verdict", "words"),
    [
        (MACHINE, 8, "ok", "8 taken, of 8 processors"),
        (replace(MACHINE, allowed=3), 3, "ok", "may run on 3"),
        (replace(MACHINE, quota=2.5), 3, "ok", "the time of 2.5"),
        (replace(MACHINE, quota=2.5), 4, "note", "lower --threads"),
    ],
)
def test_threads_are_judged_by_what_there_is(
    machine: Machine, threads: int, verdict: str, words: str
) -> None:
    _, found, _ = judge_machine(machine, threads, MODEL, "Linux")
    assert (found.verdict, words in found.text) == (verdict, True), found.text


def test_too_little_memory_is_noted() -> None:
    *_, found = judge_machine(replace(MACHINE, available=1_050_000_000), 1, MODEL, "Linux")
    assert (found.verdict, "close other programs" in found.text) == ("note", True)


def test_a_disk_that_cannot_take_the_checkpoints_is_a_problem() -> None:
    small, large = (Folder("/runs", True, free) for free in (150_000_000, 10**12))
    runs, _ = judge_folders(small, large, MODEL, TRAINING)
    assert (runs.verdict, runs.exit_code) == ("problem", ExitCode.CANNOT_SAVE)
    assert "--runs-dir" in runs.text
    runs, _ = judge_folders(large, large, MODEL, TRAINING)
    assert runs.verdict == "ok"


def test_a_cache_that_cannot_be_written_in_is_a_note() -> None:
    runs, cache = judge_folders(
        Folder("/runs", True, None), Folder("/cache", False, None), MODEL, TRAINING
    )
    assert (runs.verdict, cache.verdict) == ("ok", "note")
    assert "CHARRNN_CACHE" in cache.text


def test_a_folder_is_judged_by_the_nearest_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert look_at_folder(tmp_path / "not/yet/there").is_writable
    assert not look_at_folder(file / "runs").is_writable
    assert sorted(tmp_path.iterdir()) == sorted([file, tmp_path / "home"])


@pytest.mark.parametrize(
    ("terminal", "verdict", "words"),
    [
        (Terminal(80, 24, "truecolor", "C.UTF-8"), "ok", "80 x 24, 16 million colors, Unicode"),
        (Terminal(80, 24, "256", ""), "ok", "256 colors"),
        (Terminal(39, 24, "256", "de_DE.utf8"), "note", "needs 40 x 12"),
        (Terminal(80, 24, None, "POSIX"), "note", "LC_ALL=C.UTF-8"),
        (None, "note", "--headless"),
    ],
)
def test_terminals(terminal: Terminal | None, verdict: str, words: str) -> None:
    found = judge_terminal(terminal)
    assert (found.verdict, words in found.text) == (verdict, True), found.text


def test_the_least_size_is_that_of_the_app() -> None:
    from tui_charrnn.tui.app import CharRNNApp

    assert CharRNNApp.HORIZONTAL_BREAKPOINTS[1][0] == MINIMUM_COLUMNS
    assert CharRNNApp.VERTICAL_BREAKPOINTS[1][0] == MINIMUM_ROWS


def test_a_terminal_is_asked_for_its_size_and_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream, os.fdopen(ours):
        monkeypatch.setattr(sys, "__stdout__", stream)
        found = look_at_terminal({"TERM": "xterm-256color", "LANG": "en_US.UTF-8"})
        plain = look_at_terminal({"TERM": "dumb", "LC_ALL": "C", "LANG": "en_US.UTF-8"})
    assert found is not None
    assert (found.colors, found.locale) == ("256", "en_US.UTF-8")
    assert plain is not None
    assert (plain.colors, plain.locale) == (None, "C")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ImportError('libfoo.so.1 is missing')", "libfoo.so.1 is missing"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL (too little memory"),
        ("raise ModuleNotFoundError(\"No module named 'tensorflow'\")", "pip install charrnn-tui"),
        ("print('hello')", "no usable answer"),
    ],
)
def test_a_process_that_cannot_answer_is_explained(code: str, words: str) -> None:
    answer = ask(python(code))
    assert answer.examination is None
    assert words in answer.failure
    assert "Traceback" not in answer.failure


def test_a_process_that_takes_too_long_is_given_up() -> None:
    assert "not ready after" in ask(["/bin/sleep", "60"], patience=0.2).failure


def test_a_python_that_is_gone_is_explained(tmp_path: Path) -> None:
    assert "cannot be started" in ask([str(tmp_path / "python")]).failure


def test_what_tensorflow_says_about_gpus_is_kept() -> None:
    line = "W0000 00:00:17.1 2 gpu_device.cc:2431] Cannot dlopen some GPU libraries."
    code = f"import sys; print({line!r}, file=sys.stderr); print({ON_CPU.to_json()!r})"
    answer = ask(python(code))
    assert answer.examination == ON_CPU
    assert answer.gpu_trouble == "Cannot dlopen some GPU libraries."


def test_a_log_line_is_the_last_resort() -> None:
    log = "2026-11-24 17:00:00.123456: E tensorflow/x.cc:3] something"
    assert last_useful_line(f"ValueError: this\n\n{log}\n") == "ValueError: this"
    assert last_useful_line(f"{log}\n") == log
    assert not last_useful_line("")


def test_lines_are_aligned_safe_and_broken_where_the_terminal_ends() -> None:
    findings = [Finding("ok", "gpu", "one \x1b[31mtwo"), Finding("note", "precision", "a " * 40)]
    whole = list(command.report_lines(findings, None))
    assert whole[0] == "ok       gpu        one ␛[31mtwo"
    assert len(whole) == 2
    broken = list(command.report_lines(findings, 60))
    assert max(map(len, broken)) <= 60
    assert broken[2].startswith(" " * 20 + "a")


def told_by_doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str, code: str
) -> tuple[int, str, str]:
    """Exit code, data and narration with a process that does something else."""
    monkeypatch.setattr(command, "examiner_command", lambda *_: python(code))
    ended = run(["doctor", *options])
    told = capsys.readouterr()
    return ended, told.out, told.err


def test_a_tensorflow_that_fails_ends_with_1_and_the_rest_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, data, narration = told_by_doctor(monkeypatch, capsys, code="raise OSError('no AVX')")
    assert code == ExitCode.UNEXPECTED
    assert "problem  tensorflow" in data
    assert "Textual" in data
    assert "no AVX" in narration
    assert "No training could start here" in narration


def test_a_runs_folder_that_cannot_be_made_ends_with_6(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    code, data, _ = told_by_doctor(
        monkeypatch,
        capsys,
        "--runs-dir",
        str(tmp_path / "file" / "runs"),
        code=f"print({ON_CPU.to_json()!r})",
    )
    assert code == ExitCode.CANNOT_SAVE
    assert "problem  runs" in data


def test_all_is_well_ends_with_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], isolated_home: Path
) -> None:
    code, data, narration = told_by_doctor(monkeypatch, capsys, code=f"print({ON_CPU.to_json()!r})")
    assert code == ExitCode.OK
    assert "problem" not in data
    assert narration.splitlines()[0].startswith("Loading TensorFlow")
    assert narration.splitlines()[-1] == "A training could start here."
    assert list(isolated_home.iterdir()) == []


def test_a_wrong_setting_is_refused_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, data, narration = told_by_doctor(monkeypatch, capsys, "--threads", "0", code="1 / 0")
    assert (code, data) == (ExitCode.USAGE, "")
    assert "threads must be" in narration
    assert "Loading" not in narration


def test_the_settings_reach_the_process() -> None:
    assert json.loads(examiner_command(MODEL, TRAINING)[-1])["model"]["hidden_size"] == 1000


@pytest.mark.tensorflow
def test_a_real_tensorflow_is_asked() -> None:
    ended = run_program(
        "doctor", "--json", "--preset", "tiny", "--threads", "1", "--cell", "rnn", "--steps", "9"
    )
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    assert document["exit_code"] == 0
    examination = document["answer"]["examination"]
    assert examination["threads"] == 1
    assert set(examination["path"]) == set(examination["reasons"]) == set(NAMES)
    assert examination["trial_failure"] is None
    labels = [finding["label"] for finding in document["findings"]]
    assert {*NAMES, "gpu", "threads", "memory", "runs", "terminal"} <= set(labels)
    assert b"Traceback" not in ended.stderr
    assert ended.stderr.count(b"\n") == 1  # nothing of TensorFlow's own
