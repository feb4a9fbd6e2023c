"""Batches read as stretches equal batches read one by one."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.record_reading import read_new
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import BatchStretch, RunReader, split_stretches
from tui_charrnn.runs.records import (
    LARGEST_STEP,
    BatchTrained,
    Record,
    RunResumed,
    RunWarned,
    decode_record,
    encode_record,
)

LINE: Final = (
    '{"kind":"batch","step":%s,"loss":%s,"learning_rate":%s,"gradient_norm":%s,"elapsed":%s}'
)
_ODD: Final = (
    "0 -0 -0.0 1 007 01.5 1. .5 1.e5 +1.5 -1.5 1.5.2 1e5 1E5 1e+05 1e-05 1e-5 1e- 1e--5 1.5-3 "
    "1.5e 0e-0 1.5e5 1e999 1.5e999 1.5e308 1e-999 0.1e-05e3 1.5e38 1.5e39 1_0.5 1_0 "
    "999999999999999 1000000000000000 9223372036854775807 "
    "9223372036854775808 99999999999999999999999999 0.123456789012345678901234567890 "
    '\N{ARABIC-INDIC DIGIT THREE}.5 NaN Infinity null true "1.5" [1.5] {} 0x1p3 nan inf \x00 "'
)
ODD_NUMBERS: Final = [*_ODD.split(" "), "1" + "0" * 400]
ODD_LINES: Final = (
    "",
    "null",
    " " + LINE % (1, 1.5, 0.1, 0.5, 2.0),
    LINE % (1, 1.5, 0.1, 0.5, 2.0) + "\r",
    LINE % (1, 1.5, 0.1, 0.5, 2.0) + " ",
    LINE % (1, 1.5, 0.1, 0.5, 2.0) + "," + LINE % (2, 1.5, 0.1, 0.5, 2.0),
    LINE[:40],
    LINE[:-1] % (1, 1.5, 0.1, 0.5, 2.0),
    LINE.replace(",", ", ") % (1, 1.5, 0.1, 0.5, 2.0),
    '{"kind":"batch","step":1,"step":2,"loss":1.5,"learning_rate":0.1,"gradient_norm":1.5,"elapsed":1.5}',
    '{"kind":"batch","step":1,"loss":1.5,"learning_rate":0.1,"gradient_norm":1.5}',
    '{"kind":"batch","loss":1.5,"step":1,"learning_rate":0.1,"gradient_norm":1.5,"elapsed":1.5}',
    '{"kind":"batch","step":1,"loss":1.5,"learning_rate":0.1,"gradient_norm":1.5,"elapsed":1.5,"x":1}',
    '{"kind":"batsh","step":1,"loss":1.5,"learning_rate":0.1,"gradient_norm":1.5,"elapsed":1.5}',
    encode_record(RunWarned("as if it were\n" + LINE)),
    encode_record(RunResumed(7)),
)

numbers = st.floats(0, 20) | st.floats(allow_nan=False, allow_infinity=False)
batches = st.builds(BatchTrained, st.integers(0, 2**63 - 1), *[numbers] * 4).map(encode_record)
odd_numbers = st.sampled_from(ODD_NUMBERS)
strange_batches = st.tuples(*[odd_numbers | st.just("1.5")] * 5).map(lambda values: LINE % values)
lines = batches | strange_batches | st.sampled_from(ODD_LINES) | st.text(max_size=9)


def read_one_by_one(whole: bytes) -> tuple[list[Record], int]:
    """Return the records of lines and the number of invalid lines, without the fast path."""
    records, unreadable = [], 0
    for line in whole.split(b"\n")[:-1]:
        try:
            record = decode_record(line.decode("utf-8", "replace")) if line else None
        except ValueError:
            unreadable += 1
        else:
            records += [record] if record is not None else []
    return records, unreadable


@given(st.lists(lines, max_size=12), st.integers(1, 600))
def test_any_lines_are_read_as_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, written: list[str], max_bytes: int
) -> None:
    run = RunDirectory(tmp_path_factory.mktemp("run"))
    whole = "".join(line + "\n" for line in written).encode()
    run.events.write_bytes(whole)
    reader = RunReader(run)
    records = read_new(reader, max_bytes)
    while reader.behind:
        records += read_new(reader, max_bytes)
    assert (records, reader.unreadable) == read_one_by_one(whole)


@pytest.mark.parametrize("number", ODD_NUMBERS)
@pytest.mark.parametrize("place", range(5))
def test_a_number_is_read_or_refused_as_one_by_one(tmp_path: Path, place: int, number: str) -> None:
    values = ["3", "1.5", "0.001", "0.5", "2.25"]
    whole = (LINE % tuple(values) + "\n").encode()
    values[place] = number
    whole += (LINE % tuple(values) + "\n").encode()
    run = RunDirectory(tmp_path)
    run.events.write_bytes(whole)
    reader = RunReader(run)
    assert (read_new(reader), reader.unreadable) == read_one_by_one(whole)


@given(st.lists(st.builds(BatchTrained, st.integers(1, LARGEST_STEP), *[st.floats(0, 100)] * 4)))
def test_what_a_trainer_writes_is_read_at_once(records: list[BatchTrained]) -> None:
    usual = [record for record in records if "e+" not in encode_record(record)]
    parts = split_stretches("".join(encode_record(record) + "\n" for record in usual).encode())
    assert len(parts) == min(1, len(usual))
    for part in parts:
        assert isinstance(part, BatchStretch)
        assert part.records == usual
        assert (part.newest, len(part)) == (usual[-1], len(usual))


def test_other_records_stand_between_the_stretches_as_they_were_written() -> None:
    batch = LINE % (1, 1.5, 0.1, 0.5, 2.0)
    parts = split_stretches("\n".join([batch, batch, "a", "b", batch, "c", ""]).encode())
    assert [part if isinstance(part, bytes) else len(part) for part in parts] == [
        2,
        b"a",
        b"b",
        1,
        b"c",
    ]


def test_a_stretch_of_one_is_its_record() -> None:
    record = BatchTrained(3, 1.5, 0.001, 0.5, 2.25)
    assert BatchStretch.of(record).records == [record]
