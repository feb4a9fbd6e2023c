"""Translates the sentences of the app: English, as in the code, or Korean.

The code has the English sentence, with names in braces for its values; `korean/*.json` maps it to
the Korean one. Tables made at import time are English and are translated when shown, because the
language is chosen when the app starts. Commands write English.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final, Literal, NamedTuple

Language = Literal["en", "ko"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ko")

_language: Language = "en"
_translated: Mapping[str, str] = {}
"""Translations by English sentence; empty for English itself."""


def set_language(language: Language) -> None:
    """Set the language of all sentences."""
    global _language, _translated
    _language, _translated = language, korean_sentences() if language == "ko" else {}
    _templates.cache_clear()


def chosen_language() -> Language:
    """The current language; English by default."""
    return _language


def language_of(preferred: str, environment: Mapping[str, str]) -> Language:
    """The language of the app.

    `preferred` is one of `LANGUAGES`, or `auto` for that of the locale.
    """
    is_korean = has_korean_locale(environment) if preferred == "auto" else preferred == "ko"
    return "ko" if is_korean else "en"


def has_korean_locale(environment: Mapping[str, str]) -> bool:
    """Whether the language of the locale is Korean."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    language = next((environment[name] for name in names if environment.get(name)), "")
    return re.match(r"ko([_.@-]|$)", language) is not None


def korean_sentences() -> dict[str, str]:
    """All Korean sentences by the English ones."""
    import json  # noqa: PLC0415  not needed for English, and imports delay the first frame

    sentences: dict[str, str] = {}
    for path in sorted(Path(__file__).with_name("korean").glob("*.json")):
        sentences |= json.loads(path.read_text("utf-8"))
    return sentences


def tr(sentence: str, /, **values: object) -> str:
    """Translate a sentence into the user's language and insert its values.

    Pass the English sentence as a literal where possible, so that the tests find it. Values are
    formatted as the braces say (`{loss:.3f}`); without any values, braces stay.
    """
    found = _translated.get(sentence, sentence)
    return found.format_map(values) if values else found


def format_percent(share: float, digits: int = 0) -> str:
    """A share as a percentage with a number of decimals: 12 %; Korean writes no space: 12%."""
    space = "" if _language == "ko" else " "
    return f"{100 * share:.{digits}f}{space}%"


_MIN_LETTERS: Final = 8
"""Minimum characters of a sentence, besides its values, to recognize it."""


class _Template(NamedTuple):
    """A sentence with values."""

    english: str
    texts: tuple[str, ...]
    """The texts between its values."""


def tr_recorded(sentence: str) -> str:
    """Translate a sentence that a trainer recorded, values included, if it is known."""
    if sentence in _translated:
        return _translated[sentence]
    for template in _templates():
        if all(text in sentence for text in template.texts):
            found = re.fullmatch(_pattern_of(template.english), sentence, re.DOTALL)
            if found is not None:
                values = {name: tr_recorded(value) for name, value in found.groupdict().items()}
                return _without_formats(_translated[template.english]).format_map(values)
    return sentence


@cache
def _templates() -> tuple[_Template, ...]:
    """The sentences with values, those with the longest own text first."""
    found = []
    for english in _translated:
        parts = [*Formatter().parse(english)]
        texts = tuple(text for text, *_ in parts)
        names = [name for _, name, *_ in parts if name]
        is_recorded = names and all(map(str.isidentifier, names))  # others name keys of the app
        if is_recorded and sum(map(len, texts)) >= _MIN_LETTERS:
            found.append(_Template(english, texts))
    return tuple(sorted(found, key=lambda each: -sum(map(len, each.texts))))


def _pattern_of(english: str) -> str:
    pattern, seen = "", set[str]()
    for text, name, *_ in Formatter().parse(english):
        pattern += re.escape(text)
        if name:
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.+?)"
            seen.add(name)
    return pattern


def _without_formats(sentence: str) -> str:
    """A sentence whose braces have no formats, so that its values can be texts."""
    parts = Formatter().parse(sentence)
    return "".join(
        text.replace("{", "{{").replace("}", "}}") + (f"{{{name}}}" if name else "")
        for text, name, *_ in parts
    )
