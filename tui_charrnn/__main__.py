"""The program's entry point; does as little as possible before the first frame."""

import os
import sys

from tui_charrnn import lazy
from tui_charrnn.invocation import COMPLETION


def main() -> int:
    """Run the command line of this process; return the exit code."""
    try:
        return _run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules are loaded
        return 130


def _run(arguments: list[str]) -> int:
    # Korean and Japanese input methods lose syllables under the kitty keyboard protocol in
    # several terminals; Textual reads this when it is imported.
    os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
    if arguments in (["--version"], ["-V"]):
        return lazy.print_version()
    if not arguments and COMPLETION not in os.environ:
        return lazy.run_without_arguments()
    lazy.delay_garbage_collection()
    return lazy.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
