"""The file that a user begins with."""

import re
import tomllib

from tui_charrnn.preferences import Preferences, check_value, starter_text
from tui_charrnn.tui.keys.keymap import keymap_of, remap
from tui_charrnn.tui.keys.table import KEYS

TEXT = starter_text([(key.id, key.keys, key.sentence) for key in KEYS if key.owner != "seed"])


def test_it_changes_nothing_and_lists_everything() -> None:
    assert tomllib.loads(TEXT) == {"keys": {}}
    assert all(
        bounds.sentence.split(";")[0][:30] in TEXT for bounds in Preferences.bounds().values()
    )


def test_with_every_sign_taken_away_it_says_what_holds_anyway() -> None:
    document = tomllib.loads(re.sub(r"(?m)^#(?! )", "", TEXT))
    keys = document.pop("keys")
    values = {name: check_value(name, value) for name, value in document.items()}
    assert Preferences(**values) == Preferences()
    assert values.keys() == Preferences.bounds().keys()
    table, problems = remap(keys)
    assert problems == []
    assert keymap_of(table) == {}
