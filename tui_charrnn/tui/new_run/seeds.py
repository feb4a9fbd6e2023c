"""Pinned seeds as they are typed into one line."""

import re
from collections.abc import Sequence
from typing import Final

SEPARATOR: Final = "|"
_NONE: Final = "none"
_PART: Final = re.compile(r"\\(.)|(\|)|([^\\|]+|\\)", re.DOTALL)
_WRITTEN: Final = {"n": "\n", "t": "\t"}


def read_seeds(typed: str) -> tuple[str, ...] | None:
    r"""Read seeds with `|` between them; `\n` is a new line, `\|` and `\\` stand for themselves.

    Returns:
        None for an empty line, which takes the beginning of the text; no seeds for `none`.
    """
    if not typed.strip():
        return None
    if typed.strip().lower() == _NONE:
        return ()
    seeds = [""]
    for part in _PART.finditer(typed):
        escaped, bar, plain = part.groups()
        if bar:
            seeds.append("")
        else:
            seeds[-1] += plain if escaped is None else _WRITTEN.get(escaped, escaped)
    return tuple(dict.fromkeys(seeds))


def write_seeds(seeds: Sequence[str] | None) -> str:
    """The line from which `read_seeds` reads the same."""
    if seeds is None:
        return ""
    if not seeds:
        return _NONE
    line = SEPARATOR.join(map(_escaped, seeds))
    if not line:
        return SEPARATOR
    if line.strip() and line.strip().lower() != _NONE:
        return line
    # it would be read as something else; a character behind a backslash stands for itself
    return f"{line[0]}\\{line[1:]}" if line[0] in "nN" else f"\\{line}"


def _escaped(seed: str) -> str:
    for plain, written in (("\\", "\\\\"), ("|", "\\|"), ("\n", "\\n"), ("\t", "\\t")):
        seed = seed.replace(plain, written)
    return seed
