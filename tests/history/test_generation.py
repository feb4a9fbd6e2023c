"""The origin of a model, and whether its text can be generated again."""

import hashlib
import os
from pathlib import Path

import pytest

from tui_charrnn.config import SamplingConfig
from tui_charrnn.history.generation import Generation, file_sha256, reference_to, why_no_replay
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.paths import file_mark


def test_an_untouched_file_has_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"weights")

    origin = reference_to(path, file_mark(path), ModelLabel("mine"))

    assert (origin.label, origin.file) == (ModelLabel("mine"), str(path))
    assert origin.sha256 == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize("is_replaced", [True, False], ids=["replaced", "gone"])
def test_a_file_that_did_not_stay_has_none(tmp_path: Path, is_replaced: bool) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"weights")
    mark = file_mark(path)
    path.unlink()
    if is_replaced:
        (tmp_path / "other").write_bytes(b"other weights")
        Path(tmp_path / "other").replace(path)

    origin = reference_to(path, mark, ModelLabel("mine"))

    assert origin.sha256 is None
    generation = Generation(
        seed_text="",
        text="x",
        length=1,
        sampling=((0, SamplingConfig()),),
        rng_seed=1,
        model=origin,
    )
    assert "replaced" in why_no_replay(generation)


def test_a_pipe_in_the_place_of_a_model_is_refused_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model")
    with pytest.raises(OSError, match="pipe"):
        file_sha256(tmp_path / "model")
