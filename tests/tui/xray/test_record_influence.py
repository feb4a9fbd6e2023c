"""The influence coloring with records: earlier records have no influence."""

from functools import partial
from pathlib import Path

import numpy as np

from tests.support.command import PATIENCE, wait_for
from tests.support.record_model import record_model_file
from tui_charrnn.config import SamplingConfig
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.lens.influence import ForwardPass
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.tui.session import GenerationSettings
from tui_charrnn.tui.text.generation_thread import GenerationThread
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.tape_start import start_tape
from tui_charrnn.tui.xray.colorings import compute_influence


def test_influence_ends_at_the_end_of_a_record(tmp_path: Path) -> None:
    model = load_model(record_model_file(tmp_path / "names.safetensors"))
    settings = GenerationSettings()
    settings.speed, settings.length = None, 10**6
    settings.sampling = SamplingConfig(rng_seed=3)
    generation = GenerationThread(settings, lambda _: None)
    loaded = LoadedModel(model, ModelLabel("names"))
    generation.begin(partial(start_tape, lambda _: loaded, ""))
    wait_for("the first record", lambda: generation.tape is not None, PATIENCE)
    tape = generation.tape
    assert tape is not None
    wait_for("its end", lambda: tape.stream.is_between_records)
    while tape.position < 60:
        tape.next()
    indices = np.array([0, *tape.tree.indices(0, 0, 60)])
    place = int(np.flatnonzero(indices == 0)[-1]) - 1  # position on the tape of the last end symbol
    begin = int(np.flatnonzero(indices[: place + 1] == 0)[-1])
    own = indices[begin : place + 2]
    passage = ForwardPass(model.weights, model.config, own)
    expected = passage.influence(np.array([len(own) - 1]), len(own) - 1).inputs[0]
    np.testing.assert_allclose(compute_influence(generation, tape, 0, place).influence, expected)
