"""A tape file is opened with the model that generated it, or not at all."""

import json
from pathlib import Path

import pytest

from tests.support.tiny_model import tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import DataError
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tape_file import tape_document
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.session import GenerationSettings
from tui_charrnn.tui.text.external_text import load_recording
from tui_charrnn.tui.text.model_loader import LoadedModel, Wait
from tui_charrnn.tui.text.tape_start import Opening

RECORDED, OTHER = tiny_model(rng_seed=0), tiny_model(rng_seed=1)


def opening(folder: Path, named: LoadedModel, default: LoadedModel) -> Opening:
    stream = CharacterStream(RECORDED, SamplingConfig())
    tape = Tape(stream, stream.prime("bad").text)
    path = folder / "tape.json"
    document = {**tape_document(tape), "model_file": "/models/\x1bmine"}
    path.write_text(json.dumps(document), encoding="utf-8")

    def load(file: str | None, _: Wait) -> LoadedModel:
        return default if file is None else named

    task = BackgroundTask("tape", lambda _: None)
    return load_recording(path, load, GenerationSettings(), task)


def loaded(weights: str) -> LoadedModel:
    model = RECORDED if weights == "recorded" else OTHER
    return LoadedModel(model, ModelLabel(weights))


@pytest.mark.parametrize(("named", "default"), [("recorded", "other"), ("other", "recorded")])
def test_the_model_of_the_tape_is_found_by_its_weights(
    tmp_path: Path, named: str, default: str
) -> None:
    found = opening(tmp_path, loaded(named), loaded(default))
    assert found.loaded.label == ModelLabel("recorded")


def test_a_tape_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"/models/.*mine, was deleted or replaced") as caught:
        opening(tmp_path, loaded("other"), loaded("other"))
    assert "\x1b" not in str(caught.value)
