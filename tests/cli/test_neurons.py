"""The command `neurons`; one cell of its model counts brackets."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.bracket_model import COUNTING, counting_model, nested_brackets
from tests.support.command import ROOT, run_here
from tests.support.naive_properties import NAIVE
from tests.support.pseudo_terminal import read_terminal, terminal_pair
from tests.support.tiny_model import tiny_config, tiny_model_file
from tui_charrnn.lens.neurons import NeuronFinder
from tui_charrnn.lens.properties import PROPERTIES, find_properties
from tui_charrnn.model.checkpoint import serialize_model
from tui_charrnn.model.weights import tensors_from_weights

TEXT = nested_brackets(3000)
CELL = f"0:c{COUNTING}"


@pytest.fixture
def model(tmp_path: Path) -> str:
    made = counting_model()
    path = tmp_path / "brackets.safetensors"
    tensors = tensors_from_weights(made.weights, made.config)
    path.write_bytes(serialize_model(tensors, made.config, made.vocabulary, corpus={}, training={}))
    return str(path)


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def on_terminal(arguments: tuple[str, ...], variables: dict[str, str]) -> str:
    """The output of the program on a terminal."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    with terminal_pair() as (ours, theirs):
        child = subprocess.Popen(
            [sys.executable, "-m", "tui_charrnn", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=theirs.fileno(),
            stderr=theirs.fileno(),
            env=environment,
        )
        theirs.close()
        shown = b"".join(iter(lambda: read_terminal(ours), b""))
    assert child.wait() == 0, shown
    return shown.decode()


def found_in(*arguments: str, stdin: bytes = b"") -> dict[str, Any]:
    ended = run_here("neurons", *arguments, "--json", stdin=stdin)
    assert ended.returncode == 0, ended.stderr.decode()
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def test_the_table_names_the_cell_that_counts(model: str, text: str) -> None:
    ended = run_here(
        "neurons", text, "-m", model, "--top", "1", "--property", "bracket-depth",
        "--property", "digit", "--excerpts", "0",
    )  # fmt: skip

    mean = np.mean(NAIVE["bracket-depth"](TEXT))
    (depth,) = (
        NeuronFinder(counting_model(), find_properties(["bracket-depth"])).find([TEXT]).properties
    )
    chance = depth.chance
    assert ended.stdout.decode().splitlines() == [
        "PROPERTY           MEAN  CHANCE  CELLS, AND r OF EACH",
        f"bracket-depth  {mean:8.3g}  {chance:6.3f}  {CELL} +1.000",
        "CHANCE: the largest |r| of any cell with the property shifted along the text, of",
        "19 circular shifts. An r that does not exceed it may be due to chance.",
        "Constant in this text: digit.",
    ]
    assert ended.stderr.decode() == f"Reading {text} ...\n"


def test_programs_get_one_document(model: str, text: str) -> None:
    found = found_in(text, "-m", model, "--top", "4", "--excerpts", "1", "--property",
                     "bracket-depth", "--property", "line-position")  # fmt: skip

    assert (found["model"], found["text"]) == (model, text)
    assert (found["characters"], found["unknown"], found["shifts"]) == (3000, 0, 19)
    assert 0 < found["properties"][0]["chance"] < 1
    depth, position = found["properties"]
    assert (depth["property"], position["property"]) == ("bracket-depth", "line-position")
    assert len(depth["cells"]) == len(position["cells"]) == 4
    first = depth["cells"][0]
    assert (first["cell"], first["layer"], first["part"], first["unit"]) == (CELL, 0, "c", COUNTING)
    assert first["r"] == pytest.approx(1, abs=1e-6)
    excerpt = depth["excerpt"]
    assert excerpt["text"] in TEXT
    assert "excerpt" not in position  # only the best properties have excerpts
    halves = [value / 2 for value in excerpt["property"]]
    assert [value - excerpt["values"][0] for value in excerpt["values"]] == pytest.approx(
        [half - halves[0] for half in halves], abs=1e-4
    )


def test_a_passage_has_a_sign_below_every_character(model: str, text: str) -> None:
    arguments = ("neurons", text, "-m", model, "--property", "bracket-depth", "--top", "1")
    found = found_in(*arguments[1:])["properties"][0]
    cell, excerpt = found["cells"][0], found["excerpt"]

    shown = run_here(*arguments, "--excerpts", "1").stdout.decode()

    assert "\x1b" not in shown
    assert "Below each character: " in shown
    heading = f"{CELL} (r +1.000): bracket-depth, how many brackets are open\n"
    rows = iter(shown[shown.index(heading) + len(heading) :].splitlines())
    signs = {-2: "=", -1: "-", 0: " ", 1: "+", 2: "#"}
    expected = ""
    for value in excerpt["values"]:
        distance = (value - cell["mean"]) / cell["deviation"]
        size = 2 if abs(distance) >= 1.5 else 1 if abs(distance) >= 0.5 else 0
        expected += signs[size if distance > 0 else -size]
    letters = drawn = ""
    for row in rows:
        letters += row[2:]
        marks = next(rows, "") if row.strip() else ""
        drawn += marks[2:].ljust(len(row[2:]))
    assert letters.replace("␤", "\n") == excerpt["text"]
    assert drawn.rstrip() == expected.rstrip()


def test_a_terminal_gets_colors_unless_they_are_unwanted(model: str, text: str) -> None:
    for wanted, variables in [
        (True, {"TERM": "xterm"}),
        (False, {"TERM": "xterm", "NO_COLOR": "1"}),
        (False, {"TERM": "dumb"}),
    ]:
        shown = on_terminal(
            ("neurons", text, "-m", model, "--property", "bracket-depth"), variables
        )
        assert (re.search(r"\x1b\[(97|30);4\dm", shown) is not None) is wanted
        assert "above (+) or below (-)" in shown
        assert f"clamp it: charrnn-tui generate --clamp {CELL}=" in shown


def test_texts_are_read_one_after_another_from_wherever_they_come(
    model: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / "half.txt").write_text(TEXT[:1000], encoding="utf-8")
    whole = found_in(text, "-m", model)

    halves = found_in(str(tmp_path / "half.txt"), "-", "-m", model, stdin=TEXT[1000:].encode())

    assert halves["text"] == f"{tmp_path / 'half.txt'} + standard input"
    assert halves["characters"] == 3000
    for one, other in zip(whole["properties"], halves["properties"], strict=True):
        ours = {cell["cell"]: cell["r"] for cell in one["cells"]}
        assert ours == pytest.approx({cell["cell"]: cell["r"] for cell in other["cells"]}, abs=1e-3)


def test_unknown_characters_are_reported(model: str) -> None:
    ended = run_here("neurons", "-", "-m", model, "--excerpts", "0", stdin="(aΩb)한".encode())

    assert "2 characters of standard input are unknown to" in ended.stderr.decode()
    assert "which has read the other 4." in ended.stderr.decode()
    assert "4 characters are too few for a search" in ended.stderr.decode()


def test_hostile_text_is_made_harmless_in_a_pipe_too(tmp_path: Path) -> None:
    path = tiny_model_file(tmp_path / "odd.safetensors", vocabulary="\n\x1b[()a")
    stdin = b"(a\x1b[a)\n" * 30

    shown = run_here("neurons", "-", "-m", str(path), stdin=stdin).stdout.decode()

    assert "\x1b" not in shown
    assert "(a␛[a)␤" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--top", "0"), "'--top': 0 is not in the range 1<=x<=1000"),
        (("--excerpts", "-1"), "'--excerpts': -1 is not in the range 0<=x<=100"),
        (("--parallel", "0"), "'--parallel': 0 is not in the range 1<=x<=4096"),
        (("--layer", "1"), "--layer must be below 1. Received: 1."),
        (("--property", "mood"), "--property must be one of double-quotes, single-quotes,"),
    ],
)
def test_values_that_are_not_allowed_are_reported(
    model: str, text: str, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = run_here("neurons", text, "-m", model, *arguments)

    assert (ended.returncode, ended.stdout) == (2, b"")
    assert sentence in ended.stderr.decode()
    assert "Traceback" not in ended.stderr.decode()


@pytest.mark.parametrize(
    ("stdin", "sentence"),
    [
        (b"", "There is no text in standard input: it is empty."),
        (b"\xff\xfe\x00", "standard input is not"),
        ("한글".encode(), "The model knows no character of this text"),
    ],
)
def test_texts_that_cannot_be_read_are_reported(model: str, stdin: bytes, sentence: str) -> None:
    ended = run_here("neurons", "-", "-m", model, stdin=stdin)

    assert ended.returncode == 3
    assert sentence in ended.stderr.decode()
    assert "Traceback" not in ended.stderr.decode()


def test_the_help_names_every_property() -> None:
    printed = " ".join(run_here("neurons", "--help").stdout.decode().split())

    assert f"One of {', '.join(each.name for each in PROPERTIES)}." in printed.replace("- ", "-")


def test_a_model_that_is_not_there_is_reported(text: str) -> None:
    ended = run_here("neurons", text, "--model", "nobody")

    assert ended.returncode == 3
    assert "bundled model 'nobody'." in ended.stderr.decode()


def test_one_layer_can_be_selected(tmp_path: Path, text: str) -> None:
    path = tiny_model_file(
        tmp_path / "two.safetensors", vocabulary="\n()ab", config=tiny_config(layer_count=2)
    )

    found = found_in(text, "-m", str(path), "--layer", "1")

    layers = {cell["layer"] for each in found["properties"] for cell in each["cells"]}
    assert layers == {1}
