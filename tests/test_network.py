"""Modules that use the network: downloads and distributed training only."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import ROOT
from tests.support.connections import connections_of
from tests.support.terminal import Terminal, app_command
from tests.support.tiny_model import tiny_model_file

NETWORK = {"socket", "socketserver", "ssl", "http", "urllib", "ftplib", "smtplib", "xmlrpc"}
NETWORK |= {"requests", "httpx", "aiohttp", "websockets"}
HARMLESS = {"urllib.parse"}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, at any level."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def reads_host_name_only(path: Path) -> bool:
    """Whether a file uses nothing of `socket` but the name of this machine."""
    used = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "socket"
    }
    return used == {"gethostname"}


def test_no_other_module_reaches_for_the_network() -> None:
    package = ROOT / "tui_charrnn"
    reaching = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for name in imported(path)
        if name.partition(".")[0] in NETWORK and name not in HARMLESS
        if not (name == "socket" and reads_host_name_only(path))
    }
    assert reaching == {"text/download.py", "cli/following.py"}
    listening = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in ("create_server", ".listen("))
    }
    assert listening == {"training/__main__.py"}  # to signals


@pytest.mark.pty
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_the_app_has_no_connection(tmp_path: Path) -> None:
    model = tiny_model_file(tmp_path / "tiny.safetensors")
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        assert connections_of(terminal.process.pid) == []
