"""Write docs/keys.md from the table of keys.

Usage: python -m scripts.keys_page
"""

from pathlib import Path

from tui_charrnn.tui.keys.table import KEYS, Key, grouped

PAGE = Path(__file__).resolve().parent.parent / "docs" / "keys.md"

_HEAD = """\
# Keys

Written by `make keys` from the table that the app itself goes by. ^ is Ctrl. In the app F1 shows
this page, and ^p finds what a key does.

Any of them but Enter in the seed box can be another one: name it in the file that
`charrnn-tui config path` prints, by its id.

```toml
[keys]
"text.more" = "f10"
"run.stop" = ["ctrl+s", "f12"]
```

A key is a letter or a sign (in the panes only: elsewhere they are typed), `f1` to `f24`, `enter`,
`escape`, `space`, `tab`, `home`, `end`, `pageup`, `pagedown`, `insert`, `delete`, an arrow (`left`,
`right`, `up`, `down`), or one with `ctrl+` or `alt+` before it. No key may do two things in one
place; a name that is not right is told when the app opens, and the key stays as it was.
"""


def keys_page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for heading, keys in grouped(KEYS).items():
        rows = [_row("key", "does", "id"), _row("---", "---", "---"), *map(_key_row, keys)]
        parts.append(f"## {heading}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _key_row(key: Key) -> str:
    return _row(key.display.replace("|", r"\|"), key.sentence.rstrip("."), f"`{key.id}`")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(keys_page(), encoding="utf-8")
    print(PAGE)
