"""A run trains on its text unchanged, from memory or from a file."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.support.fake_run import created_run
from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CorpusError
from tui_charrnn.presets import PRESETS
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.text import numbering
from tui_charrnn.text.batches import ContiguousStreams
from tui_charrnn.text.corpus import split_point
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.creation import make_run
from tui_charrnn.training.loop import batch_at
from tui_charrnn.training.preparation import cut_material, measure_text, prepare_text

TEXT = "to be, or not to be: 죽느냐 사느냐\n" * 300
SETTINGS = TrainingConfig(batch_size=4, sequence_length=16, steps=100)


@pytest.fixture(params=["in memory", "in a file"])
def run(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RunDirectory:
    if request.param == "in a file":
        monkeypatch.setattr(numbering, "KEPT_IN_MEMORY", 100)
    return created_run(tmp_path, text=TEXT, training=SETTINGS)


def test_batches_are_those_of_the_whole_text_in_memory(run: RunDirectory) -> None:
    description = read_description(run)
    indices = Vocabulary(description.vocabulary).encode(TEXT)
    split = split_point(len(TEXT), SETTINGS.validation_fraction)
    expected = ContiguousStreams(indices[:split], batch_size=4, sequence_length=16, rng_seed=0)
    material = cut_material(prepare_text(run, description), SETTINGS)
    assert (material.batch_size, material.streams.steps_per_epoch) == (4, expected.steps_per_epoch)
    for step in (1, 2, expected.steps_per_epoch + 1, 3 * expected.steps_per_epoch + 5):
        for ours, theirs in zip(material.streams.batch(step), expected.batch(step), strict=True):
            assert ours.dtype == theirs.dtype == np.int32
            np.testing.assert_array_equal(ours, theirs)


def test_the_held_out_text_is_the_tail(run: RunDirectory) -> None:
    text = prepare_text(run, read_description(run))
    split = split_point(len(TEXT), SETTINGS.validation_fraction)
    assert text.vocabulary.decode(np.asarray(text.training)) == TEXT[:split]
    assert text.vocabulary.decode(np.asarray(text.heldout)) == TEXT[split:]
    assert min(measure_text(text).losses) < 1


def test_a_text_that_changed_is_refused(run: RunDirectory) -> None:
    description = read_description(run)
    prepare_text(run, description)
    path = Path(description.corpus.sources[0])
    path.write_text(TEXT.replace("not", "NOT"), encoding="utf-8")
    with pytest.raises(CorpusError, match="no longer the text"):
        prepare_text(run, description)


def test_rare_characters_are_trained_on_as_one_symbol(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("é" + TEXT + "ü", encoding="utf-8")
    preset = PRESETS["tiny"]
    settings = TrainingConfig.from_mapping(preset.training.to_mapping() | {"min_count": 2})
    corpus = read_corpus([str(path)])
    run = make_run(tmp_path / "runs", None, "tiny", (preset.model, settings), corpus)
    description = read_description(run)
    assert description.vocabulary == "".join(sorted(Counter(TEXT))) + "\ufffd"
    assert description.unknown_symbol == "\ufffd"
    text = prepare_text(run, description)
    assert text.vocabulary.unknown_symbol == "\ufffd"
    assert text.vocabulary.decode(np.asarray(text.training)[:7]) == "\ufffdto be,"
    assert text.vocabulary.decode(np.asarray(text.heldout)[-2:]) == "\n\ufffd"


def test_a_run_of_before_has_no_unknown_symbol(run: RunDirectory) -> None:
    values = read_description(run).to_json()
    del values["unknown_symbol"], values["training"]["min_count"]
    description = type(read_description(run)).from_json(values)
    assert (description.unknown_symbol, description.training.min_count) == (None, 1)


def test_whole_records_are_held_out_and_each_begins_after_an_end_sign(tmp_path: Path) -> None:
    names = [f"name {number}" for number in range(400)]
    settings = TrainingConfig(batch_size=4, sequence_length=16, steps=100, records="line")
    run = created_run(tmp_path, text="\n".join(names), training=settings)
    description = read_description(run)
    assert (description.corpus.records, description.vocabulary[0]) == ("line", "\x1e")
    text = prepare_text(run, description)
    trained = text.vocabulary.decode(np.asarray(text.training))
    held_out = text.vocabulary.decode(np.asarray(text.heldout))
    assert all(part[0] == part[-1] == "\n" for part in (trained, held_out))
    parts = trained.split("\n")[1:-1], held_out.split("\n")[1:-1]
    assert sorted([*parts[0], *parts[1]]) == sorted(names)
    assert parts[1] != names[-len(parts[1]) :]
    assert len(text.heldout) == description.corpus.characters - len(text.training) + 1
    material = cut_material(text, settings)
    assert all((inputs[:, 0] == 0).all() for inputs, *_ in [next(iter(material.heldout))])
    assert batch_at(material, settings, 2).carried.tolist() == [1.0] * 4
    assert min(measure_text(text).losses) < 2


MEMORY = """
import resource, sys
from tui_charrnn.text import corpus_reading, numbering
from tui_charrnn.text.batches import ContiguousStreams
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.vocabulary import Vocabulary

numbering.KEPT_IN_MEMORY = 1 << 20

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

before = peak()
corpus = read_corpus([sys.argv[1]])
indices = corpus.numbered.indices(Vocabulary("".join(sorted(corpus.numbered.characters))))
streams = ContiguousStreams(indices[:-100], batch_size=32, sequence_length=64, rng_seed=0)
for step in range(1, 50):
    streams.batch(step)
print(len(corpus), peak() - before)
"""


def test_a_large_text_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    path, line = tmp_path / "large.txt", b"to be, or not to be: that is the question.\n"
    with path.open("wb") as file:
        for _ in range(60):
            file.write(line * 20_000)
    size = path.stat().st_size
    for _ in ("read for the first time", "from the cache"):
        ended = subprocess.run(
            [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
        )
        characters, grown = map(int, ended.stdout.split())
        assert characters == size
        assert grown < size / 2
