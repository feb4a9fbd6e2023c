"""Every end of the process that loads TensorFlow is explained."""

import signal
from pathlib import Path

import pytest

from tests.support.examination import ON_CPU, python
from tui_charrnn.cli.tensorflow_process import (
    ask,
    describe_kill,
    explaining_line,
)
from tui_charrnn.training.trial_facts import encode_result


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ImportError('libfoo.so.1 is missing')", "libfoo.so.1 is missing"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL (too little memory"),
        ("raise ModuleNotFoundError(\"No module named 'tensorflow'\")", "pip install --editable ."),
        ("print('hello')", "no usable answer"),
    ],
)
def test_a_process_that_cannot_answer_is_explained(code: str, words: str) -> None:
    answer = ask(python(code))
    assert answer.examination is None
    assert words in answer.failure
    assert "Traceback" not in answer.failure


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "killed by SIGKILL (too little memory is a common reason)"),
        (signal.SIGILL, "killed by SIGILL (the processor lacks instructions (AVX)"),
        (signal.SIGSEGV, "killed by SIGSEGV (segmentation fault)"),
        (40, "killed by signal 40 ("),  # it has no name
    ],
)
def test_every_signal_has_a_reason_of_its_own(number: int, words: str) -> None:
    assert describe_kill(number).startswith(words)


def test_a_process_that_takes_too_long_is_ended() -> None:
    assert "not ready after" in ask(["/bin/sleep", "60"], timeout=0.2).failure


def test_a_missing_python_is_explained(tmp_path: Path) -> None:
    assert "cannot be started" in ask([str(tmp_path / "python")]).failure


def test_tensorflows_messages_about_gpus_are_kept() -> None:
    line = "W0000 00:00:17.1 2 gpu_device.cc:2431] Cannot dlopen some GPU libraries."
    code = f"import sys; print({line!r}, file=sys.stderr); print({encode_result(ON_CPU)!r})"
    answer = ask(python(code))
    assert answer.examination == ON_CPU
    assert answer.gpu_trouble == "Cannot dlopen some GPU libraries."


def test_a_log_line_is_the_last_resort() -> None:
    log = "2026-11-24 17:00:00.123456: E tensorflow/x.cc:3] something"
    assert explaining_line(f"ValueError: this\n\n{log}\n") == "ValueError: this"
    assert explaining_line(f"{log}\n") == log
    assert not explaining_line("")
