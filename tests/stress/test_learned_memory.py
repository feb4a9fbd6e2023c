"""What a trained network remembers is seen in its influence, and what it forgets is not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.log_probability import log_probability
from tui_charrnn.generation.model_lookup import find_model
from tui_charrnn.lens.influence import ForwardPass
from tui_charrnn.model.checkpoint import load_model

pytestmark = [pytest.mark.stress, pytest.mark.trainer]

GAP = 20
BLOCK = GAP + 2
"""A letter, noise, the same letter again, a line end."""


def copying_text(blocks: int) -> str:
    rng = np.random.default_rng(0)
    letters = rng.choice(list("abcd"), blocks)
    noise = rng.choice(list("01"), (blocks, GAP - 1))
    rows = zip(letters, noise, strict=True)
    return "".join(f"{letter}{''.join(signs)}{letter}\n" for letter, signs in rows)


def trained(folder: Path, cell: str, hidden_size: int, steps: int) -> Path:
    """A run that has learned from the text in a folder."""
    words = ["--cell", cell, "--hidden-size", str(hidden_size), "--steps", str(steps)]
    words += ["--layer-norm", "false", "--batch-size", "32", "--learning-rate", "0.005"]
    words += ["--dropout", "0.2", "--name", cell, "--runs-dir", str(folder)]
    words += ["--no-samples", "--quiet", "--headless"]
    command = [sys.executable, "-m", "tui_charrnn", "train", str(folder / "text.txt"), *words]
    subprocess.run(command, check=True, capture_output=True)
    return find_model(cell, folder)


def share_at_the_gap(model_file: Path, text: str) -> tuple[float, float]:
    """Mean log probability of the second letters, and the influence of the first ones on them.

    The latter is a share of the largest influence at any distance.
    """
    model = load_model(model_file)
    indices = model.vocabulary.spell(text).indices
    places = np.arange(3 * BLOCK + GAP, len(indices), BLOCK)
    assert all(text[place] == text[place - GAP] != "\n" for place in places)
    passage = ForwardPass(model.weights, model.config, indices)
    found = passage.influence(places, 2 * GAP).inputs.mean(axis=0)
    learned = log_probability(passage, model.weights, model.config, places)
    return float(learned.mean()), found[GAP - 1] / found.max()


def test_what_is_copied_from_20_back_has_influence_and_a_small_rnn_shows_none(
    tmp_path: Path,
) -> None:
    text = copying_text(15_000)
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    tail = text[-200 * BLOCK :]
    learned, share = share_at_the_gap(trained(tmp_path, "lstm", 32, 4_000), tail)
    assert learned > -0.1  # it copies; a guess among four letters has -1.39
    assert share > 0.2
    guessed, small = share_at_the_gap(trained(tmp_path, "rnn", 8, 4_000), tail)
    assert guessed < -1.0
    assert small < 0.1
