"""Any input of a terminal is decoded, and a paste presses no keys."""

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste

from tui_charrnn.tui.terminal import PASTE_BEGINS, PASTE_ENDS, terminal_decoder

PASTES = {
    "colors": "to \x1b[31mbe\x1b[0m",
    "keys": "\x1b[20~\x1bOS\x1b",
    "a paste in it": "to \x1b[200~ be",
    "the end of a paste, cut": "to be \x1b[201",
    "half of one, then more": "to \x1b[20be\x1b[2\x1b[20",
    "nothing": "",
    "Hangul": "안녕\x1b[A하세요",
}


def decoded(received: bytes, size: int) -> str:
    """Decode bytes that arrive in pieces of a given size."""
    decoder = terminal_decoder("utf-8")()
    pieces = [received[at : at + size] for at in range(0, len(received), size)]
    return "".join([*map(decoder.decode, pieces), decoder.decode(b"", True)])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
@pytest.mark.parametrize("pasted", PASTES.values(), ids=PASTES.keys())
def test_a_paste_arrives_as_one_whatever_is_in_it(pasted: str, size: int) -> None:
    sent = f"a\x1b[A{PASTE_BEGINS}{pasted}{PASTE_ENDS}\x1b[B{PASTE_BEGINS}x\x1b{PASTE_ENDS}z"
    events = list(XTermParser().feed(decoded(sent.encode(), size)))
    keys = [event.key for event in events if isinstance(event, Key)]
    texts = [event.text for event in events if isinstance(event, Paste)]
    assert keys == ["a", "up", "down", "z"]
    assert texts == [text.replace("\x1b", "␛") for text in (pasted, "x\x1b")]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_is_typed_passes_as_it_is(size: int) -> None:
    typed = "a\x1b\x1b[A\x1b[20~\x1b[200\x1b[201~한\x1b"
    assert decoded(typed.encode(), size) == typed


def test_an_escape_key_is_not_held_back() -> None:
    decoder = terminal_decoder("utf-8")()
    assert decoder.decode(b"\x1b") == "\x1b"
    assert decoder.decode(b"[200~") == "[200~"
    assert decoder.decode(b"x\x1b[20") == "x"
    assert decoder.decode(b"1~") == PASTE_ENDS
    assert decoder.decode(b"\x1b") == "\x1b"


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_bytes_of_another_encoding_are_replaced(size: int) -> None:
    assert decoded(b"a\xb0\xa1b", size) == "a\ufffd\ufffdb"
