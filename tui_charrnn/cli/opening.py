"""Opens the app. Typer is not needed for it: without arguments there is nothing to parse.

Nothing is imported here that takes time: `start_without_collecting` comes first.
"""

import gc
import importlib
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Final

STARTING: Final = 3.0
"""Seconds in which nothing is collected as garbage."""


def open_at_once() -> int:
    """Carry out `charrnn-tui` without arguments; the result is the exit code.

    It saves the time in which the commands and their parser are loaded, a tenth of what the first
    frame takes.
    """
    start_without_collecting()
    # deferred: see above
    from tui_charrnn.cli.outcome import exit_code_of  # noqa: PLC0415  deferred, see above
    from tui_charrnn.cli.output import prepare_streams  # noqa: PLC0415  deferred, see above

    prepare_streams()
    return exit_code_of(lambda: open_app(None, None, is_ascii=False))


def open_app(
    model: str | None,
    runs_dir: Path | None,
    *,
    is_ascii: bool,
    tape: Path | None = None,
    xray: Path | None = None,
) -> int:
    """Open the app on whatever run is worth showing.

    Args:
        model: The model that speaks: a file, a run or a name; None is the preferred one.
        runs_dir: The folder of the runs that an option names.
        is_ascii: Whether frames and charts are drawn in ASCII.
        tape: The file of a tape to open.
        xray: The file of a text to be read and colored.

    Returns:
        The exit code of the app.

    Raises:
        ConfigError: If there is no terminal to open it in, or CHARRNN_CACHE names no path.
    """
    start_without_collecting()
    # deferred: see above
    from tui_charrnn.cli.app_terminal import require_app_terminal  # noqa: PLC0415  deferred
    from tui_charrnn.cli.places import runs_folder  # noqa: PLC0415  deferred
    from tui_charrnn.user_folders import cache_folder  # noqa: PLC0415  deferred

    require_app_terminal()
    folder = runs_folder(runs_dir, is_lenient=True)
    cache_folder()  # refused here rather than in a thread of the app
    load_asyncio_without_tls()
    # deferred: Textual takes long, and a terminal may be lacking
    from tui_charrnn.tui.app import run_app  # noqa: PLC0415  deferred, see above

    return run_app(
        run=None, runs_folder=folder, model=model, is_ascii=is_ascii, tape=tape, xray=xray
    )


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


def start_without_collecting() -> None:
    """Look for garbage once the program has started, and never again among what it started with.

    Hundreds of modules are loaded until then and nothing of them is garbage, but looking for it
    takes a tenth of the time, and later holds the app's screen up.
    """
    if not gc.isenabled():
        return  # it has been said before
    gc.disable()
    started = threading.Timer(STARTING, _collect_from_now_on)
    started.daemon = True
    started.start()


def _collect_from_now_on() -> None:
    gc.freeze()
    gc.enable()
