"""The one table of keys."""

import re

from tui_charrnn.tui.bindings import KEYS, bindings_of
from tui_charrnn.tui.widgets.key_row import ORDER


def test_ids_and_keys_are_unique() -> None:
    assert len({key.id for key in KEYS}) == len(KEYS)
    assert len({key.keys for key in KEYS}) == len(KEYS)


def test_only_keys_that_every_terminal_delivers() -> None:
    delivered = re.compile(r"f[1-9]|enter|escape|ctrl\+[a-z]")
    aliases = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+j", "ctrl+z", "ctrl+s"}
    assert all(delivered.fullmatch(key.keys) and key.keys not in aliases for key in KEYS)


def test_every_key_has_a_sentence_and_an_owner_that_binds_it() -> None:
    bound = {
        binding.id for owner in ("app", "main", "conversation") for binding in bindings_of(owner)
    }
    assert bound == {key.id for key in KEYS} - {"seed.submit", "app.palette"}
    assert all(key.sentence.endswith(".") for key in KEYS)


def test_the_row_of_keys_shows_every_key_but_enter() -> None:
    assert set(ORDER) == {key.id for key in KEYS} - {"seed.submit"}
