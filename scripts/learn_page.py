"""Generate docs/learn.md and docs/learn.ko.md from the text of the app's guided tour.

Usage: python -m scripts.learn_page
"""

from pathlib import Path
from typing import Final

from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.pages.page import HEAD, LESSONS

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
PAGES: Final = {"en": DOCS / "learn.md", "ko": DOCS / "learn.ko.md"}


def learn_page(language: str) -> str:
    """The whole page in a language."""
    head = HEAD[language]
    parts = [tr_keys(f"# {head['title']}\n\n{head['text']}\n")]
    for number, lesson in enumerate(LESSONS, start=1):
        text = lesson.texts[language]
        lines = [
            f"## {number}. {text.title}",
            "",
            text.sentences,
            "",
            *(f"- {head['try']} {each}" for each in text.tries),
            f"- {head['look']} {text.look}",
            f"- {head['shell']} `charrnn-tui {lesson.command}`",
            "",
        ]
        parts.append(tr_keys("\n".join(lines)))
    return "\n".join(parts)


if __name__ == "__main__":
    for language, page in PAGES.items():
        page.write_text(learn_page(language), encoding="utf-8")
        print(page)
