"""Texts of the history in words, for their list and for what is shown of one; all safe to show."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tui_charrnn.config import SamplingConfig
from tui_charrnn.hangul import join_syllables
from tui_charrnn.history.generation import Entry, Generation, hindrance_of
from tui_charrnn.history.rows import length_words
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.formatting import format_age
from tui_charrnn.viewing.xray import sampling_words

_SHOWN: Final = 300
"""Characters of a text that a row may have room for."""
_BEFORE, _SEEN = 16, 40
"""Characters before what was found; those of the beginning that are in sight anyway."""
_SIGNS: Final = {
    "top_k": "k",
    "top_p": "p",
    "min_p": "m",
    "repetition_penalty": "r",
}
"""How filters are called where there is little room."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A text as a row of the list."""

    time: datetime
    model: str
    settings: str
    text: str

    @classmethod
    def of(cls, entry: Entry, query: str = "") -> "HistoryRow":
        """The row of a text, with the place where it holds the words of a search."""
        said = entry.generation
        return cls(
            time=entry.time,
            model=_model_words(said),
            settings=short_settings(said),
            text=safe_line(_line_of(said, query.casefold().split())),
        )

    def age(self, now: datetime) -> str:
        """How long ago the text was said."""
        return format_age((now - self.time).total_seconds())


def short_settings(said: Generation) -> str:
    """Temperature and filters in few columns; an ellipsis says that they changed on the way."""
    (_, first), *changes = said.sampling
    parts = [f"{first.temperature:g}"]
    parts += ["held"] if said.clamps else []
    parts += [f"{_SIGNS[name]}{value:g}" for name, value in _filters(first)]
    return " ".join(parts) + ("…" if changes else "")


def settings_lines(entry: Entry, now: datetime) -> Iterator[str]:
    """All that a text came from, in a few lines."""
    said = entry.generation
    when = f"{entry.time.astimezone():%Y-%m-%d %H:%M}"
    age = format_age((now - entry.time).total_seconds())
    yield f"{safe_line(said.model.label)} · {when}, {age} ago"
    yield f"{length_words(said)} · RNG {said.rng_seed}"
    for after, config in said.sampling:
        words = sampling_words(config)
        yield f"from character {after + 1:,}: {words}" if after else words
    for after, held in said.clamps:
        words = f"held: {', '.join(map(safe_line, held))}" if held else "no cell is held"
        yield f"from character {after + 1:,}: {words}" if after else words
    hindrance = hindrance_of(said)
    if hindrance:
        yield f"Cannot be generated again: {safe_line(hindrance)}."


def _filters(config: SamplingConfig) -> Iterator[tuple[str, float]]:
    """Names and values of the filters that do something."""
    for name in ("top_k", "top_p", "min_p"):
        value = getattr(config, name)
        if value is not None:
            yield name, value
    if config.repetition_penalty != 1:
        yield "repetition_penalty", config.repetition_penalty


def _model_words(said: Generation) -> str:
    return safe_line(said.model.label.removeprefix("model "))


def _line_of(said: Generation, words: list[str]) -> str:
    """The beginning of a text on one line, or a passage of it that holds a word."""
    text = join_syllables(said.seed_text + said.text)
    folded = text.casefold()  # hardly ever of another length: the passage is then a little off
    found = min((place for word in words if (place := folded.find(word)) >= 0), default=0)
    start = max(found - _BEFORE, 0) if found > _SEEN else 0
    return ("… " if start else "") + " ".join(text[start : start + _SHOWN].split())
