"""Every way to name a corpus gives one text, or one clear error."""

import hashlib
import os
import threading
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError
from tui_charrnn.text import download
from tui_charrnn.text.corpus import Reading, split_point
from tui_charrnn.text.corpus_reading import read_corpus


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def test_a_file_is_read_as_it_is(folder: Path) -> None:
    Path("play.txt").write_text("To be,\nor not", encoding="utf-8")
    corpus = read_corpus(["play.txt"])
    assert corpus.text == "To be,\nor not"
    assert (corpus.name, corpus.sources) == ("play", (str(folder / "play.txt"),))
    assert corpus.sha256 == hashlib.sha256(b"To be,\nor not").hexdigest()
    assert (corpus.report.files, corpus.report.bytes) == (1, 13)


def test_several_files_are_kept_apart_by_a_line_feed(folder: Path) -> None:
    Path("b").write_text("open", encoding="utf-8")
    Path("a").write_text("closed\n", encoding="utf-8")
    corpus = read_corpus(["b", "a", "b"])
    assert corpus.text == "open\nclosed\n"
    assert (corpus.name, corpus.report.files) == ("b+1", 2)


def test_a_folder_is_read_in_the_order_of_its_paths(folder: Path) -> None:
    texts = {"b.txt": "2\n", "a/z.txt": "1\n", "c/d/e.txt": "4\n", "c.txt": "3\n"}
    for name, text in texts.items():
        path = folder / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert read_corpus(["texts"]).text == "1\n2\n4\n3\n"
    assert read_corpus(["texts"]).name == "texts"


def test_a_folder_passes_over_what_is_hidden_binary_or_empty(folder: Path) -> None:
    Path(".git").mkdir()
    for name, data in {
        ".git/config": b"no",
        ".hidden": b"no",
        "picture.png": b"\x89PNG\0",
        "empty": b"",
        "text": b"yes",
    }.items():
        Path(name).write_bytes(data)
    corpus = read_corpus(["."])
    assert corpus.text == "yes"
    assert corpus.report.skipped_files == 2
    assert corpus.name == "work"


def test_a_folder_of_wide_text_is_read_in_its_encoding(folder: Path) -> None:
    Path("a").write_bytes("wide".encode("utf-16-le"))
    assert read_corpus(["."], Reading(encoding="utf-16-le")).text == "wide"


def test_a_glob_is_read_in_the_order_of_its_paths(folder: Path) -> None:
    for name in ("2.txt", "1.txt", "3.md"):
        Path(name).write_text(name, encoding="utf-8")
    Path("4.txt").mkdir()
    assert read_corpus(["*.txt"]).text == "1.txt\n2.txt"


def test_a_file_with_the_name_of_a_glob_is_a_file(folder: Path) -> None:
    Path("a[1].txt").write_text("bracket", encoding="utf-8")
    assert read_corpus(["a[1].txt"]).text == "bracket"


def test_sources_read_the_same_text_again_from_anywhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("a[1].txt").write_text("e\u0301\r\n", encoding="utf-8")
    corpus = read_corpus(["a[1].txt", "pydoc"])
    monkeypatch.chdir(tmp_path)
    assert corpus.sources[1] == "catalogue:pydoc"
    assert read_corpus(corpus.sources).sha256 == corpus.sha256


def test_standard_input_has_no_sources() -> None:
    corpus = read_corpus(["-"], stdin=BytesIO(b"typed"))
    assert (corpus.text, corpus.sources, corpus.name) == ("typed", (), "stdin")


def test_a_pipe_has_no_sources(folder: Path) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_bytes, args=(b"flowing",))
    writer.start()
    corpus = read_corpus(["pipe"])
    writer.join()
    assert (corpus.text, corpus.sources) == ("flowing", ())


def test_a_stream_without_a_name_is_called_stream(folder: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"flowing")
    os.close(writer)
    corpus = read_corpus([f"/dev/fd/{reader}"])
    os.close(reader)
    assert (corpus.text, corpus.name) == ("flowing", "stream")


def test_a_path_wins_over_a_name_of_the_catalogue(folder: Path) -> None:
    Path("pydoc").write_text("mine", encoding="utf-8")
    assert read_corpus(["pydoc"]).text == "mine"
    assert read_corpus(["catalogue:pydoc"]).name == "pydoc"
    assert len(read_corpus(["catalogue:pydoc"]).text) > 100_000


def test_the_encoding_is_for_files_and_not_for_the_catalogue(folder: Path) -> None:
    Path("old").write_bytes(b"caf\xe9")
    corpus = read_corpus(["old", "pydoc"], Reading(encoding="latin-1"))
    assert corpus.text.startswith("café\n")
    assert corpus.report.encoding == "iso8859-1, utf-8"


def test_a_hash_that_nobody_knew_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"/* a kernel */\n"
    monkeypatch.setattr(download, "fetch", lambda *_, **__: data)
    first, second = read_corpus(["linux"]), read_corpus(["linux"])
    assert first.report.recorded == (("linux", hashlib.sha256(data).hexdigest()),)
    assert second.report.recorded == ()
    assert second.text == data.decode()


def test_the_report_adds_up_over_files(folder: Path) -> None:
    Path("1").write_bytes(b"\xef\xbb\xbfa\r\n")
    Path("2").write_bytes("e\u0301\r".encode())
    report = read_corpus(["1", "2"]).report
    assert (report.bom, report.crlf, report.cr, report.composed) == (True, 1, 1, 1)


def test_what_is_to_be_kept_is_kept(folder: Path) -> None:
    Path("1").write_bytes("e\u0301\r\n".encode())
    assert read_corpus(["1"], Reading(unify_newlines=False, compose=False)).text == "e\u0301\r\n"


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("nowhere.txt", "There is no file or folder 'nowhere.txt'"),
        ("gone/shakespeare", "There is no file or folder 'gone/shakespeare'."),
        ("shakespear", "Did you mean 'shakespeare'"),
        ("catalogue:nowhere", "no corpus of that name"),
        ("https://example.org/a.txt", "is an address"),
        ("empty", "There is no text in empty"),
        ("marked", "is empty"),
        ("binary", "binary is not text"),
        ("hollow", "The folder hollow has no files"),
        ("blobs", "The folder blobs has no text, only binary or empty files"),
        ("*.nothing", "has no files"),
        ("dangling", "no file or folder 'dangling'"),
        ("/dev/null", "it is a device, not a file"),
        ("", "cannot be used as a path"),
        ("a\0b", "cannot be used as a path"),
        ("x" * 5_000, "at most 255 bytes"),
        ("~nobody-of-that-name/a", "there is no user 'nobody-of-that-name'"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(
    folder: Path, argument: str, reason: str
) -> None:
    for name in ("hollow", "blobs"):
        Path(name).mkdir()
    for name, data in {"empty": b"", "marked": b"\xef\xbb\xbf", "binary": b"\0"}.items():
        Path(name).write_bytes(data)
        Path("blobs", name).write_bytes(data if name != "marked" else b"\0")
    Path("dangling").symlink_to("gone")
    with pytest.raises(CorpusError, match=reason):
        read_corpus([argument])


def test_a_file_that_may_not_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secret").write_text("x", encoding="utf-8")

    def refuse(path: Path, flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)  # a test may run as root, who may read all
    with pytest.raises(CorpusError, match="secret cannot be read: Permission denied"):
        read_corpus(["secret"])


def test_reading_can_be_given_up(folder: Path) -> None:
    Path("text.txt").write_text("to be", encoding="utf-8")

    def give_up() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_corpus([str(folder)], check_cancelled=give_up)


def test_empty_standard_input_is_told() -> None:
    with pytest.raises(CorpusError, match="There is no text in standard input"):
        read_corpus(["-"], stdin=BytesIO())


def test_standard_input_is_refused_where_there_is_none() -> None:
    with pytest.raises(CorpusError, match="Standard input cannot be read here"):
        read_corpus(["-"])


def test_no_argument_is_told() -> None:
    with pytest.raises(CorpusError, match="No corpus was named"):
        read_corpus([])


def test_an_unknown_encoding_is_told_before_anything_is_read() -> None:
    with pytest.raises(CorpusError, match="no text encoding 'klingon'"):
        read_corpus(["nowhere"], Reading(encoding="klingon"))


@given(st.integers(2, 10**9), st.floats(0.001, 0.9))
def test_both_sides_of_a_split_hold_text(characters: int, fraction: float) -> None:
    first = split_point(characters, fraction)
    assert 1 <= first <= characters - 1
    assert abs((characters - first) - characters * fraction) <= 1 + 1e-6 * characters


def test_the_split_of_tiny_shakespeare_is_the_usual_one() -> None:
    assert split_point(1_115_394, 0.1) == 1_003_854


@pytest.mark.parametrize("characters", [0, 1])
def test_what_cannot_be_split_stays_whole(characters: int) -> None:
    assert split_point(characters, 0.1) == 0
