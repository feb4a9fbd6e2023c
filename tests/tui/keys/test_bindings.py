"""The table of keys."""

import re
import tomllib
from typing import get_args

from scripts.keys_page import PAGE, keys_page
from tui_charrnn.preferences import read_keys
from tui_charrnn.tui.chrome import keys_of_row
from tui_charrnn.tui.help import matching
from tui_charrnn.tui.keys.keymap import bindings_of, remap
from tui_charrnn.tui.keys.table import GROUPS, KEYS, Owner, grouped

EVERYWHERE = [key for key in KEYS if key.owner in {"app", "main", "seed"}]


def test_ids_are_unique_and_so_are_keys_in_their_place() -> None:
    assert len({key.id for key in KEYS}) == len(KEYS)
    for owner in get_args(Owner):
        here = [key for key in KEYS if key.owner == owner]
        assert len({key.keys for key in here}) == len(here)
    assert len({key.keys for key in EVERYWHERE}) == len(EVERYWHERE)


def test_only_keys_that_every_terminal_delivers() -> None:
    delivered = re.compile(r"f[1-9]|enter|escape|ctrl\+[a-z]")
    aliases = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+j", "ctrl+s", "ctrl+b"}
    for key in EVERYWHERE:
        if key.id in {"seed.newline", "seed.earlier"}:  # of the field itself, with others beside
            continue
        *others, surest = key.keys.split(",")
        assert all(re.fullmatch(r"f1[02]", other) for other in others)
        assert delivered.fullmatch(surest) or (others and re.fullmatch(r"alt\+[a-z]", surest))
        assert surest not in aliases
    signs = "slash|comma|full_stop|minus|plus|equals_sign"
    in_panes = re.compile(
        rf"[A-Za-z0-9]|{signs}|enter|space|home|end|left|right|up|down|page(?:up|down)|f[1-9]"
    )
    for key in set(KEYS) - set(EVERYWHERE):
        assert all(in_panes.fullmatch(pressed) for pressed in key.keys.split(","))


def test_no_key_of_the_seed_box_is_taken_from_it() -> None:
    bindings = [binding for owner in ("app", "main") for binding in bindings_of(owner)]
    taken = {binding.key for binding in bindings if binding.priority}
    assert taken.isdisjoint({f"ctrl+{letter}" for letter in "aekuwdxcvyz"})


def test_every_key_has_a_sentence_a_heading_and_an_owner_that_binds_it() -> None:
    bound = {binding.id for owner in get_args(Owner) for binding in bindings_of(owner)}
    assert bound == {key.id for key in KEYS}
    assert all(key.sentence.endswith(".") for key in KEYS)
    assert {key.id.partition(".")[0] for key in KEYS} == set(GROUPS)


def test_a_pane_shows_its_own_keys_first() -> None:
    assert [key.owner for key in keys_of_row("chart")][:3] == ["chart"] * 3
    shown = {key.id for key in keys_of_row(None)}
    assert {"text.stop", "run.pause", "app.help", "app.quit", "app.palette"} <= shown


def test_the_page_of_keys_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == keys_page(), "Write it anew: make keys"


def test_the_page_of_keys_has_an_example_that_works() -> None:
    example = re.search(r"```toml\n(.*?)```", keys_page(), re.DOTALL)
    assert example is not None
    keys, problems = read_keys(tomllib.loads(example[1])["keys"])
    assert len(keys) == 2
    assert problems == remap(keys)[1] == []


def test_each_group_is_contiguous_and_no_key_is_lost() -> None:
    groups = grouped(KEYS)
    assert list(groups) == list(dict.fromkeys(GROUPS.values()))
    assert sorted(key.id for keys in groups.values() for key in keys) == sorted(
        key.id for key in KEYS
    )


def test_a_key_is_found_by_words_of_its_sentence_its_name_or_its_group() -> None:
    assert [key.id for key in matching(KEYS, "CHECKPOINT save")] == ["run.checkpoint"]
    assert "text.more" in {key.id for key in matching(KEYS, "^g")}
    assert "text.more" in {key.id for key in matching(KEYS, "ctrl+g")}
    assert {key.owner for key in matching(KEYS, "list of runs")} >= {"runs"}
    assert matching(KEYS, "  ") == list(KEYS)
    assert matching(KEYS, "[bold]") == []
