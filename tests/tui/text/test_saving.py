"""Saved texts: never overwritten, and with the settings that reproduce them."""

import datetime
import json
import re
import shlex
import stat
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from tests.support.command import PATIENCE, invoke_alone
from tests.support.openings import opening_of
from tests.support.tiny_model import JAMO_VOCABULARY, tiny_model_file
from tui_charrnn.cli.generate import generate
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.neuron import parse_clamps
from tui_charrnn.generation.tree import Branch
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.paths import file_mark
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.saving import (
    describe,
    save_text,
    text_files,
    texts_folder,
    write_new,
)
from tui_charrnn.tui.text.tape_start import (
    GenerationResult,
    in_effect,
    result_of,
)

NOW = datetime.datetime(2026, 2, 3, 14, 25, 1, tzinfo=datetime.UTC)
COOL, HOT = SamplingConfig(temperature=0.4), SamplingConfig(temperature=1.6)


def generated(
    model: Path,
    *,
    seed_text: str = "-badge\nñ 'cab'",
    sampling: SamplingConfig = SamplingConfig(temperature=1.1, top_k=7, top_p=0.9),  # noqa: B008 - frozen
    length: int = 300,
) -> GenerationResult:
    """Return the result of a text generated from a model file, as in the app."""
    loaded = LoadedModel(
        load_model(model), ModelLabel("tiny", "file"), file=model, mark=file_mark(model)
    )
    opening = opening_of(loaded, seed_text, sampling)
    tape, text = opening.tape, ""
    while len(text) < length and not tape.stream.is_complete:  # complete at the end of an acrostic
        text += tape.next().character
    return GenerationResult(opening, text, ((0, sampling),))


def settings_beside(text: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(text.with_suffix(".json").read_text())
    return settings


@pytest.mark.parametrize(
    "sampling",
    [
        SamplingConfig(temperature=1.1, top_k=7, top_p=0.9),
        SamplingConfig(repetition_penalty=1.3, forbid="e", line_starts="ab"),
        SamplingConfig(allow="abcde\n", acrostic="cab", hangul="any"),
    ],
)
def test_the_saved_command_generates_the_very_same_text(
    tmp_path: Path, sampling: SamplingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TOP_K": "1", "TOP_P": "0.1", "MIN_P": "0.9"}.items():
        monkeypatch.setenv(f"CHARRNN_{name}", value)  # the user's defaults do not matter
    model = tiny_model_file(tmp_path / "tiny.safetensors")
    original = generated(model, sampling=sampling, length=20)
    path = write_new("text", NOW, text_files(original.text, describe(original, NOW)))
    program, command, *arguments = shlex.split(settings_beside(path)["command"])
    assert (program, command) == ("charrnn-tui", "generate")
    result = invoke_alone(generate, *arguments)
    assert result.stdout_bytes == path.read_bytes() == original.text.encode()


def test_all_settings_are_saved(tmp_path: Path) -> None:
    original = generated(tiny_model_file(tmp_path / "tiny.safetensors"))
    settings = describe(original, NOW)
    assert settings["saved"] == "2026-02-03T14:25:01Z"
    assert settings["model"]["label"] == "model tiny"
    assert len(settings["model"]["sha256"]) == 64
    assert settings["seed_text"] == "-badge\nñ 'cab'"
    assert settings["left_out"] == ["-", "ñ", "'", "'"]
    assert settings["length"] == 300
    assert settings["rng_seed"] == original.opening.rng_seed
    assert (settings["temperature"], settings["top_k"], settings["top_p"]) == (1.1, 7, 0.9)
    assert settings["no_command_because"] is None


def test_a_changed_temperature_is_recorded_without_a_command(
    tmp_path: Path,
) -> None:
    original = generated(tiny_model_file(tmp_path / "tiny.safetensors"))._replace(
        sampling=((0, COOL), (120, HOT))
    )
    settings = describe(original, NOW)
    assert settings["temperature"] == 0.4
    assert [(part["after"], part["temperature"]) for part in settings["changes"]] == [(120, 1.6)]
    assert settings["command"] is None
    assert "changed" in settings["no_command_because"]


def test_a_replaced_model_file_is_recorded_without_a_command(tmp_path: Path) -> None:
    model = tiny_model_file(tmp_path / "tiny.safetensors")
    original = generated(model)
    model.unlink()
    assert describe(original, NOW)["command"] is None
    tiny_model_file(model, vocabulary="abc")
    settings = describe(original, NOW)
    assert settings["command"] is None
    assert settings["model"]["sha256"] is None
    assert "replaced" in settings["no_command_because"]


def test_no_file_is_overwritten() -> None:
    files = {".txt": b"1", ".json": b"{}"}
    first = write_new("text", NOW, files)
    first.with_name(f"{first.stem}-2.json").write_text("mine")
    second = write_new("text", NOW, files | {".txt": b"2"})
    assert f"{NOW.astimezone():text-%Y%m%d-%H%M%S.txt}" == first.name
    assert second.name == f"{first.stem}-3.txt"
    assert first.read_bytes() == b"1"
    assert first.with_name(f"{first.stem}-2.json").read_text() == "mine"
    assert not first.with_name(f"{first.stem}-2.txt").exists()


def test_a_refused_write_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def full_disk(path: Path, *mode: Any) -> Any:
        if path.suffix == ".json":
            raise OSError(28, "No space left on device", str(path))
        return opened(path, *mode)

    monkeypatch.setattr(Path, "open", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_new("text", NOW, {".txt": b"1", ".json": b"{}"})
    assert list(texts_folder().iterdir()) == []


def test_texts_are_saved_in_the_users_data_folder(tmp_path: Path) -> None:
    path = write_new("text", NOW, text_files("half \ud800 pair", {}))
    assert path.parent == texts_folder()
    assert path.parent.name == "texts"
    assert tmp_path in path.parents
    assert path.read_bytes() == rb"half \ud800 pair"
    assert stat.S_ISREG(path.stat().st_mode)


def test_only_settings_that_chose_a_character_count() -> None:

    def found(changes: list[tuple[int, SamplingConfig]], end: int) -> object:
        branch = Branch(0, None, 0, "1", changes, [], [])
        return in_effect([(branch, end)], lambda branch: branch.sampling)

    assert found([(0, COOL)], 0) == ((0, COOL),)
    assert found([(0, COOL), (5, HOT)], 5) == ((0, COOL),)
    assert found([(0, COOL), (5, HOT)], 6) == ((0, COOL), (5, HOT))
    assert found([(0, COOL), (0, HOT)], 6) == ((0, HOT),)
    assert found([(0, COOL), (5, HOT), (5, COOL)], 6) == ((0, COOL),)


def test_a_branch_where_cells_are_released_is_not_recorded_as_clamped(tmp_path: Path) -> None:
    """It forks exactly where its parent released them, without a change of its own."""
    loaded = LoadedModel(load_model(tiny_model_file(tmp_path / "tiny")), ModelLabel("tiny"))
    clamps = parse_clamps(["0:h0=1"], loaded.model.config)
    opening = opening_of(loaded, "bad", COOL, clamps)
    tape = opening.tape
    for _ in range(5):
        tape.next()
    tape.stream.clamps = ()
    tape.next()
    tape.rewind(5)
    tape.next()
    assert tape.branch.number == 1
    expected = ((0, ("0:h0=1",)), (5, ()))
    assert [result_of(opening, each, 6).clamps for each in (0, 1)] == [expected, expected]


def test_the_note_counts_syllables_and_not_their_jamo(tmp_path: Path) -> None:
    model = tiny_model_file(tmp_path / "jamo.safetensors", vocabulary=JAMO_VOCABULARY, units="jamo")
    original = generated(model, seed_text="", sampling=COOL, length=60)
    notes: Queue[NoteWritten] = Queue()
    save_text(original, notes.put)
    (path,) = re.findall(r" to (.+)", sentence := notes.get(timeout=PATIENCE).sentence)
    saved = Path(path).read_text("utf-8")
    assert sentence.startswith(f"Saved {len(saved):,} characters")
    assert len(original.text) > len(saved)
