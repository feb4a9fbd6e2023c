"""The command `which`."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests.support.command import invoke_alone
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.cli.score import which
from tui_charrnn.errors import ConfigError, DataError

invoke = partial(invoke_alone, which)


@pytest.fixture
def models(tmp_path: Path) -> list[object]:
    one = tiny_model_file(tmp_path / "one.safetensors", rng_seed=1)
    other = tiny_model_file(tmp_path / "other.safetensors", rng_seed=2)
    return ["--model", one, "--model", other]


def test_the_document_has_every_character(models: list[object]) -> None:
    document = json.loads(invoke("bad cab", *models, "--json").stdout)
    assert "".join(each["character"] for each in document["characters"]) == "bad cab"
    last = document["characters"][-1]["probability"]
    assert {each["model"]: each["probability"] for each in document["models"]} == last
    assert sum(last.values()) == pytest.approx(1)


def test_the_picture_is_ascii_on_request(models: list[object]) -> None:
    assert not invoke("bad", *models).stdout.isascii()
    assert invoke("bad", *models, "--ascii").stdout.isascii()


def test_a_text_comes_from_standard_input(models: list[object]) -> None:
    piped = invoke("-", *models, "--json", stdin=b"bad").stdout
    assert piped == invoke("bad", *models, "--json").stdout


def test_what_cannot_be_compared_is_refused(models: list[object]) -> None:
    assert isinstance(invoke("bad", *models[:2]).exception, ConfigError)
    assert isinstance(invoke("", *models).exception, ConfigError)
    assert isinstance(invoke("-", *models, stdin=b"\xff").exception, DataError)
    too_long = "가".encode() * 200_000  # what is read of it ends inside a character
    assert isinstance(invoke("-", *models, stdin=too_long).exception, ConfigError)
