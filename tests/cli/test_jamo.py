"""Commands with a model of jamo read and print syllables."""

import io
import json
from pathlib import Path

import pytest

from tests.support.command import invoke_alone
from tests.support.tiny_model import JAMO_VOCABULARY, tiny_model, tiny_model_file
from tui_charrnn import folders
from tui_charrnn.cli.fill import fill
from tui_charrnn.cli.generate import generate
from tui_charrnn.cli.history import history_app
from tui_charrnn.cli.lens import embedding
from tui_charrnn.cli.output import TextOutput
from tui_charrnn.cli.samples import OneText, PlainWriter, Sample, generate_samples
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream, StopStrings
from tui_charrnn.hangul import INITIALS, is_jamo, split_syllables


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model_file(
        tmp_path / "korean.safetensors", vocabulary=JAMO_VOCABULARY, units="jamo"
    )


@pytest.fixture
def bundled(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bundled models, of which the English one is the user's default."""
    english = tiny_model_file(tmp_path / "shakespeare.safetensors")
    models = {"shakespeare": english, "korean": model}
    monkeypatch.setattr(folders, "bundled_models", lambda: models)


def test_the_history_keeps_syllables_and_replays_their_jamo(model: Path) -> None:
    written = invoke_alone(generate, "가각", "-n", 60, "-t", 2, "--model", model).stdout
    assert not any(map(is_jamo, written))
    (entry,) = json.loads(invoke_alone(history_app, "list", "--json").stdout)
    assert entry["seed_text"] + entry["text"] == written
    assert entry["length"] == len(split_syllables(entry["text"])) > len(entry["text"])
    word = next(each for each in entry["text"].split() if len(each) > 2)
    for query in (word, split_syllables(word), word[:1]):
        found = invoke_alone(history_app, "search", query, "--json").stdout
        assert json.loads(found) == [entry]
    replayed = invoke_alone(history_app, "replay", 1)
    assert (replayed.stdout, replayed.stderr) == (written, "")
    shown = invoke_alone(history_app, "show", 1).stdout
    assert f"{len(entry['text'])} characters ({entry['length']} jamo) after it" in shown


@pytest.mark.parametrize("rng_seed", range(6))
def test_a_text_does_not_end_in_the_middle_of_a_syllable(rng_seed: int) -> None:
    korean = tiny_model(vocabulary=JAMO_VOCABULARY, units="jamo")
    lengths = set()
    for length in range(1, 9):
        file = io.BytesIO()
        stream = CharacterStream(korean, SamplingConfig(rng_seed=rng_seed))
        samples = [Sample(rng_seed, None, StopStrings([]))]
        writer = PlainWriter(TextOutput(file, terminal_encoding=None), samples)
        generate_samples(OneText(stream), samples, writer, length)
        text = file.getvalue().decode()
        assert text[-1] not in INITIALS
        lengths.add(len(text) - length)
    assert lengths == {0, 1}


def test_no_characters_are_none(model: Path) -> None:
    assert invoke_alone(generate, "가", "-n", 0, "--model", model).stdout == "가"


def test_hangul_is_filled_by_the_korean_model_where_none_was_chosen(bundled: None) -> None:
    korean = json.loads(invoke_alone(fill, "가▢ 각", "--json").stdout)
    assert korean["model"] == "korean"
    assert not any(is_jamo(each["fill"]) for each in korean["candidates"])
    assert json.loads(invoke_alone(fill, "ba▢", "--json").stdout)["model"] == "shakespeare"
    chosen = json.loads(invoke_alone(fill, "가▢", "--json", "--model", "shakespeare").stdout)
    assert chosen["model"] == "shakespeare"
    assert "Model: korean." in invoke_alone(fill, "가▢ 각").stdout


def test_a_text_is_measured_by_the_model_of_its_script(bundled: None, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("가각 내 ", encoding="utf-8")
    measured = invoke_alone(fill, "--over", tmp_path / "text", "--right", 2, "--places", 2)
    assert "bits per jamo" in measured.stdout


def test_another_model_suggests_the_korean_one_for_hangul(bundled: None) -> None:
    printed = invoke_alone(generate, "가", "-n", 1, "--model", "shakespeare").stderr
    assert "--model korean knows it." in printed
    assert "korean" not in invoke_alone(generate, "Ω", "-n", 1, "--model", "shakespeare").stderr


def test_the_neighbors_of_a_syllable_are_those_of_its_jamo(model: Path) -> None:
    printed = invoke_alone(embedding, model, "--character", "각").stdout.splitlines()
    names = [line.split(":")[0] for line in printed if ":" in line]
    assert names[:3] == ["ㄱ", "ㅏ", "-ㄱ"]
    assert not any(is_jamo(character) for line in printed for character in line)
    assert "  finals" in "".join(printed)


def test_copied_passages_are_counted_in_jamo(model: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("가각 내 " * 9, encoding="utf-8")
    printed = invoke_alone(
        generate, "가", "-n", 9, "--model", model, "--originality", "--corpus", tmp_path / "text"
    ).stderr
    assert "in passages of 40 jamo or more: 0 of " in printed
