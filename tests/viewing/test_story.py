"""The story of a run, from its records."""

import json
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.support.hostile_text import HARMFUL, HOSTILE
from tui_charrnn.runs import json_values
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    CheckpointSaved,
    LearningRateChanged,
    Record,
    RequestAnswered,
    RunEnded,
    RunFailed,
    RunPlanned,
    RunReplanned,
    RunResumed,
    RunStarted,
    RunWarned,
    SplitEvaluated,
    encode_record,
)
from tui_charrnn.viewing.log_lines import LogLine, Story
from tui_charrnn.viewing.run_view import RunView

AT = datetime(2026, 1, 2, 14, 30, 5).astimezone(UTC)
STARTED = RunStarted(7, "ada", AT.isoformat())


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(RunView(RunDirectory(tmp_path / "fake")))


def told(story: Story, *records: Record) -> list[LogLine]:
    return [line for each in records for line in story.read(encode_record(each, AT))]


def test_each_line_has_its_local_time_below_its_day(story: Story) -> None:
    lines = told(story, STARTED, BaselinesMeasured((0, 5), (4.0, 1.7)))
    assert lines == [
        LogLine("Friday, 02 January 2026", "noise"),
        LogLine("14:30:05 Trainer 7 started on ada."),
        LogLine("14:30:05 N-grams are counted; the best, 5-gram, has 1.700."),
    ]


def test_a_line_is_parsed_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Mock(wraps=json.JSONDecoder())
    monkeypatch.setattr(json_values, "_DECODER", decoder)
    assert told(story, RunResumed(50))
    assert decoder.decode.call_count == 1


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            RunPlanned(2_000, 20, 100, 4, 0.3, early_evaluations=(10, 30)),
            LogLine("14:30:05 Planned: 2,000 steps, validated every 100, first after 10."),
        ),
        (
            RunReplanned(20, 600, 0.5),
            LogLine("14:30:05 600 steps from now on; one takes 0.5 s.", "noise"),
        ),
        (CheckpointSaved(50, "x", 0.25), LogLine("14:30:05 Step 50: saved in 0.2 s.", "noise")),
        (RunResumed(50), LogLine("14:30:05 Resumes at step 50.")),
        (
            LearningRateChanged(51, 0.001, "request"),
            LogLine("14:30:05 Peak learning rate 0.001 from step 51 on."),
        ),
        (
            RequestAnswered("pause", accepted=True, message="paused at step 50"),
            LogLine("14:30:05 Paused at step 50.", "warning"),
        ),
        (RunWarned("It is warm."), LogLine("14:30:05 It is warm.", "warning")),
        (RunFailed("It broke."), LogLine("14:30:05 It broke.", "error")),
        (
            RunEnded("finished", 1_000, 1.5, 950, 0, 9.0),
            LogLine("14:30:05 Finished at step 1,000.", "good"),
        ),
        (RunEnded("stopped", 10, None, None, 0, 9.0), LogLine("14:30:05 Stopped at step 10.")),
    ],
)
def test_what_happened_is_one_line(story: Story, record: Record, line: LogLine) -> None:
    told(story, STARTED)
    assert told(story, record) == [line]


def test_scores_tell_what_is_the_best_and_when_counting_is_beaten(story: Story) -> None:
    told(story, STARTED, BaselinesMeasured((0, 5), (4.0, 1.7)))
    losses = [2.0, 2.1, 1.6, 1.5]
    scores = [SplitEvaluated(at, loss, False, 1.0) for at, loss in enumerate(losses, start=1)]
    assert [line.text[9:] for line in told(story, *scores)] == [
        "Step 1: validation 2.000, the best so far.",
        "Step 2: validation 2.100.",
        "Step 3: validation 1.600, better than the best 5-gram.",
        "Step 4: validation 1.500, the best so far.",
    ]


def test_that_the_best_score_was_saved_is_told_with_it(story: Story) -> None:
    best = SplitEvaluated(50, 2.0, True, 1.0)
    lines = told(
        story, STARTED, best, CheckpointSaved(50, "x", 0.25), CheckpointSaved(60, "y", 0.2)
    )
    assert [line.text[9:] for line in lines[2:]] == [
        "Step 50: validation 2.000, the best so far.",
        "Step 60: saved in 0.2 s.",
    ]


def test_a_trainer_that_left_no_end_was_lost(story: Story) -> None:
    lost, again = told(story, STARTED, STARTED)[-2:]
    assert (lost.kind, again.kind) == ("error", "plain")
    assert "was lost" in lost.text
    ended = RunEnded("stopped", 10, None, None, 0, 9.0)
    assert len(told(story, ended, STARTED)) == 2


def test_batches_and_what_is_no_record_are_passed_over(story: Story) -> None:
    assert told(story, BatchTrained(1, 2.0, 0.1, 0.5, 0.1)) == []
    for line in ("", "{", '{"kind":"mood"}', '{"kind":"batch","step":', "null"):
        assert story.read(line) == []


def test_records_of_before_have_no_time(story: Story) -> None:
    (line,) = story.read(encode_record(RunResumed(50)))
    assert line.text == "         Resumes at step 50."
    (line,) = story.read('{"kind":"resumed","step":50,"at":"yesterday"}')
    assert line.text == "         Resumes at step 50."


def test_hostile_words_are_harmless(story: Story) -> None:
    records: list[Record] = [
        RunWarned(HOSTILE),
        RunFailed(HOSTILE),
        RunStarted(1, HOSTILE, HOSTILE),
    ]
    assert not any(HARMFUL.search(line.text) for line in told(story, *records))
