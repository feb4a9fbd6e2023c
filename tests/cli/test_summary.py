"""What is told before a run begins."""

from pathlib import Path

from tests.support.fake_run import created_run, fake_corpus
from tui_charrnn.cli.summary import summarize
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.model.weights import parameter_count


def test_the_summary_names_every_tensor_and_their_sum(tmp_path: Path) -> None:
    model = ModelConfig(embedding_size=5, hidden_size=7, layer_count=2)
    corpus = fake_corpus(tmp_path, "abcab" * 400)
    told = summarize(created_run(tmp_path), model, TrainingConfig(train_time=90), corpus)
    assert "2,000 characters, vocabulary 3; the last 200 are held out" in told
    assert f"{parameter_count(model, 3):,} parameters" in told
    sizes = [
        int(line.split()[-1].replace(",", ""))
        for line in told.splitlines()
        if line.startswith(" " * 11)
    ]
    assert len(sizes) == 9
    assert sum(sizes) == parameter_count(model, 3)
    assert "for 1m30s" in told


def test_a_hostile_name_cannot_reach_the_terminal(tmp_path: Path) -> None:
    corpus = fake_corpus(tmp_path, "abcab" * 400, name="a\x1b]52;c;AAAA\x07.txt")
    told = summarize(created_run(tmp_path), ModelConfig(), TrainingConfig(steps=3), corpus)
    assert "\x1b" not in told
    assert "\x07" not in told
