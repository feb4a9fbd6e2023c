"""Whether a screen speaks Korean: what is left on it in Latin letters.

Every area of the app has a test of its main states that finds the sentence somebody forgot:

    @pytest.mark.usefixtures("korean")  # of tests/conftest.py: chooses the language, and resets it
    async def test_the_list_speaks_korean(tmp_path: Path) -> None:
        ...
        assert latin_words(screen_text(app), {"shakespeare", "batch_size"}) == []

Allowed are names that people gave or type, units and names of keys, nothing else.
"""

import re
from collections.abc import Collection

_ALWAYS = {"nat", "Esc", "Tab", "Enter", "Home", "End", "PgUp", "PgDn", "Space", "Shift", "Alt"}
"""Units, and keys as the keyboard has them."""


def latin_words(screen_text: str, allowed: Collection[str] = ()) -> list[str]:
    """The words of three Latin letters or more that a text has, in their order.

    Args:
        screen_text: As `tests.support.shown_screen.screen_text` returns it.
        allowed: Words besides `nat` and the names of keys; letters, digits and underscores
            between two spaces or signs are one word, upper and lower case matter.
    """
    words = re.findall(r"[^\W_][\w]*", screen_text, flags=re.ASCII)
    long = [word for word in words if re.search("[A-Za-z]{3}", word)]
    return [word for word in long if word not in {*_ALWAYS, *allowed}]
