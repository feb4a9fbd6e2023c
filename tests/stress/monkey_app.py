"""The app as the monkey gets it: nothing that it starts trains, and its problems are written down.

python -m tests.stress.monkey_app HOME MODEL RUN PROBLEMS
"""

import errno
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from tests.support.screen_thread import watched_disk
from tui_charrnn.preferences import resolve
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui import app as app_module
from tui_charrnn.tui import textual_patches
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.new_run import estimate
from tui_charrnn.tui.session import session_for
from tui_charrnn.tui.terminal import TerminalGuard


class WatchedApp(CharRNNApp):
    """Writes down what ends it, and is watched until it leaves."""

    CSS_PATH = str(Path(app_module.__file__).with_name("charrnn.tcss"))
    has_drawn = threading.Event()
    ends = threading.Event()
    is_alone = threading.Event()
    """Nothing is watched any more."""

    def begin(self) -> None:
        """Be watched; the app does its part too."""
        super().begin()
        self.has_drawn.set()

    def exit(self, *arguments: Any, **options: Any) -> None:
        """Leave; what is done from now on may wait for a disk."""
        self.ends.set()
        super().exit(*arguments, **options)

    def _handle_exception(self, error: Exception) -> None:
        if textual_patches.is_of_removed(error):
            return
        self.ends.set()
        self.has_drawn.set()
        self.is_alone.wait()
        _write_down("".join(traceback.format_exception(error)))
        super()._handle_exception(error)


def main() -> int:
    home, model, run = map(Path, sys.argv[1:4])
    threading.excepthook = lambda failed: _write_down(
        "".join(traceback.format_exception(failed.exc_type, failed.exc_value, failed.exc_traceback))
    )
    sys.unraisablehook = lambda failed: _write_down(f"unraisable: {failed.exc_value!r}")
    vars(estimate)["start_task"] = _time_nothing
    session = session_for(resolve({"model": str(model)}), run.parent, is_readonly=False)
    app = WatchedApp(session, run=RunDirectory(run), launch=_start_nothing)
    watching = threading.Thread(
        target=_watch, args=(app, threading.get_ident(), (home, run.parent)), daemon=True
    )
    watching.start()
    with TerminalGuard(app.leave):
        app.run()
    app.ends.set()
    app.has_drawn.set()
    watching.join()
    return app.return_code or 0


def _watch(app: WatchedApp, screen_thread: int, folders: tuple[Path, ...]) -> None:
    """Write down what the screen's thread does with the disk, from the first frame on."""
    app.has_drawn.wait()
    with watched_disk(*folders, thread=screen_thread) as uses:
        app.ends.wait()
    app.is_alone.set()
    for use in dict.fromkeys(uses):
        _write_down(f"The screen's thread used the disk: {use}\n")


def _start_nothing(_run: RunDirectory) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", ""])


def _time_nothing(*_what: Any) -> "subprocess.Popen[str]":
    raise OSError(errno.ENOMEM, "the monkey times nothing")


def _write_down(problem: str) -> None:
    with Path(sys.argv[4]).open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(problem)


if __name__ == "__main__":
    sys.exit(main())
