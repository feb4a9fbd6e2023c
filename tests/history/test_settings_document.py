"""Round trip of settings and clamps through a JSON document."""

import json

import pytest

from tui_charrnn.config import SamplingConfig
from tui_charrnn.history.generation import (
    ClampsInTime,
    merge_changes,
    read_settings,
    write_settings,
)

COOL, HOT = SamplingConfig(top_p=0.9, rng_seed=4), SamplingConfig(temperature=0)
SAMPLING = ((0, COOL), (12, HOT))


@pytest.mark.parametrize(
    "clamps",
    [
        (),
        ((0, ("0:c1=2",)),),
        ((0, ("0:c1=2",)), (12, ())),
        ((3, ("0:c1=2.3333333333333335", "1:h0=-1")), (20, ("0:c1=2",)), (30, ())),
    ],
)
def test_settings_and_clamps_survive_a_document(clamps: ClampsInTime) -> None:
    assert read_settings(write_settings(SAMPLING, clamps)) == (SAMPLING, clamps, "float32", "")


def test_numbers_survive_a_document_and_are_those_of_all_of_it() -> None:
    document = write_settings(SAMPLING, numbers="int8")
    assert [change["numbers"] for change in json.loads(document)] == ["int8", "int8"]
    assert read_settings(document) == (SAMPLING, (), "int8", "")


def test_numbers_that_are_not_known_are_told() -> None:
    _, _, numbers, misunderstood = read_settings(write_settings(SAMPLING, numbers="int4"))
    assert numbers == "float32"
    assert "does not know its number format" in misunderstood


def test_without_clamps_a_document_is_as_it_always_was() -> None:
    document = json.loads(write_settings(SAMPLING))

    assert document == [{"after": 0, **COOL.to_mapping()}, {"after": 12, **HOT.to_mapping()}]


def test_a_name_that_is_not_known_is_told() -> None:
    document = json.dumps([{"after": 0, "temperature": 1.0, "swing": 3}])

    assert "does not know the settings swing" in read_settings(document)[-1]


def test_what_changes_at_once_stands_together() -> None:
    rows = merge_changes(SAMPLING, ((0, ("0:c1=2",)), (7, ()), (12, ("0:c1=3",))))

    assert rows == [
        (0, COOL, ("0:c1=2",)),
        (7, COOL, ()),
        (12, HOT, ("0:c1=3",)),
    ]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "3",
        "{}",
        "[]",
        "[3]",
        "[{}]",
        '[{"after": null}]',
        '[{"after": Infinity}]',
        "[" * 100_000,
        '[{"after": 0, "temperature": -1}]',
        '[{"after": 0, "clamps": 3}]',
        '[{"after": 0, "clamps": "0:c1=2"}]',
        '[{"after": 0, "clamps": [3]}]',
    ],
)
def test_what_is_no_document_of_ours_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match=r"not settings|Expecting value"):
        read_settings(document)
