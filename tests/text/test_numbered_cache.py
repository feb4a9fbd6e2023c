"""A large text is read once; a cache entry is used only if it is complete and current."""

import errno
import gc
import gzip
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_charrnn.errors import StorageError
from tui_charrnn.text import numbered_text, numbering
from tui_charrnn.text.corpus import Corpus, Reading
from tui_charrnn.text.corpus_reading import find_cached, read_corpus
from tui_charrnn.text.numbered_text import encoded_folder
from tui_charrnn.text.sources import find_sources

TEXT = "to be, or not to be: 죽느냐 사느냐\n" * 3_000


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "KEPT_IN_MEMORY", 1_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def kept(*paths: Path, reading: Reading | None = None) -> str | None:
    """The text in the cache; None if it would be read again."""
    reading = reading or Reading()
    sources = find_sources([str(path) for path in paths], encoding=reading.encoding)
    found = find_cached(sources, reading)
    return found[0].decode() if found else None


def cached_file() -> Path:
    (file,) = encoded_folder().iterdir()
    return file


def facts(corpus: Corpus) -> tuple[object, ...]:
    return corpus.text, corpus.sha256, corpus.report, corpus.sources, corpus.name


def test_a_large_text_is_read_once(path: Path) -> None:
    assert kept(path) is None
    first = read_corpus([str(path)])
    assert kept(path) == TEXT
    assert facts(read_corpus([str(path)])) == facts(first)


def test_it_is_kept_for_its_user_alone(path: Path) -> None:
    read_corpus([str(path)])
    assert cached_file().stat().st_mode & 0o077 == 0
    assert encoded_folder().stat().st_mode & 0o077 == 0


def test_a_file_system_that_cannot_sync_folders_keeps_texts_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def sync_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync_files_only)
    assert read_corpus([str(path)]).text == TEXT
    assert kept(path) == TEXT


def test_a_small_text_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "small.txt"
    path.write_text(TEXT, encoding="utf-8")
    read_corpus([str(path)])
    assert kept(path) is None
    assert not encoded_folder().exists()


def test_what_comes_from_a_stream_is_not_kept(path: Path) -> None:
    with path.open("rb") as stdin:
        corpus = read_corpus(["-"], stdin=stdin)
    assert corpus.text == TEXT
    assert list(encoded_folder().iterdir()) == []


def test_another_way_of_reading_is_another_text(path: Path) -> None:
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    read_corpus([str(path)])
    assert kept(path, reading=Reading(unify_newlines=False)) is None
    assert kept(path, reading=Reading(compose=False)) is None
    assert kept(path, reading=Reading(encoding="latin-1")) is None
    assert kept(path) == TEXT


def test_the_order_of_files_matters(tmp_path: Path, path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("or not\n" * 500, encoding="utf-8")
    read_corpus([str(path), str(other)])
    assert kept(other, path) is None
    assert kept(path, other) == TEXT + "or not\n" * 500


@pytest.mark.parametrize("part", ["text", "hidden size"])
def test_a_file_that_changed_is_read_again(path: Path, part: str) -> None:
    read_corpus([str(path)])
    status = path.stat()
    changed = TEXT.replace("not", "NOT") if part == "hidden size" else TEXT + "more"
    path.write_text(changed, encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert kept(path) is None
    assert read_corpus([str(path)]).text == changed
    assert kept(path) == changed


def test_a_file_that_another_took_the_place_of_is_read_again(tmp_path: Path, path: Path) -> None:
    read_corpus([str(path)])
    status, other = path.stat(), tmp_path / "other"
    other.write_text(TEXT.replace("not", "NOT"), encoding="utf-8")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert kept(path) is None


def test_a_file_that_grows_while_it_is_read_is_not_kept(path: Path) -> None:
    grown: list[int] = []

    def grow_once() -> None:
        if not grown:
            grown.append(path.write_text(TEXT + "x", encoding="utf-8"))

    read_corpus([str(path)], check_cancelled=grow_once)
    assert grown
    assert kept(path) is None
    assert list(encoded_folder().iterdir()) == []


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut by a byte": lambda data: data[:-1],
    "cut in the numbers": lambda data: data[: len(data) // 2],
    "emptied": lambda _: b"",
    "with something after it": lambda data: data + b"\0",
    "zeros, as after a loss of power": lambda data: bytes(len(data)),
    "another end": lambda data: data[:-1] + b"\x02",
    "another record": lambda data: data.replace(b'"count"', b'"COUNT"'),
    "shorter numbers": lambda data: data[1:],
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_what_is_not_whole_is_not_used_but_made_again(path: Path, damage: str) -> None:
    read_corpus([str(path)])
    file = cached_file()
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    os.utime(file, ns=times)
    assert kept(path) is None
    assert read_corpus([str(path)]).text == TEXT
    assert kept(path) == TEXT


def test_numbers_that_somebody_wrote_to_are_not_used(path: Path) -> None:
    read_corpus([str(path)])
    with cached_file().open("r+b") as file:
        file.write(b"\1\1\1")
    assert kept(path) is None


def test_a_text_in_use_stays_as_it_is_when_it_is_made_anew(path: Path) -> None:
    first = read_corpus([str(path)])
    path.write_text("another text\n" * 500, encoding="utf-8")
    read_corpus([str(path)])
    cached_file().unlink()
    assert first.numbered.decode() == TEXT


def test_reading_that_is_given_up_leaves_nothing(path: Path) -> None:
    calls: list[int] = []

    def give_up() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    path.write_text(TEXT * 10, encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        read_corpus([str(path)], check_cancelled=give_up)
    assert list(encoded_folder().iterdir()) == []


def test_a_compressed_text_is_kept_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    first = read_corpus([str(path)])
    assert kept(path) == first.text == TEXT
    assert first.report.bytes == len(TEXT.encode())


def test_kept_texts_have_a_limit_and_those_in_use_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{number}.txt" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_text(f"{number}: {TEXT}", encoding="utf-8")
    in_use = read_corpus([str(paths[0])])
    for path in paths[1:3]:
        read_corpus([str(path)])  # nobody holds it any more
    size = cached_size() // 3
    assert kept(paths[1]) is not None  # used again, so the second is now the oldest
    monkeypatch.setattr(numbered_text, "LIMIT", 3 * size + size // 2)
    read_corpus([str(paths[3])])
    gc.collect()
    assert [kept(path) is not None for path in paths] == [True, True, False, True]
    monkeypatch.setattr(numbered_text, "LIMIT", 0)
    paths[2].touch()
    read_corpus([str(paths[2])])
    assert [kept(path) is not None for path in paths] == [True, False, True, False]
    assert in_use.text.startswith("0: ")


def cached_size() -> int:
    return sum(path.stat().st_size for path in encoded_folder().iterdir())


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "free some space, or set"), (errno.EACCES, "To continue, set")],
)
def test_room_is_asked_for_only_where_it_is_lacking(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(StorageError, match=words) as caught:
        read_corpus([str(path)])
    assert ("space" in str(caught.value).partition("To continue")[2]) == (code == errno.ENOSPC)
