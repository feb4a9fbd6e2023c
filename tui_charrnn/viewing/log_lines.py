"""What the lines of a trainer's log are worth: noise, news, warnings, errors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from tui_charrnn.safe_text import safe_line

LogKind = Literal["noise", "plain", "good", "warning", "error"]
"""`noise` is what TensorFlow prints at every start, and what matters less in a story."""
_LAST_WORDS: Final = 30
"""Lines in which the reason of an end is looked for."""
LONGEST_LINE: Final = 1_000
"""Characters of a line that are shown."""

_NATIVE: Final = re.compile(
    r"(?P<new>[IWEF])\d{4} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*: (?P<old>[IWEF]) "
)
"""How a line of TensorFlow's native code begins, of this version or of earlier ones."""
_HARMLESS: Final = re.compile(
    r"oneDNN|[Uu]nable to register cu|failed call to cuInit|TF-TRT|NUMA node"
    r"|[Cc]ould not find (?:cuda|TensorRT)|computation placer already registered"
    r"|Delay kernel timed out"
)
"""What its warnings and errors are about at a start that succeeds."""
_PREAMBLE: Final = re.compile(
    r"WARNING: All log messages before absl|To enable the following instructions"
)
_ERROR: Final = re.compile(
    r"Traceback \(most recent call last\)|During handling of the above exception"
    r"|The above exception was the direct cause|Fatal Python error|terminate called|what\(\):"
    r"|(?:Killed|Aborted|Segmentation fault|Bus error|Illegal instruction)\b"
    r"|charrnn-tui: |Error: |(?:CRITICAL|ERROR|FATAL)\b"
    r"|(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)(?:: |$)"
)
_WARNING: Final = re.compile(r"(?:WARNING|WARN)\b|(?:\S+:\d+: )?[A-Z]\w*Warning: ")
_MODULES: Final = re.compile(r"(?:[A-Za-z_]\w*\.)+(?=[A-Z]\w*(?:Error|Exception)\b)")
"""What stands before the name of an error; where there is little room, it takes all of it."""
_KINDS: Final[dict[str, LogKind]] = {"I": "noise", "W": "warning", "E": "error", "F": "error"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line, and what it is worth."""

    text: str
    """Safe to show."""
    kind: LogKind = "plain"


class LogFilter(StrEnum):
    """Which lines are shown; the value is its name."""

    EVERYTHING = "everything"
    WITHOUT_NOISE = "without start-up noise"
    TROUBLE = "warnings and errors"
    ERRORS = "errors"

    @property
    def following(self) -> "LogFilter":
        """The one that a key switches to."""
        kinds = list(LogFilter)
        return kinds[(kinds.index(self) + 1) % len(kinds)]

    def passes(self, kind: LogKind) -> bool:
        """Whether lines of a kind are shown."""
        return kind not in _HIDDEN[self]


_HIDDEN: Final[dict[LogFilter, frozenset[LogKind]]] = {
    LogFilter.EVERYTHING: frozenset(),
    LogFilter.WITHOUT_NOISE: frozenset({"noise"}),
    LogFilter.TROUBLE: frozenset({"noise", "plain", "good"}),
    LogFilter.ERRORS: frozenset({"noise", "plain", "good", "warning"}),
}


class LogSorter:
    """Tells what each line of a log is worth, in their order.

    An indented line belongs to the one before it, as in a traceback.
    """

    def __init__(self) -> None:
        self._before: LogKind = "plain"

    def sort(self, line: str) -> LogLine:
        """Make the next line safe to show, and classify it."""
        is_indented = line.startswith((" ", "\t")) and line.strip()
        kind = self._before if is_indented else _kind_of(line)
        self._before = kind
        text = safe_line(line[:LONGEST_LINE].expandtabs(4))
        return LogLine(f"{text}…" if len(line) > LONGEST_LINE else text, kind)


def _kind_of(line: str) -> LogKind:
    if native := _NATIVE.match(line):
        is_harmless = _HARMLESS.search(line) is not None
        return "noise" if is_harmless else _KINDS[native["new"] or native["old"]]
    if _PREAMBLE.match(line):
        return "noise"
    if _ERROR.match(line):
        return "error"
    return "warning" if _WARNING.match(line) else "plain"


def _without_modules(line: str) -> str:
    """A line that begins with the full name of an error, with its short name instead."""
    found = _MODULES.match(line[:LONGEST_LINE])
    return line[found.end() :] if found else line


def log_end(log: Sequence[str], count: int) -> list[LogLine]:
    """The last informative lines of a log, oldest first; errors without their modules."""
    sorter = LogSorter()
    lines = [sorter.sort(_without_modules(line)) for line in log]
    return [line for line in lines if line.kind != "noise" and line.text.strip()][-count:]


def words_since_start(log: Sequence[str]) -> list[str]:
    """The informative lines of the last process that wrote a log; several may have, in turn."""
    starts = [number for number, line in enumerate(log) if _PREAMBLE.match(line)]
    return [line.text for line in log_end(log[starts[-1] :] if starts else log, _LAST_WORDS)]
