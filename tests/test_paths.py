"""Validation of paths, and that every module uses it."""

import ast
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

import pytest

from tests.support.closed_folder import closed
from tui_charrnn import paths
from tui_charrnn.errors import ConfigError, DataError
from tui_charrnn.paths import (
    Kind,
    find_file,
    find_kind,
    is_file,
    is_folder,
    open_file,
    parse_path,
)

ROOT = Path(__file__).resolve().parent.parent
GATE = {"paths.py", "folders.py"}


def ways_around(code: str) -> Iterator[str]:
    """Path operations of a module that only `paths` may do."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case (
                ast.Attribute(attr="expanduser" | "expandvars")
                | ast.Attribute(value=ast.Name("Path"), attr="home")
                | ast.Attribute(value=ast.Name("glob"), attr="glob" | "iglob")
                | ast.Import(names=[ast.alias("platformdirs"), *_])
                | ast.ImportFrom(module="platformdirs")
                | ast.Call(
                    func=ast.Attribute(attr="get" | "getenv"),
                    args=[ast.Constant("CHARRNN_RUNS" | "CHARRNN_CACHE" | "CHARRNN_CONFIG"), *_],
                )
                | ast.Subscript(
                    slice=ast.Constant("CHARRNN_RUNS" | "CHARRNN_CACHE" | "CHARRNN_CONFIG")
                )
            ):
                yield ast.unparse(node)


@pytest.mark.parametrize(
    "code",
    [
        "Path(typed).expanduser()",
        "os.path.expanduser(typed)",
        "Path.home()",
        "import platformdirs",
        "from platformdirs import user_data_dir",
        "glob.iglob('/**')",
        "os.environ.get('CHARRNN_CACHE')",
        "os.environ['CHARRNN_RUNS']",
    ],
)
def test_a_way_around_the_gate_is_seen(code: str) -> None:
    assert list(ways_around(code))


def test_no_module_goes_around_the_gate() -> None:
    package = ROOT / "tui_charrnn"
    found = {
        str(path.relative_to(package)): sorted(ways)
        for path in package.rglob("*.py")
        if path.name not in GATE and (ways := set(ways_around(path.read_text("utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at least one character"),
        ("  ", "at least one character"),
        ("a\0b", "NUL"),
        ("x" * 256, "at most 255 bytes"),
        ("한" * 86, "at most 255 bytes, and one of it has 258"),
        ("/x" * 2_048, "4,095 are allowed"),
        ("\ud800", "no file name has"),
        ("~nosuch/x", "there is no user 'nosuch'"),
    ],
)
def test_what_no_path_can_be(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"^--runs-dir cannot be used as a path: .*{reason}"):
        parse_path(text, "--runs-dir")


def test_a_composed_path_leads_to_names_that_macos_wrote_in_parts(tmp_path: Path) -> None:
    file = tmp_path / normalize("NFD", "글 é") / normalize("NFD", "동화.txt")
    file.parent.mkdir()
    file.touch()
    assert parse_path(f"{tmp_path}/글 é/동화.txt", "x") == file
    assert parse_path(f"{tmp_path}/글 é/없음.txt", "x") == file.parent / "없음.txt"
    (exact := tmp_path / "글 é").mkdir()
    assert parse_path(exact, "x") == exact


def test_a_refused_path_is_not_quoted_whole() -> None:
    with pytest.raises(DataError) as caught:
        parse_path("x" * 5_000, "The text", error=DataError)
    assert len(str(caught.value)) < 250


def test_a_path_is_expanded_and_absolute(isolated_home: Path, tmp_path: Path) -> None:
    assert parse_path("~", "x") == isolated_home
    assert parse_path("~/a b", "x") == isolated_home / "a b"
    assert parse_path("~root", "x").is_absolute()
    assert parse_path("a", "x") == Path.cwd() / "a"


def test_a_file_whose_name_begins_with_a_tilde_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("~$letter.doc").write_text("x", "utf-8")
    assert parse_path("~$letter.doc", "x") == tmp_path / "~$letter.doc"


def test_in_a_folder_that_is_gone_a_relative_path_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert find_kind(parse_path("a", "x")) is None


def test_kinds(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe")
    names = ("file", "link", "dangling", "pipe", "missing", "file/below", ".")
    expected = [Kind.FILE, Kind.FILE, None, Kind.PIPE, None, None, Kind.FOLDER]
    assert [find_kind(tmp_path / name) for name in names] == expected
    assert find_kind(Path(os.devnull)) is Kind.DEVICE


def test_what_cannot_be_looked_at_is_an_error_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "shut").mkdir()
    with closed(tmp_path / "shut") as folder:
        for path in (tmp_path / "circle", folder / "x", Path("a\0b"), Path("x" * 300)):
            with pytest.raises(OSError):  # noqa: PT011  which one is the system's affair
                find_kind(path)
            assert not is_file(path)
            assert not is_folder(path)


def test_a_file_to_read_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^--tape .* no file /.*/missing\.$"):
        find_file(tmp_path / "missing", "--tape")
    with pytest.raises(DataError, match="is a folder, not a file"):
        find_file(tmp_path, "--tape")


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"to be")
    with open_file(tmp_path / "file") as file:
        assert file.read() == b"to be"


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", ".", "missing", "a\0b"])
def test_what_is_no_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(paths, "PIPE_PATIENCE", 0.0)
    os.mkfifo(tmp_path / "pipe")
    for allow_pipes in (False, True):
        with pytest.raises(OSError):  # noqa: PT011  which one is the system's affair
            open_file(tmp_path / name, allow_pipes=allow_pipes)


def test_a_pipe_is_read_once_somebody_writes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"to be " * 100_000,))
    writer.start()
    with open_file(path, allow_pipes=True) as file:
        assert file.read() == b"to be " * 100_000
    writer.join()


def test_a_pipe_whose_writer_is_silent_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PIPE_PATIENCE", 0.0)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    with open_file(path, allow_pipes=True) as file:
        os.write(writer, b"late")
        os.close(writer)
        assert file.read() == b"late"
