"""The expected errors of the program and their exit codes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final, Self

from tui_charrnn.translation import tr


class ExitCode(IntEnum):
    """Exit codes of all commands."""

    OK = 0
    """Finished, or stopped on request."""
    UNEXPECTED = 1
    """A bug in this program; the traceback is in the log."""
    USAGE = 2
    """A wrong option or configuration, or a request to a run that has no trainer."""
    DATA = 3
    """Unreadable data: a corpus, a model file or a run."""
    DIVERGED = 4
    """The loss stopped being finite; the last good checkpoint is kept."""
    LOCKED = 5
    """Another trainer holds the run."""
    CANNOT_SAVE = 6
    """A checkpoint could not be written."""
    UNANSWERED = 7
    """A trainer did not answer a request in time; the request stays pending."""
    RESUME_ME = 75
    """Saved before the work was done (time limit, preemption): run `resume`, or the same again."""
    INTERRUPTED = 130
    """Ctrl-C."""


EXPECTED_EXIT_CODES: Final = frozenset({ExitCode.OK, ExitCode.RESUME_ME, ExitCode.INTERRUPTED})
"""Exit codes of a trainer that ended as requested."""


class CharRNNError(Exception):
    """An expected error, explained to the user in one sentence."""

    exit_code: ExitCode = ExitCode.UNEXPECTED

    def __init__(self, sentence: str = "", /, **values: object) -> None:
        """Translate the sentence to the user's language with its values; see `translation.tr`."""
        super().__init__(tr(sentence, **values))

    @classmethod
    def unreadable(cls, name: object, error: OSError) -> Self:
        """Build the error for something that the system failed to read."""
        return cls("{name} cannot be read: {reason}.", name=name, reason=reason_of(error))

    @classmethod
    @contextmanager
    def if_unreadable(cls, name: object) -> Iterator[None]:
        """Raise the error of `unreadable` if the system fails to read something."""
        try:
            yield
        except OSError as error:
            raise cls.unreadable(name, error) from error

    @property
    def lines(self) -> tuple[str, ...]:
        """What a command prints, line by line."""
        return (str(self),)


class ConfigError(CharRNNError):
    """A setting has a value that is not allowed, or a name that is not known."""

    exit_code = ExitCode.USAGE


class SettingsFileError(ConfigError):
    """The settings have problems, most of them in the settings file."""

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
    """Input cannot be read."""

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
    """A required write to disk failed."""

    exit_code = ExitCode.CANNOT_SAVE


class UnansweredError(CharRNNError):
    """A trainer did not answer a request in time; the request stays pending."""

    exit_code = ExitCode.UNANSWERED


class BrokenClusterError(CharRNNError):
    """Another process of a distributed training did not start or was lost.

    The newest checkpoint is valid, so the same command continues from it. If the other process
    failed by itself, its exit code is used.
    """

    exit_code = ExitCode.RESUME_ME
    cause = ""
    """Of the other process's failure, as in `RunFailed.cause`."""


class PreemptedError(CharRNNError):
    """A scheduler reclaims the machine before there is anything to save."""

    exit_code = ExitCode.RESUME_ME


def did_you_mean(names: Iterable[str]) -> str:
    """A question that suggests names similar to an unknown one."""
    return tr("Did you mean {names}?", names=tr(" or ").join(names))


def reason_of(error: OSError) -> str:
    """The reason of a system error in the user's language, without number and path."""
    return tr(error.strerror or str(error))


def never_cancelled() -> None:
    """Never cancel: the default of a `check_cancelled`, which long work calls now and then.

    Another one raises an error to end the work.
    """
