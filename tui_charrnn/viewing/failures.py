"""Diagnoses a failed run: what happened, the likely cause, and what to do."""

import re
import signal
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from tui_charrnn.errors import EXPECTED_EXIT_CODES, ExitCode
from tui_charrnn.invocation import command
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import REFUSAL_PREFIX, RunDirectory, format_command
from tui_charrnn.runs.liveness import LOST_AFTER, SILENT_AFTER
from tui_charrnn.runs.records import RunDiverged
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr, tr_recorded
from tui_charrnn.viewing.log_lines import lines_since_start
from tui_charrnn.viewing.run_formatting import share_of_memory
from tui_charrnn.viewing.run_view import RunView, format_divergence

RemedyId = Literal["resume", "half_batch", "lower_rate", "log"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """An action that the app offers for a failure."""

    id: RemedyId
    key: str
    """The letter that triggers it while the card has the focus."""
    label: str
    """In English or translated; shown through `tr`."""
    changes: tuple[tuple[str, str], ...] = ()
    """Settings that a new run changes, as name and typed value."""


OPEN_LOG: Final = Remedy("log", "o", "Open the log")
RESUME: Final = Remedy("resume", "r", "Resume")


def _half_batch(view: RunView) -> list[Remedy]:
    """A new run with half the batch size; empty if the size is unknown or 1."""
    size = view.description.training.batch_size if view.description else None
    if view.plan is not None:
        size = view.plan.batch_size
    if size is None or size < 2:
        return []
    half = str(size // 2)
    label = tr("New run, batch size {size}", size=half)
    return [Remedy("half_batch", "b", label, (("batch_size", half),))]


def _rate_limit(view: RunView) -> float | None:
    """The lowest peak learning rate known to diverge; None if none is known."""
    rates = [view.peak_rate]
    if view.peak_rate is None:
        rates.append(view.planned_rate)
    if view.diverged is not None:
        rates.append(view.diverged.learning_rate)
    return min((rate for rate in rates if rate), default=None)


def _lower_rate(view: RunView) -> list[Remedy]:
    """A new run with half of `_rate_limit`; empty if that is unknown."""
    limit = _rate_limit(view)
    if limit is None:
        return []
    half = f"{limit / 2:.2g}"
    label = tr("New run, rate {rate}", rate=half)
    return [Remedy("lower_rate", "l", label, (("learning_rate", half),))]


_REFUSALS: Final = frozenset({
    ExitCode.USAGE,
    ExitCode.DATA,
    ExitCode.LOCKED,
    ExitCode.CANNOT_SAVE,
})
"""Exit codes of a trainer that refused to start; its log has the reason."""
CRASHES: Final[dict[int, str]] = {
    signal.SIGSEGV: "segmentation fault",
    signal.SIGABRT: "it aborted itself",
    signal.SIGILL: "an instruction that this processor does not have",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "arithmetic error",
}
ENDS: Final[dict[int, str]] = {
    signal.SIGKILL: "killed by force",
    signal.SIGTERM: "asked to end",
    signal.SIGHUP: "its terminal was closed",
    signal.SIGINT: "interrupted from a keyboard",
    signal.SIGQUIT: "quit from a keyboard",
    signal.SIGXCPU: "its processor time was used up",
    signal.SIGXFSZ: "a file grew past its limit",
}


def _format_signal(number: int) -> str:
    """A signal's name and meaning, as `SIGKILL, killed by force`."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return tr("signal {number}", number=number)
    words = tr(ENDS[number]) if number in ENDS else (signal.strsignal(number) or "").lower()
    return f"{name}, {words}" if words else name


_RESUMABLE: Final = {RunState.STOPPED, RunState.SAVED, RunState.INTERRUPTED}
_NEARLY_ALL: Final = 0.8
"""Share of memory in use above which a killed trainer is taken to be out of memory."""
_NO_MEMORY: Final = re.compile(
    r"std::bad_alloc|ResourceExhausted|RESOURCE_EXHAUSTED|MemoryError|^Killed\b"
    r"|(?:[Oo]ut of|OUT_OF_|Cannot allocate) ?(?:memory|MEMORY)"
    r"|OOM when allocating|ALLOC_FAILED|[Oo][Oo][Mm][-_ ][Kk]ill",
    re.MULTILINE,
)
_NO_FAILURE: Final = "this is not a failure"
"""What TensorFlow logs when it lacked memory but continued with less."""
_NO_SPACE: Final = re.compile(r"no space left on device|quota exceeded", re.IGNORECASE)
_CRASHED: Final = re.compile(
    r"Segmentation fault|Bus error|Illegal instruction|Fatal Python error|terminate called|Aborted"
)


class FailureKind(StrEnum):
    """The kind of failure; the value is its title."""

    UNREADABLE = "The run cannot be read"
    DIVERGED = "Training diverged"
    OUT_OF_MEMORY = "Out of memory"
    DISK_FULL = "The disk is full"
    CORPUS = "The text cannot be used"
    EXPLAINED = "Training failed"
    KILLED = "The trainer was killed"
    CRASHED = "The trainer crashed"
    LOST = "The trainer is lost"
    SILENT = "No news of the trainer"


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong with a run; all texts are safe to show."""

    kind: FailureKind
    run: RunDirectory
    sentence: str
    """What happened."""
    hint: str
    """What that means, and what to do next."""
    remedies: tuple[Remedy, ...] = ()
    """Actions that the app offers, the most helpful first."""


def diagnose(view: RunView) -> Failure | None:
    """Return what is wrong with a run; None if nothing is, or if it ended normally."""
    if view.problem:
        hint = tr("The app retries every two seconds.")
        return _failure(view, FailureKind.UNREADABLE, view.problem, hint)
    if view.diverged is not None:
        return _diverged(view, view.diverged)
    # a full disk takes the status, whose room is reserved, but not the record
    failed = view.failed or (view.status if view.state is RunState.FAILED else None)
    if failed is not None:
        message = tr_recorded(safe_line(failed.message)) or tr("Training failed.")
        return _explained(view, message, failed.cause)
    if not view.state.is_live or view.ended is not None or view.exit_code in EXPECTED_EXIT_CODES:
        return None
    if view.life == "lost":
        lines = [line for line in lines_since_start(view.printed) if _NO_FAILURE not in line]
        return _ended_without_record(view, "\n".join(lines))
    return _silent(view) if view.life == "silent" and view.status is not None else None


def format_advice(view: RunView) -> str:
    """How to resume a run that was saved before its end; empty for others."""
    if diagnose(view) is not None or view.state not in _RESUMABLE:
        return ""
    return tr("Resume it with: {command}", command=format_command("resume", view.run))


def _failure(view: RunView, kind: FailureKind, sentence: str, *hints: str) -> Failure:
    """Build a failure with the remedies for its kind."""
    remedies: dict[FailureKind, tuple[Remedy, ...]] = {
        FailureKind.UNREADABLE: (),
        FailureKind.SILENT: (OPEN_LOG,),
        FailureKind.DIVERGED: (*_lower_rate(view), OPEN_LOG),
        FailureKind.OUT_OF_MEMORY: (*_half_batch(view), RESUME, OPEN_LOG),
    }
    return Failure(
        kind, view.run, sentence, " ".join(hints), remedies.get(kind, (RESUME, OPEN_LOG))
    )


def _diverged(view: RunView, record: RunDiverged) -> Failure:
    limit = _rate_limit(view)
    hint = (
        tr("Train again with a learning rate below {limit:g}.", limit=limit)
        if limit
        else tr("Train again with a lower learning rate.")
    )
    sentence = format_divergence(record)
    return _failure(view, FailureKind.DIVERGED, sentence, _format_kept(view), hint)


def _explained(view: RunView, message: str, cause: str) -> Failure:
    """A failure with a known reason; `cause` is as in `RunFailed.cause`."""
    kept = _format_kept(view)
    if cause == "memory":
        hint = tr("Half the batch needs much less of it.")
        return _failure(view, FailureKind.OUT_OF_MEMORY, message, hint, kept)
    if cause == "disk":
        return _failure(view, FailureKind.DISK_FULL, message, tr("Make room, then resume."), kept)
    kind = FailureKind.CORPUS if cause == "text" else FailureKind.EXPLAINED
    return _failure(view, kind, message, kept)


def _ended_without_record(view: RunView, log_text: str) -> Failure:
    """The trainer ended without a record: find the reason in its log or exit code."""
    exit_code = view.exit_code
    refusals = [line for line in log_text.split("\n") if line.startswith(REFUSAL_PREFIX)]
    if exit_code in _REFUSALS and refusals:
        refusal = refusals[-1].removeprefix(REFUSAL_PREFIX)
        # nothing is recorded: only the system's words tell a full disk from a read-only one
        is_full = exit_code == ExitCode.CANNOT_SAVE and _NO_SPACE.search(refusal)
        return _explained(view, tr_recorded(refusal), "disk" if is_full else "")
    if _NO_SPACE.search(log_text):
        message = tr("The disk had no room for what the trainer had to write.")
        return _explained(view, message, "disk")
    if found := _NO_MEMORY.search(log_text):
        found_words = found[0].strip()
        message = tr("The trainer ran out of memory: its log says {words}.", words=found_words)
        return _explained(view, message, "memory")
    if exit_code in {None, -9} and (share := _format_memory(view)):
        message = tr("The trainer was killed while it used {share} of memory.", share=share)
        return _explained(view, message, "memory")
    return _ended_otherwise(view, log_text)


def _ended_otherwise(view: RunView, log_text: str) -> Failure:
    """The trainer ended for a reason other than memory and disk, as far as is known."""
    kept = _format_kept(view)
    exit_code = view.exit_code
    number = -exit_code if exit_code is not None else 0
    found = _CRASHED.search(log_text) if exit_code is None else None
    if crash := tr(CRASHES.get(number, "")) or (found[0] if found else ""):
        sentence = tr("The trainer crashed in native code: {crash}.", crash=crash)
        hint = tr("If it crashes again, run {command}", command=command("doctor"))
        return _failure(view, FailureKind.CRASHED, sentence, kept, hint)
    if number > 0:
        sender = _format_signal(number)
        sentence = tr("The trainer was ended from outside by {signal}.", signal=sender)
        hint = tr("A user, a scheduler or a lack of memory may be the cause.")
        return _failure(view, FailureKind.KILLED, sentence, hint, kept)
    if exit_code is not None:
        last = log_text.rpartition("\n")[2]
        sentence = (
            tr("The trainer ended with exit code {code}: {last}", code=exit_code, last=last)
            if last
            else tr("The trainer ended with exit code {code}.", code=exit_code)
        )
        return _failure(view, FailureKind.EXPLAINED, sentence, kept)
    return _lost(view)


def _lost(view: RunView) -> Failure:
    status = view.status
    if status is None or view.state is RunState.CREATED:
        sentence, hint = tr("No trainer has started this run."), tr("It can be started now.")
        return _failure(view, FailureKind.LOST, sentence, hint)
    if _is_elsewhere(view):
        sentence = _format_silence(view, LOST_AFTER)
        hint = tr("It ended, or that machine is unreachable.")
    else:
        sentence = tr("The trainer is lost.")
        hint = tr("It was killed, or the machine went down.")
    return _failure(view, FailureKind.LOST, sentence, hint, _format_kept(view))


def _silent(view: RunView) -> Failure:
    hint = tr("A disk, a network or the system may block it. This goes away when it reports again.")
    return _failure(view, FailureKind.SILENT, _format_silence(view, SILENT_AFTER), hint)


def _format_silence(view: RunView, seconds: float) -> str:
    if view.status is None or not _is_elsewhere(view):
        return tr("The trainer has not reported for more than {seconds:.0f} s.", seconds=seconds)
    return tr(
        "The trainer on {host} has not reported for more than {seconds:.0f} s.",
        host=safe_line(view.status.host),
        seconds=seconds,
    )


def _format_kept(view: RunView) -> str:
    step = view.checkpoint_step
    if step:
        return tr("The checkpoint of step {step:,} is kept.", step=step)
    return tr("Nothing was saved yet.")


def _format_memory(view: RunView) -> str:
    """Memory use in the trainer's last report if it was nearly all; else empty."""
    usage = view.status.usage if view.status else None
    if usage is None or usage.memory is None or not usage.memory_total:
        return ""
    is_near = usage.memory >= _NEARLY_ALL * usage.memory_total
    return share_of_memory(usage) if is_near else ""


def _is_elsewhere(view: RunView) -> bool:
    host = view.status.host if view.status else ""
    return bool(host) and host != socket.gethostname()


_OLD_BEST: Final = 4
"""Evaluations after the best one from which on it is unlikely to be beaten."""
_FAR_ABOVE: Final = 0.7
"""Nats per character above the best n-gram model that indicate a problem."""
_EARLY_SHARE: Final = 0.25
"""Share of a run in which a high loss is normal."""
_OVERRUN: Final = 0.05
"""Share of the requested time by which a run may be late without a warning."""


def steps_since_best(view: RunView) -> int | None:
    """Steps since the best evaluation if many worse ones followed; else None."""
    if not view.is_live or view.best is None:
        return None
    later = [scored for scored in view.evaluations if scored.step > view.best.step]
    return view.step - view.best.step if len(later) >= _OLD_BEST else None


def nats_above_ngrams(view: RunView) -> float | None:
    """Nats per character by which a run is far above the best n-gram model; else None."""
    if not view.is_live or view.lead is None or not view.total_steps:
        return None
    is_begun = view.step >= _EARLY_SHARE * view.total_steps
    return -view.lead if is_begun and view.lead < -_FAR_ABOVE else None


def overrun_time(view: RunView) -> float | None:
    """Total seconds of a run by time if it exceeds the requested time; else None."""
    if view.requested_time is None or view.status is None:
        return None
    left = view.status.eta or 0.0 if view.is_live else 0.0
    total = view.status.elapsed + left
    return total if total > (1 + _OVERRUN) * view.requested_time else None
