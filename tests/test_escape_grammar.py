"""The grammar that checks the app's output recognizes every kind of sequence."""

import pytest

from tests.support.escape_sequences import Sequence, sequences


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("text, 한글 ␛[31m", []),
        ("\x1b[1;38:5m", [Sequence("CSI", "m", (1, 38, 5))]),
        ("\x1b[H", [Sequence("CSI", "H")]),
        ("\x1b[?2026$p", [Sequence("CSI", "?$p", (2026,))]),
        ("\x1b[?1049;25h", [Sequence("CSI", "?h", (1049, 25))]),
        ("\x1b[<u", [Sequence("CSI", "<u", (0,))]),
        ("\x1b]52;c;QQ==\x07", [Sequence("OSC", "52")]),
        ("\x1b]0;title\x1b\\", [Sequence("OSC", "0")]),
        ("\x1bPq\x1b\\", [Sequence("string", "P")]),
        ("\x1bc", [Sequence("escape", "c")]),
        ("\x1b(B", [Sequence("escape", "(B")]),
        ("a\rb\x9b", [Sequence("control", "\r"), Sequence("control", "\x9b")]),
    ],
)
def test_each_kind(output: str, found: list[Sequence]) -> None:
    assert list(sequences(output)) == found


@pytest.mark.parametrize("output", ["\x1b", "\x1b[1", "\x1b]52;c;QQ", "a\x1b[\x1b[m", "\x1bPq"])
def test_what_is_cut_off_is_refused(output: str) -> None:
    with pytest.raises(ValueError, match="No sequence"):
        list(sequences(output))
