"""The most frequent errors are Korean in a Korean app, with the system's reasons."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.korean import latin_words
from tests.support.fake_run import fake_run
from tests.support.faulty_disk import FaultyDisk, storage_on
from tui_charrnn.errors import CharRNNError, reason_of
from tui_charrnn.generation.model_lookup import find_model
from tui_charrnn.history.store import History
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.paths import find_file, parse_path
from tui_charrnn.preferences import read_document
from tui_charrnn.runs.catalogue import RunLabels, find_run
from tui_charrnn.runs.lifecycle import refuse_name, restore_run, trash_run
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.corpus import Reading, fitting_batch_size
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.creation import extend_run
from tui_charrnn.translation import tr


def written(folder: Path, content: bytes, name: str = "a.txt") -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def damaged_run(folder: Path) -> None:
    run = fake_run(folder)
    run.description.write_text('{"format": 1,')
    read_description(run)


def full_disk(folder: Path) -> None:
    storage_on(FaultyDisk(1, code=errno.ENOSPC)).write_atomically(folder / "a.json", b"{}")


def damaged_history(folder: Path) -> None:
    written(folder, b"no database at all" * 100, "history.sqlite")
    History(folder / "history.sqlite").newest(1)


def trained_run(folder: Path) -> None:
    with RunWriter(run := fake_run(folder)):
        trash_run(run)


FAILURES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "a file that is not there": (lambda folder: read_corpus([f"{folder}/a.txt"]), set()),
    "a folder as a file": (lambda folder: find_file(folder, tr("The text")), set()),
    "no path": (lambda _: parse_path("a\0b", tr("The text")), {"NUL", "x00b"}),
    "not UTF-8": (lambda folder: read_corpus([written(folder, b"ab\n\xe9\n")]), set()),
    "binary": (lambda folder: read_corpus([written(folder, b"\x89PNG\0\0")]), set()),
    "empty": (lambda folder: read_corpus([written(folder, b"")]), set()),
    "an empty folder": (lambda folder: read_corpus([str(folder)]), set()),
    "an unknown encoding": (
        lambda _: read_corpus(["-"], Reading(encoding="nope")),
        {"nope", "Python"},
    ),
    "too short": (lambda _: fitting_batch_size(30, 8, 64), set()),
    "an unknown character": (lambda _: Vocabulary("ab").encode("abc"), set()),
    "an unknown model": (lambda folder: find_model("nope", folder), {"nope"}),
    "a damaged model": (lambda folder: load_model(Path(written(folder, b"{}"))), {"safetensors"}),
    "no model": (lambda folder: load_model(folder / "a.safetensors"), {"safetensors"}),
    "an unknown run": (lambda folder: find_run("nope", folder), {"nope"}),
    "a damaged run": (damaged_run, {"fake", "run", "JSON"}),
    "a run that is trained": (trained_run, {"fake"}),
    "a run to be resumed": (
        lambda folder: extend_run(fake_run(folder, end="saved"), "steps", 10),
        {"fake"},
    ),
    "a taken name": (lambda folder: refuse_name(fake_run(folder).path.parent, "fake"), {"fake"}),
    "a name for no folder": (lambda folder: refuse_name(folder, "-a"), set()),
    "an empty trash": (restore_run, set()),
    "too long a note": (lambda _: RunLabels().with_note("a" * 3_000), set()),
    "a full disk": (full_disk, set()),
    "a damaged history": (damaged_history, {"history", "sqlite"}),
    "settings of no kind": (lambda folder: read_document(Path(written(folder, b"\xff"))), set()),
}
_TYPED = {
    "txt",
    "json",
    "UTF",
    "utf",
    "cp1252",
    "cp949",
    "shift_jis",
    "gb18030",
    "encoding",
    "charrnn",
    "tui",
    "train",
    "stop",
    "resume",
    "runs",
    "pydoc",
    "python",
    "shakespeare",
    "linux",
    "korean",
    "fairytales",
}
"""Names of files, encodings, texts and models, and commands, which are typed as they are."""


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.usefixtures("korean")
def test_an_error_is_told_in_korean(name: str, tmp_path: Path) -> None:
    fail, allowed = FAILURES[name]
    with pytest.raises(CharRNNError) as failure:
        fail(tmp_path)
    sentence = str(failure.value).replace(str(tmp_path), "")
    assert latin_words(sentence, {*_TYPED, *allowed}) == [], sentence
    assert any("가" <= each <= "힣" for each in sentence)


@pytest.mark.parametrize(
    "name",
    [
        *("ENOENT", "EACCES", "EPERM", "ENOTDIR", "EISDIR", "EEXIST", "ENOTEMPTY", "ENOSPC"),
        *("EDQUOT", "EROFS", "EFBIG", "EIO", "ENOMEM", "EMFILE", "ELOOP", "ENAMETOOLONG"),
        *("EBUSY", "ESTALE"),
    ],
)
@pytest.mark.usefixtures("korean")
def test_the_words_of_this_system_are_told_in_korean(name: str) -> None:
    number = getattr(errno, name)
    assert latin_words(reason_of(OSError(number, os.strerror(number))), set()) == []
