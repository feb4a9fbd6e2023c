"""run.json and state.json are read back as written, and invalid contents are refused."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.runs.description import (
    CorpusReference,
    GpuUsage,
    RunDescription,
    RunState,
    RunStatus,
    Usage,
)

DESCRIPTION = RunDescription(
    name="example",
    created="2026-01-02T03:04:05+00:00",
    preset="tiny",
    model=ModelConfig(cell="gru", embedding_size=3, hidden_size=5, layer_count=2),
    training=TrainingConfig(steps=7, batch_size=4, sequence_length=11),
    corpus=CorpusReference(
        name="example.txt",
        sources=("/texts/one.txt", "/texts/two.txt"),
        sha256="0" * 64,
        characters=100,
        training_characters=90,
    ),
    vocabulary="\n ab\u2028\ud55c\U0001f600",
    parameter_count=123,
    host="ada",
    pinned_seeds=("a", "", "b\u2028\ud55c"),
    versions={"python": "3.11"},
)
STATUS = RunStatus(
    state=RunState.TRAINING,
    step=5,
    total_steps=7,
    epoch=0.5,
    pid=12,
    host="ada",
    eta=1.25,
    device="Some GPU",
    precision="bfloat16",
    usage=Usage(
        cpu=1.75,
        cpu_count=2,
        memory=700_000_000,
        memory_total=4_000_000_000,
        gpus=(GpuUsage(name="Some GPU", load=0.5, memory=1 << 30), GpuUsage(name="Another")),
    ),
    curve=(3.0, 2.5),
)


def as_stored(document: RunDescription | RunStatus) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(document.to_json()))
    return values


def test_a_description_is_read_back() -> None:
    assert RunDescription.from_json(as_stored(DESCRIPTION)) == DESCRIPTION


def test_a_status_is_read_back() -> None:
    assert RunStatus.from_json(as_stored(STATUS)) == STATUS


def test_fields_of_later_versions_are_passed_over() -> None:
    values = as_stored(DESCRIPTION) | {"mood": "good"}
    for part in ("model", "training", "corpus"):
        values[part]["mood"] = "good"
    assert RunDescription.from_json(values) == DESCRIPTION
    assert RunStatus.from_json(as_stored(STATUS) | {"mood": [1]}) == STATUS


def test_documents_of_earlier_versions_are_read() -> None:
    description, status = as_stored(DESCRIPTION), as_stored(STATUS)
    del description["pinned_seeds"]
    for name in ("device", "precision", "usage", "curve"):
        del status[name]
    assert RunDescription.from_json(description).pinned_seeds == ()
    old = RunStatus.from_json(status)
    assert (old.device, old.precision, old.usage, old.curve) == ("", "", None, ())


def test_another_format_is_named() -> None:
    with pytest.raises(ValueError, match="of format 2; this version reads format 1"):
        RunDescription.from_json(as_stored(DESCRIPTION) | {"format": 2})


ADDED_LATER = {"versions", "pinned_seeds", "unknown_symbol", "origin"}


@pytest.mark.parametrize(
    "name", [f.name for f in fields(RunDescription) if f.name not in ADDED_LATER]
)
def test_a_missing_field_is_named(name: str) -> None:
    values = as_stored(DESCRIPTION)
    del values[name]
    with pytest.raises(ValueError, match=name):
        RunDescription.from_json(values)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(DESCRIPTION.to_json())), json_values)
def test_a_description_is_whole_or_refused(name: str, value: object) -> None:
    try:
        found = RunDescription.from_json(as_stored(DESCRIPTION) | {name: value})
    except (ConfigError, TypeError, ValueError):
        return
    assert RunDescription.from_json(as_stored(found)) == found


@pytest.mark.parametrize("name", ["units", "records"])
def test_an_unknown_way_to_count_or_to_cut_a_text_is_refused(name: str) -> None:
    document = as_stored(DESCRIPTION)
    document["corpus"] |= {name: "\x1b[2J"}
    with pytest.raises(ValueError, match=r"'\\x1b\[2J' is none of (characters, jamo|none, line)"):
        RunDescription.from_json(document)


@given(st.sampled_from(sorted(STATUS.to_json())), json_values)
def test_a_status_is_whole_or_refused(name: str, value: object) -> None:
    try:
        found = RunStatus.from_json(as_stored(STATUS) | {name: value})
    except (ConfigError, TypeError, ValueError):
        return
    assert RunStatus.from_json(as_stored(found)) == found


@pytest.mark.parametrize("values", [None, [], "text", 3])
def test_what_is_no_object_is_refused(values: object) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        RunStatus.from_json(values)


def test_a_trainer_is_at_work_in_all_states_but_six() -> None:
    assert [state.value for state in RunState if not state.is_live] == [
        "finished",
        "stopped",
        "saved",
        "interrupted",
        "diverged",
        "failed",
    ]


def test_a_path_of_a_corpus_keeps_its_order(tmp_path: Path) -> None:
    assert RunDescription.from_json(as_stored(DESCRIPTION)).corpus.sources == (
        "/texts/one.txt",
        "/texts/two.txt",
    )
