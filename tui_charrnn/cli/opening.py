"""Opens the app, where there is a terminal for it. Typer is not needed for it.

Nothing is imported here that takes long: `delay_garbage_collection` comes first.
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
"""Seconds in which nothing is collected as garbage."""


def run_without_arguments() -> int:
    """Carry out `charrnn-tui` without arguments; the result is the exit code.

    It saves the time in which the commands and their parser are loaded, a tenth of what the first
    frame takes.
    """
    delay_garbage_collection()
    prepare_streams()
    return exit_code_of(open_app)


def open_app(
    runs_dir: Path | None = None,
    sampling: Mapping[str, str | None] | None = None,
    **options: Any,
) -> int:
    """Open the app; `options` are those of `run_app`, which returns the exit code.

    Raises:
        ConfigError: If there is no terminal, CHARRNN_CACHE is no path, or an option is not allowed.
    """
    preferred, _ = read_sampling(sampling or {})
    resolve(preferred, wanted=preferred).checked()
    delay_garbage_collection()
    require_app_terminal()
    folder = runs_folder(runs_dir, is_lenient=True)
    cache_folder()  # refused here rather than in a thread of the app
    load_asyncio_without_tls()
    opened = {"run": None, "model": None, **options}
    return lazy.run_app(runs_folder=folder, sampling=sampling, **opened)


def load_asyncio_without_tls() -> None:
    """Load asyncio without OpenSSL, a thirtieth of what the first frame takes.

    The app's loop has no connection that would need it. What downloads texts imports `ssl` itself.
    """
    if "ssl" in sys.modules:
        return
    missing: dict[str, ModuleType | None] = {"ssl": None}  # how Python marks what is not there
    sys.modules.update(missing)  # type: ignore[arg-type]  # None is allowed by the language
    try:
        importlib.import_module("asyncio")
    finally:
        del sys.modules["ssl"]


def delay_garbage_collection() -> None:
    """Look for garbage once the program has started, and never again among what it started with.

    Hundreds of modules are loaded until then and nothing of them is garbage, but looking for it
    takes a tenth of the time, and later holds the app's screen up.
    """
    if not gc.isenabled():
        return  # it has been said before
    gc.disable()
    started = threading.Timer(GC_DELAY, _enable_garbage_collection)
    started.daemon = True
    started.start()


def use_one_numpy_thread() -> None:
    """Have NumPy's products take one thread, unless it is loaded by now.

    One is enough for a vector, takes nothing from a trainer beside it, and leaves the others to
    streams that are divided among threads of our own.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _enable_garbage_collection() -> None:
    gc.freeze()
    gc.enable()


_PLAIN: Final = frozenset({"dumb", "unknown"})
"""TERM of terminals that cannot place text, as those within editors."""


def require_app_terminal() -> None:
    """Refuse a terminal in which the app cannot be seen or typed to."""
    obstacle = app_obstacle()
    if obstacle:
        raise ConfigError(
            f"{obstacle} Without the app: `{command('generate')}`, "
            f"`{command('train', '--headless')}`, `{command('runs')}`."
        )


def app_obstacle(environment: Mapping[str, str] = os.environ) -> str:
    """Why the app cannot be opened here, as a sentence; empty if it can."""
    if not has_terminal():
        return "There is no terminal to open the app in."
    drawn_on = sys.__stderr__  # where Textual draws, so that standard output stays free
    if drawn_on is None or not drawn_on.isatty():
        return "There is no terminal to open the app in: it draws on standard error."
    kind = environment.get("TERM", "")
    if kind in _PLAIN:
        return f"The app cannot be drawn in a terminal that only prints lines (TERM={kind})."
    encoding = foreign_encoding(drawn_on, environment)
    if encoding:
        return (
            f"The app cannot be drawn in the encoding of this locale, {safe_line(encoding)}: "
            "it needs UTF-8, as LC_ALL=C.UTF-8 chooses it."
        )
    return ""


def foreign_encoding(stream: TextIO, environment: Mapping[str, str]) -> str:
    """The encoding of a terminal, where it is not UTF-8; empty where it is.

    The locale of the environment counts too: where it is not installed, Python itself falls back to
    UTF-8, and the terminal does not. `C` and `POSIX` do not describe the terminal.
    """
    locales = (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((each for each in locales if each), "")
    named = locale.partition("@")[0].partition(".")[2]
    return next((each for each in (stream.encoding, named) if each and not _is_utf8(each)), "")


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except (LookupError, ValueError):  # a charset that Python does not know, or no name at all
        return False
