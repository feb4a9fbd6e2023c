"""A syllable grows in place on a terminal, in every column."""

import io
import re

import pytest
from rich.cells import cell_len

from tui_charrnn.cli.output import DrawnSyllables, TextOutput
from tui_charrnn.hangul import split_syllables

TEXT = "푸른 하늘에 흰 구름이 떠있다. 값도 없는 a 닭을 b보고\n웃었다ㅋㅋ 漢字 넋 abc 끝"


class Terminal:
    """Rows of cells as in xterm and tmux, which place the cursor differently before wrapping."""

    def __init__(self, width: int, *, waits_in_last_column: bool) -> None:
        self.width, self._last = width, width - 1 if waits_in_last_column else width
        self.rows, self.column, self._wraps = [[" "] * width], 0, False

    def feed(self, text: str) -> None:
        for back, to, sign in re.findall(r"\x1b\[(\d+)D|\x1b\[(\d+)G|([^\x1b])", text):
            if back or to:
                at = self._last if self._wraps else self.column
                self.column, self._wraps = at - int(back) if back else int(to) - 1, False
            elif sign == "\n":
                self._next_row()
            else:
                self._put(sign)

    def _put(self, sign: str) -> None:
        cells = cell_len(sign)
        if self._wraps or self.column + cells > self.width:
            self._next_row()
        self.rows[-1][self.column : self.column + cells] = [sign, *[""] * (cells - 1)]
        self.column += cells
        self._wraps = self.column == self.width

    def _next_row(self) -> None:
        self.rows.append([" "] * self.width)
        self.column, self._wraps = 0, False


@pytest.mark.parametrize("waits_in_last_column", [True, False])
@pytest.mark.parametrize("width", range(8, 24))
def test_the_screen_is_that_of_the_composed_text(width: int, waits_in_last_column: bool) -> None:
    grown, composed = (Terminal(width, waits_in_last_column=waits_in_last_column) for _ in range(2))
    drawn = DrawnSyllables(lambda: width)
    for jamo in split_syllables(TEXT):
        grown.feed(drawn.draw(jamo))
    composed.feed(TEXT)
    assert grown.rows == composed.rows
    assert grown.column == composed.column


def test_every_step_is_drawn_over_the_one_before() -> None:
    drawn = DrawnSyllables(lambda: 80)
    assert [drawn.draw(jamo) for jamo in split_syllables("한가")] == [
        "ㅎ",
        "\x1b[2D하",
        "\x1b[2D한",
        "ㄱ",
        "\x1b[2D가",
    ]


def test_a_pipe_gets_whole_syllables_and_nothing_is_left() -> None:
    stream = io.BytesIO()
    output = TextOutput(stream, terminal_encoding=None)
    output.join_syllables()
    for jamo in split_syllables(TEXT) + "\u1112":
        output.write(jamo)
    output.close()
    assert stream.getvalue().decode() == TEXT + "\u1112"
