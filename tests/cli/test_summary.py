"""The summary that is printed before a run starts."""

from dataclasses import replace
from pathlib import Path

from tests.support.fake_run import created_run, fake_corpus
from tui_charrnn.cli.output import card_lines
from tui_charrnn.cli.run_request import summary_rows
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.text.corpus import Corpus, Reading
from tui_charrnn.text.corpus_reading import read_corpus


def summary(run: RunDirectory, corpus: Corpus) -> str:
    return "\n".join(card_lines(summary_rows(run, corpus), width=11))


def test_the_summary_names_every_tensor_and_their_sum(tmp_path: Path) -> None:
    model = ModelConfig(embedding_size=5, hidden_size=7, layer_count=2)
    corpus = fake_corpus(tmp_path, "abcab" * 400)
    training = TrainingConfig(train_time=90)
    run = created_run(tmp_path, text="abcab" * 400, model=model, training=training)
    printed = summary(run, corpus)
    assert "2,000 characters, vocabulary 3; the last 200 are held out" in printed
    assert f"{parameter_count(model, 3):,} parameters" in printed
    sizes = [
        int(line.split()[-1].replace(",", ""))
        for line in printed.splitlines()
        if line.startswith(" " * 11)
    ]
    assert len(sizes) == 9
    assert sum(sizes) == parameter_count(model, 3)
    assert "for 1m30s" in printed


def summary_of(folder: Path, content: bytes, encoding: str = "utf-8") -> str:
    corpora = folder / "corpora"
    corpora.mkdir()
    (corpora / "a.txt").write_bytes(content)
    (corpora / "b.bin").write_bytes(bytes(99))
    corpus = read_corpus([str(corpora)], Reading(encoding=encoding))
    return summary(created_run(folder), corpus)


def test_what_reading_changed_is_reported_in_one_line(tmp_path: Path) -> None:
    printed = summary_of(tmp_path, b"\xff\xfe" + "e\u0301t\u00e9\r\n".encode("utf-16-le") * 200)
    line = printed.splitlines()[2].strip()
    changes = ["utf-16-le", "byte order mark", "200 CR LF", "200 characters composed", "1 binary"]
    for part, change in zip(line.split("; "), changes, strict=True):
        assert change in part


def test_unchanged_text_has_no_line_about_changes(tmp_path: Path) -> None:
    corpus = fake_corpus(tmp_path, "abcab" * 400)
    printed = summary(created_run(tmp_path), corpus)
    assert [line.split()[0] for line in printed.splitlines()[:3]] == ["Run", "Corpus", "Model"]


def test_changes_that_were_declined_are_not_printed(tmp_path: Path) -> None:
    corpus = fake_corpus(tmp_path, "e\u0301\n" * 800)
    corpus = replace(corpus, reading=Reading(compose=False))
    printed = summary(created_run(tmp_path), corpus)
    assert "composed" not in printed


def test_rare_characters_are_reported_with_their_share(tmp_path: Path) -> None:
    corpus = fake_corpus(tmp_path, "abcab" * 399 + "xxxyz")
    training = TrainingConfig(steps=3, min_count=3)
    run = created_run(tmp_path, text="abcab" * 399 + "xxxyz", training=training)
    printed = summary(run, corpus)
    assert "vocabulary 5 (2 rare ones as one symbol, 0.001 of the text)" in printed


def test_the_batch_size_is_the_one_that_fits(tmp_path: Path) -> None:
    corpus = fake_corpus(tmp_path, "abcab" * 400)  # 1,800 characters for training
    training = TrainingConfig(steps=3, batch_size=32, sequence_length=100)
    printed = summary(created_run(tmp_path, training=training), corpus)
    assert "batch 17 x 100 characters (not 32: the text is small)" in printed


def test_a_hostile_name_cannot_reach_the_terminal(tmp_path: Path) -> None:
    corpus = fake_corpus(tmp_path, "abcab" * 400, name="a\x1b]52;c;AAAA\x07.txt")
    printed = summary(created_run(tmp_path), corpus)
    assert "\x1b" not in printed
    assert "\x07" not in printed


def test_a_huge_vocabulary_is_reported_with_the_option_that_helps(tmp_path: Path) -> None:
    characters = [chr(code) for code in range(0x3400, 0xD7A4)]
    corpus = fake_corpus(tmp_path, "".join(characters))
    training = TrainingConfig(steps=3)
    run = created_run(tmp_path, text="".join(characters))
    printed = summary(run, corpus)
    assert "makes every step slow: --max-vocabulary 8000" in printed
    bounded = replace(training, max_vocabulary=8000)
    printed = summary(created_run(tmp_path, name="other", training=bounded), corpus)
    assert "makes every step slow" not in printed
