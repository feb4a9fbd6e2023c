"""The sentences of the app in the language of its user: English, as the code has them, or Korean.

The code has the English sentence, with names in braces for its values; `korean/*.json` has the
Korean one beside each. A table that is made at import time holds English, and is translated where
it is shown, because the language is chosen when the app starts. The shell speaks English.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

Language = Literal["en", "ko"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ko")

_language: Language = "en"
_translated: Mapping[str, str] = {}
"""Sentences of the chosen language by the English ones; empty for English itself."""


def set_language(language: Language) -> None:
    """Choose the language of all sentences from now on."""
    global _language, _translated
    _language, _translated = language, korean_sentences() if language == "ko" else {}


def chosen_language() -> Language:
    """The language that was chosen; English if none was."""
    return _language


def korean_sentences() -> dict[str, str]:
    """All sentences that there are in Korean, by the English ones."""
    import json  # noqa: PLC0415  English does without, and the first frame waits for imports

    sentences: dict[str, str] = {}
    for path in sorted(Path(__file__).with_name("korean").glob("*.json")):
        sentences |= json.loads(path.read_text("utf-8"))
    return sentences


def tr(sentence: str, /, **values: object) -> str:
    """A sentence in the language of the user, its values put in for the names in braces.

    Args:
        sentence: In English; a literal wherever it can be, so that the tests find it.
        **values: By name, formatted as the braces say (`{loss:.3f}`). Without any, braces stay.
    """
    found = _translated.get(sentence, sentence)
    return found.format_map(values) if values else found
