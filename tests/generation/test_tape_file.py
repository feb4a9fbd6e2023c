"""Tapes as JSON: round trip and rejected documents."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.support.tiny_model import tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import DataError
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tape_file import open_tape, tape_document
from tui_charrnn.generation.tree import LONGEST_NAME


def recorded() -> Tape:
    stream = CharacterStream(tiny_model(), SamplingConfig(temperature=1.2))
    tape = Tape(stream, stream.prime("bad cafe").text)
    for _ in range(40):
        tape.next()
    tape.rewind(25)
    tape.take(3)
    stream.sampling = SamplingConfig(temperature=0.7, top_k=4, rng_seed=5)
    for _ in range(20):
        tape.next()
    tape.branch.name = "the better \x1b[31mend"
    tape.rewind(30)
    tape.take(0)
    return tape


def stored(tape: Tape) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(tape_document(tape), allow_nan=False))
    return document


def test_the_name_of_a_branch_is_cut_where_one_that_is_typed_ends() -> None:
    document = stored(recorded())
    document["branches"][1]["name"] = "n" * 900
    assert open_tape(tiny_model(), document).tree.branches[1].name == "n" * LONGEST_NAME


def test_a_tape_comes_back_whole_and_goes_on_alike() -> None:
    tape = recorded()

    opened = open_tape(tiny_model(), stored(tape))

    assert opened.tree.branches == tape.tree.branches
    assert (opened.position, opened.branch.number) == (tape.position, tape.branch.number)
    assert [opened.next() for _ in range(30)] == [tape.next() for _ in range(30)]
    for number in range(3):
        np.testing.assert_array_equal(
            opened.position_at(26, number).logits, tape.position_at(26, number).logits
        )
    assert stored(opened) == stored(tape)


@pytest.mark.parametrize("document", [None, [], 7, {}, {"format": 4}, {"format": "x" * 999}])
def test_what_is_no_tape_of_this_format_is_refused(document: object) -> None:
    with pytest.raises(DataError, match="not a tape of format 1 to 3") as caught:
        open_tape(tiny_model(), document)

    assert len(str(caught.value)) < 200


def put(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        holder: Any = document
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("branches", value=[]),
        put("branches", value=None),
        put("seed_text", value="bad Ω"),
        put("seed_text", value=None),
        put("branches", 0, "parent", value=0),
        put("branches", 1, "parent", value=2),
        put("branches", 1, "parent", value=-1),
        put("branches", 1, "start", value=41),
        put("branches", 1, "text", value="Ω"),
        put("branches", 1, "probabilities", value=[1.0]),
        put("branches", 1, "probabilities", 0, value=float("nan")),
        put("branches", 1, "probabilities", 0, value=2.0),
        put("branches", 1, "sampling", value=[]),
        put("branches", 1, "sampling", 0, 1, "temperature", value=-1),
        put("branches", 2, "sampling", 0, 0, value=2),
        put("branches", 0, "draws", 0, 1, value=-1),
        put("branches", 0, "draws", 0, value=[0]),
        put("branches", 1, "draws", 0, 1, value=2**64),
        put("branches", 1, "draws", 0, 2, value=1.5),
        put("branches", 1, "draws", 0, 2, value=1e300),
        put("branches", 2, "draws", 0, 0, value="x"),
        put("branches", 1, value="x"),
    ],
)
def test_a_damaged_tape_is_refused_in_a_sentence(change: Callable[[dict[str, Any]], None]) -> None:
    document = stored(recorded())
    change(document)

    with pytest.raises(DataError, match="damaged"):
        open_tape(tiny_model(), document)
