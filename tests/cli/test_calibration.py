"""`models calibrate`, `models show` and `score --calibration`."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.command import invoke_alone, run_here
from tests.support.markov_model import markov_model, random_transitions
from tests.support.tiny_model import tiny_model_bytes
from tui_charrnn.cli.models import models_app
from tui_charrnn.errors import CharRNNError, ConfigError, CorpusError, DataError
from tui_charrnn.generation.calibration import Bin
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.model.checkpoint import load_model, serialize_model
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.vocabulary import END, Vocabulary
from tui_charrnn.viewing.probability_rows import reliability_lines

LETTERS = "\nabcd"
TRANSITIONS = random_transitions(len(LETTERS))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12,000 characters of a chain."""
    rng, last, generated = np.random.default_rng(0), 0, []
    for _ in range(12_000):
        last = int(rng.choice(len(LETTERS), p=TRANSITIONS[last]))
        generated.append(LETTERS[last])
    path = tmp_path_factory.mktemp("text") / "chain.txt"
    path.write_text("".join(generated), encoding="utf-8")
    return path


@pytest.fixture
def model(tmp_path: Path, text: Path) -> Path:
    """A model of the same chain with doubled logits, trained on the first half of the text."""
    chain, corpus = markov_model(TRANSITIONS, LETTERS), read_corpus([str(text)])
    tensors = dict(tensors_from_weights(chain.weights, chain.config))
    tensors |= {name: 2 * tensors[name] for name in ("output.kernel", "output.bias")}
    facts = {"name": "chain", "sha256": corpus.sha256, "training_characters": 6_000}
    path = tmp_path / "sure.safetensors"
    path.write_bytes(
        serialize_model(tensors, chain.config, chain.vocabulary, corpus=facts, training={"step": 1})
    )
    return path


run = partial(invoke_alone, models_app)


def failure(*words: object) -> CharRNNError:
    error = run(*words).exception
    assert isinstance(error, CharRNNError)
    return error


def test_a_copy_is_calibrated_and_the_model_stays_as_it_is(model: Path, text: Path) -> None:
    before, copy = model.read_bytes(), model.with_name("copy.safetensors")
    ended = run("calibrate", model, copy, "--text", text)
    assert ended.exit_code == 0
    assert ended.stdout.split() == [str(copy)]
    assert model.read_bytes() == before
    fitted = load_model(copy).calibration
    assert fitted is not None
    assert fitted.temperature == pytest.approx(2, rel=0.1)
    assert f"Temperature {fitted.temperature:.4f}, fitted on 3,000 characters" in ended.stderr
    assert f"{fitted.loss_before:.4f} to {fitted.loss:.4f} nats" in ended.stderr
    assert "the held-out part of chain" in ended.stderr


def test_only_the_held_out_part_of_its_own_text_is_used(model: Path, text: Path) -> None:
    copy = model.with_name("copy.safetensors")
    run("calibrate", model, copy, "--text", text)
    fitted, tail = load_model(copy).calibration, text.read_text(encoding="utf-8")[6_000:]
    assert fitted is not None
    judged = load_model(model).vocabulary.spell(tail[3_000:]).indices
    assert fitted.loss_before == float(TextScorer(load_model(model)).nats(judged).mean())


def test_the_held_out_part_of_records_is_that_of_their_shuffled_order(
    text: Path, tmp_path: Path
) -> None:
    reading = Reading(records="line")
    corpus = read_corpus([str(text)], reading)
    split, letters = corpus.split(0.5), END + LETTERS[1:]
    chain = markov_model(TRANSITIONS, letters)
    facts = {"sha256": corpus.sha256, "training_characters": split, "records": "line"}
    path, copy = tmp_path / "records.safetensors", tmp_path / "copy.safetensors"
    tensors = dict(tensors_from_weights(chain.weights, chain.config))
    tensors |= {name: 2 * tensors[name] for name in ("output.kernel", "output.bias")}
    vocabulary = Vocabulary(letters, end_symbol=END)
    path.write_bytes(
        serialize_model(tensors, chain.config, vocabulary, corpus=facts, training={"step": 1})
    )
    ended = run("calibrate", path, copy, "--text", text)
    assert "the held-out part of" in ended.stderr
    fitted, held_out = load_model(copy).calibration, corpus.ordered.decode(split)
    assert fitted is not None
    judged = vocabulary.spell(held_out[len(held_out) // 2 :]).indices[: fitted.judged_characters]
    assert fitted.loss_before == float(TextScorer(load_model(path)).nats(judged).mean())


def test_of_another_text_all_is_taken(model: Path, text: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(text.read_text(encoding="utf-8")[::-1], encoding="utf-8")
    ended = run("calibrate", model, tmp_path / "copy", "--text", other)
    assert "Fitting and evaluating on all of other ..." in ended.stderr
    assert "fitted on 6,000 characters; on 6,000 others" in ended.stderr


def test_a_model_is_never_written_over(model: Path, text: Path) -> None:
    assert isinstance(failure("calibrate", model, model, "--text", text), ConfigError)
    again = failure("calibrate", model, model, "--text", text, "--force")
    assert "is the original model" in str(again)
    assert load_model(model).calibration is None


def test_without_a_lower_loss_nothing_is_written(model: Path, text: Path, tmp_path: Path) -> None:
    halves = tmp_path / "halves.txt"  # one that the model is too sure of, one that it predicts
    likeliest = [LETTERS[int(row.argmax())] for row in TRANSITIONS]
    generated = text.read_text(encoding="utf-8")
    for _ in range(len(generated)):
        generated += likeliest[LETTERS.index(generated[-1])]
    halves.write_text(generated, encoding="utf-8")
    error = failure("calibrate", model, tmp_path / "copy", "--text", halves)
    assert isinstance(error, DataError)
    assert "does not lower the loss" in str(error)
    assert not (tmp_path / "copy").exists()


def test_what_cannot_be_calibrated_is_explained(model: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("abcd" * 900, encoding="utf-8")
    error = failure("calibrate", model, tmp_path / "copy", "--text", short)
    assert isinstance(error, DataError)
    assert "at least 4,000" in str(error)
    nameless = tmp_path / "nameless.safetensors"
    nameless.write_bytes(tiny_model_bytes())
    assert isinstance(failure("calibrate", nameless, tmp_path / "copy"), CorpusError)
    assert not (tmp_path / "copy").exists()


def test_a_model_shows_its_calibration(model: Path, text: Path) -> None:
    copy = model.with_name("copy.safetensors")
    run("calibrate", model, copy, "--text", text)
    fitted = load_model(copy).calibration
    assert fitted is not None
    assert "temperature  1, not calibrated" in run("show", model).stdout
    assert f"temperature  {fitted.temperature:.4f}, fitted on" in run("show", copy).stdout
    printed = json.loads(run("show", copy, "--json").stdout)
    assert printed["calibration"]["loss"] == fitted.loss
    assert json.loads(run("show", model, "--json").stdout)["calibration"] is None


def test_score_draws_the_diagram(model: Path, text: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    ended = run_here("score", str(text), "-m", str(model), "--calibration", "--html", str(page))
    lines = ended.stdout.decode("ascii").splitlines()
    assert len(lines) < 24
    assert all(len(line) < 80 for line in lines[2:])
    bins = [line for line in lines if line.split()[1:2] == ["%"] and "-" in line.split()[0]]
    assert len(bins) == 10
    assert sum(int(line.split()[2].replace(",", "")) for line in bins) == 12_000
    written = page.read_text(encoding="utf-8")
    assert "<svg" in written
    assert bins[-1].strip() in written
    ended = run_here("score", str(text), "-m", str(model), "--calibration", "--json")
    (score,) = json.loads(ended.stdout)["scores"]
    assert f"{100 * score['calibration_error']:.2f} %" in lines[-1]
    sure: dict[str, Any] = max(score["reliability"], key=lambda each: each["symbols"])
    assert sure["observed"] < sure["expected"]


@pytest.mark.parametrize("width", [38, 60, 78])
def test_the_diagram_has_a_mark_where_it_was_expected(width: int) -> None:
    bins = [Bin(0, 0.5, 0, None, None), Bin(0.5, 1, 1_000, 0.75, 0.5), Bin(0.5, 1, 7, 1.0, 1.0)]
    _, empty, half, whole, *_ = reliability_lines(bins, 0.25, width)
    assert empty.split()[:2] == ["0-50", "%"]
    bar = half.split("%")[-1].strip("\n")[2:]
    most = width - (42 if width >= 66 else 30)
    assert (bar.index("│"), bar.count("█")) == (round(0.75 * most), round(0.5 * most))
    assert whole.endswith("█│")
    assert max(map(len, (half, whole))) <= width
