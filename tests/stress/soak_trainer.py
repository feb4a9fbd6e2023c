"""The trainer of a soak that takes many steps in one call, as a trainer on a GPU does.

python -m tests.stress.soak_trainer RUN STEPS

A step costs a fraction of one that is called by itself, so that a million of them fit into an hour.
Everything else is that of `python -m tui_charrnn.training`.
"""

import sys

from tests.support.exact_trainer import take_strides
from tui_charrnn.training.__main__ import main

if __name__ == "__main__":
    take_strides(int(sys.argv[2]))
    sys.exit(main([sys.argv[1]]))
