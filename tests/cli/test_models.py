"""`models` lists the models and shows their metadata."""

import json
from pathlib import Path

import pytest

from tests.support.fake_run import created_run
from tests.support.tiny_model import TINY_VOCABULARY, tiny_model_bytes
from tui_charrnn import folders
from tui_charrnn.cli import models
from tui_charrnn.generation.model_lookup import find_model
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.checkpoints import save_checkpoint
from tui_charrnn.runs.layout import RunDirectory


@pytest.fixture
def runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs folder and one bundled model."""
    bundled = tmp_path / "bundled" / "small.safetensors"
    bundled.parent.mkdir()
    bundled.write_bytes(tiny_model_bytes())
    monkeypatch.setattr(folders, "bundled_models", lambda: {"small": bundled})
    return tmp_path / "runs"


def trained_run(folder: Path, model: bytes) -> RunDirectory:
    run = created_run(folder)
    save_checkpoint(run, step=3, model=model, training=b"", loss=1.0, is_best=True, keep=5)
    return run


def listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    models.list_all(folder, as_json=True)
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_bundled_models_come_first_then_those_of_runs(
    runs_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained_run(runs_folder, tiny_model_bytes())
    models.list_all(runs_folder)
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["MODEL", "FROM", "CORPUS"]
    assert [row.split()[:2] for row in rows] == [["small", "bundled"], [run.name, "run"]]


def test_the_unit_of_a_vocabulary_is_shown(
    runs_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained_run(runs_folder, tiny_model_bytes(units="jamo"))
    models.list_all(runs_folder)
    heading, characters, jamo = capsys.readouterr().out.splitlines()
    assert heading.split()[5:] == ["VOCABULARY", "NATS/CHAR", "BITS/CHAR", "SIZE"]
    assert f" {len(TINY_VOCABULARY)} jamo " in jamo
    assert " jamo " not in characters


def test_each_name_leads_to_its_file(runs_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained_run(runs_folder, tiny_model_bytes())
    for model in listed(runs_folder, capsys):
        assert str(find_model(str(model["name"]), runs_folder)) == model["path"]


def test_the_parameters_are_those_of_the_file(
    runs_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (only,) = listed(runs_folder, capsys)
    model = load_model(Path(str(only["path"])))
    tensors = tensors_from_weights(model.weights, model.config)
    assert only["parameters"] == sum(tensor.size for tensor in tensors.values())
    assert only["vocabulary"] == model.vocabulary.characters


def test_a_run_hides_the_bundled_model_of_its_name(
    runs_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained_run(runs_folder, tiny_model_bytes())
    run.path.rename(runs_folder / "small")
    (only,) = listed(runs_folder, capsys)
    assert only["origin"] == "run"
    assert only["path"] == str(find_model("small", runs_folder))


def test_a_run_that_has_saved_nothing_is_left_out(
    runs_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    created_run(runs_folder)
    assert [model["name"] for model in listed(runs_folder, capsys)] == ["small"]


def test_a_damaged_model_is_named_beside_the_others(
    runs_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained_run(runs_folder, tiny_model_bytes()[:-1])
    models.list_all(runs_folder)
    written = capsys.readouterr()
    assert [row.split()[0] for row in written.out.splitlines()[1:]] == ["small"]
    assert written.err.startswith(f"{run.name}: ")
    assert "is truncated" in written.err
    assert "is truncated" in str(listed(runs_folder, capsys)[1]["problem"])


def test_without_models_it_prints_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(folders, "bundled_models", dict)
    models.list_all(tmp_path)
    written = capsys.readouterr()
    assert not written.out
    assert "charrnn-tui train" in written.err
