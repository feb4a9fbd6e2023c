"""The sentences of the app in the language of its user: English, as the code has them, or Korean.

The code has the English sentence, with names in braces for its values; `korean/*.json` has the
Korean one beside each. A table that is made at import time holds English, and is translated where
it is shown, because the language is chosen when the app starts. The shell speaks English.
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
"""Sentences of the chosen language by the English ones; empty for English itself."""


def set_language(language: Language) -> None:
    """Choose the language of all sentences from now on."""
    global _language, _translated
    _language, _translated = language, korean_sentences() if language == "ko" else {}
    _templates.cache_clear()


def chosen_language() -> Language:
    """The language that was chosen; English if none was."""
    return _language


def language_of(preferred: str, environment: Mapping[str, str]) -> Language:
    """The language of the app.

    `preferred` is one of `LANGUAGES`, or `auto` for that of the locale.
    """
    is_korean = speaks_korean(environment) if preferred == "auto" else preferred == "ko"
    return "ko" if is_korean else "en"


def speaks_korean(environment: Mapping[str, str]) -> bool:
    """Whether the language of a user is Korean, as the locale has it."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    language = next((environment[name] for name in names if environment.get(name)), "")
    return re.match(r"ko([_.@-]|$)", language) is not None


def korean_sentences() -> dict[str, str]:
    """All sentences that there are in Korean, by the English ones."""
    import json  # noqa: PLC0415  English does without, and the first frame waits for imports

    sentences: dict[str, str] = {}
    for path in sorted(Path(__file__).with_name("korean").glob("*.json")):
        sentences |= json.loads(path.read_text("utf-8"))
    return sentences


def tr(sentence: str, /, **values: object) -> str:
    """A sentence in the language of the user, its values put in for the names in braces.

    The English sentence is a literal wherever it can be, so that the tests find it. Values are
    formatted as its braces say (`{loss:.3f}`); without any, braces stay.
    """
    found = _translated.get(sentence, sentence)
    return found.format_map(values) if values else found


_LEAST_LETTERS: Final = 8
"""Characters of a sentence beside its values by which it is recognized."""


class _Template(NamedTuple):
    """A sentence that has values."""

    english: str
    texts: tuple[str, ...]
    """What stands between its values."""


def tr_recorded(sentence: str) -> str:
    """A sentence that a trainer has recorded, in the language of the user where it is known.

    Its values are put in.
    """
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
    """The sentences that have values, those first that have most beside them."""
    found = []
    for english in _translated:
        texts = tuple(text for text, *_ in Formatter().parse(english))
        if "{" in english and sum(map(len, texts)) >= _LEAST_LETTERS:
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
    """A sentence that takes texts for its values, numbers among them."""
    parts = Formatter().parse(sentence)
    return "".join(
        text.replace("{", "{{").replace("}", "}}") + (f"{{{name}}}" if name else "")
        for text, name, *_ in parts
    )
