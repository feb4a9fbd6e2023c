"""The command `memory`, with trainings that end immediately."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests.support.command import invoke_alone
from tests.support.fake_run import FakeTrainer
from tests.support.tiny_model import tiny_config, tiny_model, tiny_model_file
from tui_charrnn.cli.gradients import memory
from tui_charrnn.cli.launching import FollowOptions
from tui_charrnn.cli.reporting import LineReporter
from tui_charrnn.errors import CharRNNError, ExitCode
from tui_charrnn.lens.influence import decay_distance
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import MemoryMeasured
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.viewing.gradient_pictures import measure_model
from tui_charrnn.viewing.run_view import RunView

TEXT = "bad cab, a big jade face.\n" * 20


invoke = partial(invoke_alone, memory)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_document_has_what_is_measured(tmp_path: Path, text: Path) -> None:
    paths = [tiny_model_file(tmp_path / f"{seed}.safetensors", rng_seed=seed) for seed in (1, 2)]
    document = json.loads(invoke(*paths, "--text", text, "--reach", 30, "--json").stdout)
    assert (document["reach"], document["characters"]) == (30, 520)
    for seed, model in zip((1, 2), document["models"], strict=True):
        curve = measure_model("", tiny_model(rng_seed=seed), TEXT, reach=30)
        assert model["influence"] == pytest.approx(curve.memory.influence.tolist())
        assert model["half"] == decay_distance(curve.memory.influence, 0.5)
        assert len(model["hidden"]) == 30


@pytest.mark.parametrize("cell", ["lstm+norm", "gru", "rnn"])
def test_every_cell_is_drawn_also_in_ascii(tmp_path: Path, text: Path, cell: str) -> None:
    path = tiny_model_file(tmp_path / "one.safetensors", config=tiny_config(cell=cell))
    drawn = invoke(path, "--text", text, "--ascii").stdout
    assert drawn.isascii()
    assert f"1x5 {cell}" in drawn
    assert "characters back" in drawn


def test_without_a_text_and_without_its_corpus_it_is_an_error(tmp_path: Path) -> None:
    path = tiny_model_file(tmp_path / "one.safetensors")
    error = invoke(path).exception
    assert isinstance(error, CharRNNError)


@pytest.mark.parametrize("option", [("--reach", 0), ("--reach", 501), ("--characters", 1)])
def test_numbers_out_of_bounds_are_refused(tmp_path: Path, option: tuple[str, int]) -> None:
    refused = invoke(tmp_path / "one.safetensors", *option)
    assert refused.exit_code == 2
    assert f"'{option[0]}': {option[1]} is not in the range" in refused.stderr


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cells and sizes in the order of training; each model is random and ready immediately."""
    cells: list[str] = []

    def train(run: RunDirectory, *_: object) -> ExitCode:
        config = read_description(run).model
        cells.append(f"{config.cell} {config.hidden_size}")
        with FakeTrainer(run) as trainer:
            trainer.start()
            trainer.train(3.0)
            trainer.save(3.0, is_best=True)
            trainer.end()
        return ExitCode.OK

    monkeypatch.setattr("tui_charrnn.cli.launching.train_headless", train)
    return cells


TRAIN = ("--train", "--hidden-size", 6, "--train-time", "15s", "--reach", 20)


def test_three_cells_are_trained_and_drawn_one_after_another(
    text: Path, trained: list[str]
) -> None:
    drawn = invoke(text, *TRAIN).stdout
    assert trained == ["rnn 6", "gru 6", "lstm 6"]
    rows = [row.split() for row in drawn.splitlines()]
    cells = [row[1] for row in rows if row[0:1] in (["●"], ["◆"], ["▲"]) and row[2:3] == ["1x6"]]
    assert cells == ["rnn", "rnn", "gru", "rnn", "gru", "lstm"]


def test_what_was_trained_before_is_taken_as_it_is(text: Path, trained: list[str]) -> None:
    invoke(text, *TRAIN)
    again = invoke(text, *TRAIN, "--json")
    assert len(trained) == 3
    document = json.loads(again.stdout)
    assert [model["network"] for model in document["models"]] == ["1x6 rnn", "1x6 gru", "1x6 lstm"]


def test_standard_input_is_trained_on_and_measured(trained: list[str]) -> None:
    ended = invoke("-", *TRAIN, "--json", stdin=TEXT)
    assert trained == ["rnn 6", "gru 6", "lstm 6"]
    assert json.loads(ended.stdout)["characters"] == len(TEXT)


def test_a_training_that_ends_early_ends_the_command(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = ExitCode.RESUME_ME
    monkeypatch.setattr("tui_charrnn.cli.launching.train_headless", lambda *_: code)
    ended = invoke(text, *TRAIN)
    assert ended.exit_code == code
    assert not ended.stdout


@pytest.mark.parametrize("ascii_option", [(), ("--ascii",)])
def test_what_a_cell_records_is_drawn_while_it_trains(
    text: Path, monkeypatch: pytest.MonkeyPatch, ascii_option: tuple[str, ...]
) -> None:
    drawn: list[str] = []

    def train(run: RunDirectory, options: FollowOptions, _: object) -> ExitCode:
        with RunWriter(run) as writer:
            writer.append(MemoryMeasured(10, 3, None, 100, (1.0, 0.1, 0.0)))
        LineReporter(RunView(run)).poll(options.rows_of)
        return ExitCode.RESUME_ME

    monkeypatch.setattr("tui_charrnn.cli.launching.train_headless", train)
    monkeypatch.setattr("tui_charrnn.cli.reporting.print_message", drawn.append)
    invoke(text, *TRAIN, *ascii_option)
    assert drawn[0] == "step 10: under a half from 3, a tenth from >100"
    assert drawn[1].startswith("h ")
    assert drawn[1].strip("h ")
    assert drawn[1].isascii() == bool(ascii_option)
    assert len(drawn) == 2
