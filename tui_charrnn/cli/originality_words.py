"""What was copied in a text, in words and as JSON values."""

from collections.abc import Iterator
from typing import Any, Final

from tui_charrnn.generation.training_corpus import IndexedCorpus
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.originality import OriginalityMeter

NEW_LENGTHS: Final = (5, 10, 20, 50)
"""Lengths at which the share of new text is told."""
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
        f"{meter.copied_characters:,} of {meter.characters:,} characters, {_percent(share)}."
    )
    passage = corpus.index.passage(longest.offset, min(longest.length, _QUOTED))
    rest = " ..." if longest.length > _QUOTED else ""
    yield (
        f"Longest copied passage: {longest.length:,} characters, from line "
        f"{corpus.index.line(longest.offset):,}, character {longest.offset:,}: "
        f'"{safe_line(passage)}"{rest}'
    )
    shares = ((length, meter.new_share(length)) for length in NEW_LENGTHS)
    told = [f"{length}: {_percent(share)}" for length, share in shares if share is not None]
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


def _percent(share: float) -> str:
    """A share that is neither all nor nothing is never told as such."""
    if 0 < share < 1:
        return f"{min(max(100 * share, 0.1), 99.9):.1f} %"
    return f"{share:.0%}".replace("%", " %")
