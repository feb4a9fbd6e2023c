"""Large texts to be read: lines of words of ASCII, or of Hangul and ASCII, in no order."""

from pathlib import Path
from typing import Final

import numpy as np

KINDS: Final = ("ascii", "mixed")
_WORDS: Final = 20_000
_LINE: Final = 12
"""Words of a line."""
_LINES: Final = 50_000
"""Different lines; drawing every word of a large text would take far longer than reading it."""
_AT_ONCE: Final = 50_000
"""Lines that are drawn at a time."""
_SYLLABLES: Final = 11_172
"""Of Hangul, from U+AC00 on."""
_RNG_SEED: Final = 0


def write_text(path: Path, kind: str, size: int) -> None:
    """Write a text of a kind; the same arguments write the same text.

    Args:
        path: The file.
        kind: `ascii`, or `mixed`, whose words are of Hangul, three of five, and of ASCII.
        size: Bytes; the last word may be cut, but no character.
    """
    rng = np.random.default_rng(_RNG_SEED)
    lines = _lines(rng, _words(rng, kind))
    missing = size
    with path.open("wb") as file:
        while missing > 0:
            drawn = rng.integers(0, len(lines), _AT_ONCE).tolist()
            block = b"".join([lines[number] for number in drawn])
            kept = block if len(block) <= missing else _whole(block[:missing])
            file.write(kept)
            missing -= len(block)


def _words(rng: np.random.Generator, kind: str) -> list[bytes]:
    words = []
    for _ in range(_WORDS):
        if kind == "mixed" and rng.random() < 0.6:
            # a few syllables are frequent, as in Korean
            ranks = rng.zipf(1.2, int(rng.integers(1, 5))) % _SYLLABLES
            words.append("".join(chr(0xAC00 + int(rank)) for rank in ranks).encode())
        else:
            letters = rng.integers(ord("a"), ord("z") + 1, int(rng.integers(1, 10)))
            words.append(bytes(letters.astype(np.uint8)))
    return words


def _lines(rng: np.random.Generator, words: list[bytes]) -> list[bytes]:
    # frequencies as those of words in a language: the n-th has 1/n of the first
    shares = 1 / np.arange(1, len(words) + 1)
    shares /= shares.sum()
    drawn = rng.choice(len(words), (_LINES, _LINE), p=shares).tolist()
    return [b" ".join([words[number] for number in line]) + b"\n" for line in drawn]


def _whole(data: bytes) -> bytes:
    """Without the beginning of a character at the end."""
    return data.decode("utf-8", "ignore").encode()
