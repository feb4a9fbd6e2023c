"""What was copied in a text, in words and as JSON values."""

from collections.abc import Iterator
from typing import Any, Final

from tui_charrnn.generation.training_corpus import IndexedCorpus
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.originality import OriginalityMeter
from tui_charrnn.viewing.originality_words import NEW_LENGTHS, new_share_words, share_words

_QUOTED: Final = 200
"""Characters of a passage that are quoted."""


def original_lines(meter: OriginalityMeter, corpus: IndexedCorpus, text: str) -> Iterator[str]:
    """What is to be said of a text, line by line.

    Args:
        meter: Has measured it.
        corpus: What it was compared with.
        text: Begins the first line: which text it is.
    """
    name = f"{corpus.name} ({len(corpus.index):,} characters)"
    longest = meter.longest
    if longest is None:
        nothing = "no text" if not meter.characters else "no character of it"
        yield f"{text}Copied from {name}: {nothing}."
        return
    share = meter.copied_characters / meter.characters
    yield (
        f"{text}Copied from {name} in passages of {meter.copied_length} characters or more: "
        f"{meter.copied_characters:,} of {meter.characters:,} characters, {share_words(share)}."
    )
    passage = corpus.index.passage(longest.offset, min(longest.length, _QUOTED))
    rest = " ..." if longest.length > _QUOTED else ""
    plural = "" if longest.length == 1 else "s"
    yield (
        f"Longest copied passage: {longest.length:,} character{plural}, from line "
        f"{corpus.index.line(longest.offset):,}, character {longest.offset:,}: "
        f'"{safe_line(passage)}"{rest}'
    )
    told = list(new_share_words(meter))
    if told:
        yield f"New text at length {', '.join(told)}."


def original_facts(meter: OriginalityMeter) -> dict[str, Any]:
    """The same as JSON values."""
    longest, index = meter.longest, meter.index
    return {
        "characters": meter.characters,
        "copied_characters": meter.copied_characters,
        "longest": None
        if longest is None
        else {
            "position": longest.position,
            "length": longest.length,
            "offset": longest.offset,
            "line": index.line(longest.offset),
            "text": index.passage(longest.offset, longest.length),
        },
        "new_share": {str(length): meter.new_share(length) for length in NEW_LENGTHS},
    }
