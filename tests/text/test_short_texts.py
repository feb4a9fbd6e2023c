"""Records: how a text is cut into them, split and shuffled."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError, DataError
from tui_charrnn.text.batches import HeldOutWindows
from tui_charrnn.text.corpus import Corpus, Reading
from tui_charrnn.text.corpus_reading import RecordCutter, read_corpus
from tui_charrnn.text.ngrams import measure_baselines
from tui_charrnn.text.numbered_text import record_order
from tui_charrnn.text.vocabulary import END, Vocabulary, choose_vocabulary

NAMES = "\nAnna \nBob\n\n  \n Carl\r\nAnna\n\n"


def corpus_of(folder: Path, *texts: str, records: str = "line", **reading: bool) -> Corpus:
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_bytes(text.encode())
    paths = [str(folder / f"{number}.txt") for number in range(len(texts))]
    return read_corpus(paths, Reading(records=records, **reading))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ("line", ["Anna", "Bob", " Carl", "Anna"]),
        ("blank-line", ["Anna \nBob", " Carl\nAnna"]),
        ("file", ["Anna \nBob\n\n  \n Carl\nAnna"]),
    ],
)
def test_a_text_is_cut(tmp_path: Path, records: str, expected: list[str]) -> None:
    corpus = corpus_of(tmp_path, NAMES, records=records)
    assert corpus.text == END + "".join(each + END for each in expected)
    assert list(corpus.numbered.records()) == expected


@pytest.mark.parametrize("records", ["line", "blank-line", "file"])
def test_a_record_ends_with_its_file(tmp_path: Path, records: str) -> None:
    corpus = corpus_of(tmp_path, "Anna", "Bob\n", "\n\nCarl", records=records)
    assert corpus.text == f"{END}Anna{END}Bob{END}Carl{END}"


def test_a_blank_line_and_an_end_sign_together_end_one_record() -> None:
    cutter = RecordCutter("blank-line")
    assert cutter.cut(f"Anna\n\n{END}Bob\n \n {END}\nCarl") == f"Anna{END}Bob{END}Carl"


def test_line_ends_that_are_kept_part_lines_too(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, "Anna\r\n\r\nBob\rCarl\n", unify_newlines=False)
    assert list(corpus.numbered.records()) == ["Anna", "Bob", "Carl"]


@pytest.mark.parametrize("records", ["line", "blank-line", "file"])
@given(text=st.text(alphabet=f"ab \t\n{END}", max_size=40), data=st.data())
def test_pieces_are_cut_as_the_whole_is(records: str, text: str, data: st.DataObject) -> None:
    def cut(pieces: list[str]) -> str:
        cutter = RecordCutter(records)
        return "".join(map(cutter.cut, pieces)) + cutter.end()

    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    whole = cut([text])
    assert cut(pieces) == whole
    assert cut([END + whole]) == whole  # as the copy is read that a run keeps of its text
    assert END * 2 not in whole
    assert all(map(str.strip, whole.split(END)[:-1]))


def test_records_are_shuffled_whole_and_always_alike(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(300)]
    numbered = corpus_of(tmp_path, "\n".join(names)).numbered
    shuffled = numbered.shuffled_records()
    order = record_order(300)
    assert list(shuffled.records()) == [names[place] for place in order]
    assert sorted(order.tolist()) == list(range(300))
    assert order[:4].tolist() == record_order(300)[:4].tolist()
    assert len(shuffled) == len(numbered)


def test_the_split_lies_at_a_border(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, "\n".join(str(number) for number in range(200)))
    split = corpus.numbered.split_records(0.1)
    text = corpus.numbered.shuffled_records().decode()
    assert text[split.characters - 1] == END
    parts = text[1 : split.characters], text[split.characters :]
    assert (split.trained, split.held_out) == tuple(part.count(END) for part in parts)
    assert split.characters == corpus.split(0.1) == pytest.approx(0.9 * len(corpus), rel=0.02)


def test_a_text_that_is_read_in_part_ends_with_a_record_and_is_shuffled_whole(
    tmp_path: Path,
) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("".join(f"{number:,}\n" for number in range(60_000)), encoding="utf-8")
    part = read_corpus([str(file)], Reading(records="line"), limit=1)
    assert part.report.part_of == file.stat().st_size
    assert part.text.endswith(END)
    assert Counter(part.numbered.shuffled_records().records()) == Counter(part.numbered.records())


def test_a_single_record_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="At least 2 records"):
        corpus_of(tmp_path, "Anna").split(0.1)


def test_repeated_records_are_counted(tmp_path: Path) -> None:
    assert corpus_of(tmp_path, NAMES).numbered.repeated_records() == 1


def test_the_end_sign_is_the_first_of_the_vocabulary_however_rare() -> None:
    counts = Counter(f"{END}abcabcabc\tde{END}")
    vocabulary = choose_vocabulary(counts, min_count=3, max_vocabulary=4, has_records=True)
    assert vocabulary.characters == f"{END}ab\ufffd"
    assert (vocabulary.end_index, vocabulary.unknown_index, vocabulary.start_index) == (0, 3, 0)
    assert Vocabulary("ab").end_index is None


def test_the_end_sign_is_shown_as_a_line_feed_and_read_from_one() -> None:
    vocabulary = Vocabulary(f"{END}ab", end_symbol=END)
    assert vocabulary.spell("a\nb").indices.tolist() == [1, 0, 2]
    assert vocabulary.decode([1, 0, 2]) == "a\nb"
    assert vocabulary.shown == "\nab"
    assert vocabulary != Vocabulary(f"{END}ab")
    of_lines = Vocabulary(f"{END}\nab", end_symbol=END)
    assert of_lines.spell("a\nb").indices.tolist() == [2, 1, 3]


def test_an_end_symbol_stands_first() -> None:
    with pytest.raises(DataError, match="first character"):
        Vocabulary(f"a{END}", end_symbol=END)


def test_streams_of_held_out_records_begin_with_one() -> None:
    vocabulary = Vocabulary(f"{END}abc", end_symbol=END)
    indices = vocabulary.encode(END + "".join(word + END for word in ["abc", "a", "bb", "cab"] * 9))
    windows = HeldOutWindows(indices, stream_count=4, sequence_length=7, end=0)
    parts = list(windows)
    assert parts[0][0][:, 0].tolist() == [0] * 4
    weights = np.concatenate([each[2] for each in parts], axis=1)
    inputs = np.concatenate([each[0] for each in parts], axis=1)
    targets = np.concatenate([each[1] for each in parts], axis=1)
    assert weights.sum() == len(indices) - 1
    read = [row[is_own > 0] for row, is_own in zip(inputs, weights, strict=True)]
    np.testing.assert_array_equal(np.concatenate(read), indices[:-1])
    said = [row[is_own > 0] for row, is_own in zip(targets, weights, strict=True)]
    np.testing.assert_array_equal(np.concatenate(said), indices[1:])


def test_no_context_of_an_n_gram_crosses_a_border() -> None:
    rng = np.random.default_rng(0)

    def losses(order: list[str], end: int | None) -> tuple[float, ...]:
        vocabulary = Vocabulary(f"{END}ab", end_symbol=END)
        text = vocabulary.encode(END + "".join(word + END for word in order))
        held_out = vocabulary.encode(f"ab{END}ba{END}aab{END}")
        return measure_baselines(text, held_out, 3, end=end).losses

    words = ["ab", "ba", "aab", "bba", "b"] * 8
    mixed = [words[place] for place in rng.permutation(len(words))]
    # only whether a whole context stands before the first few characters depends on the order
    first = ["ab", "ba"]
    assert losses(first + words, 0) == pytest.approx(losses(first + mixed, 0))
    assert losses(first + words, None) != pytest.approx(losses(first + mixed, None))
