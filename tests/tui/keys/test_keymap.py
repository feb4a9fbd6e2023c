"""The user's changes to the table of keys."""

import contextvars

import pytest

from tui_charrnn.tui.keys.keymap import activate_keymap, active_keys, keymap_of, remap, tr_keys
from tui_charrnn.tui.keys.table import KEYS


def test_without_changes_the_table_is_the_default() -> None:
    assert remap({}) == (KEYS, [])
    assert remap({key.id: key.keys for key in KEYS if key.owner != "seed"}) == (KEYS, [])


@pytest.mark.parametrize(
    ("name", "wanted", "keys", "display"),
    [
        ("text.more", "f11", "f11", "F11"),
        ("text.more", "f24", "f24", "F24"),
        ("text.more", " CTRL+B ", "ctrl+b", "^b"),
        ("text.more", "f11, alt+x", "f11,alt+x", "F11/Alt+x"),
        ("text.more", "f11,f11", "f11", "F11"),
        ("chart.span", "G", "G", "G"),
        ("chart.span", "?", "question_mark", "?"),
        ("chart.span", ",", "comma", ","),
        ("chart.span", "pageup", "pageup", "PgUp"),
        ("chart.span", "ctrl+left", "ctrl+left", "^←"),
        ("chart.span", "한", "한", "한"),
        ("childhood.play", "return", "enter", "Enter"),
    ],
)
def test_a_key_gets_the_name_that_textual_has(
    name: str, wanted: str, keys: str, display: str
) -> None:
    table, problems = remap({name: wanted})
    assert problems == []
    assert keymap_of(table) == {name: keys}
    assert next(key.display for key in table if key.id == name) == display


@pytest.mark.parametrize(
    ("name", "wanted", "sentence"),
    [
        ("text.mor", "f10", "There is no action 'text.mor'. Did you mean 'text.more'?"),
        ("text.more", "F25", "A key is a letter, a name such as f5"),
        ("text.more", "ctrl+", "A key is a letter, a name such as f5"),
        ("text.more", "\x1b[31m", "A key is a letter, a name such as f5"),
        ("text.more", "f10,,f11", "A key is a letter, a name such as f5"),
        ("text.more", "g", "g is needed for typing a seed; choose f1 to f24 or one with"),
        ("text.more", "shift+home", "shift+home is needed for typing a seed"),
        ("text.more", "ctrl+c", "ctrl+c is needed for typing a seed"),
        ("text.more", "ctrl+i", "A terminal cannot tell ctrl+i from Tab"),
        ("text.more", "f5", "f5 is the key of run.pause already; give that another one first."),
        ("text.more", "enter", "enter is needed for typing a seed"),
        ("chart.span", "f5", "f5 is the key of run.pause already"),
        ("chart.span", "y", "y is the key of chart.scale already"),
        ("seed.submit", "f10", "keys of the seed box cannot be changed"),
    ],
)
def test_an_invalid_change_is_reported_and_the_default_stays(
    name: str, wanted: str, sentence: str
) -> None:
    table, (problem,) = remap({name: wanted})
    assert table == KEYS
    assert problem.startswith(f"keys.{name}: ")
    assert sentence in problem


def test_two_actions_may_change_places() -> None:
    table, problems = remap({"run.pause": "f6", "run.checkpoint": "f5"})
    assert problems == []
    assert keymap_of(table) == {"run.pause": "f6", "run.checkpoint": "f5"}


def test_an_action_with_several_keys_gives_one_up_to_what_the_user_wants_there() -> None:
    table, problems = remap({"text.more": "f10"})
    assert problems == []
    assert keymap_of(table) == {"text.more": "f10", "pane.zoom": "alt+z"}
    assert next(key.display for key in table if key.id == "pane.zoom") == "Alt+z"


def test_panes_may_share_a_key() -> None:
    assert remap({"log.filter": "r"})[1] == []


def test_where_two_want_one_key_one_of_them_gets_it() -> None:
    table, problems = remap({"text.more": "f11", "text.pace": "f11"})
    assert list(keymap_of(table).values()) == ["f11"]
    assert len(problems) == 1


def test_a_key_freed_by_an_invalid_change_is_not_reassigned() -> None:
    table, problems = remap({"run.pause": "f9", "run.checkpoint": "f5"})
    assert keymap_of(table) == {}
    assert len(problems) == 2


def test_arrows_are_words_where_signs_are_drawn_in_ascii() -> None:
    def inside() -> None:
        activate_keymap(KEYS, is_ascii=True)
        assert tr_keys("{tape.left} {run.train}") == "Left ^n"
        assert all(key.display.isascii() for key in active_keys())

    contextvars.copy_context().run(inside)


def test_sentences_name_the_active_keys() -> None:
    def inside() -> None:
        activate_keymap(remap({"run.train": "f10"})[0])
        assert tr_keys("{run.train}") == "F10"

    contextvars.copy_context().run(inside)
    assert tr_keys("{run.train}") == "^n"
    assert active_keys() == KEYS
