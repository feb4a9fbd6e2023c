"""The program's entry: as little as possible before the first frame."""

import contextlib
import os
import sys

from tui_charrnn import __version__
from tui_charrnn.invocation import COMPLETION


def main() -> int:
    """Carry out the command line of this process; the result is the exit code."""
    # Korean and Japanese input methods lose syllables under the kitty keyboard protocol in
    # several terminals; Textual reads this when it is imported.
    os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        # deferred: as everything here, so that importing this module loads nothing
        from tui_charrnn.cli.output import print_data  # noqa: PLC0415  deferred, see above

        with contextlib.suppress(BrokenPipeError):
            print_data(f"charrnn-tui {__version__}")
        return 0
    if not arguments and COMPLETION not in os.environ:
        # deferred: the app opens without loading the commands
        from tui_charrnn.cli.opening import open_at_once  # noqa: PLC0415  deferred, see above

        return open_at_once()
    # deferred: the version is told without loading the commands
    from tui_charrnn.cli.opening import start_without_collecting  # noqa: PLC0415  deferred

    start_without_collecting()
    # deferred: see above, and nothing of what it loads is garbage
    from tui_charrnn.cli.main import run  # noqa: PLC0415  deferred, see above

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
