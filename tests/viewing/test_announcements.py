"""Notifications of a run: terminal sequences and the user's command."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.fake_run import created_run
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import Verdict
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import BatchTrained, CheckpointSaved, RunEnded, SplitEvaluated
from tui_charrnn.viewing.announcements import (
    TerminalStatus,
    end_sentence,
    notification,
    run_facts,
    run_notify_command,
)
from tui_charrnn.viewing.run_view import RunView


def ended_view(folder: Path) -> RunView:
    run = created_run(folder)
    view = RunView(run, description=read_description(run))
    view.take([
        BatchTrained(7, 2.0, 0.1, 1.0, 1.0),
        SplitEvaluated(7, 1.5, True, 1.1),
        RunEnded("finished", 7, 1.5, 7, 0, 1.2),
    ])
    return view


@pytest.mark.parametrize(
    ("kind", "sequence"),
    [
        ("none", ""),
        ("bell", "\a"),
        ("osc9", "\a\x1b]9;a, b␛\x1b\\"),
        ("osc777", "\a\x1b]777;notify;charrnn-tui;a, b␛\x1b\\"),
    ],
)
def test_a_message_is_as_the_user_wants_it(kind: str, sequence: str) -> None:
    assert notification(kind, "a; b\x1b") == sequence


def test_the_title_is_sent_once_a_percent_and_taken_back() -> None:
    sent: list[str] = []
    status = TerminalStatus(sent.append)
    for share in (0.1, 0.104, 0.119, 7.0):
        status.show("my\x1brun", share)
    assert [text.count("\x1b]0;") for text in sent] == [1, 1, 1]
    assert "\x1b[22;0t" in sent[0]
    assert "10 % my␛run" in sent[0]
    assert "\x1b]9;4;1;100\x1b\\" in sent[2]
    status.close()
    status.close()
    assert sent[3:] == ["\x1b[23;0t\x1b]9;4;0\x1b\\"]


def test_a_command_is_told_the_facts_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = ended_view(tmp_path)
    assert end_sentence(view) == f"{view.run.name}: finished at step 7, validation 1.500"
    file = tmp_path / "told"
    command = 'echo "$CHARRNN_RUN $CHARRNN_STATE $CHARRNN_STEP $CHARRNN_BEST_LOSS" > "$FILE"'
    monkeypatch.setenv("FILE", str(file))
    run_notify_command(command, view).wait()
    assert file.read_text(encoding="utf-8") == f"{view.run.name} finished 7 1.500000\n"


@pytest.mark.parametrize(("life", "state"), [("lost", "lost"), ("ended", "failed")])
def test_without_a_record_of_its_end_a_run_is_lost_or_failed(
    tmp_path: Path, life: Verdict, state: str
) -> None:
    view = replace(ended_view(tmp_path), ended=None, best=None, life=life)
    facts = run_facts(view)
    assert (facts["CHARRNN_STATE"], facts["CHARRNN_BEST_LOSS"]) == (state, "")
    assert f"{state} at step" in end_sentence(view)


def test_a_run_that_saved_nothing_is_announced_as_ended(tmp_path: Path) -> None:
    view = RunView(RunDirectory(tmp_path / "run"))
    view.take([RunEnded("saved", 0, None, None, 75, 0.0)])
    assert end_sentence(view) == "run: ended before its first step, nothing saved"
    view.take([
        CheckpointSaved(4, "checkpoints/step-4", 0.1),
        RunEnded("saved", 4, None, None, 75, 0.0),
    ])
    assert end_sentence(view).startswith("run: saved at step")
