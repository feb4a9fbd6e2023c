"""Without arguments the app opens without the parser and with the garbage collector off."""

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.support.command import ROOT
from tui_charrnn.cli import opening
from tui_charrnn.errors import ConfigError


@pytest.fixture
def collected() -> Iterator[None]:
    """Enable the garbage collector before and after a test."""
    gc.enable()
    yield
    gc.enable()
    gc.unfreeze()


def test_the_garbage_collector_is_off_until_the_app_has_started(
    collected: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[threading.Timer] = []

    def start(timer: threading.Timer) -> None:
        started.append(timer)

    monkeypatch.setattr(threading.Timer, "start", start)
    opening.delay_garbage_collection()
    assert not gc.isenabled()
    (timer,) = started
    assert timer.daemon
    assert timer.interval == opening.GC_DELAY
    timer.function()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_without_arguments_no_parser_is_loaded() -> None:
    code = (
        "import sys; sys.argv = ['charrnn-tui']; from tui_charrnn.__main__ import main; "
        "assert main() == 2; print(sorted({'typer', 'textual', 'numpy'} & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert (ended.stdout, ended.returncode) == (b"[]\n", 0), ended.stderr
    assert b"There is no terminal" in ended.stderr


def test_the_loop_of_the_app_has_no_tls_but_downloads_have_it() -> None:
    script = (
        "import sys\n"
        "from tui_charrnn.cli.opening import load_asyncio_without_tls\n"
        "load_asyncio_without_tls()\n"
        "assert 'asyncio' in sys.modules and 'ssl' not in sys.modules\n"
        "import asyncio, urllib.request\n"
        "asyncio.run(asyncio.sleep(0))\n"
        "assert hasattr(urllib.request, 'HTTPSHandler')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_cache_that_is_no_path_is_refused_before_the_app_opens(
    collected: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "require_app_terminal", lambda: None)
    monkeypatch.setenv("CHARRNN_CACHE", "~nosuch/x")
    with pytest.raises(ConfigError, match="CHARRNN_CACHE cannot be used as a path"):
        opening.open_app()
