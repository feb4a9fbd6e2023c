"""The characters a model knows, and their numbers."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ConfigError, CorpusError, DataError
from tui_charrnn.hangul import spelled_in
from tui_charrnn.text.records import END

Int32 = npt.NDArray[np.int32]

UNKNOWN_SYMBOL: Final = "\N{REPLACEMENT CHARACTER}"
"""What stands for all rare characters of a text together, where they are folded."""
_UNKNOWN: Final = -1


class Spelled(NamedTuple):
    """A text of N characters as a model reads it, M indices."""

    indices: npt.NDArray[np.intp]
    """Shape (M,)."""
    owners: npt.NDArray[np.intp]
    """Which character of the text each belongs to, shape (M,)."""
    is_known: npt.NDArray[np.bool_]
    """Whether each character of the text is known, shape (N,)."""


class Vocabulary:
    """Distinct characters in the order of their index, 0 to V - 1.

    A character is one Unicode code point. Two vocabularies are equal if they number the same
    characters alike.

    One of the characters may be the unknown symbol, which stands for all that are not among the
    others. Its part in every number, here and everywhere else: a character that the model does not
    know is read as the symbol (`spell`), or left out where there is none; the symbol has its share
    of the model's own probabilities, as in training, so of surprise and entropy too; it is never
    chosen, so as the settings have it its probability is 0; and what is read as the symbol counts
    in no mean, as the symbol does not tell which character it was.

    The first of them may be the end sign of records (`text.records`): a network forgets everything
    before it reads it, and a text begins after it. It is shown as a line feed, and a line feed is
    read as the sign where the records have no other.
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
        codes = code_points(characters)
        _refuse_repeats_and_surrogates(codes)
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
        """What stands for every character that is not among the others; None if nothing does."""
        self.unknown_index: Final = (
            None if unknown_symbol is None else characters.index(unknown_symbol)
        )
        """Its index; None if there is none."""
        self.end_symbol: Final = end_symbol
        """What ends a record; None if there are no records."""
        self.end_index: Final = None if end_symbol is None else 0
        """Its index; None if there is none."""
        self.shown: Final = characters if end_symbol is None else "\n" + characters[1:]
        """The characters as they are shown: the end symbol is a line feed."""
        self._codes: Final = codes
        self._index_of: Final = np.full(int(codes.max()) + 1, _UNKNOWN, dtype=np.int32)
        self._index_of[codes] = np.arange(len(codes), dtype=np.int32)
        if end_symbol is not None and "\n" not in characters:
            self._index_of[ord("\n")] = 0

    def encode(self, text: str) -> Int32:
        """Turn N characters into their indices, that of the unknown symbol for what is lacking.

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
        """What a text begins after: the end symbol, or else a line feed, or else the first."""
        return 0 if self.end_symbol is not None else max(self.characters.find("\n"), 0)

    def spell(self, text: str) -> "Spelled":
        """Turn N characters in composed form (Unicode NFC) into indices, whatever they are.

        A character that is not among the others, but all of whose parts are (Unicode NFD), is
        spelled by them: a corpus may have been read without composing.
        """
        codes, indices = code_points(text), self._indices_or_unknown(text).astype(np.intp)
        symbol = self.unknown_index
        if symbol is not None:  # written out, it is as unknown as any other
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
        """The indices of a character's parts if all are known, else none."""
        parts = spelled_in(self, character)
        indices = [self.characters.index(part) for part in parts]
        return [] if self.unknown_index in indices else indices

    def decode(self, indices: Sequence[int] | npt.NDArray[np.integer]) -> str:
        """Turn N indices, each at least 0 and below V, into characters, as they are shown.

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

    def unknown(self, text: str) -> list[tuple[int, str]]:
        """Positions and characters of what the vocabulary lacks, in order."""
        positions = np.flatnonzero(self._indices_or_unknown(text) == _UNKNOWN)
        return [(int(position), text[position]) for position in positions]

    def __contains__(self, character: object) -> bool:
        return (
            isinstance(character, str)
            and len(character) == 1
            and ord(character) < len(self._index_of)
            and bool(self._index_of[ord(character)] != _UNKNOWN)
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
        codes = code_points(text)
        if codes.size and int(codes.max()) < len(self._index_of):
            return self._index_of[codes]
        is_in_table = codes < len(self._index_of)
        indices = np.full(codes.shape, _UNKNOWN, dtype=np.int32)
        indices[is_in_table] = self._index_of[codes[is_in_table]]
        return indices


def choose_vocabulary(
    occurrences: Mapping[str, int],
    *,
    min_count: int = 1,
    max_vocabulary: int | None = None,
    has_records: bool = False,
) -> Vocabulary:
    """The vocabulary of a text: its characters by code point, rare ones as one unknown symbol.

    Rare are characters that occur less than `min_count` times and, where there would be more than
    `max_vocabulary` symbols, the unknown one counted in, those that occur least, of equals those of
    the higher code point. The symbol, if one is needed, comes last. A replacement character in the
    text itself then counts as rare too: it is what an earlier program left where it knew no better.
    In a text of records their end sign comes first, however rare it is.

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
    """A model's vocabulary with the characters of another text behind it, by code point.

    No index changes. Characters that occur less than `min_count` times are too rare, and so are the
    rarest beyond `max_vocabulary` symbols, those of the model counted in: they become the unknown
    symbol, which comes last where the model had none.
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
    """What to raise where a vocabulary lacks a character of a text, which stands at a position."""
    return CorpusError(
        "The vocabulary lacks {character!r} (U+{code:04X}), which stands at position "
        "{position:,} of the text. Remove it, or train on a text that holds it.",
        character=character,
        code=ord(character),
        position=position,
    )


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The numbers of a text's characters in Unicode, shape (N,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _refuse_symbol(symbol: str, characters: str) -> None:
    if len(symbol) != 1 or symbol not in characters or characters == symbol:
        raise DataError(
            "The unknown symbol must be one character of the vocabulary, and not the only "
            "one. Received: {symbol!r}.",
            symbol=symbol[:20],
        )


def _refuse_repeats_and_surrogates(codes: npt.NDArray[np.uint32]) -> None:
    values, counts = np.unique(codes, return_counts=True)
    if counts.max() > 1:
        code = int(values[counts.argmax()])
        raise DataError(
            "The characters of a vocabulary must be distinct. Received: {character!r} "
            "(U+{code:04X}) more than once.",
            character=chr(code),
            code=code,
        )
    surrogates = values[(values >= 0xD800) & (values <= 0xDFFF)]
    if surrogates.size:
        raise DataError(
            "U+{code:04X} is half of a surrogate pair and no character; a vocabulary cannot "
            "hold it.",
            code=int(surrogates[0]),
        )
