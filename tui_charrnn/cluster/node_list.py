"""Slurm's short notation for many hosts: `node[01-04,07],gpu3`."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

from tui_charrnn.errors import ClusterError

MOST_HOSTS: Final = 65_536
_BRACKETS: Final = re.compile(r"\[([^\[\]]*)\]")
_RANGE: Final = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+")
_REPEATED: Final = re.compile(r"(\d{1,6})(?:\(x(\d{1,6})\))?", re.ASCII)


def expand_node_list(text: str) -> tuple[str, ...]:
    """All hosts of a node list, in its order.

    Args:
        text: As in SLURM_STEP_NODELIST. A name may have several brackets, and text after them;
            zeros before a number stay.

    Raises:
        ClusterError: If it is no such list, or one of more than 65,536 hosts.
    """
    hosts: list[str] = []
    for name in _split(text):
        parts = _BRACKETS.split(name)  # plain text and what was in brackets, in turns
        choices = [
            list(_numbers(part, text)) if place % 2 else [part] for place, part in enumerate(parts)
        ]
        for words in product(*choices):
            host = "".join(words)
            if not _HOST.fullmatch(host) or len(hosts) >= MOST_HOSTS:
                raise _refused(text)
            hosts.append(host)
    return tuple(hosts)


def expand_counts(text: str) -> tuple[int, ...]:
    """How many tasks each node has, from the notation `2(x3),1`.

    Raises:
        ClusterError: If it is no such list, or one of more than 65,536 nodes.
    """
    counts: list[int] = []
    for part in text.split(","):
        found = _REPEATED.fullmatch(part.strip())
        if not found or len(counts) + int(found[2] or 1) > MOST_HOSTS:
            raise ClusterError(
                f"The tasks of Slurm's nodes are listed as in 2(x3),1. Received: {text[:200]}"
            )
        counts += [int(found[1])] * int(found[2] or 1)
    return tuple(counts)


def _split(text: str) -> Iterator[str]:
    """The names between the commas that stand in no brackets."""
    name, depth = "", 0
    for sign in text:
        depth += (sign == "[") - (sign == "]")
        if depth not in {0, 1}:
            raise _refused(text)
        if sign == "," and not depth:
            yield name
            name = ""
        else:
            name += sign
    if depth:
        raise _refused(text)
    yield name


def _numbers(listed: str, text: str) -> Iterator[str]:
    for part in listed.split(","):
        found = _RANGE.fullmatch(part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not found or last < first or last - first >= MOST_HOSTS:
            raise _refused(text)
        for number in range(first, last + 1):
            yield f"{number:0{len(found[1])}}"


def _refused(text: str) -> ClusterError:
    return ClusterError(
        "A node list of Slurm looks like node[01-04,07],gpu3, with "
        f"{MOST_HOSTS:,} hosts at most. Received: {text[:200] or '(nothing)'}"
    )
