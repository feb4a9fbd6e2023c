"""The guided tour in English and Korean: the text of docs/learn.md and of the app's pages alike."""

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
    """Of the app, which has the live picture."""
    command: str
    """The same in a shell, without the name of the program."""
    texts: Mapping[str, LessonText]
    """By language."""

    def title(self, number: int, language: str, key_label: Callable[[str], str]) -> str:
        """What stands above the lesson: its number, from 0, its title, the keys in force."""
        title = f"{number + 1}/{len(LESSONS)} {self.texts[language].title}"
        return with_keys(f"{title} · {WORDS[language]['keys']}", key_label)

    def rows(self, language: str, key_label: Callable[[str], str]) -> str:
        """The lesson as lines for the app, with the keys in force."""
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
"""What stands before the parts of a lesson."""


def with_keys(text: str, key_label: Callable[[str], str]) -> str:
    """A text with keys in the place of their ids."""
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
"""The pages in the order of the tutorial that this project began from, and what the tour is."""
