"""The command `embedding`."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests.support.command import invoke_alone
from tests.support.tiny_model import TINY_VOCABULARY, tiny_model, tiny_model_file
from tui_charrnn.cli.lens import embedding
from tui_charrnn.errors import ConfigError
from tui_charrnn.viewing.embedding import Embedding

invoke = partial(invoke_alone, embedding)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "model.safetensors")


def test_the_document_has_every_character_with_its_neighbors(model: Path) -> None:
    document = json.loads(invoke(model, "--json", "--count", 2).stdout)
    known = Embedding(tiny_model())
    assert [each["character"] for each in document["characters"]] == list(TINY_VOCABULARY)
    near = document["characters"][3]["neighbors"]
    assert [each["character"] for each in near] == [
        each.character for each in known.neighbors(3, 2)
    ]
    assert document["vocabulary_size"] == len(TINY_VOCABULARY)


def test_the_picture_is_ascii_on_request(model: Path) -> None:
    printed = invoke(model, "--ascii", "--character", "b").stdout
    assert printed.isascii()
    assert "\nb: " in printed


def test_what_the_model_does_not_know_has_no_neighbors(model: Path) -> None:
    for options in (["--character", "X"], ["--character", "ab"]):
        assert isinstance(invoke(model, *options).exception, ConfigError)


@pytest.mark.parametrize(("term", "is_colored"), [("xterm", True), ("dumb", False)])
def test_a_terminal_that_knows_no_colors_gets_none(
    model: Path, monkeypatch: pytest.MonkeyPatch, term: str, is_colored: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("tui_charrnn.cli.output.stdout_is_terminal", lambda: True)
    assert ("\x1b[3" in invoke(model, "--character", "b").stdout) == is_colored
