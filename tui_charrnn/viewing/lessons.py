"""The guided tour in English and Korean, for docs/learn.md and the app."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple


class LessonText(NamedTuple):
    """A lesson in one language; `{id}` stands for the key of that id."""

    title: str
    sentences: str
    """Three of them."""
    tries: Sequence[str]
    """Two things to try."""
    look: str
    """What to look for."""


class Lesson(NamedTuple):
    """One page of the tour."""

    page: str
    """The page of the app that shows the live picture."""
    command: str
    """The shell command that shows the same, without the program's name."""
    texts: Mapping[str, LessonText]
    """By language."""

    def title(self, number: int, language: str, key_label: Callable[[str], str]) -> str:
        """The heading: the lesson's number (from 0), title and current keys."""
        title = f"{number + 1}/{len(LESSONS)} {self.texts[language].title}"
        return with_keys(f"{title} · {WORDS[language]['keys']}", key_label)

    def rows(self, language: str, key_label: Callable[[str], str]) -> str:
        """The lesson as lines for the app, with the current keys."""
        text, words = self.texts[language], WORDS[language]
        lines = [
            text.sentences,
            *(f"{words['try']} {each}" for each in text.tries),
            f"{words['look']} {text.look}",
        ]
        return with_keys("\n".join(lines), key_label)


_EN: Final = "{learn.next} next, {learn.before} back, {learn.text} words"
_KO: Final = "{learn.next} 다음, {learn.before} 이전, {learn.text} 설명"
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"try": "Try:", "look": "Look for:", "shell": "In a shell:", "keys": _EN},
    "ko": {"try": "해 보기:", "look": "볼 것:", "shell": "셸에서:", "keys": _KO},
}
"""Labels of the parts of a lesson, by language."""


def with_keys(text: str, key_label: Callable[[str], str]) -> str:
    """Replace `{id}` in a text by the key of that id."""
    return re.sub(r"\{([a-z_.]+)\}", lambda found: key_label(found[1]), text)


def _read() -> tuple[tuple[Lesson, ...], Mapping[str, Mapping[str, str]]]:
    document = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    lessons = tuple(
        Lesson(
            each["page"],
            each["command"],
            {language: LessonText(**text) for language, text in each["texts"].items()},
        )
        for each in document["lessons"]
    )
    return lessons, document["head"]


LESSONS, HEAD = _read()
"""The lessons, in the order of the tutorial that this project began from, and the introduction."""
