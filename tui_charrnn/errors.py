"""Every failure that a user can cause, and the exit code that it leads to.

CharRNNError                 anything expected; printed as one sentence, never with a traceback
├── ConfigError         (2)  a setting or an option: what was received, what is allowed
│   ├── SettingsFileError    the settings: a sentence for each problem
│   └── ClusterError         processes that cannot train together: addresses, ranks, settings
├── DataError           (3)  something that was given to be read could not be
│   ├── CorpusError          a text: missing, empty, binary, undecodable, too short
│   ├── ModelFileError       a model file: not ours, truncated, misshapen, unknown name
│   ├── RunError             a run directory: missing, unreadable, of an unknown format
│   └── HistoryError         the history of generated texts: damaged, in use, of a newer format
├── DivergedError       (4)  the loss stopped being a finite number
├── RunLockedError      (5)  another trainer is writing this run
├── StorageError        (6)  the disk refused a write that matters
├── UnansweredError     (7)  a trainer did not do in time what it was asked for
├── BrokenClusterError (75)  another process of a training over several did not come, or was lost
└── PreemptedError     (75)  a scheduler's signal came before there was anything to save
"""

import errno
import os
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, Self

from tui_charrnn.translation import tr


class ExitCode(IntEnum):
    """How every command of this program ends."""

    OK = 0
    """Finished, or stopped on request."""
    UNEXPECTED = 1
    """A defect of this program; the traceback is in the log."""
    USAGE = 2
    """A wrong option or configuration."""
    DATA = 3
    """Unreadable data: a corpus, a model file or a run."""
    DIVERGED = 4
    """The loss stopped being finite; the last good checkpoint is kept."""
    LOCKED = 5
    """Another trainer holds the run."""
    CANNOT_SAVE = 6
    """The disk refused to take a checkpoint."""
    UNANSWERED = 7
    """A trainer did not answer a request in time; the request waits for it."""
    RESUME_ME = 75
    """Saved before the work was done (time limit, preemption): run `resume`, or the same again."""
    INTERRUPTED = 130
    """Ctrl-C."""


AS_ASKED: Final = frozenset({ExitCode.OK, ExitCode.RESUME_ME, ExitCode.INTERRUPTED})
"""Exit codes of a trainer that did what it was asked for."""


class CharRNNError(Exception):
    """A failure that is explained to the user in one sentence."""

    exit_code: ExitCode = ExitCode.UNEXPECTED

    def __init__(self, sentence: str = "", /, **values: object) -> None:
        """Say what is wrong, in the language of the user; see `translation.tr`."""
        super().__init__(tr(sentence, **values))

    @classmethod
    def unreadable(cls, name: object, error: OSError) -> Self:
        """What to raise where the system refused to read something."""
        return cls("{name} cannot be read: {reason}.", name=name, reason=reason_of(error))

    @property
    def lines(self) -> tuple[str, ...]:
        """What a command prints, line by line."""
        return (str(self),)


class ConfigError(CharRNNError):
    """A setting has a value that is not allowed, or a name that is not known."""

    exit_code = ExitCode.USAGE


class SettingsFileError(ConfigError):
    """Something is wrong in the settings, most of it in their file."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        """A sentence each."""
        super().__init__(" ".join(self.problems))

    @property
    def lines(self) -> tuple[str, ...]:
        """One for each problem."""
        return self.problems


class ClusterError(ConfigError):
    """Processes cannot train together because of an address, a rank, a port or a setting."""


class DataError(CharRNNError):
    """Something that was given to be read could not be."""

    exit_code = ExitCode.DATA


class CorpusError(DataError):
    """A corpus is missing, empty, binary, undecodable or too short."""


class ModelFileError(DataError):
    """A model file is of another program, or is damaged."""


class RunError(DataError):
    """A run directory is missing, unreadable or of an unknown format."""


class HistoryError(DataError):
    """The history of generated texts is damaged, in use, or of a format that is not known."""


class DivergedError(CharRNNError):
    """The loss or the gradient stopped being a finite number."""

    exit_code = ExitCode.DIVERGED


class RunLockedError(CharRNNError):
    """Another trainer is writing this run."""

    exit_code = ExitCode.LOCKED


class StorageError(CharRNNError):
    """The disk refused a write that matters."""

    exit_code = ExitCode.CANNOT_SAVE


class UnansweredError(CharRNNError):
    """A trainer did not do in time what it was asked for; the request waits for it."""

    exit_code = ExitCode.UNANSWERED


class BrokenClusterError(CharRNNError):
    """Another process of a training over several did not come, or was lost.

    The newest checkpoint is valid, so the same command continues from it. Where the other process
    failed by itself, the exit code is its own.
    """

    exit_code = ExitCode.RESUME_ME


class PreemptedError(CharRNNError):
    """The machine is to be given up, and there is nothing yet that could be saved."""

    exit_code = ExitCode.RESUME_ME


SYSTEM_REASONS: Final = {
    errno.ENOENT: "No such file or directory",
    errno.EACCES: "Permission denied",
    errno.EPERM: "Operation not permitted",
    errno.ENOTDIR: "Not a directory",
    errno.EISDIR: "Is a directory",
    errno.EEXIST: "File exists",
    errno.ENOTEMPTY: "Directory not empty",
    errno.ENOSPC: "No space left on device",
    errno.EDQUOT: "Disk quota exceeded",
    errno.EROFS: "Read-only file system",
    errno.EFBIG: "File too large",
    errno.EIO: "Input/output error",
    errno.ENOMEM: "Cannot allocate memory",
    errno.EMFILE: "Too many open files",
    errno.ENFILE: "Too many open files in system",
    errno.ELOOP: "Too many levels of symbolic links",
    errno.ENAMETOOLONG: "File name too long",
    errno.EINVAL: "Invalid argument",
    errno.EBUSY: "Device or resource busy",
    errno.ETXTBSY: "Text file busy",
    errno.ESTALE: "Stale file handle",
    errno.ENODEV: "No such device",
    errno.ENXIO: "No such device or address",
    errno.EXDEV: "Invalid cross-device link",
    errno.EPIPE: "Broken pipe",
    errno.EAGAIN: "Resource temporarily unavailable",
    errno.ETIMEDOUT: "Connection timed out",
    errno.ECONNREFUSED: "Connection refused",
    errno.ECONNRESET: "Connection reset by peer",
    errno.ENETUNREACH: "Network is unreachable",
    errno.EHOSTUNREACH: "No route to host",
}
"""The words of the system for common errors, by number."""


def did_you_mean(names: Iterable[str]) -> str:
    """A question after names that are near to one that nothing has."""
    return tr("Did you mean {names}?", names=tr(" or ").join(names))


def reason_of(error: OSError) -> str:
    """Why the system refused, in the language of the user, without number and path."""
    number, reason = error.errno or 0, error.strerror or str(error)
    is_own = number in SYSTEM_REASONS and reason == os.strerror(number)
    return tr(SYSTEM_REASONS[number]) if is_own else reason
