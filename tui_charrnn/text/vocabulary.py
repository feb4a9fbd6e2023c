"""A model's characters and their indices."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ConfigError, CorpusError, DataError
from tui_charrnn.hangul import spelled_in

Int32 = npt.NDArray[np.int32]

UNKNOWN_SYMBOL: Final = "\N{REPLACEMENT CHARACTER}"
"""Replaces all rare characters of a text, if they are folded."""
END: Final = "\N{INFORMATION SEPARATOR TWO}"
"""The end sign of records, ASCII's record separator; one in a text itself also ends a record.

A text of records (independent short texts) is one text: an end sign, then every record followed by
an end sign. A network that resets its state before it reads an end sign learns nothing across
records, and predicts after the sign how a record begins."""
_UNKNOWN: Final = -1


class Spelled(NamedTuple):
    """A text of N characters as a model reads it: M indices."""

    indices: npt.NDArray[np.intp]
    """Shape (M,)."""
    owners: npt.NDArray[np.intp]
    """The character of the text that each belongs to, shape (M,)."""
    is_known: npt.NDArray[np.bool_]
    """Whether each character of the text is known, shape (N,)."""

    def unknown_in(self, text: str) -> dict[int, str]:
        """The unknown characters of the text by position."""
        return {place: text[place] for place in np.flatnonzero(~self.is_known).tolist()}


class Vocabulary:
    """Distinct characters in the order of their index, 0 to V - 1.

    A character is one Unicode code point. Two vocabularies are equal if they assign the same
    indices.

    One of the characters may be the unknown symbol, which represents all characters that are not in
    the vocabulary. A model reads an unknown character as the symbol (`spell`); without a symbol, it
    is left out. The symbol has its share of the model's probabilities, as in training, and so of
    surprise and entropy. It is never generated: its probability after the sampling settings is 0.
    Characters read as the symbol are excluded from means, because the symbol does not identify
    them.

    The first character may be the end sign of records (`END`): a network resets its state before it
    reads the sign, and a text begins after it. It is shown as a line feed, and a
    line feed is read as the sign if the records contain no line feed.
    """

    def __init__(
        self, characters: str, unknown_symbol: str | None = None, end_symbol: str | None = None
    ) -> None:
        """Number V characters in their order.

        Raises:
            DataError: If there are none, one occurs twice, one is half of a surrogate pair, the
                unknown symbol is not one of them or the only one, or the end symbol is not the
                first.
        """
        if not characters:
            raise DataError("A vocabulary needs at least one character. Received: none.")
        _refuse_repeats_and_surrogates(characters)
        if unknown_symbol is not None:
            _refuse_symbol(unknown_symbol, characters)
        if end_symbol is not None and end_symbol != characters[:1]:
            raise DataError(
                "The end symbol must be the first character of the vocabulary. Received: "
                "{symbol!r}.",
                symbol=end_symbol[:20],
            )
        self.characters: Final = characters
        self.unknown_symbol: Final = unknown_symbol
        """Represents every character that is not in the vocabulary; None if there is no such
        symbol."""
        self.unknown_index: Final = (
            None if unknown_symbol is None else characters.index(unknown_symbol)
        )
        """Its index; None if there is none."""
        self.end_symbol: Final = end_symbol
        """The end sign of records; None without records."""
        self.end_index: Final = None if end_symbol is None else 0
        """Its index; None if there is none."""
        self.shown: Final = characters if end_symbol is None else "\n" + characters[1:]
        """The characters as they are shown: the end symbol is a line feed."""
        self._codes: Final = code_points(characters)
        # the last entry is for all characters of higher code points
        self._index_of: Final = np.full(int(self._codes.max()) + 2, _UNKNOWN, dtype=np.int32)
        self._index_of[self._codes] = np.arange(len(characters), dtype=np.int32)
        if end_symbol is not None and "\n" not in characters:
            self._index_of[ord("\n")] = 0

    def encode(self, text: str) -> Int32:
        """Turn N characters into indices; missing ones get that of the unknown symbol.

        Returns:
            Shape (N,), int32.

        Raises:
            CorpusError: If the vocabulary lacks a character and has no unknown symbol; the first
                is named.
        """
        indices = self._indices_or_unknown(text)
        lacking = indices == _UNKNOWN
        if lacking.any():
            if self.unknown_index is None:
                position = int(lacking.argmax())
                raise lacking_error(text[position], position)
            indices[lacking] = self.unknown_index
        return indices

    @property
    def start_index(self) -> int:
        """The index that precedes a text: that of the end symbol, else of a line feed, else 0."""
        return 0 if self.end_symbol is not None else max(self.characters.find("\n"), 0)

    def spell(self, text: str) -> "Spelled":
        """Turn N characters in NFC into indices, unknown ones included.

        A missing character whose parts (NFD) are all known is replaced by its parts: a corpus may
        have been read without composing.
        """
        codes, indices = code_points(text), self._indices_or_unknown(text).astype(np.intp)
        symbol = self.unknown_index
        if symbol is not None:  # the symbol itself, written in a text, is unknown
            indices[indices == symbol] = _UNKNOWN
        lengths = (indices != _UNKNOWN).astype(np.intp)
        parts = {
            code: spelling  # by a set: `np.unique` loads `numpy.ma`, which takes 20 ms
            for code in set(codes[indices == _UNKNOWN].tolist())
            if (spelling := self._parts(chr(code)))
        }
        for code, spelling in parts.items():
            lengths[codes == code] = len(spelling)
        is_known = lengths > 0
        if symbol is not None:
            indices[~is_known], lengths[~is_known] = symbol, 1
        owners = np.repeat(np.arange(len(codes)), lengths)
        symbols = indices[owners]
        places = np.arange(len(owners)) - (lengths.cumsum() - lengths)[owners]
        for code, spelling in parts.items():
            mine = codes[owners] == code
            symbols[mine] = np.array(spelling)[places[mine]]
        return Spelled(symbols, owners, is_known)

    def _parts(self, character: str) -> list[int]:
        """The indices of a character's parts if all are known, else an empty list."""
        parts = spelled_in(self, character)
        indices = [self.characters.index(part) for part in parts]
        return [] if self.unknown_index in indices else indices

    def decode(self, indices: Sequence[int] | npt.NDArray[np.integer]) -> str:
        """Turn N indices, each at least 0 and below V, into characters as they are shown.

        Raises:
            ValueError: If an index is out of bounds.
        """
        numbers = np.asarray(indices, dtype=np.int64)
        wrong = (numbers < 0) | (numbers >= len(self))
        if wrong.any():
            raise ValueError(
                f"An index must be at least 0 and below {len(self)}. "
                f"Received: index={numbers[wrong][0]}"
            )
        text = self._codes[numbers].tobytes().decode("utf-32-le")
        return text if self.end_symbol is None else text.replace(self.end_symbol, "\n")

    def __contains__(self, character: object) -> bool:
        return (
            isinstance(character, str)
            and len(character) == 1
            and bool(self._index_of[min(ord(character), len(self._index_of) - 1)] != _UNKNOWN)
        )

    def __len__(self) -> int:
        return len(self.characters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and (
            (self.characters, self.unknown_symbol, self.end_symbol)
            == (other.characters, other.unknown_symbol, other.end_symbol)
        )

    def __hash__(self) -> int:
        return hash((self.characters, self.unknown_symbol, self.end_symbol))

    def __repr__(self) -> str:
        symbol = "" if self.unknown_symbol is None else f", {self.unknown_symbol!r}"
        end = "" if self.end_symbol is None else f", end_symbol={self.end_symbol!r}"
        return f"Vocabulary({self.characters!r}{symbol}{end})"

    def _indices_or_unknown(self, text: str) -> Int32:
        indices: Int32 = self._index_of.take(code_points(text), mode="clip")
        return indices


def choose_vocabulary(
    occurrences: Mapping[str, int],
    *,
    min_count: int = 1,
    max_vocabulary: int | None = None,
    has_records: bool = False,
) -> Vocabulary:
    """The vocabulary of a text: its characters by code point, rare ones as one unknown symbol.

    Characters that occur less than `min_count` times are rare. If there are more than
    `max_vocabulary` symbols, with the unknown one, the least frequent are rare too; of equals those
    of the higher code point. The unknown symbol, if one is needed, comes last. A replacement
    character in the text itself then counts as rare: an earlier program wrote it for something that
    it could not decode. In a text of records the end sign comes first, however rare it is.

    Raises:
        ConfigError: If no character would be left.
    """
    if has_records:
        others = {each: count for each, count in occurrences.items() if each != END}
        bound = None if max_vocabulary is None else max(max_vocabulary - 1, 2)
        own = choose_vocabulary(others, min_count=min_count, max_vocabulary=bound)
        return Vocabulary(END + own.characters, own.unknown_symbol, END)
    frequent = [character for character, count in occurrences.items() if count >= min_count]
    is_folded = len(frequent) < len(occurrences)
    if is_folded or (max_vocabulary is not None and len(frequent) > max_vocabulary):
        frequent = [character for character in frequent if character != UNKNOWN_SYMBOL]
        frequent.sort(key=lambda character: (-occurrences[character], character))
        frequent = frequent[: None if max_vocabulary is None else max_vocabulary - 1]
        if not frequent:
            raise ConfigError(
                "No character would be left of the text: the most frequent one occurs "
                "{count:,} times. Lower min_count. Received: min_count={min_count}, "
                "max_vocabulary={max_vocabulary}.",
                count=max(occurrences.values()),
                min_count=min_count,
                max_vocabulary=max_vocabulary,
            )
        return Vocabulary("".join(sorted(frequent)) + UNKNOWN_SYMBOL, UNKNOWN_SYMBOL)
    return Vocabulary("".join(sorted(frequent)))


def grown_vocabulary(
    known: Vocabulary,
    occurrences: Mapping[str, int],
    *,
    min_count: int = 1,
    max_vocabulary: int | None = None,
) -> Vocabulary:
    """A model's vocabulary with the new characters of another text appended, by code point.

    No index changes. Characters that occur less than `min_count` times, and the rarest beyond
    `max_vocabulary` symbols in total, become the unknown symbol, which is appended if the model has
    none.
    """
    symbol = known.unknown_symbol
    new = [character for character in occurrences if character not in known]
    frequent = [character for character in new if occurrences[character] >= min_count]
    frequent.sort(key=lambda character: (-occurrences[character], character))
    room = len(new) if max_vocabulary is None else max(0, max_vocabulary - len(known))
    if len(frequent[:room]) < len(new) and symbol is None:
        symbol, room = UNKNOWN_SYMBOL, max(0, room - (UNKNOWN_SYMBOL not in known))
        frequent = [character for character in frequent if character != symbol]
    added = "".join(sorted(frequent[:room]))
    is_lacking = symbol is not None and symbol not in known
    characters = f"{known.characters}{added}{symbol if is_lacking else ''}"
    return Vocabulary(characters, symbol, known.end_symbol)


def lacking_error(character: str, position: int) -> CorpusError:
    """Build the error for a character, at a position of a text, that a vocabulary lacks."""
    return CorpusError(
        "The vocabulary lacks {character!r} (U+{code:04X}), at position {position:,} of the "
        "text. Remove it, or train on a text that has it.",
        character=character,
        code=ord(character),
        position=position,
    )


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The code points of a text's characters, shape (N,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def code_width(characters: int) -> int:
    """Bytes of a number for each of some distinct characters: 1, 2 or 4."""
    return 1 if characters <= 1 << 8 else 2 if characters <= 1 << 16 else 4


def _refuse_symbol(symbol: str, characters: str) -> None:
    if len(symbol) != 1 or symbol not in characters or characters == symbol:
        raise DataError(
            "The unknown symbol must be one character of the vocabulary, and not the only "
            "one. Received: {symbol!r}.",
            symbol=symbol[:20],
        )


def _refuse_repeats_and_surrogates(characters: str) -> None:
    character, count = Counter(characters).most_common(1)[0]
    if count > 1:
        raise DataError(
            "The characters of a vocabulary must be distinct. Received: {character!r} "
            "(U+{code:04X}) more than once.",
            character=character,
            code=ord(character),
        )
    if surrogate := re.search("[\ud800-\udfff]", characters):
        raise DataError(
            "U+{code:04X} is half of a surrogate pair, not a character; a vocabulary cannot "
            "contain it.",
            code=ord(surrogate[0]),
        )
