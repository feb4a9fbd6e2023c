"""The filters for rows without colors and in ASCII."""

import ast
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

import tui_charrnn
from tui_charrnn.tui.run.chart.canvas import BLOCKS, BRAILLE, Glyphs
from tui_charrnn.tui.theme.themed_app import FrameInAscii, InAscii, WithoutColors, contrast
from tui_charrnn.viewing.formatting import ASCII, in_ascii

DARK = Color(20, 20, 20)
KOREAN = "\ud55c\uae00"


def row(*texts: str) -> list[Segment]:
    return [Segment(text) for text in texts]


def words(segments: list[Segment]) -> list[str]:
    return [segment.text for segment in segments]


def said_by_the_program(path: Path) -> set[str]:
    """Return the non-ASCII signs in the strings of a file, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {
        id(statement.value) for statement in ast.walk(tree) if isinstance(statement, ast.Expr)
    }
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {
        sign
        for text in texts
        if isinstance(text.value, str) and id(text) not in documents
        for sign in text.value
        if not sign.isascii() and sign.isprintable() and not sign.isalpha()
    }


def test_every_sign_is_as_wide_in_ascii() -> None:
    assert {chr(code) for code, text in ASCII.items() if cell_len(chr(code)) != len(text)} == set()
    assert all(text.isascii() and text.isprintable() for text in ASCII.values())


def test_every_sign_that_the_program_draws_has_one_in_ascii() -> None:
    package = Path(tui_charrnn.__file__).parent
    not_drawn = {"text_gate.py", "wrapping.py"}  # signs that are looked for
    missing = {
        path.name: signs
        for room in ("tui", "viewing")
        for path in package.joinpath(room).rglob("*.py")
        if path.name not in not_drawn
        if (signs := {s for s in said_by_the_program(path) if not in_ascii(s).isascii()})
    }
    assert missing == {}


@pytest.mark.parametrize("glyphs", [BRAILLE, BLOCKS])
def test_every_sign_of_a_chart_has_one_in_ascii(glyphs: Glyphs) -> None:
    assert in_ascii(glyphs.line + glyphs.band + glyphs.other).isascii()


def test_bars_keep_their_order() -> None:
    heights = in_ascii(" \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588")
    assert heights == " _.:-=+*#"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Looking for runs \u2026", "Looking for runs.."),
        ("a long na\u2026", "a long na~"),
        (f"run {KOREAN} \u00b7 tiny", f"run {KOREAN} - tiny"),
        ("\u25cf training", "* training"),
        ("plain", "plain"),
    ],
)
def test_a_text_in_ascii(text: str, plain: str) -> None:
    assert in_ascii(text) == plain
    assert cell_len(in_ascii(text)) == cell_len(text)


def test_a_row_in_ascii_is_as_long() -> None:
    strip = Strip(row("\u256d\u2500", " Loss \u00b7 tiny ", "\u2500\u256e"))
    drawn = strip.apply_filter(InAscii(), DARK)
    assert drawn.text == "+- Loss - tiny -+"
    assert drawn.cell_length == strip.cell_length == cell_len(drawn.text)


def test_a_text_that_is_not_the_programs_keeps_its_signs_in_a_frame_of_ascii() -> None:
    frame = FrameInAscii()
    assert words(frame.apply(row("\u2502", " a \u00b7 b \u2502 c ", "\u2502"), DARK)) == [
        "|",
        " a \u00b7 b \u2502 c ",
        "|",
    ]
    assert words(frame.apply(row("\u256d\u2500", "t 0.8 \u00b7 x", "\u2500\u256e"), DARK)) == [
        "+-",
        "t 0.8 - x",
        "-+",
    ]
    assert frame.apply([], DARK) == []


def colorless(style: Style, ground: Color = DARK) -> Style:
    (segment,) = WithoutColors().apply([Segment("x", style)], ground)
    assert segment.style is not None
    return segment.style


def test_without_colors_a_style_keeps_what_is_no_color() -> None:
    style = colorless(Style(color="red", bold=True, strike=True, italic=True, meta={"a": 1}))
    assert style.color is style.bgcolor is None
    assert style.bold
    assert style.strike
    assert style.italic
    assert style.meta == {"a": 1}
    assert not style.reverse


@pytest.mark.parametrize(
    ("background", "is_mark"),
    [("#161616", False), ("#202020", False), ("#f2793a", True), ("#ffffff", True), ("cyan", True)],
)
def test_without_colors_a_marked_place_is_reversed(background: str, is_mark: bool) -> None:
    assert bool(colorless(Style(bgcolor=background)).reverse) is is_mark


def test_without_colors_what_is_reversed_stays_so() -> None:
    assert colorless(Style(reverse=True, bgcolor="#141414")).reverse


def test_the_grounds_of_the_terminal_mark_nothing() -> None:
    assert not colorless(Style(bgcolor="default")).reverse
    assert not colorless(Style(bgcolor="#ffffff"), Color.parse("ansi_default")).reverse


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast(Color.parse("#777777"), Color(255, 255, 255)) == pytest.approx(4.48, abs=0.01)
