"""A run is created atomically."""

import codecs
import io
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.support.fake_run import FAKE_TEXT, created_run, fake_corpus
from tests.support.faulty_disk import FaultyDisk, written_by
from tests.support.full_disk import ReadOnlyDisk
from tests.support.record_reading import read_new
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError, CorpusError, StorageError
from tui_charrnn.generation.training_corpus import read_run_corpus
from tui_charrnn.runs import lifecycle
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.file_system import FileSystem, format_cause
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.lifecycle import create_run
from tui_charrnn.runs.reader import RunReader, read_description, read_status
from tui_charrnn.text.corpus import Corpus, Reading, split_point
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.vocabulary import choose_vocabulary


class Rivals(FileSystem):
    """Another process takes the name of the folder first, `times` times."""

    def __init__(self, times: int) -> None:
        self._times = times

    def replace(
        self, source: Path, target: Path, folders: tuple[int | None, int | None] = (None, None)
    ) -> None:
        if source.is_dir() and self._times:
            self._times -= 1
            target.mkdir()
            (target / "run.json").write_text("{}", encoding="utf-8")
        super().replace(source, target, folders)


def create(
    folder: Path,
    corpus: Corpus,
    name: str | None = None,
    disk: FileSystem | None = None,
) -> RunDirectory:
    with written_by(disk or FileSystem()):
        return create_run(
            folder,
            name=name,
            preset="tiny",
            model=ModelConfig(embedding_size=3, hidden_size=5),
            training=TrainingConfig(steps=10, validation_fraction=0.2),
            corpus=corpus,
            vocabulary=choose_vocabulary(Counter(corpus.text)),
            parameter_count=123,
        )


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return fake_corpus(tmp_path / "corpora")


def test_a_new_run_tells_what_is_trained_on_what(tmp_path: Path, corpus: Corpus) -> None:
    description = read_description(create(tmp_path, corpus, "mine"))
    assert description.name == "mine"
    assert description.corpus.sources == corpus.sources
    assert description.corpus.sha256 == corpus.sha256
    assert description.corpus.characters == len(FAKE_TEXT)
    assert description.corpus.training_characters == split_point(len(FAKE_TEXT), 0.2)
    assert description.vocabulary == "".join(sorted(set(FAKE_TEXT)))
    assert description.versions.keys() >= {"charrnn-tui", "python"}


def test_a_new_run_waits_for_its_trainer(tmp_path: Path, corpus: Corpus) -> None:
    run = create(tmp_path, corpus)
    status = read_status(run)
    assert status is not None
    assert status.state is RunState.CREATED
    assert read_new(RunReader(run)) == []
    assert not run.corpus.exists()


def test_a_corpus_that_cannot_be_read_again_is_stored(tmp_path: Path) -> None:
    text = "caf\u00e9 \u2028 \ud55c\n" * 10
    corpus = read_corpus(["-"], stdin=io.BytesIO(text.encode()))
    run = create(tmp_path, corpus)
    assert run.corpus.read_bytes() == text.encode()
    assert read_description(run).corpus.sources == ()


def test_a_text_in_jamo_is_stored_as_it_came_and_read_in_jamo_again(tmp_path: Path) -> None:
    text = "\ud55c\uae00 \uac12 cafe\u0301\n" * 10
    corpus = read_corpus(["-"], Reading(units="jamo"), stdin=io.BytesIO(text.encode()))
    run = create(tmp_path, corpus)
    reference = read_description(run).corpus
    assert run.corpus.read_text(encoding="utf-8") == unicodedata.normalize("NFC", text)
    assert (reference.units, reference.units_per_character) == ("jamo", 16 / 10)
    assert read_run_corpus(run, reference).sha256 == corpus.sha256


def test_a_stored_text_that_begins_with_a_byte_order_mark_keeps_it(tmp_path: Path) -> None:
    twice_marked = codecs.BOM_UTF8 * 2 + b"to be\n" * 10  # the first is no part of the text
    corpus = read_corpus(["-"], stdin=io.BytesIO(twice_marked))
    run = create(tmp_path, corpus)
    assert run.corpus.read_bytes() == twice_marked
    assert read_run_corpus(run, read_description(run).corpus).text == corpus.text


@pytest.mark.parametrize("source", ["catalogue:linux", "linux"])
def test_what_a_foreign_run_names_is_not_downloaded(
    tmp_path: Path, corpus: Corpus, source: str
) -> None:
    run = create(tmp_path / "runs", corpus)
    reference = replace(read_description(run).corpus, sources=(source,))
    with pytest.raises(CorpusError, match=r"Download it with: .*corpora inspect linux"):
        read_run_corpus(run, reference, may_download=False)


def test_the_default_name_is_of_the_time_and_the_corpus(tmp_path: Path, corpus: Corpus) -> None:
    names = [create(tmp_path / "runs", corpus).name for _ in range(3)]
    assert re.fullmatch(r"\d{4}-\d{4}-fake", names[0])
    assert len(set(names)) == 3


@pytest.mark.parametrize("word", ["한국어소설의제목", "crème"])
def test_a_default_name_is_composed(tmp_path: Path, corpus: Corpus, word: str) -> None:
    """File names of macOS are decomposed: their accents would be cut off."""
    decomposed = replace(corpus, name=unicodedata.normalize("NFD", f"{word}.txt"))
    assert create(tmp_path / "runs", decomposed).name.endswith(f"-{word}")


@pytest.mark.parametrize(
    "name", ["A long: title/with\nall. sorts", "..", "", "\u202e" * 5, "x" * 99]
)
def test_any_corpus_gives_a_good_name(tmp_path: Path, corpus: Corpus, name: str) -> None:
    run = create(tmp_path / "runs", replace(corpus, name=name))
    assert run.path.parent == tmp_path / "runs"
    assert re.fullmatch(r"\d{4}-\d{4}-[\w.-]+", run.name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "/etc", ".hidden", "-x", "~", "a\nb", "a\0", " a", "x" * 101, "a\x9b"]
    + [f"a{character}b" for character in "\\$`\"';&|<>*?"],
)
def test_a_name_that_cannot_be_a_folders_is_refused(
    tmp_path: Path, corpus: Corpus, name: str
) -> None:
    with pytest.raises(ConfigError, match="A run's name "):
        create(tmp_path / "runs", corpus, name)
    assert not (tmp_path / "runs").exists()


def test_a_name_that_is_taken_is_refused(tmp_path: Path, corpus: Corpus) -> None:
    create(tmp_path, corpus, "mine")
    with pytest.raises(ConfigError, match=r"'mine' already exists in"):
        create(tmp_path, corpus, "mine")


def test_a_default_name_that_another_takes_meanwhile_gives_way_to_the_next(
    tmp_path: Path, corpus: Corpus
) -> None:
    run = create(tmp_path / "runs", corpus, disk=Rivals(2))
    assert run.name.endswith("-fake-3")
    assert read_description(run).name == run.name
    assert len(list((tmp_path / "runs").iterdir())) == 3


def test_a_given_name_that_another_takes_meanwhile_is_refused(
    tmp_path: Path, corpus: Corpus
) -> None:
    with pytest.raises(ConfigError, match=r"'mine' already exists in"):
        create(tmp_path / "runs", corpus, "mine", Rivals(1))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mine"]


def test_a_corpus_of_too_many_files_is_stored(
    tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = create(tmp_path, corpus, "named").description.stat().st_size
    monkeypatch.setattr(lifecycle, "DOCUMENT_LIMIT", size - 1)
    run = create(tmp_path, corpus, "moved")
    assert run.description.stat().st_size < size
    assert read_description(run).corpus.sources == ()
    assert run.corpus.read_bytes() == corpus.text.encode()


def test_a_text_of_which_nothing_can_be_scored_is_refused(tmp_path: Path) -> None:
    corpus = read_corpus(["-"], stdin=io.BytesIO(b"abcde"))  # a fifth is 1 character
    with pytest.raises(CorpusError, match=r"0\.2 holds out 1\. Give a longer text"):
        create(tmp_path / "runs", corpus)
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_names_the_way_to_choose_another(
    tmp_path: Path, corpus: Corpus
) -> None:
    with pytest.raises(StorageError, match=r"read-only.*--runs-dir or CHARRNN_RUNS") as caught:
        create(tmp_path / "runs", corpus, disk=ReadOnlyDisk())
    assert format_cause(caught.value) == "read-only file system"


def test_nothing_half_made_stays_whichever_operation_fails(tmp_path: Path, corpus: Corpus) -> None:
    corpus = replace(corpus, sources=())
    for n in count(1):
        folder = tmp_path / f"runs-{n}"
        disk = FaultyDisk(n)
        try:
            run = create(folder, corpus, "mine", disk)
        except StorageError:
            left = list(folder.iterdir()) if folder.exists() else []
            for path in left:  # whole, but perhaps not durable
                read_description(RunDirectory(path))
                assert path.name == "mine"
        else:
            break
    assert n > 20
    assert read_description(run).name == "mine"


def test_created_run_is_what_the_tests_stand_on(tmp_path: Path) -> None:
    assert read_description(created_run(tmp_path)).parameter_count > 0
