"""Each record is one line of JSON, and invalid lines are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.runs.records import (
    KINDS,
    BaselinesMeasured,
    BatchSizeChosen,
    BatchTrained,
    CheckpointSaved,
    DynamicallyEvaluated,
    LearningRateChanged,
    MemoryMeasured,
    ModelCalibrated,
    ModelPublished,
    PathChosen,
    PathTrial,
    Record,
    RequestAnswered,
    RunDiverged,
    RunEnded,
    RunExtended,
    RunFailed,
    RunPlanned,
    RunPreempted,
    RunReplanned,
    RunResumed,
    RunRolledBack,
    RunStarted,
    RunWarned,
    SampleTaken,
    SplitEvaluated,
    StoppedEarly,
    decode_record,
    encode_record,
)

EXAMPLES: list[Record] = [
    RunStarted(12, "ada", "2026-01-02T03:04:05+00:00"),
    BaselinesMeasured((0, 1, 2), (3.0, 2.8, 2.2)),
    RunPlanned(1_000, 200, 50, 32, None),
    RunPlanned(1_000, 200, 50, 32, 0.25),
    RunPlanned(1_000, 200, 50, 32, 0.25, "bfloat16"),
    RunPlanned(1_000, 200, 50, 64, 0.25, "float32", "max_epochs", 0.005, 4),
    RunPlanned(1_000, 200, 50, 64, 0.25, "", "train_time", None, 0, (10,), True),
    RunReplanned(71, 800, 0.5),
    RunExtended(1_001, 1_500, 10, 0.001, 99.5),
    RunExtended(1_001, 1_500, 0, 0.001, 99.5, 60.0),
    BatchSizeChosen(64, 0.005, (32, 64, 128), (1_000.5, 1_900.0, 2_000.0)),
    BatchSizeChosen(32, 0.003, (32,), (1_000.0,), "not enough memory"),
    StoppedEarly(150, 50, 2.5, 2),
    PathChosen("Some GPU", "cudnn", "none", "float32", ()),
    PathChosen(
        "Some GPU",
        "handwritten",
        "xla",
        "bfloat16",
        (
            PathTrial("handwritten", "none", "float32", 0.25, 0.0),
            PathTrial("cudnn", "none", "float32", None, None, "UnimplementedError: no"),
        ),
    ),
    BatchTrained(1, 3.5, 0.003, 0.5, 0.25),
    SplitEvaluated(50, 2.5, True, 12.5),
    DynamicallyEvaluated(1_000, 1.25, 0.01, 7.5),
    ModelCalibrated(1_000, 1.125, 1.5, 1.25, 5_000, 4_000, ""),
    ModelCalibrated(1_000, None, None, None, 0, 0, "The text is too short."),
    MemoryMeasured(50, 3, None, 100, (0.5, 0.25, 1e-7)),
    SampleTaken(50, "To be,", " or not\u2028\x1b[31m\ud55c", 0, 0.8),
    CheckpointSaved(50, "checkpoints/step-00000050", 0.125),
    ModelPublished(60, "live/model.safetensors"),
    RequestAnswered("stop", True, "saving and stopping"),
    RequestAnswered("learning_rate", False, "too high", "00000000000000000001-0a1b2c3d"),
    RunWarned("strange \u2028\n\x1b[31m\ud55c\U0001f600 text"),
    RunResumed(50),
    LearningRateChanged(51, 0.0015, "request"),
    RunRolledBack(61, 50, "gradient_norm", "inf", 0.0015, 1),
    RunDiverged(61, "loss", "nan", 0.003),
    RunFailed("it broke"),
    RunPreempted("SIGUSR1"),
    RunEnded("finished", 1_000, 1.5, 950, 0, 99.5),
    RunEnded("failed", 0, None, None, 1, 0.0),
]


ADDED_LATER = {
    "answered": {"id"},
    "planned": {
        *("precision", "bound", "learning_rate", "shards"),
        *("early_evaluations", "is_adaptive"),
    },
    "batch_size_chosen": {"failure"},
    "failed": {"cause"},
    "extended": {"train_time"},
}
"""By kind, fields of which earlier records know nothing."""


def test_every_kind_has_an_example() -> None:
    assert {type(record) for record in EXAMPLES} == set(KINDS.values())


@pytest.mark.parametrize("record", EXAMPLES)
def test_a_record_is_one_line_and_is_read_back(record: Record) -> None:
    line = encode_record(record)
    assert line.isascii()
    assert "\n" not in line
    assert decode_record(line) == record


@pytest.mark.parametrize("record", EXAMPLES)
def test_fields_of_later_versions_are_passed_over(record: Record) -> None:
    values = {**json.loads(encode_record(record)), "mood": {"deep": [1, 2]}}
    assert decode_record(json.dumps(values)) == record


@pytest.mark.parametrize("record", EXAMPLES)
def test_a_record_that_lacks_a_field_is_refused(record: Record) -> None:
    values = json.loads(encode_record(record))
    for name in values.keys() - {"kind"} - ADDED_LATER.get(values["kind"], set()):
        shorter = {key: value for key, value in values.items() if key != name}
        with pytest.raises(ValueError, match=f"lacks {name}"):
            decode_record(json.dumps(shorter))


@pytest.mark.parametrize(
    "record",
    [
        BatchTrained(10**15, 3.5, 0.003, 0.5, 0.25),
        BatchTrained(-1, 3.5, 0.003, 0.5, 0.25),
        BatchTrained(1, 1e40, 0.003, 0.5, 0.25),
        RunResumed(2**63 - 1),
        RunPlanned(-5, 200, 50, 32, None),
        RunPlanned(5, 200, 50, 32, None, early_evaluations=(10, 10**18)),
        BaselinesMeasured((0, 1), (3.0, -1e300)),
        BaselinesMeasured((-1, 1), (3.0, 2.0)),
        StoppedEarly(9, 5, 1.5, 10**18),
        RunEnded("finished", 1_000, 1.5, 10**18, 0, 99.5),
    ],
)
def test_numbers_that_nobody_could_draw_are_refused(record: Record) -> None:
    with pytest.raises(ValueError, match="Received"):
        decode_record(encode_record(record))


def test_an_answer_of_before_has_no_id() -> None:
    line = '{"kind":"answered","request":"stop","accepted":true,"message":"saving"}'
    assert decode_record(line) == RequestAnswered("stop", True, "saving", "")


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_is_not_written(loss: float) -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        encode_record(BatchTrained(1, loss, 0.003, 0.5, 0.25))


def test_a_whole_number_is_a_float_where_one_is_declared() -> None:
    line = '{"kind":"evaluated","step":1,"loss":2,"is_best":true,"elapsed":3}'
    record = decode_record(line)
    assert isinstance(record, SplitEvaluated)
    assert isinstance(record.loss, float)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(EXAMPLES), st.data())
def test_whatever_stands_in_a_field_a_record_is_whole_or_refused(
    record: Record, data: st.DataObject
) -> None:
    values = json.loads(encode_record(record))
    name = data.draw(st.sampled_from(sorted(values)))
    values[name] = data.draw(json_values)
    try:
        found = decode_record(json.dumps(values))
    except ValueError:
        return
    if found is not None:
        assert decode_record(encode_record(found)) == found


def test_the_best_baseline_is_the_one_of_the_lowest_loss() -> None:
    assert BaselinesMeasured((0, 1, 2), (3.0, 1.5, 2.0)).best == (1, 1.5)
