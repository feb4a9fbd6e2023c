"""`corpora` and `corpora inspect`, as text and as JSON."""

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tui_charrnn.cli import corpora
from tui_charrnn.cli.corpora import corpora_app
from tui_charrnn.errors import CorpusError
from tui_charrnn.text import download


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache folder."""
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(corpora_app, arguments, input=stdin, catch_exceptions=False)


def run_for_json(*arguments: str, stdin: bytes | None = None) -> Any:
    return json.loads(run(*arguments, "--json", stdin=stdin).stdout)


def test_the_list_marks_what_needs_the_network() -> None:
    lines = {line.split()[0]: line for line in run().stdout.splitlines()}
    assert "no network" in lines["pydoc"]
    assert "needs the network" in lines["shakespeare"]
    assert "1.12 MB" in lines["shakespeare"]


def test_the_list_marks_what_is_downloaded() -> None:
    run("inspect", "pydoc")
    lines = {line.split()[0]: line for line in run().stdout.splitlines()}
    assert "here, sha256 " in lines["pydoc"]


def test_the_list_is_there_for_programs() -> None:
    entries = {entry["name"]: entry for entry in run_for_json()}
    assert entries["linux"]["needs_network"]
    assert entries["linux"]["sha256"] is None
    assert not entries["python"]["needs_network"]


def test_one_byte_is_one_character(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a")
    report = run("inspect", str(path)).stdout
    assert "size        1 byte, utf-8\n" in report
    assert "vocabulary  1 character: a\n" in report


def test_a_report_has_every_part(tmp_path: Path) -> None:
    path = tmp_path / "play.txt"
    path.write_bytes(b"\xef\xbb\xbf" + b"To be, or not to be\r\n" * 40)
    lines = run("inspect", str(path)).stdout.splitlines()
    report = {line[:12].strip(): line[12:] for line in reversed(lines)}
    assert report["corpus"] == "play, 1 file"
    assert report["size"] == "843 bytes, utf-8 with a byte order mark"
    assert report["line ends"] == "40 CR LF and 0 CR alone, turned into LF"
    assert report["composed"] == "all characters (Unicode NFC)"
    assert report["characters"] == "800 in 40 lines"
    assert report["suspicious"] == "none"
    assert report["split"] == "720 characters to train on, 80 held out"
    assert report["baselines"].startswith("uniform   2.303 nats,  3.322 bits")
    assert sum("best n-gram" in line for line in lines) == 1


def test_a_report_is_there_for_programs() -> None:
    found = run_for_json("inspect", "-", stdin=b"ab\x1b" * 50 + b"e\xcc\x81\r\n")
    assert (found["characters"], found["vocabulary"]) == (152, "\n\x1babé")
    assert (found["composed"], found["crlf"], found["encoding"]) == (1, 1, "utf-8")
    assert found["suspicious"][0]["code"] == "U+001B"
    assert found["heldout_only"] == "\né"
    assert found["baselines"]["orders"][:3] == [0, 1, 2]


def test_a_report_on_korean_names_the_option_for_jamo() -> None:
    text = "".join(map(chr, range(ord("가"), ord("힣"), 99))).encode() * 9
    (line,) = [
        line for line in run("inspect", "-", stdin=text).stdout.splitlines() if "jamo" in line
    ]
    assert "Korean: --units jamo learns " in line
    size = run_for_json("inspect", "-", stdin=text)["jamo_vocabulary_size"]
    assert f"learns {size} letters" in line
    assert run_for_json("inspect", "-", "--units", "jamo", stdin=text)["vocabulary_size"] == size
    assert "Korean:" not in run("inspect", "-", "--units", "jamo", stdin=text).stdout


def test_a_report_on_a_list_names_the_option_for_records() -> None:
    names = b"Anna\nBerta\nCarla\n" * 50
    (line,) = [
        line for line in run("inspect", "-", stdin=names).stdout.splitlines() if "records" in line
    ]
    assert "--records line learns each as a text of its own" in line


def test_options_disable_conversions() -> None:
    found = run_for_json(
        "inspect", "-", "--keep-newlines", "--keep-decomposed", stdin=b"e\xcc\x81\r\n"
    )
    assert found["vocabulary"] == "\n\re\u0301"


def test_an_unknown_hash_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "fetch", lambda *_, **__: b"/* a kernel */\n")
    result = run("inspect", "linux")
    assert "The hash of linux was not known" in result.stderr
    assert "The hash" not in run("inspect", "linux").stderr


def test_an_encoding_can_be_named() -> None:
    found = run_for_json("inspect", "-", "--encoding", "latin-1", stdin=b"caf\xe9")
    assert "é" in found["vocabulary"]


def test_the_report_shows_no_control_character() -> None:
    report = run("inspect", "-", stdin="a\x1b[31m\u202e\x9b".encode() * 9).stdout
    assert "\x1b" not in report
    assert "\u202e" not in report
    assert "\x9b" not in report
    assert "␛" in report


def test_a_failure_rises_to_the_caller() -> None:
    with pytest.raises(CorpusError, match="no file or folder 'nowhere'"):
        run("inspect", "nowhere")


def test_the_list_loads_neither_numpy_nor_tensorflow() -> None:
    code = (
        "import sys; from tui_charrnn.cli.corpora import corpora_app; "
        "corpora_app([], standalone_mode=False); "
        "sys.exit(bool({'numpy', 'tensorflow', 'textual'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.parametrize("size", [3_000_000, 300_000_000])
def test_of_a_packed_text_no_more_than_a_part_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A file that is smaller than the inspected part, and much larger when unpacked."""
    monkeypatch.setattr(corpora, "_INSPECTED_BYTES", 500_000)
    path = tmp_path / "bomb.txt.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(size // 1_000_000):
            file.write(b"a\n" * 500_000)
    assert path.stat().st_size < 500_000
    found = run_for_json("inspect", str(path))
    assert found["part_of"] == path.stat().st_size
    assert found["sha256"] is None
    assert 500_000 <= found["characters"] < 1_500_000
    (line,) = [line for line in run("inspect", str(path)).stdout.splitlines() if "part" in line]
    assert "unpacked, of" in line


def test_of_a_large_text_the_first_part_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpora, "_INSPECTED_BYTES", 100_000)
    path = tmp_path / "large.txt"
    path.write_bytes(b"To be, or not to be\n" * 50_000)
    lines = run("inspect", str(path)).stdout.splitlines()
    assert lines[1].split()[:7] == ["part", "the", "first", "262", "kB", "of", "1"]
    assert "sha256" not in "".join(lines)
    found = run_for_json("inspect", str(path))
    assert (found["part_of"], found["sha256"]) == (1_000_000, None)
    whole = run_for_json("inspect", "--whole", str(path))
    assert (whole["part_of"], whole["characters"]) == (None, 1_000_000)
    assert whole["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
