"""What went wrong with a run, why as far as it can be told, and what helps."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from tui_charrnn.errors import AS_ASKED, ExitCode
from tui_charrnn.invocation import command
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.host import host_name
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import LOST_AFTER, SILENT_AFTER
from tui_charrnn.runs.records import RunDiverged
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.log_lines import words_since_start
from tui_charrnn.viewing.run_view import RunView, quantity_words
from tui_charrnn.viewing.run_words import command_words, gigabytes

RemedyId = Literal["resume", "half_batch", "lower_rate", "log"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that the app can do about a failure."""

    id: RemedyId
    key: str
    """The letter that does it while the card has the focus."""
    label: str
    changes: tuple[tuple[str, str], ...] = ()
    """Settings of a new run that are to differ, as they would be typed."""


OPEN_LOG = Remedy("log", "o", "Open the log")
RESUME = Remedy("resume", "r", "Resume")


def batch_size(view: RunView) -> int | None:
    """Streams side by side: as planned, or as configured before that."""
    if view.plan is not None:
        return view.plan.batch_size
    return view.description.training.batch_size if view.description else None


def half_batch(view: RunView) -> list[Remedy]:
    """A new run with half the batch; nothing where it is not known, or one stream already."""
    size = batch_size(view)
    if size is None or size < 2:
        return []
    half = str(size // 2)
    return [Remedy("half_batch", "b", f"New run, batch size {half}", (("batch_size", half),))]


def rate_limit(view: RunView) -> float | None:
    """A peak of the learning rate that is too high: the lowest that the run diverged with."""
    rates = [view.peak_rate]
    if view.peak_rate is None:
        rates.append(view.planned_rate)
    if view.diverged is not None:
        rates.append(view.diverged.learning_rate)
    return min((rate for rate in rates if rate), default=None)


def lower_rate(view: RunView) -> list[Remedy]:
    """A new run with half of what is too high; nothing where that is not known."""
    limit = rate_limit(view)
    if limit is None:
        return []
    half = f"{limit / 2:.2g}"
    return [Remedy("lower_rate", "l", f"New run, rate {half}", (("learning_rate", half),))]


REFUSALS: Final = frozenset({
    ExitCode.USAGE,
    ExitCode.DATA,
    ExitCode.LOCKED,
    ExitCode.CANNOT_SAVE,
})
"""Exit codes of a trainer that said in its log why it did not take a run up."""
_CRASHES: Final = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "it aborted itself",
    signal.SIGILL: "an instruction that this processor does not have",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "arithmetic error",
}
_ENDS: Final = {
    signal.SIGKILL: "killed by force",
    signal.SIGTERM: "asked to end",
    signal.SIGHUP: "its terminal was closed",
    signal.SIGINT: "interrupted from a keyboard",
    signal.SIGQUIT: "quit from a keyboard",
    signal.SIGXCPU: "its processor time was used up",
    signal.SIGXFSZ: "a file grew past its limit",
}


def crash_words(exit_code: int) -> str:
    """What went wrong in native code, or nothing if the process ended otherwise.

    Args:
        exit_code: Of the process; minus the number of the signal that ended it.
    """
    number = _signal(exit_code)
    return "" if number is None else _CRASHES.get(number, "")


def signal_words(exit_code: int) -> str:
    """Which signal ended a process, as `SIGKILL, killed by force`.

    Args:
        exit_code: Minus the number of the signal.
    """
    number = _signal(exit_code)
    if number is None:
        return f"signal {-exit_code}"
    words = _ENDS.get(number) or (signal.strsignal(number) or "").lower()
    return f"{number.name}, {words}" if words else number.name


def _signal(exit_code: int) -> signal.Signals | None:
    try:
        return signal.Signals(-exit_code)
    except ValueError:
        return None


_TO_BE_RESUMED: Final = {RunState.STOPPED, RunState.SAVED, RunState.INTERRUPTED}
_NEARLY_ALL: Final = 0.8
"""Share of its memory that a trainer held, from which on being killed is laid to that."""
_NO_MEMORY: Final = re.compile(
    r"std::bad_alloc|ResourceExhausted|RESOURCE_EXHAUSTED|MemoryError|^Killed\b"
    r"|(?:[Oo]ut of|OUT_OF_|Cannot allocate) ?(?:memory|MEMORY)"
    r"|OOM when allocating|ALLOC_FAILED|[Oo][Oo][Mm][-_ ][Kk]ill",
    re.MULTILINE,
)
_NO_FAILURE: Final = "this is not a failure"
"""What TensorFlow adds where it lacked memory and did with less."""
_NO_ROOM: Final = re.compile(r"no space left on device|quota exceeded", re.IGNORECASE)
_CRASHED: Final = re.compile(
    r"Segmentation fault|Bus error|Illegal instruction|Fatal Python error|terminate called|Aborted"
)
_REFUSED: Final = "charrnn-tui: "
"""How the last sentence of a trainer begins that could not take the run up."""


class FailureKind(StrEnum):
    """What kind of trouble a run is in; the value says it to people."""

    UNREADABLE = "The run cannot be read"
    DIVERGED = "Training diverged"
    OUT_OF_MEMORY = "Out of memory"
    DISK_FULL = "The disk is full"
    TEXT_GONE = "The text is not the same"
    EXPLAINED = "Training failed"
    KILLED = "The trainer was killed"
    CRASHED = "The trainer crashed"
    LOST = "The trainer is gone"
    SILENT = "No news of the trainer"


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong with a run; all words are safe to show."""

    kind: FailureKind
    run: RunDirectory
    sentence: str
    """What happened."""
    hint: str
    """What that means, and what to do next."""
    remedies: tuple[Remedy, ...] = ()
    """What the app can do about it, the most helpful first."""


def diagnose(view: RunView, exit_code: int | None, log: Sequence[str]) -> Failure | None:
    """Say what is wrong with a run; None while nothing is, and after an end in good order.

    Args:
        view: What is known of the run.
        exit_code: How the trainer's process ended, negative if by a signal; None if that is not
            known, as of a trainer that another program started.
        log: The last lines of its log, as they are.
    """
    if view.problem:
        hint = "It is tried again every two seconds."
        return Failure(FailureKind.UNREADABLE, view.run, view.problem, hint)
    if view.diverged is not None:
        return _diverged(view, view.diverged)
    if view.failure or view.state is RunState.FAILED:
        said = view.failure or safe_line(view.status.message if view.status else "")
        return _explained(view, said or "Training failed.", view.failure_cause)
    if not view.state.is_live or view.ended is not None or exit_code in AS_ASKED:
        return None
    if view.life == "lost":
        words = [line for line in words_since_start(log) if _NO_FAILURE not in line]
        return _gone(view, exit_code, "\n".join(words))
    return _silent(view) if view.life == "silent" and view.status is not None else None


def advice_words(view: RunView) -> str:
    """How to go on with a run that was left in good order before its end; empty for others."""
    if diagnose(view, None, ()) is not None or view.state not in _TO_BE_RESUMED:
        return ""
    return f"Resume it with: {command_words('resume', view.run)}"


def _diverged(view: RunView, record: RunDiverged) -> Failure:
    limit = rate_limit(view)
    return Failure(
        FailureKind.DIVERGED,
        view.run,
        f"The {quantity_words(record.quantity)} became {safe_line(record.value)} at step "
        f"{record.step:,}.",
        f"{_kept_words(view)} Train again with a learning rate below {limit:g}."
        if limit
        else f"{_kept_words(view)} Train again with a lower learning rate.",
        (*lower_rate(view), OPEN_LOG),
    )


def _explained(view: RunView, said: str, cause: str = "") -> Failure:
    """The trainer said itself why it ended.

    A disk without room takes no record with a cause; then the system's own words tell it.
    """
    if cause == "memory":
        return _out_of_memory(view, said)
    if cause == "disk" or _NO_ROOM.search(said):
        return _disk_full(view, said)
    if cause == "text":
        hint = "The run can go on only with the text that it was made for."
        return Failure(FailureKind.TEXT_GONE, view.run, said, hint, (RESUME, OPEN_LOG))
    return Failure(FailureKind.EXPLAINED, view.run, said, _kept_words(view), (RESUME, OPEN_LOG))


def _gone(view: RunView, exit_code: int | None, words: str) -> Failure:
    """The trainer is no more and did not say why; its log or its exit code may."""
    refusals = [line for line in words.split("\n") if line.startswith(_REFUSED)]
    if exit_code in REFUSALS and refusals:
        return _explained(view, refusals[-1].removeprefix(_REFUSED))
    if _NO_ROOM.search(words):
        return _disk_full(view, "The disk had no room for what the trainer had to write.")
    if found := _NO_MEMORY.search(words):
        said = f"The trainer ran out of memory: its log says {found[0].strip()}."
        return _out_of_memory(view, said)
    if exit_code in {None, -9} and (share := _memory_words(view)):
        return _out_of_memory(view, f"The trainer was killed while it held {share} of memory.")
    return _ended_by_itself(view, exit_code, words)


def _ended_by_itself(view: RunView, exit_code: int | None, words: str) -> Failure:
    """Whatever ended it, it was neither memory nor the disk, as far as can be told."""
    remedies, kept = (RESUME, OPEN_LOG), _kept_words(view)
    found = _CRASHED.search(words) if exit_code is None else None
    if crash := crash_words(exit_code or 0) or (found[0] if found else ""):
        sentence = f"The trainer crashed in native code: {crash}."
        hint = f"{kept} If it crashes again, see what this says: {command('doctor')}"
        return Failure(FailureKind.CRASHED, view.run, sentence, hint, remedies)
    if exit_code is not None and exit_code < 0:
        sentence = f"The trainer was ended from outside by {signal_words(exit_code)}."
        hint = f"Somebody, a scheduler or a lack of memory may have done it. {kept}"
        return Failure(FailureKind.KILLED, view.run, sentence, hint, remedies)
    if exit_code is not None:
        last = words.rpartition("\n")[2]
        sentence = f"The trainer ended with exit code {exit_code}{f': {last}' if last else '.'}"
        return Failure(FailureKind.EXPLAINED, view.run, sentence, kept, remedies)
    return _lost(view)


def _lost(view: RunView) -> Failure:
    status = view.status
    if status is None or view.state is RunState.CREATED:
        sentence, hint = "No trainer has taken this run up.", "It can be started now."
    elif _is_elsewhere(view):
        sentence = (
            f"The trainer on {safe_line(status.host)} has not reported for more than "
            f"{LOST_AFTER:.0f} s."
        )
        hint = f"It is gone, or that machine is out of reach. {_kept_words(view)}"
    else:
        sentence = "The trainer is lost."
        hint = f"It was killed, or the machine went down. {_kept_words(view)}"
    return Failure(FailureKind.LOST, view.run, sentence, hint, (RESUME, OPEN_LOG))


def _silent(view: RunView) -> Failure:
    place = f" on {safe_line(view.status.host)}" if view.status and _is_elsewhere(view) else ""
    return Failure(
        FailureKind.SILENT,
        view.run,
        f"The trainer{place} has not reported for more than {SILENT_AFTER:.0f} s.",
        "It may be held up by a disk or a network, or paused by the system. If it comes back, "
        "this goes away.",
        (OPEN_LOG,),
    )


def _out_of_memory(view: RunView, sentence: str) -> Failure:
    hint = f"Half the batch needs much less of it. {_kept_words(view)}"
    remedies = (*half_batch(view), RESUME, OPEN_LOG)
    return Failure(FailureKind.OUT_OF_MEMORY, view.run, sentence, hint, remedies)


def _disk_full(view: RunView, sentence: str) -> Failure:
    hint = f"Make room, then resume. {_kept_words(view)}"
    return Failure(FailureKind.DISK_FULL, view.run, sentence, hint, (RESUME, OPEN_LOG))


def _kept_words(view: RunView) -> str:
    step = view.checkpoint_step
    return f"The checkpoint of step {step:,} is kept." if step else "Nothing was saved yet."


def _memory_words(view: RunView) -> str:
    """How much memory the trainer held when it was last heard of, if that was nearly all."""
    usage = view.status.usage if view.status else None
    if usage is None or usage.memory is None or not usage.memory_total:
        return ""
    is_near = usage.memory >= _NEARLY_ALL * usage.memory_total
    return f"{gigabytes(usage.memory)} of {gigabytes(usage.memory_total)}" if is_near else ""


def _is_elsewhere(view: RunView) -> bool:
    host = view.status.host if view.status else ""
    return bool(host) and host != host_name()
