"""An index of a corpus that finds any passage of it, however long, in a few microseconds.

Indexes are cached in the user's cache folder, each under the hash of its corpus. A file has a line
with the hash of the rest, a padded line of JSON, then the suffixes and the codes as in memory. It
is memory-mapped, so that a look-up touches a few pages only. All files together have a size limit;
beyond it, the least recently used are deleted, but never one in use: a mapped file is locked.
"""

import contextlib
import hashlib
import json
import mmap
import os
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError, reason_of
from tui_charrnn.folders import cache_folder
from tui_charrnn.text.cache import Progress, cache_advice, mark_in_use, prune_folder, replace_file
from tui_charrnn.text.vocabulary import END, code_points, code_width
from tui_charrnn.translation import tr

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.unsignedinteger[Any]]

LONGEST: Final = 2**31 - 2
"""Maximum characters of a text: positions are 32-bit numbers."""
_BLOCK: Final = 1 << 16
"""Suffixes sorted at a time, unless more of them are equal: they fit into a processor's cache and
take little memory."""
_KEY_LIMIT: Final = 2**63 - 1


def sort_suffixes(codes: Codes, progress: Progress | None = None) -> Int32:
    """Build the suffix array of a text: the positions of its suffixes in sorted order.

    The first characters of every suffix are packed into one number and sorted; then suffixes that
    are still equal are compared by twice as many characters in each round, using the ranks of the
    suffixes further on (prefix doubling).

    A suffix that is a prefix of another comes before it. `codes` are unsigned numbers of shape
    (N,), N at most `LONGEST`. Sorting takes about 12 bytes a character beside them, more if one
    character makes up most of the text. `progress` is called with the number of sorted suffixes and
    N; it may raise to cancel.

    Source: Manber and Myers, Suffix arrays: a new method for on-line string searches (1993), and
    Larsson and Sadakane, Faster suffix sorting (2007), for skipping suffixes sorted already.

    Returns:
        Shape (N,), int32.
    """
    sorting = _Sorting(codes, progress)
    open_slots = sorting.sort_by_beginnings()
    while len(open_slots):
        open_slots = sorting.sort_further(open_slots)
    return sorting.suffixes


class _Sorting:
    """The state of a suffix sort.

    Slots are positions in the sorted order, from 0. The rank of a suffix is the first slot of its
    group of suffixes that are equal so far; ranks compare as the suffixes do.
    """

    def __init__(self, codes: Codes, progress: Progress | None) -> None:
        self._codes = codes
        self._progress = progress
        self._settled = 0
        self._depth = 0  # characters that ranks compare, at least
        self.suffixes: Final[Int32] = np.empty(len(codes), dtype=np.int32)
        self._ranks: Int32 = np.empty(len(codes) + 1, dtype=np.int32)
        self._ranks[-1] = -1  # the empty suffix comes before all

    def sort_by_beginnings(self) -> Int32:
        """Sort by as many first characters as fit into a number; return the slots still open."""
        base = int(self._codes.max(initial=0)) + 2  # 0 stands for the end of the text
        self._depth = 1
        while base ** (self._depth + 1) <= _KEY_LIMIT:
            self._depth += 1
        open_slots = np.empty(len(self._codes), dtype=np.int32)
        slot = kept = 0
        for places in _by_first_character(self._codes):
            slots = np.arange(slot, slot + len(places), dtype=np.int32)
            # the keys have no name here, so that they are freed once they are sorted
            still = self._place(slots, places, _packed(self._codes, places, base, self._depth))
            open_slots[kept : kept + len(still)] = still
            kept += len(still)
            slot += len(places)
        return open_slots[:kept]

    def sort_further(self, open_slots: Int32) -> Int32:
        """Sort equal suffixes by twice as many characters; return the slots still open.

        `open_slots`, in order, is overwritten.
        """
        begin = kept = 0
        while begin < len(open_slots):
            end = self._block_end(open_slots, begin)
            slots = open_slots[begin:end].copy()
            places = self.suffixes[slots]
            # Ranks of this round may already be finer than the depth, which only helps.
            keys = self._ranks[places].astype(np.int64) << 32
            keys += self._ranks[places + self._depth] + 1
            still = self._place(slots, places, keys)
            open_slots[kept : kept + len(still)] = still
            kept += len(still)
            begin = end
        self._depth *= 2
        return open_slots[:kept]

    def _block_end(self, slots: Int32, begin: int) -> int:
        """The end of a block of whole groups of equal suffixes."""
        end = begin + _BLOCK
        if end >= len(slots):
            return len(slots)

        def rank(slot: int) -> int:
            return int(self._ranks[self.suffixes[slot]])

        first_of_group = bisect_left(slots, rank(slots[end]), begin, end)
        if first_of_group > begin:
            return first_of_group
        return bisect_right(slots, rank(slots[end]), end, len(slots), key=rank)

    def _place(self, slots: Int32, places: Int32, keys: Int64) -> Int32:
        """Put suffixes into slots in the order of their keys; return the slots of equal ones."""
        order = np.argsort(keys)
        places = places[order]
        keys = keys[order]
        del order
        is_first = np.empty(len(slots) + 1, dtype=np.bool_)
        is_first[0] = is_first[-1] = True
        np.not_equal(keys[1:], keys[:-1], out=is_first[1:-1])
        firsts = np.flatnonzero(is_first)
        self.suffixes[slots] = places
        self._ranks[places] = np.repeat(slots[firsts[:-1]], np.diff(firsts))
        still_open = slots[~(is_first[1:] & is_first[:-1])]
        self._settled += len(slots) - len(still_open)
        if self._progress is not None:
            self._progress(self._settled, len(self._codes))
        return still_open


def _by_first_character(codes: Codes) -> Iterator[Int32]:
    """Yield the positions of a few characters at a time, in the order of the characters."""
    counts = np.zeros(int(codes.max(initial=0)) + 1, dtype=np.int64)
    for begin in range(0, len(codes), _BLOCK):
        counts += np.bincount(codes[begin : begin + _BLOCK], minlength=len(counts))
    low = count = 0
    for code, more in enumerate(counts.tolist()):
        if count and count + more > 4 * _BLOCK:
            yield np.flatnonzero((codes >= low) & (codes < code)).astype(np.int32)
            low, count = code, 0
        count += more
    if count:
        yield np.flatnonzero(codes >= low).astype(np.int32)


def _packed(codes: Codes, places: Int32, base: int, digits: int) -> Int64:
    """The first characters of suffixes, shape (M,), as digits of a number; 0 after the end."""
    keys = np.zeros(len(places), dtype=np.int64)
    for digit in range(digits):
        inside = int(np.searchsorted(places, len(codes) - digit))
        keys *= base
        keys[:inside] += codes[places[:inside] + np.int32(digit)]
        keys[:inside] += 1
    return keys


_PIECE: Final = 1 << 20  # characters encoded at a time, to save memory
_UNICODE: Final = 0x110000

Span: TypeAlias = tuple[int, int]
"""A range of sorted suffixes with a common prefix: first and one past the last; equal if empty."""


@dataclass(frozen=True)  # no slots: for `cached_property`
class SuffixIndex:
    """A corpus and its suffix array.

    A character's code is its index in the alphabet, as big-endian bytes of equal width. So codes
    compare as characters do, and a passage is a slice.
    """

    alphabet: str
    """The characters of the corpus, sorted."""
    codes: bytes | mmap.mmap
    """The codes of all characters, one after another."""
    suffixes: Sequence[int]
    """Start positions of the N suffixes, in sorted order."""
    codes_begin: int = 0
    """Position of the first code in `codes`, in bytes."""

    @classmethod
    def of(cls, text: str, progress: Progress | None = None) -> Self:
        """Build the index of a text; `progress` is that of `sort_suffixes`.

        Raises:
            CorpusError: If the text is too long, or memory is too small.
        """
        if len(text) > LONGEST:
            raise CorpusError(
                "A corpus of {count:,} characters is too long for an index of its passages, "
                "which takes {most:,}. Name a part of it.",
                count=len(text),
                most=LONGEST,
            )
        try:
            alphabet, codes = _encode(text)
            suffixes = sort_suffixes(codes, progress)
            ordered = codes.astype(codes.dtype.newbyteorder(">"), copy=False)
            return cls(alphabet, ordered.tobytes(), suffixes.data)
        except MemoryError as error:
            raise CorpusError(
                "The index of {count:,} characters is too large for this machine's memory.",
                count=len(text),
            ) from error

    @property
    def width(self) -> int:
        """Bytes of a code."""
        return code_width(len(self.alphabet))

    def __len__(self) -> int:
        """Characters of the corpus."""
        return len(self.suffixes)

    @cached_property
    def code_of(self) -> dict[str, bytes]:
        """The code of each character of the corpus."""
        numbered = enumerate(self.alphabet)
        return {character: number.to_bytes(self.width, "big") for number, character in numbered}

    def find(self, passage: bytes) -> Span:
        """The suffixes that begin with a passage, given by the codes of its characters."""
        codes, begin, width, length = self.codes, self.codes_begin, self.width, len(passage)

        def beginning(place: int) -> bytes:
            start = begin + place * width
            return codes[start : start + length]

        low = bisect_left(self.suffixes, passage, key=beginning)
        if low == len(self.suffixes) or beginning(self.suffixes[low]) != passage:
            return low, low
        return low, bisect_right(self.suffixes, passage, low, key=beginning)

    def narrow(self, span: Span, depth: int, code: bytes) -> Span:
        """The suffixes of a span that continue with `code` after `depth` common characters."""
        codes, width = self.codes, self.width
        begin = self.codes_begin + depth * width

        def following(place: int) -> bytes:
            start = begin + place * width
            return codes[start : start + width]

        low, high = span
        if high - low == 1:  # the usual case within a long passage
            return span if following(self.suffixes[low]) == code else (low, low)
        low = bisect_left(self.suffixes, code, low, high, key=following)
        return low, bisect_right(self.suffixes, code, low, high, key=following)

    def passage(self, offset: int, length: int) -> str:
        """The passage of `length` characters at an offset of the corpus."""
        begin = self.codes_begin + offset * self.width
        data = self.codes[begin : begin + length * self.width]
        numbers = np.frombuffer(data, dtype=f">u{self.width}")
        return "".join(self.alphabet[number] for number in numbers)

    def first_offset(self, offset: int, length: int) -> int:
        """The offset of the first occurrence of the passage at an offset."""
        begin = self.codes_begin + offset * self.width
        low, high = self.find(self.codes[begin : begin + length * self.width])
        return int(np.min(self.suffixes[low:high]))

    def line(self, offset: int) -> int:
        """The line number of a character of the corpus, from 1; a record ends its line."""
        return int(np.searchsorted(self._line_ends, offset)) + 1

    @cached_property
    def _line_ends(self) -> Int64:
        ends = [self.alphabet.index(sign) for sign in ("\n", END) if sign in self.alphabet]
        data = np.frombuffer(self.codes, f">u{self.width}", len(self), self.codes_begin)
        return np.flatnonzero(np.isin(data, ends))


def _encode(text: str) -> tuple[str, Codes]:
    """The sorted characters of a text, and the codes of the text, shape (N,)."""
    is_there = np.zeros(_UNICODE, dtype=np.bool_)
    for begin in range(0, len(text), _PIECE):
        is_there[code_points(text[begin : begin + _PIECE])] = True
    alphabet = np.flatnonzero(is_there)
    table: npt.NDArray[Any] = np.zeros(_UNICODE, dtype=f"u{code_width(len(alphabet))}")
    table[alphabet] = np.arange(len(alphabet))
    codes = np.empty(len(text), dtype=table.dtype)
    for begin in range(0, len(text), _PIECE):
        piece = text[begin : begin + _PIECE]
        codes[begin : begin + len(piece)] = table[code_points(piece)]
    return "".join(map(chr, alphabet.tolist())), codes


_MAGIC: Final = b"charrnn suffix index 1 "
_FIRST_LINE: Final = len(_MAGIC) + 64 + 1
_ALIGNMENT: Final = 64
LIMIT: Final = 1 << 30
"""Maximum bytes of all cached indexes; files in use are not deleted."""


def index_path(sha256: str) -> Path:
    """The cache file of an index; `sha256`, in hexadecimal digits, is that of the UTF-8 text."""
    return cache_folder() / "suffixes" / f"{sha256}.index"


def open_index(sha256: str) -> SuffixIndex | None:
    """The cached index of a corpus; None if it is missing, damaged or of another machine type.

    The file is read once to verify it: 0.1 s for a corpus of 10 MB.
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
    index = _parse_index(data, sha256)
    if index is not None:
        with contextlib.suppress(OSError):
            os.utime(index_path(sha256))  # marks it as recently used
    return index


def store_index(index: SuffixIndex, sha256: str) -> None:
    """Write an index to the cache, atomically.

    Only this user can read it, as it contains the corpus, which may be private.

    Raises:
        OSError: If it cannot be written.
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
    first = _MAGIC + digest.hexdigest().encode() + b"\n"
    replace_file(index_path(sha256), [first, *parts], mode=0o600)


def obtain_index(
    text: str,
    sha256: str,
    *,
    progress: Progress | None = None,
    notify: Callable[[str], None],
) -> SuffixIndex:
    """Return the index of a corpus from the cache, or build and cache it.

    While it is built, `progress` is called with the number of sorted suffixes and their total; it
    may raise to cancel.
    `notify` is called with a sentence if the index could not be cached; it is valid all the same.

    Raises:
        CorpusError: If the text is too long, or memory is too small.
    """
    kept = open_index(sha256)
    if kept is not None:
        return kept
    index, path = SuffixIndex.of(text, progress), index_path(sha256)
    try:
        store_index(index, sha256)
    except OSError as error:
        notify(
            tr(
                "The index of the corpus cannot be kept in {folder}: {reason}. It is built "
                "again each time; {advice}.",
                folder=path.parent,
                reason=reason_of(error),
                advice=cache_advice(error),
            )
        )
        return index
    mapped = open_index(sha256) or index  # the mapped one, as it takes less memory
    prune_folder(path.parent, path.suffix, LIMIT, keep=path)
    return mapped


def _parse_index(data: mmap.mmap, sha256: str) -> SuffixIndex | None:
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
    return is_sorted and codes == [index.code_of[index.alphabet[end]] for end in (0, -1)]
