"""Who reaches for the network: the download of a corpus, and processes that train together."""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import ROOT
from tests.support.terminal import Terminal, app_command
from tests.support.tiny_model import tiny_model_file

NETWORK = {"socket", "socketserver", "ssl", "http", "urllib", "ftplib", "smtplib", "xmlrpc"}
NETWORK |= {"requests", "httpx", "aiohttp", "websockets"}
HARMLESS = {"urllib.parse"}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_no_other_module_reaches_for_the_network() -> None:
    package = ROOT / "tui_charrnn"
    reaching = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for name in imported(path)
        if name.partition(".")[0] in NETWORK and name not in HARMLESS
    }
    others = {name for name in reaching if not name.startswith("cluster/")}
    assert others == {"text/download.py", "runs/host.py"}
    assert "gethostname" in (package / "runs" / "host.py").read_text(encoding="utf-8")
    listening = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "create_server" in path.read_text(encoding="utf-8")
    }
    assert listening == {"cluster/ports.py"}


def sockets_of(pid: int) -> list[str]:
    """The sockets that a process has open."""
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(os.readlink(entry))  # noqa: PTH115  it is no path
        except OSError:  # closed meanwhile
            continue
    return [link for link in links if link.startswith("socket:")]


@pytest.mark.pty
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_the_app_has_no_connection(tmp_path: Path) -> None:
    model = tiny_model_file(tmp_path / "tiny.safetensors")
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        families = network_inodes()
        assert [link for link in sockets_of(terminal.process.pid) if inode(link) in families] == []


def inode(link: str) -> str:
    return link.removeprefix("socket:[").rstrip("]")


def network_inodes() -> set[str]:
    """The numbers of all sockets that reach beyond this machine, or could."""
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        path = Path("/proc/net") / table
        rows = path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []
        found |= {row.split()[9] for row in rows}
    return found
