"""Opens the app if the terminal can show it, without Typer.

This module imports nothing slow, so that `delay_garbage_collection` runs before most imports.
"""

import codecs
import gc
import importlib
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TextIO

from tui_charrnn import lazy
from tui_charrnn.cli.output import exit_code_of, has_terminal, prepare_streams
from tui_charrnn.errors import ConfigError
from tui_charrnn.folders import cache_folder
from tui_charrnn.invocation import command
from tui_charrnn.preferences import read_sampling, resolve, runs_folder
from tui_charrnn.safe_text import safe_line

GC_DELAY: Final = 3.0
"""Seconds after the start during which the garbage collector is off."""


def run_without_arguments() -> int:
    """Run `charrnn-tui` without arguments, and return the exit code.

    It does not import the commands and their parser, which takes a tenth of the time to the first
    frame.
    """
    delay_garbage_collection()
    prepare_streams()
    return exit_code_of(open_app)


def open_app(
    runs_dir: Path | None = None, options: Mapping[str, Any] | None = None, **more: Any
) -> int:
    """Open the app with the arguments of `run_app`, and return the exit code.

    Raises:
        ConfigError: If no terminal can show the app, or an option or CHARRNN_CACHE is not allowed.
    """
    preferred, _ = read_sampling(options or {})
    resolve(preferred, wanted=preferred).checked()
    delay_garbage_collection()
    require_app_terminal()
    folder = runs_folder(runs_dir, is_lenient=True)
    cache_folder()  # raises here rather than in a thread of the app
    load_asyncio_without_tls()
    return lazy.run_app(runs_folder=folder, options=options, **more)


def load_asyncio_without_tls() -> None:
    """Import asyncio without `ssl`, which takes a thirtieth of the time to the first frame.

    The event loop of the app opens no TLS connection. Code that downloads texts imports `ssl`.
    """
    if "ssl" in sys.modules:
        return
    missing: dict[str, ModuleType | None] = {"ssl": None}  # None makes `import ssl` fail
    sys.modules.update(missing)  # type: ignore[arg-type]  # None is allowed by the language
    try:
        importlib.import_module("asyncio")
    finally:
        del sys.modules["ssl"]


def delay_garbage_collection() -> None:
    """Disable the garbage collector for `GC_DELAY`, then exclude all objects that exist by then.

    The imports at the start create no garbage, but searching them takes a tenth of the start time
    and would later delay frames of the app.
    """
    if not gc.isenabled():
        return  # already delayed
    gc.disable()
    started = threading.Timer(GC_DELAY, _enable_garbage_collection)
    started.daemon = True
    started.start()


def use_one_numpy_thread() -> None:
    """Limit the matrix products of NumPy to one thread, unless it is already imported.

    One is enough for products with a vector. The other processors are left to a trainer, or to the
    threads that score or generate several streams.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _enable_garbage_collection() -> None:
    gc.freeze()
    gc.enable()


_LINE_TERMINALS: Final = frozenset({"dumb", "unknown"})
"""TERM of terminals without cursor addressing, such as those inside editors."""


def require_app_terminal() -> None:
    """Raise `ConfigError` if the app cannot be opened in this terminal."""
    obstacle = app_obstacle()
    if obstacle:
        raise ConfigError(
            f"{obstacle} Without the app: `{command('generate')}`, "
            f"`{command('train', '--headless')}`, `{command('runs')}`."
        )


def app_obstacle(environment: Mapping[str, str] = os.environ) -> str:
    """Return why the app cannot be opened here, as a sentence; empty if it can."""
    if not has_terminal():
        return "There is no terminal to open the app in."
    screen = sys.__stderr__  # Textual draws on standard error
    if screen is None or not screen.isatty():
        return "There is no terminal to open the app in: it draws on standard error."
    return drawing_obstacle(screen, environment)


def drawing_obstacle(screen: TextIO, environment: Mapping[str, str]) -> str:
    """Return why the app cannot be drawn on a terminal, as a sentence; empty if it can."""
    kind = environment.get("TERM", "")
    if kind in _LINE_TERMINALS:
        return f"The app cannot be drawn in a terminal that only prints lines (TERM={kind})."
    encoding = foreign_encoding(screen, environment)
    if encoding:
        return (
            f"The app cannot be drawn in the encoding of this locale, {safe_line(encoding)}: it "
            "needs UTF-8, for example LC_ALL=C.UTF-8."
        )
    return ""


def foreign_encoding(stream: TextIO, environment: Mapping[str, str]) -> str:
    """Return the encoding of a terminal if it is not UTF-8; empty if it is.

    The locale of the environment counts too: if it is not installed, Python falls back to UTF-8,
    but the terminal does not. `C` and `POSIX` name no encoding of the terminal.
    """
    named = character_locale(environment).partition("@")[0].partition(".")[2]
    return next((each for each in (stream.encoding, named) if each and not _is_utf8(each)), "")


def character_locale(environment: Mapping[str, str]) -> str:
    """Return the locale of characters that the environment names; empty if it names none."""
    named = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next(filter(None, named), "")


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except (LookupError, ValueError):  # an encoding unknown to Python, or an invalid name
        return False
