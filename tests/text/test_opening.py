"""A compressed text is recognized by its first bytes and decompressed during reading."""

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.decoding import open_bytes

TEXT = "to be, or not to be: 죽느냐 사느냐\n" * 500
ZSTANDARD = b"\x28\xb5\x2f\xfd"


@given(data=st.binary(max_size=300), size=st.integers(1, 50), is_packed=st.booleans())
def test_bytes_come_out_as_they_went_in(data: bytes, size: int, is_packed: bool) -> None:
    if data.startswith((b"\x1f\x8b\x08", ZSTANDARD)):
        return
    stored = gzip.compress(data) if is_packed else data
    with open_bytes(io.BytesIO(stored)) as file:
        pieces = list(iter(lambda: file.read(size), b""))
        assert file.consumed == len(stored)
    assert b"".join(pieces) == data
    assert all(len(piece) == size for piece in pieces[:-1])


def test_a_compressed_text_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(gzip.compress(TEXT.encode("utf-16")))
    corpus = read_corpus([str(path)])
    assert (corpus.text, corpus.report.encoding) == (TEXT, "utf-16-le")


def test_several_parts_in_one_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(TEXT.encode()) + gzip.compress(b"more\n"))
    assert read_corpus([str(path)]).text == TEXT + "more\n"


def test_zeros_behind_a_part_are_no_part(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"one\n") + bytes(5_000) + gzip.compress(b"two\n") + bytes(3))
    assert read_corpus([str(path)]).text == "one\ntwo\n"


def test_standard_input_may_be_compressed() -> None:
    corpus = read_corpus(["-"], stdin=io.BytesIO(gzip.compress(TEXT.encode())))
    assert corpus.text == TEXT


def test_a_folder_of_parts_is_read_in_order(tmp_path: Path) -> None:
    for number, text in enumerate(["one\n", "two\n", "three\n"]):
        path = tmp_path / f"part-{number}.txt.gz"
        path.write_bytes(gzip.compress(text.encode()))
    (tmp_path / "picture.gz").write_bytes(gzip.compress(b"\x89PNG\0"))
    corpus = read_corpus([str(tmp_path)])
    assert corpus.text == "one\ntwo\nthree\n"
    assert [Path(source).name for source in corpus.sources] == [
        f"part-{number}.txt.gz" for number in range(3)
    ]
    assert corpus.report.skipped_files == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-9],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-6] + b"xxxxxx",
        lambda data: data[:20] + bytes(20) + data[40:],
    ],
)
def test_damaged_data_are_told(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(damage(gzip.compress(TEXT.encode())))
    with pytest.raises(CorpusError, match=r"text.gz cannot be read: .* damaged or cut off"):
        read_corpus([str(path)])


def test_the_line_of_a_wrong_byte_is_told_of_the_unpacked_text(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\nthr\xff"))
    with pytest.raises(CorpusError, match=r"byte 11 \(0xff, line 3\)"):
        read_corpus([str(path)])


def test_without_the_package_zstandard_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)  # as where it is not installed
    path = tmp_path / "text.zst"
    path.write_bytes(ZSTANDARD + b"...")
    with pytest.raises(CorpusError, match=r"text\.zst is compressed with zstandard.*pip install"):
        read_corpus([str(path)])


def test_zstandard_is_unpacked_where_the_package_is(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    path, packed = tmp_path / "text.zst", zstandard.compress(TEXT.encode())
    path.write_bytes(packed + zstandard.compress(b"more\n"))
    assert read_corpus([str(path)]).text == TEXT + "more\n"
    long = zstandard.compress(bytes(range(1, 128)) * 20_000)
    path.write_bytes(long)
    assert len(read_corpus([str(path)])) == 127 * 20_000
    for damaged in (packed[:-5], packed[:20], packed + b"no", packed + b"not one"):
        path.write_bytes(damaged)
        with pytest.raises(CorpusError, match="damaged or cut off"):
            read_corpus([str(path)])
