"""The report judges by its bars; the texts and the contenders are what they are said to be."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.corpus_speed import KindResult, Measured, corpus_report
from benchmarks.costs.corpus_contenders import CONTENDERS
from benchmarks.costs.corpus_texts import KINDS, write_text


def measured(seconds: float, memory: int = 80_000_000) -> Measured:
    return Measured(seconds, seconds / 2, memory, characters=900, different=28, sum=7)


def result(*, first: float, again: float, memory: int) -> KindResult:
    return KindResult(
        bytes=1_000_000_000,
        slice_bytes=50_000_000,
        first=(measured(first, memory), measured(first * 2), measured(first * 3)),
        again=(measured(again),) * 3,
        on_slice={"ours": (measured(0.2),), "python loop": (measured(2.0),)},
    )


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_report_judges_rate_memory_and_the_second_start() -> None:
    good = result(first=2, again=0.1, memory=90_000_000)
    bad = result(first=8, again=1.5, memory=400_000_000)
    lines = corpus_report({"ascii": good, "mixed": bad}).splitlines()
    assert cells(lines[2]) == [
        "ascii, 1,000 MB",
        "28",
        "250 (167 to 500), met",
        "500 (333 to 1000)",
        "90, met",
        "0.100 (0.100 to 0.100), met",
    ]
    assert cells(lines[3])[2] == "62 (42 to 125), missed"
    assert cells(lines[3])[4:] == ["400, missed", "1.500 (1.500 to 1.500), missed"]


def test_the_report_sets_contenders_side_by_side() -> None:
    lines = corpus_report({"ascii": result(first=2, again=0.1, memory=1)}).splitlines()
    assert cells(lines[-1])[:3] == ["ascii, 50 MB", "python loop", "25 (25 to 25)"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_of_its_kind_and_size(tmp_path: Path, kind: str) -> None:
    for name in ("one", "two"):
        write_text(tmp_path / name, kind, 100_000)
    data = (tmp_path / "one").read_bytes()
    assert data == (tmp_path / "two").read_bytes()
    assert 100_000 - 3 < len(data) <= 100_000
    hangul = sum("\uac00" <= character <= "\ud7a3" for character in data.decode())
    assert hangul == 0 if kind == "ascii" else 10_000 < hangul < 30_000


def test_contenders_number_characters_alike(tmp_path: Path) -> None:
    path = tmp_path / "text"
    write_text(path, "mixed", 20_000)
    ours, different = CONTENDERS["ours"](path)
    theirs, expected = CONTENDERS["python loop"](path)
    assert different == expected
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_an_option_that_is_not_allowed_is_told() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.corpus_speed", "--megabytes", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "Received: 3, 0 and 50" in ended.stderr
