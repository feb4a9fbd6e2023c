"""The command `memory`, without training."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.support.tiny_model import tiny_config, tiny_model, tiny_model_file
from tui_charrnn.cli.memory import memory
from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.viewing.memory_picture import measure_model

TEXT = "bad cab, a big jade face.\n" * 20


def invoke(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(memory)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_document_has_what_is_measured(tmp_path: Path, text: Path) -> None:
    paths = [tiny_model_file(tmp_path / f"{seed}.safetensors", rng_seed=seed) for seed in (1, 2)]
    document = json.loads(invoke(*paths, text, "--reach", 30, "--json").stdout)
    assert (document["reach"], document["characters"]) == (30, 520)
    for seed, model in zip((1, 2), document["models"], strict=True):
        curve = measure_model("", tiny_model(rng_seed=seed), TEXT, reach=30)
        assert model["influence"] == pytest.approx(curve.memory.influence.tolist())
        assert model["half"] == curve.memory.distance(0.5)
        assert len(model["hidden"]) == 30


@pytest.mark.parametrize("cell", ["lstm+norm", "gru", "rnn"])
def test_every_cell_is_drawn_also_in_ascii(tmp_path: Path, text: Path, cell: str) -> None:
    path = tiny_model_file(tmp_path / "one.safetensors", config=tiny_config(cell=cell))
    drawn = invoke(path, "--text", text, "--ascii").stdout
    assert drawn.isascii()
    assert f"{cell} 5" in drawn
    assert "characters back" in drawn


def test_without_a_text_and_without_its_corpus_one_is_asked_for(tmp_path: Path) -> None:
    path = tiny_model_file(tmp_path / "one.safetensors")
    error = invoke(path).exception
    assert isinstance(error, CharRNNError)


@pytest.mark.parametrize("option", [("--reach", 0), ("--reach", 501), ("--characters", 1)])
def test_numbers_out_of_bounds_are_refused(tmp_path: Path, option: tuple[str, int]) -> None:
    error = invoke(tmp_path / "one.safetensors", *option).exception
    assert isinstance(error, ConfigError)
    assert option[0] in str(error)
