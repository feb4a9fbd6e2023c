"""Named texts: a valid catalogue, cached files with hashes, rebuilt when damaged."""

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.text_server import Answer, serve
from tui_charrnn.errors import CorpusError, StorageError
from tui_charrnn.text.catalogue import (
    _BUILDERS,
    CatalogueEntry,
    corpora_folder,
    load_catalogue,
    obtain,
)

TEXT = b"int main(void)\n"
SHA256 = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no proxy before the loopback."""
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache" / "corpora"


def download(*urls: str, sha256: str | None = None) -> CatalogueEntry:
    return CatalogueEntry(
        name="kernel",
        title="A kernel",
        approximate_bytes=15,
        urls=urls,
        maximum_bytes=100,
        sha256=sha256,
    )


def test_the_bundled_catalogue_is_valid() -> None:
    catalogue = load_catalogue()
    assert list(catalogue) == [
        "pydoc",
        "python",
        "shakespeare",
        "linux",
        "korean-fairytales",
    ]
    assert catalogue["shakespeare"].characters == 1_115_394
    assert len(catalogue["shakespeare"].urls) == 2


def test_the_entries_of_the_bundled_catalogue_are_whole() -> None:
    for name, entry in load_catalogue().items():
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", name)
        assert entry.approximate_bytes > 0
        if entry.kind == "built":
            assert entry.builder in _BUILDERS
        else:
            assert entry.kind == "download"
            assert entry.builder is None
            assert entry.urls
            assert all(url.startswith("https://") for url in entry.urls)
            assert entry.maximum_bytes >= entry.approximate_bytes
            assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256)


def test_the_cache_follows_the_platform_if_nothing_is_set(
    monkeypatch: pytest.MonkeyPatch, isolated_home: Path
) -> None:
    monkeypatch.delenv("CHARRNN_CACHE")
    assert isolated_home in corpora_folder().parents


def test_a_text_is_built_once() -> None:
    entry = load_catalogue()["pydoc"]
    assert not entry.is_here
    first = obtain(entry).stat()
    assert entry.is_here
    assert obtain(entry).stat().st_mtime_ns == first.st_mtime_ns


@pytest.mark.parametrize("damage", [b"", b"something else"])
def test_a_damaged_built_text_is_built_again(damage: bytes) -> None:
    entry = load_catalogue()["pydoc"]
    whole = obtain(entry).read_bytes()
    entry.path.write_bytes(damage)
    assert not entry.is_here
    assert obtain(entry).read_bytes() == whole


def test_a_text_without_a_record_is_built_again() -> None:
    entry = load_catalogue()["pydoc"]
    whole = obtain(entry).read_bytes()
    entry.record.unlink()
    assert obtain(entry).read_bytes() == whole
    assert entry.expected_sha256 == hashlib.sha256(whole).hexdigest()


def test_built_texts_of_two_versions_lie_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = load_catalogue()["pydoc"]
    here = entry.path
    monkeypatch.setattr("platform.python_version", lambda: "9.8.7")
    assert entry.path != here
    assert "9.8.7" in entry.path.name


def test_a_download_is_kept() -> None:
    with serve({"/a": Answer(TEXT)}) as server:
        entry = download(server.url("/a"), sha256=SHA256)
        assert obtain(entry).read_bytes() == TEXT
        obtain(entry)
        assert server.requests == ["/a"]


def test_a_kept_download_needs_no_network() -> None:
    with serve({"/a": Answer(TEXT)}) as server:
        entry = download(server.url("/a"))
        obtain(entry)
    assert obtain(entry).read_bytes() == TEXT


def test_the_first_download_of_an_unknown_text_is_recorded() -> None:
    with serve({"/a": Answer(TEXT)}) as server:
        entry = download(server.url("/a"))
        assert entry.expected_sha256 is None
        obtain(entry)
    assert entry.expected_sha256 == SHA256
    assert entry.record.read_text(encoding="utf-8") == f"{SHA256}  kernel.txt\n"


def test_a_later_download_is_held_against_the_record() -> None:
    with serve({"/a": Answer(TEXT), "/b": Answer(b"changed")}) as server:
        entry = download(server.url("/a"))
        obtain(entry).unlink()
        with pytest.raises(CorpusError, match=r"sent another text.*delete .*kernel\.txt\.sha256"):
            obtain(replace(entry, urls=(server.url("/b"),)))
        assert obtain(entry).read_bytes() == TEXT


def test_a_failed_download_leaves_nothing_and_says_what_to_do(cache: Path) -> None:
    with serve({"/a": Answer(b"wrong")}) as server:
        entry = download(server.url("/a"), sha256=SHA256)
        with pytest.raises(CorpusError) as caught:
            obtain(entry)
    message = str(caught.value)
    assert message.startswith("A kernel could not be downloaded. 127.0.0.1")
    assert "put the file anywhere" in message
    assert "its path instead of the name kernel" in message
    assert not list(cache.glob("*"))


def test_nothing_half_written_stays_when_the_disk_refuses(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match=r"No space left on device.*CHARRNN_CACHE"):
        obtain(load_catalogue()["pydoc"])
    assert not list(cache.iterdir())


def test_a_cache_that_cannot_be_made_is_told(cache: Path) -> None:
    cache.parent.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(StorageError, match="CHARRNN_CACHE"):
        obtain(load_catalogue()["pydoc"])
