"""The program's entry: as little as possible before the first frame."""

import contextlib
import os
import sys


def main() -> int:
    """Carry out the command line of this process; the result is the exit code."""
    try:
        return _carried_out(sys.argv[1:])
    except KeyboardInterrupt:  # while modules are loaded
        return 130


def _carried_out(arguments: list[str]) -> int:
    # deferred: as everything here, so that an interrupt is met wherever it comes
    from tui_charrnn.invocation import COMPLETION  # noqa: PLC0415  deferred, see above

    # Korean and Japanese input methods lose syllables under the kitty keyboard protocol in
    # several terminals; Textual reads this when it is imported.
    os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
    if arguments in (["--version"], ["-V"]):
        # deferred: as everything here
        from tui_charrnn import __version__  # noqa: PLC0415  deferred, see above
        from tui_charrnn.cli.output import exit_code_of, print_data  # noqa: PLC0415  deferred

        def print_version() -> None:
            with contextlib.suppress(BrokenPipeError):
                print_data(f"charrnn-tui {__version__}")

        return exit_code_of(print_version)
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
