"""The option `--numbers`, and the records of its value."""

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import invoke_alone
from tests.support.openings import opening_of
from tests.support.tiny_model import tiny_config, tiny_model, tiny_model_file
from tui_charrnn.cli.generate import generate
from tui_charrnn.cli.main import run
from tui_charrnn.config import ModelConfig, SamplingConfig
from tui_charrnn.generation import numbers
from tui_charrnn.generation.numbers import Choice, Difference
from tui_charrnn.generation.products import load_library
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import History
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.paths import file_mark
from tui_charrnn.tui.session import WeightsSource
from tui_charrnn.tui.text.model_loader import LoadedModel, ModelLoader, ModelRequest
from tui_charrnn.tui.text.saving import describe, text_files, write_new
from tui_charrnn.tui.text.tape_start import GenerationResult

Capture = pytest.CaptureFixture[str]

CONFIG = tiny_config(hidden_size=24)


@pytest.fixture(autouse=True)
def without_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """NumPy computes the same bits as NumKong on every machine."""
    load_library.cache_clear()
    monkeypatch.setitem(sys.modules, "numkong", None)
    yield
    load_library.cache_clear()


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tiny_model_file(tmp_path / "model.safetensors", config=CONFIG))


def say_of_auto(monkeypatch: pytest.MonkeyPatch, choice: Choice) -> None:
    monkeypatch.setattr(numbers, "choose_numbers", lambda _: choice)


BAD = Choice("float32", "It would be bad.", Difference(0.3, 4), is_new=True)
GOOD = Choice("int8", "It is good.", Difference(0.01, 0.2))


invoke = partial(invoke_alone, generate)


def records(model: str, *options: str) -> list[dict[str, Any]]:
    result = invoke("bad", "-n", "9", "--rng-seed", "3", "-m", model, *options)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_records_and_history_keep_the_numbers(model: str) -> None:
    sampling = SamplingConfig(rng_seed=3)
    for used in ("int8", "float32"):
        stream = CharacterStream(replace(tiny_model(config=CONFIG), numbers=used), sampling)
        stream.prime("bad")
        found = records(model, "--json", "--numbers", used)
        assert {record["numbers"] for record in found} == {used}
        assert [record["probability"] for record in found] == [
            stream.next().probability for _ in range(9)
        ]
        assert History().newest(1)[0].generation.numbers == used


def test_the_environment_chooses_too(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARRNN_NUMBERS", "int8")
    assert records(model, "--json")[0]["numbers"] == "int8"


def test_auto_reports_why_it_uses_float32(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    say_of_auto(monkeypatch, BAD)
    assert run(["generate", "-n", "1", "-m", model, "--numbers", "auto"]) == 0
    assert capsys.readouterr().err == "It would be bad.\n"
    assert History().newest(1)[0].generation.numbers == "float32"


def test_a_score_names_its_numbers(model: str, tmp_path: Path, capsys: Capture) -> None:
    text = tmp_path / "text.txt"
    text.write_text("bad cab\nhide a jig")
    rounded = replace(tiny_model(config=CONFIG), numbers="int8")
    expected = TextScorer(rounded).score(text.read_text()).sum()
    assert run(["score", str(text), "-m", model, "--json", "--numbers", "int8"]) == 0
    (score,) = json.loads(capsys.readouterr().out)["scores"]
    assert score["numbers"] == "int8"
    assert score["bits"] == pytest.approx(expected, rel=1e-9)


def test_a_model_of_two_directions_refuses_int8(tmp_path: Path, capsys: Capture) -> None:
    config = ModelConfig(embedding_size=3, hidden_size=5, direction="both")
    model = tiny_model_file(tmp_path / "both.safetensors", config=config)
    assert run(["score", "pydoc", "-m", str(model), "--numbers", "int8"]) == 2
    assert "--numbers float32, or auto" in capsys.readouterr().err


def test_the_choice_of_auto_is_printed_for_a_model(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    say_of_auto(monkeypatch, GOOD)
    assert run(["models", "numbers", model]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["numbers", "difference", "reason"]
    assert "0.0100 on average, 0.200 at most" in printed[1]
    assert run(["models", "numbers", model, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["difference"] == {"mean": 0.01, "largest": 0.2}


def asked(model: str, asked_for: str) -> ModelRequest:
    return ModelRequest(
        source=WeightsSource.DEFAULT,
        runs_folder=Path(model).parent,
        model=model,
        run=None,
        is_live=False,
        has_begun=False,
        numbers=asked_for,
    )


def test_the_app_loads_a_model_in_the_chosen_number_format(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = ModelLoader().load(asked(model, "int8"), lambda _: False)
    assert (loaded.model.numbers, loaded.note) == ("int8", "")
    say_of_auto(monkeypatch, BAD)
    loaded = ModelLoader().load(asked(model, "auto"), lambda _: False)
    assert (loaded.model.numbers, loaded.note) == ("float32", "It would be bad.")


def test_the_command_of_a_saved_text_has_its_numbers(model: str, tmp_path: Path) -> None:
    file, sampling = Path(model), SamplingConfig(temperature=1, rng_seed=8)
    kept = replace(load_model(file), numbers="int8")
    loaded = LoadedModel(kept, ModelLabel("tiny", "file"), file=file, mark=file_mark(file))
    opening = opening_of(loaded, "bad", sampling)
    text = "".join(opening.tape.next().character for _ in range(200))
    generated = GenerationResult(opening, text, ((0, sampling),))
    now = datetime.now(UTC)
    path = write_new("text", now, text_files(generated.text, describe(generated, now)))
    settings = json.loads(path.with_suffix(".json").read_text())
    result = invoke(*shlex.split(settings["command"])[2:])
    assert settings["numbers"] == "int8"
    assert result.stdout_bytes == path.read_bytes()
