"""The cause of a failed training, and the sentence for an unexpected one, without TensorFlow."""

import errno

from tui_charrnn.errors import BrokenClusterError, CorpusError, StorageError
from tui_charrnn.runs.layout import RunDirectory


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an error, of Python or TensorFlow, means out of memory."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def cause_of(error: Exception) -> str:
    """Return the cause of a failure, as in `RunFailed.cause`."""
    if isinstance(error, BrokenClusterError):
        return error.cause
    if isinstance(error, CorpusError):
        return "text"
    source = error.__cause__ if isinstance(error, StorageError) else error
    if lacks_memory(source):
        return "memory"
    is_full = isinstance(source, OSError) and source.errno in {errno.ENOSPC, errno.EDQUOT}
    return "disk" if is_full else ""


def explain(error: Exception, run: RunDirectory) -> str:
    """Describe an unexpected failure, with the remedy if known."""
    if cause_of(error) == "memory":
        return (
            "There was not enough memory for a batch. Start again with a smaller --batch-size, "
            "--sequence-length or --hidden-size."
        )
    return f"The trainer met an unexpected {one_line(error)} (details in {run.log})."


def one_line(error: Exception) -> str:
    """Return type and message of an exception, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300] if lines else 'no message'}"
