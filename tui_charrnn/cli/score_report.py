"""What `score` prints: a table for people, or one JSON document a line for programs."""

import html
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedWriter, TextIOWrapper
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

from tui_charrnn.cli.output import narrate, print_data
from tui_charrnn.cli.reading import named_characters
from tui_charrnn.generation.calibration import Bin
from tui_charrnn.generation.text_scores import LineScore, ModelScore, ScoreTotal, TextScore, ranked
from tui_charrnn.model.weights import Float64
from tui_charrnn.runs.output_file import open_output
from tui_charrnn.safe_text import safe_line, safe_text
from tui_charrnn.viewing.probability_rows import reliability_lines

_NUMBER_WIDTH: Final = 10
_NAME_WIDTH: Final = 16
_HEADING: Final = "BITS/CHAR  PERPLEXITY    CHARACTERS   UNKNOWN"


class JsonReport:
    """One document for every line, if lines are wanted, and one for every text."""

    def __init__(self, models: Mapping[str, str], **_: bool) -> None:
        """Begin a report; the arguments are those of `PlainReport`."""
        self._numbers = models

    def line_of(self, text: str) -> Callable[[LineScore], None]:
        """Takes the scores of the lines of a text."""

        def print_line(line: LineScore) -> None:
            order = ranked(line.totals)
            scores = [{"model": model, **total_values(line.totals[model])} for model in order]
            self._print(kind="line", text=text, line=line.number, content=line.text, scores=scores)

        return print_line

    def text(self, name: str, found: TextScore) -> None:
        """Report the score of a whole text."""
        scores = [
            {**_model_values(model, score), "numbers": self._numbers[model]}
            for model, score in found.models.items()
        ]
        self._print(kind="text", text=name, scores=scores)

    def _print(self, **values: Any) -> None:
        print_data(json.dumps(values, allow_nan=False))


class PlainReport:
    """A row for every text and model; before it the lines of the text, after it its passages."""

    def __init__(self, models: Mapping[str, str], *, has_lines: bool) -> None:
        """Begin a report; of each model, by name, what its numbers are multiplied in."""
        self._models = models
        self._is_ranking = len(models) > 1
        self._has_lines = has_lines
        self._width = max(len(safe_line(model)) for model in models)
        self._has_heading = False

    def line_of(self, text: str) -> Callable[[LineScore], None]:
        """Takes the scores of the lines of a text."""
        names = self._models if len(self._models) > 1 else ["BITS/CHAR"]
        columns = [f"{safe_line(name)[:_NAME_WIDTH]:>{_NAME_WIDTH}} " for name in names]
        print_data(f"{''.join(columns)}    LINE  {safe_line(text)}")
        return self._print_line

    def text(self, name: str, found: TextScore) -> None:
        """Report the score of a whole text."""
        if not self._has_heading or self._has_lines:
            self._has_heading = True
            model = f"COMPARABLE  {'MODEL':<{self._width + 2}}  " if self._is_ranking else ""
            print_data(f"{_HEADING}  {model}TEXT")
        for place, (model, score) in enumerate(found.models.items()):
            mark = self._mark(model, score.total, place)
            print_data(f"{_numbers(score.total)}  {mark}{safe_line(name)}")
            if score.dynamic is not None:
                print_data(f"{score.dynamic:9.3f}  where the model learned on from the text")
            if score.bins:
                for line in reliability_lines(score.bins, score.calibration_error):
                    print_data(line)
            for passage in score.passages:
                print_data(
                    f"{passage.bits_per_character:9.3f}  line {passage.line:,}, "
                    f"column {passage.column:,}: {safe_line(passage.text)}"
                )
            if score.unknown:
                narrate(unknown_sentence(name, model, score.unknown))

    def _mark(self, model: str, total: ScoreTotal, place: int) -> str:
        if not self._is_ranking:
            return ""
        comparable = _number(total.comparable_bits_per_character, 10)
        star = "*" if place == 0 else " "
        return f"{comparable}  {star} {safe_line(model):<{self._width}}  "

    def _print_line(self, line: LineScore) -> None:
        best = ranked(line.totals)[0] if len(self._models) > 1 else ""
        columns = [
            f"{_number(line.totals[name].bits_per_character, _NAME_WIDTH)}"
            f"{'*' if name == best else ' '}"
            for name in self._models
        ]
        print_data(f"{''.join(columns)}{line.number:8,}  {safe_line(line.text)}".rstrip())


def total_values(total: ScoreTotal) -> dict[str, float | None]:
    """A total as JSON values; null where nothing was scored."""
    perplexity = total.perplexity
    return {
        "bits_per_character": total.bits_per_character,
        "perplexity": perplexity if perplexity is None or math.isfinite(perplexity) else None,
        "bits": total.bits,
        "characters": total.characters,
        "unknown": total.unknown,
        "comparable_bits": total.comparable_bits,
        "comparable_bits_per_character": total.comparable_bits_per_character,
    }


def _model_values(model: str, score: ModelScore) -> dict[str, Any]:
    passages = [
        {
            "bits_per_character": passage.bits_per_character,
            "offset": passage.offset,
            "line": passage.line,
            "column": passage.column,
            "content": passage.text,
        }
        for passage in score.passages
    ]
    return {
        "model": model,
        **total_values(score.total),
        "dynamic_bits_per_character": score.dynamic,
        "unknown_characters": dict(score.unknown),
        "passages": passages,
        "calibration_error": score.calibration_error,
        "reliability": [each._asdict() for each in score.bins],
    }


def _numbers(total: ScoreTotal) -> str:
    return (
        f"{_number(total.bits_per_character, 9)}  {_number(total.perplexity, _NUMBER_WIDTH)}"
        f"  {total.characters:12,}  {total.unknown:8,}"
    )


def _number(value: float | None, width: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.3f}"


def unknown_sentence(text: str, model: str, unknown: Mapping[str, int]) -> str:
    """Which characters of a text a model does not know, the most frequent first."""
    named = named_characters(unknown, "others")
    return f"Not scored in {safe_line(text)}, as {safe_line(model)} does not know them: {named}."


SHOWN_CHARACTERS: Final = 200_000
"""Characters of a text that are on the page; a browser hardly takes more."""
LEVELS: Final = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Bits from which on a character has the next level; the lowest level is 0."""
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
"""Below the characters of level 1, 2 ..."""
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
        """Write the beginning of a page to a file."""
        self._file = file
        self._text = ""
        self._bits: dict[str, list[Float64]] = {}
        file.write(_head())

    def begin(self, models: Sequence[str]) -> None:
        """Begin a text that is scored by models."""
        self._text = ""
        self._bits = {model: [] for model in models}

    def add(self, block: str, bits: Mapping[str, Float64]) -> None:
        """Take a block of N characters in, with their bits by model, shape (N,) each."""
        room = SHOWN_CHARACTERS + 1 - len(self._text)  # one more shows that there is more
        self._text += block[:room]
        for model, found in bits.items():
            self._bits[model].append(found[:room])

    def end(self, name: str, found: TextScore) -> None:
        """Write the text, once for every model."""
        self._file.write(f"<h2>{_escaped(name)}</h2>\n")
        if len(found.models) > 1:
            self._file.write("<p>The model that the text fits best comes first.</p>\n")
        for model, score in found.models.items():
            bits = np.concatenate(self._bits[model])[:SHOWN_CHARACTERS]
            self._file.writelines(_summary(name, model, score, is_one=len(found.models) == 1))
            self._file.write("<pre>")
            self._file.writelines(marked_text(self._text[:SHOWN_CHARACTERS], bits))
            self._file.write("</pre>\n")
            if len(self._text) > SHOWN_CHARACTERS:
                self._file.write(f"<p>The first {SHOWN_CHARACTERS:,} characters are shown.</p>\n")

    def close(self) -> None:
        """Write the end of the page."""
        self._file.write("</body></html>\n")


@contextmanager
def open_page(path: Path | None, *, overwrite: bool) -> Iterator[ScorePage | None]:
    """Open a page to be written, or none if there is no path; it appears when it is whole."""
    if path is None:
        yield None
        return
    with open_output(path.absolute(), overwrite=overwrite) as file:
        text = TextIOWrapper(BufferedWriter(file), encoding="utf-8", newline="\n")
        page = ScorePage(text)
        yield page
        page.close()
        text.flush()
        text.detach().detach()  # else they would close the file once more


def levels_of(bits: Float64) -> np.ndarray:
    """The level of each character, shape (N,): 0 to 7, or 8 for an unknown one (NaN)."""
    levels = np.searchsorted(LEVELS, bits, side="right").astype(np.uint8)
    levels[np.isnan(bits)] = _UNKNOWN
    return levels


def marked_text(text: str, bits: Float64) -> Iterator[str]:
    """A text of N characters as HTML, with the bits of each, shape (N,); NaN of an unknown one."""
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
"""Pixels of the diagram's square."""


def _diagram(bins: Sequence[Bin]) -> str:
    """Expected against observed, as a picture: points on the dashed line came as expected."""
    points = [
        f'<circle cx="{_SIDE * each.expected:.1f}" cy="{_SIDE * (1 - each.observed):.1f}" r="4">'
        f"<title>{each.symbols:,}: expected {each.expected:.1%}, came {each.observed:.1%}</title>"
        "</circle>"
        for each in bins
        if each.expected is not None and each.observed is not None
    ]
    return (
        f'<svg width="{_SIDE + 40}" height="{_SIDE + 40}" viewBox="-30 -10 {_SIDE + 40} '
        f'{_SIDE + 40}" fill="currentColor" stroke="none" role="img" aria-label="Reliability">'
        f'<rect width="{_SIDE}" height="{_SIDE}" fill="none" stroke="currentColor"/>'
        f'<line y1="{_SIDE}" x2="{_SIDE}" stroke="currentColor" stroke-dasharray="4"/>'
        f'{"".join(points)}<text y="{_SIDE + 20}">expected</text>'
        f'<text transform="rotate(-90) translate(-{_SIDE} -10)">came</text></svg>\n'
    )


def _summary(name: str, model: str, score: ModelScore, *, is_one: bool) -> Iterator[str]:
    """The figures of a model and the passages that surprise it, as the table has them."""
    total = score.total
    if total.bits_per_character is None or total.perplexity is None:
        parts = ["nothing was scored"]
    else:
        parts = [
            f"{total.bits_per_character:.3f} bits per character",
            f"perplexity {total.perplexity:.3f}",
        ]
    if score.dynamic is not None:
        parts.append(f"{score.dynamic:.3f} where the model learned on from the text")
    if not is_one and total.comparable_bits_per_character is not None:
        parts.append(f"{total.comparable_bits_per_character:.3f} comparable")
    parts.append(f"{total.characters:,} characters, {total.unknown:,} unknown")
    yield f"<h3>{_escaped(safe_line(model))}</h3>\n<p>{', '.join(parts)}.</p>\n"
    if score.unknown:
        yield f"<p>{_escaped(unknown_sentence(name, model, score.unknown))}</p>\n"
    if score.bins:
        yield _diagram(score.bins)
        lines = "\n".join(reliability_lines(score.bins, score.calibration_error))
        yield f"<pre>{_escaped(lines)}</pre>\n"
    if score.passages:
        rows = [
            f"<li>{each.bits_per_character:.3f}, line {each.line:,}, column {each.column:,}: "
            f"<code>{_escaped(safe_line(each.text))}</code></li>"
            for each in score.passages
        ]
        heading = "The most surprising passages, bits per character:"
        yield f"<p>{heading}</p>\n<ol>{''.join(rows)}</ol>\n"
