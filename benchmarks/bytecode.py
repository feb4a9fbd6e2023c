"""Programs as an installation starts them: with modules that were compiled before."""

import contextlib
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def kept_bytecode() -> Iterator[dict[str, str]]:
    """Variables for a program that is started again and again, from its second start on.

    Installing compiles all modules. In a checkout the first start does, and every start where the
    environment forbids to keep what was compiled: some 50 ms that no user waits for.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
