"""Suffix indexes in the user's cache folder, each under the hash of its corpus.

A file is a line with the hash of what follows it, a line of JSON, padded, and then the suffixes
and the codes as they lie in memory: it is mapped, so that a look-up touches a few pages of it.

All files together have a limit; beyond it, those go first that were not used for longest, but never
one that is in use: a mapped file is locked.
"""

import contextlib
import hashlib
import json
import mmap
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from tui_charrnn.errors import StorageError, reason_of
from tui_charrnn.text.cache import Progress, cache_advice, mark_in_use, prune_folder, replace_file
from tui_charrnn.text.sources import never_cancelled
from tui_charrnn.text.suffix_index import SuffixIndex, code_width
from tui_charrnn.user_folders import cache_folder

_MAGIC: Final = b"charrnn suffix index 1 "
_FIRST_LINE: Final = len(_MAGIC) + 64 + 1
_ALIGNMENT: Final = 64
LIMIT: Final = 1 << 30
"""Bytes that all kept indexes take together at most, as far as they are not in use."""


def index_path(sha256: str) -> Path:
    """Where the index of a corpus is kept, by the hash of it as UTF-8, in hexadecimal digits."""
    return cache_folder() / "suffixes" / f"{sha256}.index"


def open_index(sha256: str) -> SuffixIndex | None:
    """The kept index of a corpus; None if there is none that is whole, of it, and for this machine.

    The file is read once to make sure: 0.1 s for a corpus of 10 MB.
    """
    if len(sha256) != 64 or not sha256.isalnum():
        return None
    try:
        with index_path(sha256).open("rb") as file:
            mark_in_use(file)
            # the map has the file open too, so the lock lasts as long as the map does
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # ValueError: an empty file
        return None
    index = _opened(data, sha256)
    if index is not None:
        with contextlib.suppress(OSError):
            os.utime(index_path(sha256))  # the time of its last use
    return index


def keep_index(index: SuffixIndex, sha256: str) -> None:
    """Keep an index for later: it appears whole or not at all.

    Only this user can read it, as it holds the corpus, and that may be private.

    Raises:
        StorageError: If the disk refuses.
    """
    facts = {
        "alphabet": index.alphabet,
        "byte_order": sys.byteorder,
        "characters": len(index),
        "sha256": sha256,
    }
    line = json.dumps(facts).encode()
    padding = -(_FIRST_LINE + len(line) + 1) % _ALIGNMENT
    head = line + b" " * padding + b"\n"
    parts: list[Any] = [head, memoryview(index.suffixes), index.codes]  # type: ignore[arg-type]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    path = index_path(sha256)
    try:
        replace_file(path, [_MAGIC + digest.hexdigest().encode() + b"\n", *parts], 0o600)
    except OSError as error:
        raise StorageError(
            "The index of the corpus cannot be kept in {folder}: {reason}. It is built "
            "again each time; {advice}.",
            folder=path.parent,
            reason=reason_of(error),
            advice=cache_advice(error),
        ) from error


def obtain_index(
    text: str,
    sha256: str,
    *,
    progress: Progress | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
    notify: Callable[[str], None],
) -> SuffixIndex:
    """The index of a corpus: the kept one, or a new one, which is kept.

    If it has to be built, `progress` takes how many suffixes have found their place, and how many
    there are. `notify` takes a sentence if the index could not be kept; it is valid all the same.

    Raises:
        CorpusError: If the text is too long, or memory is too small.
    """
    kept = open_index(sha256)
    if kept is not None:
        return kept
    index = SuffixIndex.of(text, progress=progress, check_cancelled=check_cancelled)
    try:
        keep_index(index, sha256)
    except StorageError as error:
        notify(str(error))
        return index
    mapped = open_index(sha256) or index  # the mapped one, as it takes less memory
    prune_indexes(LIMIT, keep=index_path(sha256))
    return mapped


def prune_indexes(limit: int, *, keep: Path | None = None) -> list[Path]:
    """Remove indexes until the others are within a limit; see `prune_folder`."""
    return prune_folder(cache_folder() / "suffixes", ".index", limit, keep=keep)


def _opened(data: mmap.mmap, sha256: str) -> SuffixIndex | None:
    whole = memoryview(data)
    body = whole[_FIRST_LINE:]
    claimed = bytes(whole[:_FIRST_LINE])
    if claimed != _MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n":
        return None
    begin = data.find(b"\n", _FIRST_LINE) + 1
    try:
        facts = json.loads(bytes(whole[_FIRST_LINE:begin]))
        alphabet, count = str(facts["alphabet"]), int(facts["characters"])
        is_ours = (facts["sha256"], facts["byte_order"]) == (sha256, sys.byteorder)
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return None
    codes_begin = begin + 4 * count
    if not is_ours or len(data) != codes_begin + count * code_width(len(alphabet)):
        return None
    index = SuffixIndex(alphabet, data, whole[begin:codes_begin].cast("i"), codes_begin)
    return index if _has_alphabet(index) else None


def _has_alphabet(index: SuffixIndex) -> bool:
    """Whether the alphabet is sorted, and the suffixes begin with its first and last character."""
    if not len(index):
        return not index.alphabet
    ends = index.suffixes[0], index.suffixes[len(index) - 1]
    if not index.alphabet or min(ends) < 0 or max(ends) >= len(index):
        return False
    places = [index.codes_begin + end * index.width for end in ends]
    codes = [index.codes[place : place + index.width] for place in places]
    is_sorted = all(one < other for one, other in pairwise(index.alphabet))
    return is_sorted and codes == [index.code(index.alphabet[0]), index.code(index.alphabet[-1])]
