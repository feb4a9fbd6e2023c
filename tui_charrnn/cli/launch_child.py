"""`python -m tui_charrnn.cli.launch_child FD PROGRAM WORDS`: a worker that ends with its launcher.

The launcher holds the other end of the pipe FD and never writes: that it can be read means that
the launcher has ended, in whatever way. Then this process tells itself to save and leave.
"""

import os
import signal
import sys
import threading


def heed_lifeline(descriptor: int) -> None:
    """Have SIGTERM sent to this process when a pipe comes to its end."""

    def wait() -> None:
        os.read(descriptor, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def main() -> int:
    """Carry out the command line after the descriptor, as the program itself would."""
    heed_lifeline(int(sys.argv[1]))
    sys.argv = sys.argv[2:]  # named as the launcher was, in the commands that it suggests too
    # deferred: the lifeline comes first
    from tui_charrnn.__main__ import main as carry_out  # noqa: PLC0415  deferred, see above

    return carry_out()


if __name__ == "__main__":
    sys.exit(main())
