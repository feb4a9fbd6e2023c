"""What a contender is told."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.speed.contenders.assignment import Assignment
from benchmarks.speed.sizes import Size
from tests.support.command import ROOT


def assignment(indices: Path) -> Assignment:
    return Assignment(
        indices=indices,
        vocabulary_size=11,
        size=Size(2, 3, 5, 7, 1),
        first_steps=4,
        threads=6,
        precision="bfloat16",
        device="gpu",
        settings={"dropout": "0.1"},
    )


def test_it_arrives_as_it_was_sent(tmp_path: Path) -> None:
    sent = assignment(tmp_path / "indices.npy")
    assert Assignment.from_json(sent.to_json()) == sent


def test_another_size_changes_nothing_else(tmp_path: Path) -> None:
    sent = assignment(tmp_path / "indices.npy")
    moved = sent.at(Size(3, 4, 6, 8, 2), "float32").at(sent.size, sent.precision)
    assert moved == sent


def test_the_batches_are_those_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "indices.npy"
    np.save(path, np.arange(25, dtype=np.int32))
    inputs, targets = assignment(path).streams().batch(2)
    assert inputs.tolist() == [[3, 4, 5], [15, 16, 17]]
    assert targets.tolist() == [[4, 5, 6], [16, 17, 18]]


def test_an_interpreter_with_numpy_alone_can_read_it(tmp_path: Path) -> None:
    code = (
        "import sys, benchmarks.speed.contenders.assignment, benchmarks.speed.contenders.serving\n"
        "print(*sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    others = {"tensorflow", "keras", "safetensors", "platformdirs", "rich", "typer", "textual"}
    assert others.isdisjoint(ended.stdout.split())
