"""The option `generate --clamp`."""

import json
from pathlib import Path

import pytest

from tests.support.command import run_here
from tests.support.tiny_model import tiny_config, tiny_model, tiny_model_file
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.neuron import parse_clamps
from tui_charrnn.generation.stream import CharacterStream

CONFIG = tiny_config(hidden_size=16)
CLAMPS = ("0:2=6", "0:h3=-2")


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tiny_model_file(tmp_path / "model.safetensors", config=CONFIG))


def options(*clamps: str) -> list[str]:
    return [word for clamp in clamps for word in ("--clamp", clamp)]


def test_the_text_is_the_output_of_the_clamped_stream(model: str) -> None:
    sampling = SamplingConfig(temperature=1, rng_seed=3)
    stream = CharacterStream(tiny_model(config=CONFIG), sampling, parse_clamps(CLAMPS, CONFIG))
    stream.prime("bad")
    expected = "bad" + "".join(stream.next().character for _ in range(60))

    ended = run_here(
        "generate", "bad", "-n", "60", "-t", "1", "--rng-seed", "3", "-m", model, *options(*CLAMPS)
    )

    assert ended.stdout.decode() == expected


def test_the_history_replays_the_text_with_the_clamps(model: str) -> None:
    generated = run_here("generate", "bad", "-n", "60", "-m", model, *options(*CLAMPS))

    replayed = run_here("history", "replay", "1")
    shown = run_here("history", "show", "1").stdout.decode()

    assert (replayed.returncode, replayed.stdout) == (0, generated.stdout)
    assert replayed.stderr == b""
    assert "clamped     0:c2=6, 0:h3=-2" in shown


def test_several_texts_and_records_are_clamped_too(model: str) -> None:
    arguments = ("generate", "-n", "30", "-t", "1", "--rng-seed", "3", "-m", model, "--json")
    free = run_here(*arguments).stdout.splitlines()

    held = run_here(*arguments, "--count", "2", *options(*CLAMPS)).stdout.splitlines()

    first = [json.loads(line) for line in held if json.loads(line)["rng_seed"] == 3]
    assert len(first) == len(free) == 30
    assert [each["probability"] for each in first] != [
        json.loads(line)["probability"] for line in free
    ]


@pytest.mark.parametrize("clamp", ["1:0=1", "0:16=1", "0:1", "0:1=x", "c1=1"])
def test_an_invalid_clamp_is_reported(model: str, clamp: str) -> None:
    ended = run_here("generate", "-m", model, "--clamp", clamp)

    assert (ended.returncode, ended.stdout) == (2, b"")
    assert "Received: " in ended.stderr.decode()
    assert "Traceback" not in ended.stderr.decode()
