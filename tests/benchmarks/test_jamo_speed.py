"""The benchmark of the stream that composes, on next to nothing."""

import sys

import pytest

from benchmarks import jamo_speed


def test_both_outputs_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--hidden-size", "4", "--rounds", "2", "--characters", "30"]
    monkeypatch.setattr(sys, "argv", ["jamo_speed", *few])
    jamo_speed.main()
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[1] for row in rows] == ["pipe", "terminal"]
