"""Repeated text is found, and nothing else."""

import io
from collections import Counter

import numpy as np
import pytest

from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.ngrams import repeated_share, repetition_sentence, similar_files
from tui_charrnn.text.vocabulary import Vocabulary, choose_vocabulary


def noise(length: int, seed: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("abcdefgh \n"), length))


@pytest.mark.parametrize("copied", [0, 60, 300, 1000])
def test_the_share_is_that_of_a_plain_search(copied: int) -> None:
    training = noise(4_000, 1)
    held_out = noise(500, 2) + training[700 : 700 + copied] + noise(500, 3)
    text = training + held_out
    passages = [held_out[at : at + 50] for at in range(len(held_out) - 49)]
    expected = sum(passage in training for passage in passages) / len(passages)
    corpus = read_corpus(["-"], stdin=io.BytesIO(text.encode()))
    indices = corpus.numbered.indices(choose_vocabulary(Counter(text)))
    share = repeated_share(indices[: len(training)], indices[len(training) :])
    assert share == pytest.approx(expected)
    assert bool(repetition_sentence(share)) == (copied > 60)


def test_a_text_shorter_than_a_passage_repeats_nothing() -> None:
    corpus = read_corpus(["-"], stdin=io.BytesIO(b"abc" * 20))
    indices = corpus.numbered.indices(Vocabulary("abc"))
    assert repeated_share(indices[:40], indices[40:]) == 0


def test_files_with_the_same_lines_are_paired() -> None:
    lines = [f"this is line {number} of a text" for number in range(10)]
    files = [
        ("whole", "\n".join(lines)),
        ("nearly", "\n".join([*lines[:9], "and something else at the end"])),
        ("part", "\n".join(lines[:5])),
        ("other", "\n".join(f"another text, line {number}" for number in range(10))),
        ("short", "a\nb\nc"),
    ]
    found = [(one, other) for one, other, _ in similar_files(files)]
    assert found == [("nearly", "part"), ("whole", "part"), ("whole", "nearly")]
