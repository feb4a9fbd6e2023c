"""The one table of keys."""

import re
from typing import get_args

from tui_charrnn.tui.bindings import GROUPS, KEYS, bindings_of
from tui_charrnn.tui.key import Owner
from tui_charrnn.tui.widgets.key_row import keys_of_row

EVERYWHERE = [key for key in KEYS if key.owner in {"app", "main", "seed"}]


def test_ids_are_unique_and_so_are_keys_in_their_place() -> None:
    assert len({key.id for key in KEYS}) == len(KEYS)
    for owner in get_args(Owner):
        here = [key for key in KEYS if key.owner == owner]
        assert len({key.keys for key in here}) == len(here)
    assert len({key.keys for key in EVERYWHERE}) == len(EVERYWHERE)


def test_only_keys_that_every_terminal_delivers() -> None:
    delivered = re.compile(r"f[1-9]|enter|escape|ctrl\+[a-z]")
    aliases = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+j", "ctrl+z", "ctrl+s", "ctrl+b"}
    assert all(delivered.fullmatch(key.keys) and key.keys not in aliases for key in EVERYWHERE)
    in_panes = re.compile(r"[a-z]|enter|space|home|end|left|right|up|down")
    for key in set(KEYS) - set(EVERYWHERE):
        assert all(in_panes.fullmatch(pressed) for pressed in key.keys.split(","))


def test_no_key_of_the_seed_box_is_taken_from_it() -> None:
    taken = {key.keys for key in EVERYWHERE}
    assert taken.isdisjoint({f"ctrl+{letter}" for letter in "aekuwdxcvyz"})


def test_every_key_has_a_sentence_a_heading_and_an_owner_that_binds_it() -> None:
    bound = {binding.id for owner in get_args(Owner) for binding in bindings_of(owner)}
    assert bound | {"app.palette"} == {key.id for key in KEYS}
    assert all(key.sentence.endswith(".") for key in KEYS)
    assert {key.id.partition(".")[0] for key in KEYS} == set(GROUPS)


def test_a_pane_shows_its_own_keys_first() -> None:
    assert [key.owner for key in keys_of_row("chart")][:3] == ["chart"] * 3
    shown = {key.id for key in keys_of_row(None)}
    assert {"text.stop", "run.pause", "app.help", "app.quit", "app.palette"} <= shown
