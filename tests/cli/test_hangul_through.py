"""Texts with Hangul, read in jamo from a file and written to a pipe and to a terminal."""

import io
import re
import unicodedata
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tui_charrnn.cli.output import TextOutput
from tui_charrnn.errors import CorpusError
from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS, drawn_hangul
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.tui.text.wrapping import TextSanitizer

SYLLABLES = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
KINDS = {
    "syllables": st.text(SYLLABLES, min_size=1, max_size=3),
    "decomposed": SYLLABLES.map(lambda each: unicodedata.normalize("NFD", each)),
    "jamo": st.text(st.sampled_from(sorted(INITIALS | MEDIALS | FINALS)), min_size=1, max_size=4),
    "old": st.text(
        st.characters(min_codepoint=0x1113, max_codepoint=0x11FF)
        | st.characters(min_codepoint=0xA960, max_codepoint=0xA97C)
        | st.characters(min_codepoint=0xD7B0, max_codepoint=0xD7C6),
        min_size=1,
        max_size=3,
    ),
    "letters": st.characters(min_codepoint=0x3131, max_codepoint=0x318E),
    "marks": st.text(st.sampled_from("e\u0301\u0327\u302e\u200d"), min_size=1, max_size=3),
    "controls": st.sampled_from("\n\t\x1b\x07\x9b\u202e\u2028\x7f"),
    "others": st.characters(codec="utf-8", exclude_characters="\0\r"),
}
TEXTS = st.lists(
    st.one_of(*(st.tuples(st.just(kind), text) for kind, text in KINDS.items())), min_size=1
)
OURS = re.compile(r"\x1b\[(?:2D|\d+G)")
"""The escape sequence that overwrites a syllable."""


def piped(units: str) -> bytes:
    file = io.BytesIO()
    output = TextOutput(file, terminal_encoding=None)
    output.join_syllables()
    for unit in units:
        output.write(unit)
    output.close()
    return file.getvalue()


def assert_safe(text: str) -> None:
    """Whether a character is no control and has the same width on all terminals."""
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", text)
    assert not re.search("[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]", text)


def assert_shown_safely(units: str) -> None:
    file = io.BytesIO()
    output = TextOutput(file, terminal_encoding="utf-8")
    output.join_syllables(lambda: 7)
    gate, drawn = TextSanitizer(), ""
    for unit in units:
        output.write(unit)
        drawn += gate.show(unit)
    assert_safe(OURS.sub("", file.getvalue().decode()))
    assert_safe(drawn_hangul(drawn))


def test_bytes_in_are_bytes_out_and_a_terminal_gets_nothing_but_safe_text() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=200)
    @given(TEXTS)
    def check(pieces: list[tuple[str, str]]) -> None:
        text = "x" + "".join(piece for _, piece in pieces)
        seen.update({kind for kind, _ in pieces})
        composed = unicodedata.normalize("NFC", text)
        for wanted, is_composed in ((composed, True), (text, False)):
            stdin = io.BytesIO(text.encode())
            try:
                reading = Reading(units="jamo", compose=is_composed)
                read = read_corpus(["-"], reading, stdin=stdin).text
            except CorpusError:
                seen["refused, composed" if is_composed else "refused"] += 1
                continue
            is_odd = not is_composed and {"old", "marks"} & {kind for kind, _ in pieces}
            seen["kept" if is_odd else "read"] += 1
            assert not re.search("[\uac00-\ud7a3]", read)
            assert piped(read) == wanted.encode()
            assert_shown_safely(read)

    check()
    assert not seen["refused, composed"]
    # every kind occurred
    assert all(seen[kind] >= 20 for kind in (*KINDS, "refused", "kept", "read")), seen
