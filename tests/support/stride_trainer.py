"""A trainer that takes many steps in one call, as a trainer on a GPU does.

python -m tests.support.stride_trainer STEPS ARGUMENTS

In a soak, a step costs a fraction of one that is called by itself, so that a million of them fit
into an hour. Everything else is that of `python -m tui_charrnn.training ARGUMENTS`.
"""

import sys

from tests.support.exact_trainer import take_strides
from tui_charrnn.training.__main__ import end_process, main

if __name__ == "__main__":
    take_strides(int(sys.argv[1]))
    end_process(main(sys.argv[2:]))
