"""The command `fill`."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.support.command import invoke_alone
from tests.support.tiny_model import tiny_config, tiny_model, tiny_model_file
from tui_charrnn.cli.fill import fill
from tui_charrnn.errors import ConfigError, ModelFileError
from tui_charrnn.generation.filling import (
    Candidate,
    Filled,
    Filler,
    measure_right_side,
    split_gaps,
)
from tui_charrnn.viewing.probability_rows import candidate_rows

invoke = partial(invoke_alone, fill)


@pytest.fixture
def model(tmp_path: Path) -> list[object]:
    return ["--model", tiny_model_file(tmp_path / "model.safetensors")]


def test_the_document_has_what_was_found(model: list[object]) -> None:
    document = json.loads(invoke("ba▢ ca▢", *model, "--json", "--count", 3, "--beam", 9).stdout)
    found = Filler(tiny_model()).fill(split_gaps("ba▢ ca▢"), beam=9)
    assert document["parts"] == ["ba", " ca", ""]
    assert document["beam"] == 9
    assert document["bits"] == pytest.approx(found.bits)
    for one, other in zip(document["candidates"], found.candidates[:3], strict=True):
        assert (one["fill"], one["both"]) == (other.fill, pytest.approx(other.both))


def test_the_table_describes_the_method(model: list[object]) -> None:
    one = invoke("ba_ cab", *model, "--ascii").stdout
    assert one.isascii()
    assert "Every candidate was tried" in one
    assert "A beam of 5" in invoke("ba__ cab", *model, "--beam", 5).stdout


def test_no_bits_are_shown_where_no_right_side_was_read(model: list[object]) -> None:
    heading, *rows = invoke("ba_", *model, "--ascii").stdout.split("\n\n")[0].splitlines()
    assert heading.split()[-1] == "BITS"
    assert {row.split()[-1] for row in rows} == {"-"}
    document = json.loads(invoke("ba_", *model, "--json").stdout)
    assert [document["bits"], document["candidates"][0]["bits"]] == [None, None]


def test_what_the_left_side_expects_is_listed_however_unlikely_it_is() -> None:
    shares = {"kn": (0.01, 0.9), "ri": (0.02, 0.09), "in": (0.95, 0.001), "ee": (0.02, 0.009)}
    candidates = tuple(Candidate(fill, *each, 0.0) for fill, each in shares.items())
    filled = Filled(("The ", "fe"), candidates, beam=4, unknown=0)
    for count, listed in ((1, ["kn"]), (2, ["kn", "in"]), (3, ["kn", "ri", "in"])):
        assert [row.split()[0] for row in candidate_rows(filled, 80, count)[1:]] == listed


def test_a_space_in_a_gap_is_visible() -> None:
    filled = Filled(("a", "b"), (Candidate("c ", 0.5, 0.5, 0.0),), 4, 0)
    assert candidate_rows(filled, 80, 1)[1].startswith("c␣ ")


def test_what_the_right_side_is_worth_is_measured_over_a_text(
    model: list[object], tmp_path: Path
) -> None:
    text = "a bad cab had a jig\n" * 5
    (tmp_path / "text").write_text(text)
    arguments = ["--over", tmp_path / "text", *model, "--places", 7, "--right", 5, "--json"]
    document = json.loads(invoke(*arguments).stdout)
    *_, last = measure_right_side(tiny_model(), text, places=7, right=5)
    assert document["bits"] == pytest.approx(last.bits)
    assert (document["places"], document["model"]) == (7, str(model[1]))
    assert invoke(*arguments[:-1]).stdout.endswith(f"7 places. Model: {model[1]}.\n")
    (tmp_path / "text").write_text(text, "cp500")
    assert json.loads(invoke(*arguments, "--encoding", "cp500").stdout) == document


def test_all_files_of_a_folder_are_measured_over(model: list[object], tmp_path: Path) -> None:
    folder, whole = tmp_path / "folder", tmp_path / "whole"
    folder.mkdir()
    for number, text in enumerate(("a bad cab had a jig\n", "big jade face\n")):
        (folder / str(number)).write_text(text * 5)
    whole.write_text("a bad cab had a jig\n" * 5 + "big jade face\n" * 5)
    options = [*model, "--places", 7, "--right", 5, "--json"]
    documents = [invoke("--over", path, *options).stdout for path in (folder, whole)]
    assert documents[0] == documents[1]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no gap"],
        ["a_b", "--over", "x"],
        ["--over", "x", "--bidirectional", "y"],
    ],
)
def test_what_is_no_question_is_refused(model: list[object], arguments: list[str]) -> None:
    assert isinstance(invoke(*arguments, *model).exception, ConfigError)


def test_a_model_of_both_directions_is_shown_beside(model: list[object], tmp_path: Path) -> None:
    config = replace(tiny_config(), direction="both")
    both = tiny_model_file(tmp_path / "both.safetensors", config=config)
    document = json.loads(invoke("ba▢ ca", *model, "--bidirectional", both, "--json").stdout)
    assert document["bidirectional"]["is_exact"]
    assert sum(document["bidirectional"]["shares"].values()) <= 1 + 1e-9
    assert "BIDIRECTIONAL" in invoke("ba▢ ca", *model, "--bidirectional", both).stdout
    assert "Gibbs" in invoke("b▢▢", *model, "--bidirectional", both).stdout
    assert isinstance(invoke("b▢", "--model", both).exception, ModelFileError)
