"""A training state from a stranger is one or is refused: soon, in little memory, in a sentence."""

import json
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from tests.support.numpy_trainer import MODEL, NumpyEngine
from tui_charrnn.errors import RunError
from tui_charrnn.runs.layout import CheckpointDirectory
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.plan import Plan, RateChange
from tui_charrnn.training.state_file import (
    TrainingState,
    load_training_state,
    serialize_training_state,
)

STATE = TrainingState(
    tensors=NumpyEngine(MODEL, vocabulary_size=5, batch_size=2).training_tensors(),
    plan=Plan(100, 10, 20),
    progress=Progress(step=7, best_loss=2.5, best_step=5, changes=(RateChange(3, 0.5),)),
    best_baseline=(2, 2.25),
    fingerprint={"device": "processor"},
)
GOOD = serialize_training_state(STATE)
LENGTH = int.from_bytes(GOOD[:8], "little")
HEADER: dict[str, Any] = json.loads(GOOD[8 : 8 + LENGTH])
NUMBERS = GOOD[8 + LENGTH :]
DOCUMENT: dict[str, Any] = json.loads(HEADER["__metadata__"]["charrnn-training"])
NAME = "state.0"


def with_header(header: object, numbers: bytes = NUMBERS) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def with_document(**changes: Any) -> bytes:
    text = json.dumps({**DOCUMENT, **changes})
    return with_header({**HEADER, "__metadata__": {"charrnn-training": text}})


def with_entry(**changes: Any) -> bytes:
    return with_header({**HEADER, NAME: {**HEADER[NAME], **changes}})


def with_progress(**changes: Any) -> bytes:
    return with_document(progress={**DOCUMENT["progress"], **changes})


def many_tensors() -> bytes:
    entry = ':{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    entries = ",".join([f'"{number}"{entry}' for number in range(1_000_000)])
    text = json.dumps(HEADER)[:-1].encode() + b"," + entries.encode() + b"}"
    return len(text).to_bytes(8, "little") + text + NUMBERS


def read(path: Path, data: bytes) -> TrainingState:
    path.unlink(missing_ok=True)  # ext4 flushes a file that is written over
    path.write_bytes(data)
    return load_training_state(CheckpointDirectory(path.parent))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "a length of nothing": lambda: bytes(8) + GOOD[8:],
    "an absurd length": lambda: b"\xff" * 8 + GOOD[8:],
    "a header of 100 MB": lambda: (100 << 20).to_bytes(8, "little") + b" " * (100 << 20),
    "a million tensors": many_tensors,
    "JSON nested deep": lambda: (200_000).to_bytes(8, "little") + b"[" * 200_000,
    "no metadata": lambda: with_header({NAME: HEADER[NAME]}),
    "a document nested deep": lambda: with_header({
        **HEADER,
        "__metadata__": {"charrnn-training": "[" * 200_000},
    }),
    "a document that is a list": lambda: with_header({
        **HEADER,
        "__metadata__": {"charrnn-training": "[]"},
    }),
    "a type that there is not": lambda: with_entry(dtype="F33"),
    "a type that NumPy has not": lambda: with_entry(dtype="F8_E4M3"),
    "an absurd shape": lambda: with_entry(shape=[2**62, 2**62]),
    "a negative shape": lambda: with_entry(shape=[-1]),
    "overlapping tensors": lambda: with_entry(data_offsets=[0, 24]),
    "offsets beyond the end": lambda: with_entry(data_offsets=[1 << 40, (1 << 40) + 24]),
    "offsets that run back": lambda: with_entry(data_offsets=[24, 0]),
    "another format": lambda: with_document(format=2),
    "no plan": lambda: with_document(plan=None),
    "a plan without steps": lambda: with_document(plan={**DOCUMENT["plan"], "evaluate_every": 0}),
    "a plan of words": lambda: with_document(plan={**DOCUMENT["plan"], "total_steps": "many"}),
    "an enormous step": lambda: with_progress(step=2**64),
    "a step before the first": lambda: with_progress(step=-1),
    "a loss that is a list": lambda: with_progress(best_loss=[1]),
    "changes that are none": lambda: with_progress(changes=[1]),
    "changes of words": lambda: with_progress(changes=[["one", "two"]]),
    "a baseline of three": lambda: with_document(best_baseline=[1, 2, 3]),
    "a fingerprint of numbers": lambda: with_document(fingerprint={"device": 1}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_state_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    path, data = tmp_path / "training.safetensors", HOSTILE[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    with pytest.raises(RunError, match="cannot be used") as caught:
        read(path, data)
    assert time.process_time() - began < 10  # computing: no matter how busy the machine is
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000  # kB: the largest of these files once, and as much again
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_sparse_file_of_a_terabyte_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    path.write_bytes(GOOD)
    os.truncate(path, 1 << 40)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RunError, match="its length is not the one"):
        load_training_state(CheckpointDirectory(path.parent))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


def test_a_good_one_comes_back_as_it_was(tmp_path: Path) -> None:
    state = read(tmp_path / "training.safetensors", GOOD)
    assert (state.plan, state.progress, state.fingerprint) == (
        STATE.plan,
        STATE.progress,
        STATE.fingerprint,
    )
    assert state.best_baseline == STATE.best_baseline
    assert safetensors.numpy.save(dict(state.tensors)) == safetensors.numpy.save({
        name: STATE.tensors[name] for name in state.tensors
    })


def test_names_of_tensors_lead_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    moved = {"../../outside" if name == NAME else name: entry for name, entry in HEADER.items()}
    state = read(folder / "training.safetensors", with_header(moved))
    assert "../../outside" in state.tensors
    assert [path.name for path in folder.rglob("*")] == ["training.safetensors"]
    assert not (tmp_path.parent / "outside").exists()


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    path.write_bytes(GOOD)
    for size in reversed(range(len(GOOD))):
        os.truncate(path, size)
        with pytest.raises(RunError):
            load_training_state(CheckpointDirectory(path.parent))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@given(st.sampled_from(sorted(DOCUMENT)), JSON)
def test_whatever_a_field_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "training.safetensors"
    try:
        state = read(path, with_document(**{field: value}))
    except RunError:
        return
    assert state.plan.total_steps > 0


@given(st.sampled_from(["dtype", "shape", "data_offsets"]), JSON)
def test_whatever_an_entry_says_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "training.safetensors"
    try:
        read(path, with_entry(**{field: value}))
    except RunError:
        return
