"""Text of the world in a terminal: typed, pasted and shown, in every form that terminals send."""

import codecs
import functools
import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.terminal import Terminal, app_command
from tests.support.tiny_model import tiny_model_file

pytestmark = pytest.mark.pty

SEED = "한글, 안녕"
DECOMPOSED = unicodedata.normalize("NFD", SEED)
VOCABULARY = "\n ,abc" + "".join(sorted(set(SEED) - set(" ,")))
ENCODINGS = {
    "whole": [SEED.encode()],
    "syllable by syllable": [character.encode() for character in SEED],
    "byte by byte": [bytes([byte]) for byte in SEED.encode()],
    "decomposed": [DECOMPOSED.encode()],
    "decomposed, letter by letter": [letter.encode() for letter in DECOMPOSED],
    "pasted": [b"\x1b[200~", SEED.encode(), b"\x1b[201~"],
    "pasted, decomposed": [f"\x1b[200~{DECOMPOSED}\x1b[201~".encode()],
    "pasted, cut within a character": [
        b"\x1b[200~" + SEED.encode()[:4],
        SEED.encode()[4:] + b"\x1b[20",
        b"1~",
    ],
}
"""The pieces in which a seed arrives; between two of them, the app reads."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "tiny.safetensors", vocabulary=VOCABULARY)


def type_pieces(terminal: Terminal, pieces: list[bytes]) -> None:
    for piece in pieces:
        terminal.write(piece)
        terminal.read(0.05)


def answered_rows(terminal: Terminal) -> list[str]:
    """The rows of the text, without the frame around it."""
    rows = [row.strip("│ ") for row in terminal.text.splitlines() if row.startswith("│")]
    return rows[:-1]  # the last is the seed box


PLACEHOLDER = "how the text begins"


def cursor_is_at(terminal: Terminal, place: tuple[int, int]) -> bool:
    return terminal.cursor == place


def test_hangul_arrives_composed_in_every_form(tmp_path: Path, model: Path) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        for number, (form, pieces) in enumerate(ENCODINGS.items()):
            ending = "abc"[number % 3] * (1 + number // 3)  # so that each seed is another
            type_pieces(terminal, [*pieces, ending.encode(), b"\r"])
            terminal.wait_for(
                f"the seed stands in the text: {form}",
                functools.partial(is_answered, terminal, f"{SEED}{ending}"),
            )
            assert "Left out" not in terminal.text
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
        assert terminal.left_changed() == []


def is_in_text(terminal: Terminal, words: str) -> bool:
    return any(words in row for row in answered_rows(terminal))


def is_answered(terminal: Terminal, seed: str) -> bool:
    return any(row.startswith(seed) for row in answered_rows(terminal))


def test_the_keyboard_speaks_no_kitty_protocol(tmp_path: Path, model: Path) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
        assert b"\x1b[>" not in terminal.raw


def test_who_wants_the_kitty_protocol_gets_it(tmp_path: Path, model: Path) -> None:
    wish = {"TEXTUAL_DISABLE_KITTY_KEY": "0"}
    with Terminal(app_command(model, tmp_path / "runs"), environment=wish) as terminal:
        terminal.wait_for_text("model tiny")
        type_pieces(terminal, [f"\x1b[0;;{ord(character)}u".encode() for character in SEED])
        terminal.wait_for_text(SEED)
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
        assert b"\x1b[>25u" in terminal.raw
        assert terminal.raw.rindex(b"\x1b[<u") > terminal.raw.rindex(b"\x1b[>25u")


def test_the_cursor_waits_where_an_input_method_composes(tmp_path: Path, model: Path) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        place = next(
            (row.index(PLACEHOLDER), number)
            for number, row in enumerate(terminal.text.splitlines())
            if PLACEHOLDER in row
        )
        begin = functools.partial(cursor_is_at, terminal, place)
        terminal.wait_for("the cursor stands in the box", begin)
        column, row = place
        for count, syllable in enumerate("안녕", start=1):  # while the text streams
            terminal.write(syllable)
            terminal.wait_for(
                "the cursor stands behind what was typed",
                functools.partial(cursor_is_at, terminal, (column + 2 * count, row)),
            )


def test_bytes_of_another_encoding_are_no_end(tmp_path: Path, model: Path) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        for encoding, (text, ending) in FOREIGN_BYTES.items():
            typed = text.encode(encoding).removeprefix(codecs.BOM_UTF16)
            type_pieces(terminal, [typed, ending.encode(), b"\r"])
            terminal.wait_for(
                f"the rest stands in the text: {encoding}",
                functools.partial(is_in_text, terminal, ending),
            )
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0


FOREIGN_BYTES = {
    "euc-kr": ("한글", "abcaaa"),
    "cp949": ("한글", "abcaab"),
    "shift-jis": ("日本", "abcaac"),
    "utf-16": ("한글", "abcaba"),
    "latin-1": ("é", "abcabb"),
}
"""What is typed in each encoding, and then in ASCII."""
SCRIPTS = "한글말 日本語のカナ、سلام عليكم😀🚀e\u0301a\u0308"


@pytest.mark.parametrize("width", [41, 80])
def test_every_row_has_its_right_border_in_place(tmp_path: Path, width: int) -> None:
    model = tiny_model_file(tmp_path / "tiny.safetensors", vocabulary="".join(sorted(set(SCRIPTS))))
    with Terminal(app_command(model, tmp_path / "runs"), size=(width, 24)) as terminal:
        terminal.wait_for_text("temperature 0.8")
        terminal.write("\x06\x06\x06")  # ^f: as fast as it goes
        terminal.wait_for_text("2,000 characters.")
        rows = [row for row in terminal.text.splitlines() if row.startswith("│")]
        assert len(rows) > 10
        assert len(set(SCRIPTS) & set("".join(rows))) > 10
        for row in rows:
            assert cell_len(row) == width, row
            assert row.endswith(("│", "▎", "▁", "█", " ")), row
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
