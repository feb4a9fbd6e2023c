"""Classification of log lines."""

from typing import get_args

import pytest

from tests.support.hostile_text import HARMFUL, HOSTILE
from tui_charrnn.viewing.log_lines import (
    LONGEST_LINE,
    LogClassifier,
    LogFilter,
    LogKind,
    lines_since_start,
    log_end,
)

START = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795554443.946410    7485 port.cc:153] oneDNN custom operations are on. You may",
    "E0000 00:00:1795554454.972996    7485 cuda_platform.cc:52] failed call to cuInit: INTERNAL:",
    "E0000 00:00:1795554460.221369    7592 util.cc:131] oneDNN supports DT_INT32 only on platforms",
    "2025-03-01 10:00:00.123456: I tensorflow/core/platform/cpu_feature_guard.cc:210] This",
    "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow",
    "2025-03-01 10:00:00.123456: E external/cuda_dnn.cc:9261] Unable to register cuDNN factory:",
    "W0000 00:00:1741000000.000000 1 cuda_executor.cc:3] could not open file to read NUMA node: /",
]
"""Output of TensorFlow at successful starts, of several versions."""


def kinds(*lines: str) -> list[str]:
    classifier = LogClassifier()
    return [classifier.classify(line).kind for line in lines]


@pytest.mark.parametrize("line", START)
def test_what_every_start_says_is_noise(line: str) -> None:
    assert kinds(line) == ["noise"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("W0000 00:00:1741000000.000000 1 bfc_allocator.cc:3] ran out of memory", "warning"),
        ("E0000 00:00:1741000000.000000 1 xla.cc:3] compilation failed", "error"),
        ("F0000 00:00:1741000000.000000 1 tensor.cc:3] Check failed: dtype", "error"),
        ("2025-03-01 10:00:00.1: W tensorflow/core/x.cc:3] allocation exceeds 10%", "warning"),
        ("x.py:3: RuntimeWarning: overflow encountered in exp", "warning"),
        ("WARNING:tensorflow:5 out of the last 5 calls", "warning"),
        ("tensorflow.errors.ResourceExhaustedError: OOM when allocating", "error"),
        ("KeyboardInterrupt", "error"),
        ("MemoryError", "error"),
        ("Fatal Python error: Segmentation fault", "error"),
        ("Killed", "error"),
        ("charrnn-tui: The run is already being trained.", "error"),
        ("Errors are rare here", "plain"),
        ("Killedeer is a bird", "plain"),
        ("an oneDNN without a head", "plain"),
        ("", "plain"),
    ],
)
def test_warnings_and_errors_are_told_from_the_rest(line: str, kind: str) -> None:
    assert kinds(line) == [kind]


def test_a_traceback_is_an_error_from_its_first_line_to_its_last() -> None:
    assert (
        kinds(
            "Traceback (most recent call last):",
            '  File "x.py", line 3, in f',
            "    g()",
            "ValueError: no",
            "epoch 3",
            "  indented, but nothing before it warned",
        )
        == ["error"] * 4 + ["plain"] * 2
    )


def test_the_source_line_of_a_warning_belongs_to_it() -> None:
    assert kinds("x.py:3: UserWarning: old", "  g()", "plain") == ["warning", "warning", "plain"]


def test_an_empty_line_belongs_to_nothing() -> None:
    assert kinds("ValueError: no", "   ", "  g()") == ["error", "plain", "plain"]


def test_lines_are_harmless_and_bounded() -> None:
    line = LogClassifier().classify(HOSTILE * 1_000)
    assert not HARMFUL.search(line.text)
    assert line.text.endswith("…")
    assert LogClassifier().classify("a\tb").text == "a   b"
    assert len(LogClassifier().classify("x" * 1_000_000).text) == LONGEST_LINE + 1


def test_the_filter_goes_round() -> None:
    first = LogFilter.EVERYTHING
    assert first.following.following.following.following is first
    assert all(first.passes(kind) for kind in get_args(LogKind))


def test_each_filter_hides_more() -> None:
    assert not LogFilter.WITHOUT_NOISE.passes("noise")
    assert LogFilter.WITHOUT_NOISE.passes("plain")
    assert LogFilter.WITHOUT_NOISE.passes("good")
    assert not LogFilter.TROUBLE.passes("plain")
    assert not LogFilter.TROUBLE.passes("good")
    assert LogFilter.TROUBLE.passes("warning")
    assert LogFilter.TROUBLE.passes("error")
    assert not LogFilter.ERRORS.passes("warning")
    assert LogFilter.ERRORS.passes("error")


def test_last_words_are_no_noise_and_not_empty() -> None:
    log = ["a", *START, "b", "", *START, "c", START[1]]
    assert [line.text for line in log_end(log, 2)] == ["b", "c"]
    assert log_end(START, 6) == []


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("tensorflow.python.framework.errors_impl.InternalError: no", "InternalError: no"),
        ("ValueError: a.b.Error", "ValueError: a.b.Error"),
        ("x.y.Nothing: no", "x.y.Nothing: no"),
        ("see numpy.Error: no", "see numpy.Error: no"),
    ],
)
def test_last_words_name_an_error_without_its_modules(line: str, shown: str) -> None:
    assert [last.text for last in log_end([line], 1)] == [shown]


def test_words_since_start_are_of_the_last_process() -> None:
    assert lines_since_start(["old", START[0], "older", START[0], "new"]) == ["new"]
    assert lines_since_start(["only"]) == ["only"]
