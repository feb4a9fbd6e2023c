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
from tui_charrnn.translation import tr
from tui_charrnn.tui.text.model_loader import shown_label
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
    temperature = f"{first.temperature:g}"
    parts = [tr("{settings} held", settings=temperature) if said.clamps else temperature]
    parts += [f"{_SIGNS[name]}{value:g}" for name, value in _filters(first)]
    return " ".join(parts) + ("…" if changes else "")


def settings_lines(entry: Entry, now: datetime) -> Iterator[str]:
    """All that a text came from, in a few lines."""
    said = entry.generation
    time, age = entry.time.astimezone(), format_age((now - entry.time).total_seconds())
    when = tr("{time:%Y-%m-%d %H:%M}, {age} ago", time=time, age=age)
    yield f"{safe_line(shown_label(said.model.label))} · {when}"
    yield f"{length_words(said)} · {tr('RNG {seed}', seed=said.rng_seed)}"
    changes = [(after, sampling_words(config)) for after, config in said.sampling]
    for after, held in said.clamps:
        cells = ", ".join(map(safe_line, held))
        changes.append((after, tr("held: {cells}", cells=cells) if held else tr("no cell is held")))
    for after, words in changes:
        if after:
            yield tr("from character {number:,}: {words}", number=after + 1, words=words)
        else:
            yield words
    if hindrance := hindrance_of(said):
        yield tr("Cannot be generated again: {reason}.", reason=safe_line(tr(hindrance)))


def _filters(config: SamplingConfig) -> Iterator[tuple[str, float]]:
    """Names and values of the filters that do something."""
    for name in ("top_k", "top_p", "min_p"):
        value = getattr(config, name)
        if value is not None:
            yield name, value
    if config.repetition_penalty != 1:
        yield "repetition_penalty", config.repetition_penalty


def _model_words(said: Generation) -> str:
    return safe_line(shown_label(said.model.label.removeprefix("model ")))


def _line_of(said: Generation, words: list[str]) -> str:
    """The beginning of a text on one line, or a passage of it that holds a word."""
    text = join_syllables(said.seed_text + said.text)
    folded = text.casefold()  # hardly ever of another length: the passage is then a little off
    found = min((place for word in words if (place := folded.find(word)) >= 0), default=0)
    start = max(found - _BEFORE, 0) if found > _SEEN else 0
    return ("… " if start else "") + " ".join(text[start : start + _SHOWN].split())
