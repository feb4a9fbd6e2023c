"""The page that `score --html` writes: every character colored by its surprise."""

import html
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import numpy as np

from tui_charrnn.cli.reading import unknown_sentence
from tui_charrnn.generation.calibration import Bin
from tui_charrnn.generation.text_scores import ModelScore
from tui_charrnn.model.weights import Float64
from tui_charrnn.runs.storage import open_text_output
from tui_charrnn.safe_text import safe_line, safe_text
from tui_charrnn.translation import format_percent
from tui_charrnn.viewing.formatting import in_ascii
from tui_charrnn.viewing.probability_rows import reliability_lines

SHOWN_CHARACTERS: Final = 200_000
"""Characters of a text on the page at most; a browser is slow with more."""
LEVELS: Final = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Lower bounds in bits of the levels 1, 2 ...; level 0 is below the first."""
_UNKNOWN: Final = len(LEVELS) + 1
_LINES: Final = (
    "1px dotted",
    "2px dotted",
    "1px dashed",
    "2px dashed",
    "1px solid",
    "3px solid",
    "4px double",
)
"""CSS underlines of the levels 1, 2 ..."""
_LIGHT: Final = ("#fff3d6", "#ffe5ad", "#ffd384", "#ffbd66", "#ffa35c", "#ff8a5c", "#ff7066")
_DARK: Final = ("#332a14", "#4a3a14", "#614712", "#785112", "#8f5416", "#a3501f", "#b8422e")


def _style() -> str:
    rules = [
        f".s{level}{{background:{color};border-bottom:{line} currentColor}}"
        for level, (color, line) in enumerate(zip(_LIGHT, _LINES, strict=True), 1)
    ]
    dark = [f".s{level}{{background:{color}}}" for level, color in enumerate(_DARK, 1)]
    return (
        ":root{color-scheme:light dark}"
        "body{font:16px/1.6 sans-serif;margin:2em auto;max-width:60em;padding:0 1em;"
        "background:#fff;color:#111}"
        "pre{font:15px/2 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}"
        f"{''.join(rules)}.s{len(LEVELS)}{{font-weight:bold}}"
        "b.n::before{content:'\\21B5'}"
        "@media (prefers-color-scheme:dark){body{background:#111;color:#eee}"
        f"{''.join(dark)}}}"
    )


def _legend() -> str:
    lows = (0.0, *LEVELS)
    names = [f"{low:g} to {high:g}" for low, high in zip(lows, LEVELS, strict=False)]
    names.append(f"{LEVELS[-1]:g} or more")
    marks = [_marked(f"{name} bits", level) for level, name in enumerate(names)]
    unknown = _marked("unknown to the model, not scored", _UNKNOWN)
    return f"<p>Surprise of each character: {', '.join(marks)}; {unknown}.</p>"


def _head() -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Surprise, character by character</title><style>{_style()}</style></head>\n"
        f"<body><h1>Surprise, character by character</h1>\n{_legend()}\n"
    )


class ScorePage:
    """Writes the page, one text after another."""

    def __init__(self, file: TextIO) -> None:
        """Write the head of the page to a file."""
        self._file = file
        self._text = ""
        self._bits = defaultdict[str, list[Float64]](list)
        file.write(_head())

    def add(self, block: str, bits: Mapping[str, Float64]) -> None:
        """Add a block of N characters, with their bits by model, shape (N,) each."""
        room = SHOWN_CHARACTERS + 1 - len(self._text)  # one more marks the text as truncated
        self._text += block[:room]
        for model, found in bits.items():
            self._bits[model].append(found[:room])

    def end(self, name: str, found: Mapping[str, ModelScore]) -> None:
        """Write the text of the blocks, once for every model."""
        self._file.write(f"<h2>{_escaped(name)}</h2>\n")
        if len(found) > 1:
            self._file.write("<p>The model that the text fits best comes first.</p>\n")
        for model, score in found.items():
            bits = np.concatenate(self._bits[model])[:SHOWN_CHARACTERS]
            self._file.writelines(_summary(name, model, score, is_one=len(found) == 1))
            self._file.write("<pre>")
            self._file.writelines(marked_text(self._text[:SHOWN_CHARACTERS], bits))
            self._file.write("</pre>\n")
            if len(self._text) > SHOWN_CHARACTERS:
                self._file.write(f"<p>The first {SHOWN_CHARACTERS:,} characters are shown.</p>\n")
        self._text = ""
        self._bits.clear()


@contextmanager
def open_page(path: Path | None, *, overwrite: bool) -> Iterator[ScorePage | None]:
    """Open a page for writing, or yield None without a path; the file appears when complete."""
    if path is None:
        yield None
        return
    with open_text_output(path.absolute(), overwrite=overwrite) as file:
        page = ScorePage(file)
        yield page
        file.write("</body></html>\n")


def levels_of(bits: Float64) -> np.ndarray:
    """Return the level of each character, shape (N,): 0 to 7, or 8 for an unknown one (NaN)."""
    levels = np.searchsorted(LEVELS, bits, side="right").astype(np.uint8)
    levels[np.isnan(bits)] = _UNKNOWN
    return levels


def marked_text(text: str, bits: Float64) -> Iterator[str]:
    """Yield the HTML of N characters with their bits, shape (N,); NaN for unknown characters."""
    for character, level, number in zip(text, levels_of(bits).tolist(), bits.tolist(), strict=True):
        figures = "" if level == _UNKNOWN else f"{number:.2f} bits, {100 * 2**-number:.3g} %"
        yield _marked(character, level, figures)


def _marked(text: str, level: int, figures: str = "") -> str:
    inner = _escaped(text).replace("\n", '<b class="n"></b>\n' if level else "\n")
    if level == _UNKNOWN:
        return f"<del>{inner}</del>"
    title = f' title="{figures}"' if figures else ""
    return f'<span class="s{level}"{title}>{inner}</span>' if level or figures else inner


def _escaped(text: str) -> str:
    return html.escape(safe_text(text))


_SIDE: Final = 260
"""Side of the diagram in pixels."""


def _diagram(bins: Sequence[Bin]) -> str:
    """Return a reliability diagram as SVG; points on the dashed line are perfectly calibrated."""
    points = [
        f'<circle cx="{_SIDE * each.expected:.1f}" cy="{_SIDE * (1 - each.observed):.1f}" r="4">'
        f"<title>{each.symbols:,}: expected {format_percent(each.expected, 1)}, "
        f"observed {format_percent(each.observed, 1)}</title></circle>"
        for each in bins
        if each.expected is not None and each.observed is not None
    ]
    return (
        f'<svg width="{_SIDE + 40}" height="{_SIDE + 40}" viewBox="-30 -10 {_SIDE + 40} '
        f'{_SIDE + 40}" fill="currentColor" stroke="none" role="img" aria-label="Reliability">'
        f'<rect width="{_SIDE}" height="{_SIDE}" fill="none" stroke="currentColor"/>'
        f'<line y1="{_SIDE}" x2="{_SIDE}" stroke="currentColor" stroke-dasharray="4"/>'
        f'{"".join(points)}<text y="{_SIDE + 20}">expected</text>'
        f'<text transform="rotate(-90) translate(-{_SIDE} -10)">observed</text></svg>\n'
    )


def _summary(name: str, model: str, score: ModelScore, *, is_one: bool) -> Iterator[str]:
    """Yield the HTML of the figures and passages of a model, as the table has them."""
    total = score.total
    if total.bits_per_character is None or total.perplexity is None:
        parts = ["nothing was scored"]
    else:
        parts = [
            f"{total.bits_per_character:.3f} bits per character",
            f"perplexity {total.perplexity:.3f}",
        ]
    if score.dynamic is not None:
        parts.append(f"{score.dynamic:.3f} with dynamic evaluation")
    if not is_one and total.comparable_bits_per_character is not None:
        parts.append(f"{total.comparable_bits_per_character:.3f} comparable")
    parts.append(f"{total.characters:,} characters, {total.unknown:,} unknown")
    yield f"<h3>{_escaped(safe_line(model))}</h3>\n<p>{', '.join(parts)}.</p>\n"
    if score.unknown:
        yield f"<p>{_escaped(unknown_sentence(name, model, score.unknown))}</p>\n"
    if score.bins:
        yield _diagram(score.bins)
        lines = in_ascii("\n".join(reliability_lines(score.bins, score.calibration_error)))
        yield f"<pre>{_escaped(lines)}</pre>\n"
    if score.passages:
        rows = [
            f"<li>{each.bits_per_character:.3f}, line {each.line:,}, column {each.column:,}: "
            f"<code>{_escaped(safe_line(each.text))}</code></li>"
            for each in score.passages
        ]
        heading = "The most surprising passages, bits per character:"
        yield f"<p>{heading}</p>\n<ol>{''.join(rows)}</ol>\n"
